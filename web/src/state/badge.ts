// How much is unread, where a person sees it without the page: in the title, and on the icon of the app.

const NAME = "Hubbub";

interface Badged {
  setAppBadge?(count: number): Promise<void>;
  clearAppBadge?(): Promise<void>;
}

let shown = -1;

/** `count`: what is for this person; `some`: whether anything else is unread. */
export function showBadge(count: number, some: boolean): void {
  const title = count > 0 ? `(${count > 99 ? "99+" : count}) ${NAME}` : some ? `• ${NAME}` : NAME;
  if (document.title !== title) document.title = title;
  if (count === shown) return;
  shown = count;
  const app = navigator as Navigator & Badged;
  const told = count > 0 ? app.setAppBadge?.(count) : app.clearAppBadge?.();
  told?.catch(() => {}); // not installed, or not allowed
}
