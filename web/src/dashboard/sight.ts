// Whether somebody can see it: what is out of sight is neither drawn nor asked for.

/** Watch an element: `told` hears when it comes into sight, and when it leaves, until what is returned is called. */
export function watchSight(element: Element, told: (inSight: boolean) => void, margin = "0px"): () => void {
  const sight = new IntersectionObserver(([entry]) => told(entry?.isIntersecting ?? false), { rootMargin: margin });
  sight.observe(element);
  return () => sight.disconnect();
}
