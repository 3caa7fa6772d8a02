// Whether somebody can see it: what is out of sight is neither drawn nor asked for.

import type { Attachment } from "svelte/attachments";

/** For an element: `told` hears when it comes into sight, and when it leaves. */
export function sighted(told: (inSight: boolean) => void, margin = "0px"): Attachment {
  return (element) => {
    const sight = new IntersectionObserver(([entry]) => told(entry?.isIntersecting ?? false), { rootMargin: margin });
    sight.observe(element);
    return () => sight.disconnect();
  };
}
