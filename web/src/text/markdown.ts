// The marks that people put into what they say: a small part of Markdown, read into a tree.
//
// The tree holds text and nothing else: whoever shows it makes elements of it, never HTML. Whatever is not a
// mark stays as it was written. Reading takes a number of steps that grows with the length alone, whatever
// somebody sends: each mark is pushed once and taken once, nothing is read again, and nesting has a bound.

export type Inline =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "break" }
  | { readonly kind: "strong"; readonly children: readonly Inline[] }
  | { readonly kind: "em"; readonly children: readonly Inline[] }
  | { readonly kind: "del"; readonly children: readonly Inline[] }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "link"; readonly href: string; readonly children: readonly Inline[] }
  | { readonly kind: "mention" | "room"; readonly name: string };

export type Block =
  | { readonly kind: "paragraph"; readonly children: readonly Inline[] }
  | { readonly kind: "code"; readonly language: string; readonly text: string }
  | { readonly kind: "quote"; readonly children: readonly Block[] }
  | { readonly kind: "list"; readonly start: number | null; readonly items: readonly (readonly Block[])[] };

/** Quotes and lists within each other; deeper marks are text. */
export const MAX_DEPTH = 5;
const MAX_USER = 64; // characters of a name before it is normalised, as the server looks at them
const MAX_ROOM = 128;

/** How much work reading was; tests hold it to the length. */
export interface Effort {
  steps: number;
}

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

/** How often a character stands from there on. */
function run(text: string, from: number, character: string): number {
  let end = from;
  while (text[end] === character) end++;
  return end - from;
}

// ---- within a paragraph --------------------------------------------------------------------------------------

type Mark = "**" | "*" | "~~";
const kinds = { "**": "strong", "*": "em", "~~": "del" } as const;

interface Opened {
  readonly mark: Mark;
  readonly index: number; // of its node
}

const special = /[\\`*~[\]\n@#hmw]/g;
const scheme = /(?:https?:\/\/|mailto:|www\.)/iy;
// A URL ends where Chinese, Japanese or Korean goes on: there are no blanks between words.
const address = /[^\s<>"`\p{Cc}\p{Cf}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff00-\uffef\u2018-\u201f]+/uy;
const target = /\(((?:[^\s()<>[\]\\\p{Cc}\p{Cf}]|\([^\s()<>[\]\\\p{Cc}\p{Cf}]*\))+)\)/uy;
const name = /[\p{L}\p{N}\p{M}_.-]+/uy;
const inWord = /[\p{L}\p{N}\p{M}_]/u;
const latin = /[A-Za-z0-9_]/;
const blank = /\s/;
const escaped = /[\\`*~[\]()>#@+.!_-]/;

function inline(source: string, effort: Effort): Inline[] {
  return new Reading(source, effort).read();
}

/** One way through the text of a paragraph, from its beginning to its end. */
class Reading {
  private readonly nodes: Inline[] = [];
  private open: Opened[] = []; // at most one of each mark
  private brackets: number[] = []; // indices of the nodes "["
  private readonly ticks: Map<number, number>; // where a run of backticks begins → where the next of its length does
  private plain = 0; // where text begins that is no node yet

  constructor(
    private readonly source: string,
    private readonly effort: Effort,
  ) {
    this.ticks = pairs(source, effort);
  }

  read(): Inline[] {
    const { source, effort } = this;
    let at = 0;
    while (at < source.length) {
      effort.steps++;
      special.lastIndex = at;
      const next = special.exec(source);
      if (next === null) break;
      effort.steps += next.index - at;
      at = this.take(next.index, source[next.index]!);
    }
    this.text(source.length);
    return merged(this.nodes, effort);
  }

  /** Take what begins there, or leave it as text; where to go on is returned. */
  private take(at: number, character: string): number {
    switch (character) {
      case "\n":
        this.add(at, at + 1, { kind: "break" });
        return at + 1;
      case "\\":
        if (!escaped.test(this.source[at + 1] ?? "")) return at + 1;
        this.text(at);
        this.plain = at + 1;
        return at + 2;
      case "`":
        return this.code(at);
      case "*":
      case "~":
        return this.mark(at, character);
      case "[":
        this.add(at, at + 1, { kind: "text", text: "[" });
        this.brackets.push(this.nodes.length - 1);
        return at + 1;
      case "]":
        return this.link(at);
      case "@":
        return this.named(at, "mention", MAX_USER);
      case "#":
        return this.named(at, "room", MAX_ROOM);
      default:
        return this.bare(at);
    }
  }

  /** What was text until here becomes a node. */
  private text(end: number): void {
    if (end > this.plain) this.nodes.push({ kind: "text", text: this.source.slice(this.plain, end) });
    this.plain = end;
  }

  private add(at: number, end: number, node: Inline): void {
    this.text(at);
    this.nodes.push(node);
    this.plain = end;
  }

  private code(at: number): number {
    const length = run(this.source, at, "`");
    const end = this.ticks.get(at);
    if (end === undefined) return at + length;
    let text = this.source.slice(at + length, end).replaceAll("\n", " ");
    if (text.length > 2 && text.startsWith(" ") && text.endsWith(" ")) text = text.slice(1, -1);
    this.effort.steps += text.length;
    this.add(at, end + length, { kind: "code", text });
    return end + length;
  }

  /** `*`, `**`, `***` and `~~`: they open before a word, and close behind one. */
  private mark(at: number, character: string): number {
    const length = run(this.source, at, character);
    this.effort.steps += length;
    const end = at + length;
    const fits = character === "~" ? length === 2 : length <= 3;
    const before = this.source[at - 1] ?? " ";
    const after = this.source[end] ?? " ";
    const marks: Mark[] = character === "~" ? ["~~"] : length === 1 ? ["*"] : length === 2 ? ["**"] : ["**", "*"];
    const shut = !blank.test(before);
    const begin = !blank.test(after);
    // 2*3*4 is arithmetic: a single star within a word of letters and digits is no mark.
    if (!fits || (length === 1 && latin.test(before) && latin.test(after))) return end;
    this.text(at);
    // What was opened last is closed first.
    const closed = shut ? this.closable(marks) : [];
    for (const mark of closed) this.close(mark);
    const left = marks.filter((mark) => !closed.includes(mark));
    for (const mark of left) {
      this.nodes.push({ kind: "text", text: mark });
      if (begin) this.begin(mark);
    }
    this.plain = end;
    return end;
  }

  private closable(marks: readonly Mark[]): Mark[] {
    const last = this.nodes.length - 1;
    const held = this.open.filter((one) => marks.includes(one.mark) && one.index < last);
    return held.reverse().map((one) => one.mark);
  }

  private begin(mark: Mark): void {
    // An older one of the same kind was none: `a *b *c*`.
    this.open = this.open.filter((one) => one.mark !== mark);
    this.open.push({ mark, index: this.nodes.length - 1 });
  }

  private close(mark: Mark): void {
    const place = this.open.findLastIndex((one) => one.mark === mark);
    const opened = this.open[place];
    if (opened === undefined) return;
    const children = this.nodes.splice(opened.index).slice(1);
    this.effort.steps += children.length + 1;
    this.nodes.push({ kind: kinds[mark], children: merged(children, this.effort) });
    this.open.length = place;
    this.forget(opened.index);
  }

  /** Brackets that were opened behind a node which holds them now are text. */
  private forget(index: number): void {
    while (this.brackets.length > 0 && this.brackets.at(-1)! >= index) {
      this.effort.steps++;
      this.brackets.pop();
    }
  }

  /** `](…)` behind a `[`. */
  private link(at: number): number {
    const index = this.brackets.pop();
    if (index === undefined) return at + 1;
    target.lastIndex = at + 1;
    const found = this.source[at + 1] === "(" ? target.exec(this.source) : null;
    this.effort.steps += found?.[0].length ?? 1;
    const href = found === null ? null : safe(found[1]!);
    this.text(at);
    if (found === null || href === null || this.nodes.length - 1 === index) return at + 1;
    const children = merged(flat(this.nodes.splice(index).slice(1), this.effort), this.effort);
    this.open = this.open.filter((one) => one.index < index);
    this.nodes.push({ kind: "link", href, children });
    this.brackets = []; // a link holds no other
    this.plain = at + 1 + found[0].length;
    return this.plain;
  }

  /** `@name` and `#room`, where they do not stand within a word: an address of mail is none. */
  private named(at: number, kind: "mention" | "room", most: number): number {
    const before = this.source[at - 1] ?? " ";
    const held = kind === "mention" ? /[\w.@-]/.test(before) || inWord.test(before) : /[\w#&/]/.test(before);
    if (held) return at + 1;
    name.lastIndex = at + 1;
    const written = name.exec(this.source)?.[0] ?? "";
    this.effort.steps += written.length;
    // A name may end in a full stop, but a sentence more often does.
    const end = trimmed(written);
    if (end === 0 || end > most || (kind === "room" && !/\p{L}/u.test(written))) return at + 1 + written.length;
    this.add(at, at + 1 + end, { kind, name: written.slice(0, end) });
    return at + 1 + end;
  }

  /** A URL as it is: without the full stop or bracket behind it, which belong to the sentence. */
  private bare(at: number): number {
    scheme.lastIndex = at;
    const begun = scheme.exec(this.source);
    if (begun === null || latin.test(this.source[at - 1] ?? " ")) return at + 1;
    address.lastIndex = at;
    const written = address.exec(this.source)?.[0] ?? begun[0];
    this.effort.steps += written.length;
    const text = written.slice(0, urlEnd(written, this.effort));
    const href = safe(/^www\./i.test(text) ? `https://${text}` : text);
    if (href === null || text.length <= begun[0].length) return at + written.length;
    this.add(at, at + text.length, { kind: "link", href, children: [{ kind: "text", text }] });
    return at + text.length;
  }
}

/** For each run of backticks where the next of the same length begins: each is looked at once. */
function pairs(source: string, effort: Effort): Map<number, number> {
  const runs: { at: number; length: number }[] = [];
  for (let at = source.indexOf("`"); at !== -1; at = source.indexOf("`", at)) {
    const length = run(source, at, "`");
    runs.push({ at, length });
    at += length;
  }
  effort.steps += source.length + runs.length;
  const next = new Map<number, number>();
  const last = new Map<number, number>();
  for (const { at, length } of runs.reverse()) {
    const end = last.get(length);
    if (end !== undefined) next.set(at, end);
    last.set(length, at);
  }
  return next;
}

/** Neighbouring texts as one. */
function merged(nodes: readonly Inline[], effort: Effort): Inline[] {
  const kept: Inline[] = [];
  let texts: string[] = [];
  const flush = (): void => {
    if (texts.length > 0) kept.push({ kind: "text", text: texts.join("") });
    texts = [];
  };
  for (const node of nodes) {
    effort.steps++;
    if (node.kind === "text") {
      texts.push(node.text);
    } else {
      flush();
      kept.push(node);
    }
  }
  flush();
  return kept;
}

/** The words of a link: what would be a link of its own in them is text. */
function flat(nodes: readonly Inline[], effort: Effort): Inline[] {
  return nodes.flatMap((node): Inline[] => {
    effort.steps++;
    switch (node.kind) {
      case "link":
        return [...node.children];
      case "mention":
        return [{ kind: "text", text: `@${node.name}` }];
      case "room":
        return [{ kind: "text", text: `#${node.name}` }];
      case "strong":
      case "em":
      case "del":
        return [{ kind: node.kind, children: flat(node.children, effort) }];
      default:
        return [node];
    }
  });
}

function trimmed(written: string): number {
  let end = written.length;
  while (end > 0 && "_-.".includes(written[end - 1]!)) end--;
  return end;
}

function urlEnd(written: string, effort: Effort): number {
  let open = 0;
  for (const character of written) open += character === "(" ? 1 : character === ")" ? -1 : 0;
  effort.steps += written.length;
  let end = written.length;
  for (; end > 0; end--) {
    const last = written[end - 1]!;
    if (last === ")" && open < 0) open++;
    else if (!".,;:!?'*~_|]}\\".includes(last)) break;
  }
  return end;
}

/** The address, if it is of a kind that can do no harm. */
function safe(written: string): string | null {
  if (!URL.canParse(written)) return null;
  const url = new URL(written);
  return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
}
