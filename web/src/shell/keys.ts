// What keys do, wherever the focus is.

import { chat } from "../state/chat.svelte";
import { panes } from "./panes.svelte";

/** `phone`: the conversation covers the list, and closing it leads back there. */
export function heedKeys(event: KeyboardEvent, phone: boolean): void {
  if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return; // an input method has it
  const command = event.ctrlKey || event.metaKey;
  if (command && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
    if (panes.pane?.kind === "switcher") panes.hide();
    else panes.show({ kind: "switcher" });
  } else if ((command && event.key === "/") || (event.key === "?" && !writes(event.target))) {
    if (panes.pane?.kind === "keys") panes.hide();
    else panes.show({ kind: "keys" });
  } else if (document.querySelector("dialog[open]")) return; // the rest is for what lies under it
  else if (event.altKey && event.shiftKey && event.key === "ArrowDown") chat.nextUnread(1);
  else if (event.altKey && event.shiftKey && event.key === "ArrowUp") chat.nextUnread(-1);
  else if (event.key === "Escape" && chat.current) {
    if (phone) chat.close();
    else chat.current.seen(chat.current.head);
  } else return;
  event.preventDefault();
}

/** What is typed before the switcher is there is meant for it, and not for the box below: nothing is sent by it. */
export function holdKeys(event: KeyboardEvent): void {
  if (panes.pane?.kind !== "switcher" || document.querySelector("dialog[open]")) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") panes.hide();
  else if (event.key.length === 1) panes.typedAhead(event.key);
  else if (event.key !== "Enter") return;
  event.preventDefault();
  event.stopPropagation();
}

function writes(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}
