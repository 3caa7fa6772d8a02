// Marks within a paragraph: see markdown.ts, of which this is the inner half.

export type Inline =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "break" }
  | { readonly kind: "strong"; readonly children: readonly Inline[] }
  | { readonly kind: "em"; readonly children: readonly Inline[] }
  | { readonly kind: "del"; readonly children: readonly Inline[] }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "link"; readonly href: string; readonly children: readonly Inline[] }
  | { readonly kind: "mention" | "room"; readonly name: string };

/** How much work reading was; tests hold it to the length. */
export interface Effort {
  steps: number;
}

const MAX_USER = 64; // characters of a name before it is normalised, as the server looks at them
const MAX_ROOM = 128;

/** How often a character stands from there on. */
export function run(text: string, from: number, character: string): number {
  let end = from;
  while (text[end] === character) end++;
  return end - from;
}

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

/** What stands in a paragraph, or in the words of a list. */
export function inline(source: string, effort: Effort): Inline[] {
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
