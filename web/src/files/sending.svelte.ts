// What somebody is about to send: files that were chosen, dropped or pasted, before it is said where and how.

import type { Conversation } from "../state/contract";

interface Chosen {
  readonly conversation: Conversation;
  readonly files: readonly File[];
}

let chosen = $state.raw<Chosen | null>(null);
let begun = $state(false);

export const sending = {
  get chosen(): Chosen | null {
    return chosen;
  },
  /** Whether anything was sent since the page is open: then there is a list of it. */
  get begun(): boolean {
    return begun;
  },
};

export function choose(conversation: Conversation, files: readonly File[]): void {
  if (files.length === 0) return;
  chosen = { conversation, files };
  begun = true;
}

export function put(files: readonly File[]): void {
  if (chosen !== null) chosen = { ...chosen, files };
}

export function dropChosen(): void {
  chosen = null;
}

/** Go on where one writes, after the dialog. */
export function writeOn(): void {
  document.querySelector<HTMLElement>("form.composer textarea")?.focus();
}
