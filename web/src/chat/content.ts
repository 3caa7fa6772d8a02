// What is shown of a message, found out once: rows come and go while somebody scrolls.

import type { Message } from "../state/contract";
import { beginning } from "../text/cut";
import { isEmojiOnly, isPlain } from "../text/plain";

export interface Content {
  readonly text: string;
  readonly plain: boolean; // it has no marks
  /** Only the beginning is in `text`. */
  readonly cut: boolean;
  readonly large: boolean; // emoji alone
}

const parts = new WeakMap<Message, Content>();
const wholes = new WeakMap<Message, Content>();

/** A very long one is cut until all of it is asked for. */
export function contentOf(message: Message, all: boolean): Content {
  const known = (all ? wholes : parts).get(message);
  if (known !== undefined) return known;
  const begun = all ? null : beginning(message.content);
  const text = begun ?? message.content;
  const content = { text, plain: isPlain(text), cut: begun !== null, large: isEmojiOnly(text) };
  (all ? wholes : parts).set(message, content);
  return content;
}

/** Whether there is more to show of it than words. */
export function hasDetails(message: Message): boolean {
  const { replyTo, reactions, file } = message;
  return replyTo !== null || reactions.length > 0 || file !== null || !contentOf(message, false).plain;
}

/** One line of it, without its marks, as a quotation shows it. */
export function lineOf(content: string, most = 160): string {
  const line = content.slice(0, most * 2).replace(/```\w*|[*`~]|^> ?/gm, "").replace(/\s+/g, " ").trim();
  return line.length > most ? `${line.slice(0, most)}…` : line;
}
