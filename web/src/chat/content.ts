// What is shown of a message, found out once: rows come and go while somebody scrolls.

import type { Message } from "../state/contract";
import { beginning } from "../text/cut";
import { parse, type Block } from "../text/markdown";
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
const trees = new WeakMap<Content, readonly Block[]>();

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

/** Its marks as a tree. */
export function blocksOf(content: Content): readonly Block[] {
  let blocks = trees.get(content);
  if (blocks === undefined) {
    blocks = parse(content.text);
    trees.set(content, blocks);
  }
  return blocks;
}

/** One line of it, without its marks, as a quotation shows it. */
export function lineOf(content: string, most = 160): string {
  const line = content.slice(0, most * 2).replace(/```\w*|[*`~]|^> ?/gm, "").replace(/\s+/g, " ").trim();
  return line.length > most ? `${line.slice(0, most)}…` : line;
}
