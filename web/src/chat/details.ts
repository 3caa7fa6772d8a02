// What some messages have and most have not: marks, quotations, reactions, files. Fetched while the first messages are.

import { parse, type Block } from "../text/markdown";
import type { Content } from "./content";

export { default as FileCard } from "../files/FileCard.svelte";
export { default as Quote } from "./Quote.svelte";
export { default as Reactions } from "./Reactions.svelte";
export { default as Rich } from "../text/Rich.svelte";

const trees = new WeakMap<Content, readonly Block[]>();

/** The tree of a message, read once. */
export function blocksOf(content: Content): readonly Block[] {
  let blocks = trees.get(content);
  if (blocks === undefined) {
    blocks = parse(content.text);
    trees.set(content, blocks);
  }
  return blocks;
}
