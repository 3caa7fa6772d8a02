// What a menu holds, and where it opens.

import type { IconName } from "./icons";

export interface MenuItem {
  readonly label: string;
  readonly icon?: IconName;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  /** One of several, or on and off: then it shows which. */
  readonly checked?: boolean;
  /** A line above it. */
  readonly parted?: boolean;
  onselect(): void;
}

const edge = 8; // pixels to the edge of the window

/** Put a menu beside what it belongs to: below, or above where there is more room; always inside the window. */
export function place(menu: HTMLElement, anchor: DOMRect): void {
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = window.innerHeight - anchor.bottom - edge;
  const top = height <= below || below >= anchor.top ? anchor.bottom + 4 : anchor.top - height - 4;
  const left = anchor.left + width + edge <= window.innerWidth ? anchor.left : anchor.right - width;
  menu.style.top = `${Math.max(edge, Math.min(top, window.innerHeight - height - edge))}px`;
  menu.style.left = `${Math.max(edge, Math.min(left, window.innerWidth - width - edge))}px`;
}

/** Which of the labels begins with what was typed, from `start` on and round; -1: none. */
export function typed(labels: readonly string[], text: string, start: number): number {
  const wanted = text.toLocaleLowerCase();
  for (let step = 0; step < labels.length; step++) {
    const index = (start + step) % labels.length;
    if (labels[index]?.toLocaleLowerCase().startsWith(wanted)) return index;
  }
  return -1;
}
