// What a message says, read once: rows come and go while somebody scrolls.

import type { Message } from "../state/contract";
import { beginning } from "../text/cut";
import { isEmojiOnly, parse, type Block } from "../text/markdown";

export interface Content {
  readonly blocks: readonly Block[];
  /** Only the beginning is in `blocks`. */
  readonly cut: boolean;
  readonly large: boolean; // emoji alone
}

const parts = new WeakMap<Message, Content>();
const wholes = new WeakMap<Message, Content>();

/** What is shown of it: a very long one is cut until all of it is asked for. */
export function contentOf(message: Message, all: boolean): Content {
  const known = (all ? wholes : parts).get(message);
  if (known !== undefined) return known;
  const begun = all ? null : beginning(message.content);
  const text = begun ?? message.content;
  const large = text.length <= 160 && isEmojiOnly(text);
  const read = { blocks: parse(text), cut: begun !== null, large };
  (all ? wholes : parts).set(message, read);
  return read;
}

/** One line of it, without its marks, as a quotation shows it. */
export function lineOf(content: string, most = 160): string {
  const line = content.slice(0, most * 2).replace(/```\w*|[*`~]|^> ?/gm, "").replace(/\s+/g, " ").trim();
  return line.length > most ? `${line.slice(0, most)}…` : line;
}
