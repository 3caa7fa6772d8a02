// The marks that people put into what they say: a small part of Markdown, read into a tree.
//
// The tree holds text and nothing else: whoever shows it makes elements of it, never HTML. Whatever is not a
// mark stays as it was written. Reading takes a number of steps that grows with the length alone, whatever
// somebody sends: each mark is pushed once and taken once, nothing is read again, and nesting has a bound.

import { inline, run, type Effort, type Inline } from "./inline";

export type { Effort, Inline };

export type Block =
  | { readonly kind: "paragraph"; readonly children: readonly Inline[] }
  | { readonly kind: "code"; readonly language: string; readonly text: string }
  | { readonly kind: "quote"; readonly children: readonly Block[] }
  | { readonly kind: "list"; readonly start: number | null; readonly items: readonly (readonly Block[])[] };

/** Quotes and lists within each other; deeper marks are text. */
export const MAX_DEPTH = 5;

/** What somebody said, as a tree. */
export function parse(source: string, effort: Effort = { steps: 0 }): Block[] {
  return blocks(source.split(/\r\n|[\n\r]/), 0, effort);
}

const fence = /^ {0,3}(`{3,})([^`]*)$/;
const bullet = /^( {0,3})([-*+])( +)(?=\S)/;
const numeral = /^( {0,3})(\d{1,9})([.)])( +)(?=\S)/;

function blocks(lines: readonly string[], depth: number, effort: Effort): Block[] {
  const found: Block[] = [];
  let words: string[] = [];
  const flush = (): void => {
    if (words.length > 0) found.push({ kind: "paragraph", children: inline(words.join("\n"), effort) });
    words = [];
  };
  let at = 0;
  while (at < lines.length) {
    const line = lines[at]!;
    effort.steps += 1 + line.length;
    const opened = fence.exec(line);
    const nested = depth < MAX_DEPTH;
    const item = nested ? listItem(line) : null;
    if (opened !== null) {
      flush();
      const end = closing(lines, at + 1, opened[1]!.length, effort);
      found.push({ kind: "code", language: opened[2]!.trim(), text: lines.slice(at + 1, end).join("\n") });
      at = end + 1;
    } else if (nested && line.startsWith(">")) {
      flush();
      const inner: string[] = [];
      for (; at < lines.length && lines[at]!.startsWith(">"); at++) inner.push(lines[at]!.replace(/^> ?/, ""));
      found.push({ kind: "quote", children: blocks(inner, depth + 1, effort) });
    } else if (item !== null) {
      flush();
      at = list(lines, at, item, depth, found, effort);
    } else {
      if (line.trim() === "") flush();
      else words.push(line);
      at++;
    }
  }
  flush();
  return found;
}

/** The line that ends a block of code; the number of lines, where none does. */
function closing(lines: readonly string[], from: number, ticks: number, effort: Effort): number {
  for (let at = from; at < lines.length; at++) {
    const line = lines[at]!.trim();
    effort.steps += 1 + line.length;
    if (line.length >= ticks && line.length === run(line, 0, "`")) return at;
  }
  return lines.length;
}

interface Item {
  readonly start: number | null; // null: a bullet
  readonly width: number; // of the mark, with what is before and behind it
}

function listItem(line: string): Item | null {
  const dot = bullet.exec(line);
  if (dot !== null) return { start: null, width: dot[0].length };
  const number = numeral.exec(line);
  return number === null ? null : { start: Number(number[2]), width: number[0].length };
}

/** Add the list that begins at a line; where it ends is returned. */
function list(
  lines: readonly string[],
  from: number,
  first: Item,
  depth: number,
  found: Block[],
  effort: Effort,
): number {
  const items: Block[][] = [];
  let at = from;
  for (let item: Item | null = first; item !== null && (item.start === null) === (first.start === null); ) {
    const inner = [lines[at]!.slice(item.width)];
    for (at++; at < lines.length && /^ {2,}\S/.test(lines[at]!); at++) {
      effort.steps += 1;
      inner.push(lines[at]!.slice(Math.min(item.width, run(lines[at]!, 0, " "))));
    }
    items.push(blocks(inner, depth + 1, effort));
    item = at < lines.length ? listItem(lines[at]!) : null;
  }
  found.push({ kind: "list", start: first.start, items });
  return at;
}
