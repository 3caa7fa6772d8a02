// To a message, wherever it is: from a search, a notice, a link.

import { chat } from "../state/chat.svelte";

interface Target {
  readonly stream: string;
  readonly offset: number;
}

let target = $state.raw<Target | null>(null);

export const jump = {
  /** Where somebody wants to go; the list of that conversation takes it. */
  get target(): Target | null {
    return target;
  },
  /** It is shown, or cannot be. */
  done(reached: Target): void {
    if (target === reached) target = null;
  },
};

/** Open the conversation and go to the message; whether it is there. */
export async function jumpTo(stream: string, offset: number): Promise<boolean> {
  const wanted = { stream, offset };
  target = wanted;
  const found = await chat.openAt(stream, offset);
  if (!found) jump.done(wanted);
  return found;
}
