// What the rows of a conversation ask of the list that holds them.

import type { Conversation, Me, Message } from "../state/contract";
import { writeRoute } from "../state/route";

export interface Deeds {
  readonly conversation: Conversation;
  readonly me: Me | null;
  readonly expanded: { has(key: string): boolean };
  expand(message: Message, on: boolean): void;
  jump(offset: number): void;
  reply(message: Message): void;
  edit(message: Message): void;
  remove(message: Message): void;
  react(message: Message, emoji: string): void;
  pick(message: Message, button: HTMLElement): void;
  copy(text: string): void;
  copyLink(message: Message): void;
  /** A menu of the row is open, or not any more: the row stays meanwhile. */
  held(message: Message, on: boolean): void;
}

/** Whether it can be answered, marked and linked: it is kept, and there. */
export function isThere(message: Message): boolean {
  return message.offset > 0 && message.state === "sent" && !message.deleted;
}

export function mayEdit(message: Message): boolean {
  return message.own && isThere(message) && message.file === null;
}

export function mayDelete(message: Message, conversation: Conversation, me: Me | null): boolean {
  const governs = conversation.role === "owner" || conversation.role === "moderator" || me?.role === "admin";
  return isThere(message) && (message.own || (conversation.kind === "room" && governs));
}

/** The address of a message, to be given to others; of a talk, it means something to the two only. */
export function linkTo(message: Message, conversation: Conversation): string {
  const url = new URL("/", location.href);
  url.searchParams.set("message", String(message.offset));
  url.hash = writeRoute(conversation);
  return url.href;
}

/** Put text where it can be pasted from; whether the browser let it. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without TLS there is no clipboard for pages, but still the old way.
  }
  const box = document.createElement("textarea");
  box.value = text;
  box.className = "hidden-text";
  const held = document.activeElement;
  (held?.closest("dialog") ?? document.body).append(box);
  box.select();
  try {
    return document.execCommand("copy");
  } finally {
    box.remove();
    if (held instanceof HTMLElement) held.focus({ preventScroll: true });
  }
}
