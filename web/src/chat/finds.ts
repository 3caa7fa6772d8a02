// What a search has found so far, page by page, the newest first.

import type { FoundMessages, Message } from "../state/contract";

export interface Finds extends FoundMessages {
  /** Behind which it goes on. */
  readonly last: Message | undefined;
}

/** The first page. */
export function pageOf({ messages, more }: FoundMessages): Finds {
  const last = messages.at(-1);
  return { messages, last, more: more && last !== undefined };
}

/** With what is older: some of it may have been found already. */
export function together(before: Finds, older: FoundMessages): Finds {
  const known = new Set(before.messages.map((one) => `${one.stream} ${one.offset}`));
  const fresh = older.messages.filter((one) => !known.has(`${one.stream} ${one.offset}`));
  const { last, more } = pageOf(older);
  return { messages: [...before.messages, ...fresh], last: last ?? before.last, more };
}
