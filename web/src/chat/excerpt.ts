// What is shown of a message that was found: the part where the words stand, with the words marked.

export interface Part {
  readonly text: string;
  readonly hit: boolean;
}

const most = 220; // characters
const context = 50; // in front of the first word
const searched = 70_000; // a message is never longer

/** The words in their surroundings; the beginning of the message where none stands as it was written. */
export function excerpt(content: string, words: readonly string[]): Part[] {
  const text = content.slice(0, searched);
  const wanted = words.filter(Boolean).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = wanted.length > 0 ? new RegExp(wanted.sort((a, b) => b.length - a.length).join("|"), "giu") : null;
  const first = pattern === null ? -1 : text.search(pattern);
  const from = first > context ? boundary(text, first - context) : 0;
  const part = text.slice(from, from + most).replace(/\s+/g, " ");
  const parts: Part[] = [];
  if (from > 0) parts.push({ text: "…", hit: false });
  let at = 0;
  for (const match of pattern === null ? [] : part.matchAll(pattern)) {
    if (match[0] === "") continue;
    if (match.index > at) parts.push({ text: part.slice(at, match.index), hit: false });
    parts.push({ text: match[0], hit: true });
    at = match.index + match[0].length;
  }
  if (at < part.length) parts.push({ text: part.slice(at), hit: false });
  if (from + most < text.length) parts.push({ text: "…", hit: false });
  return parts;
}

/** Behind a blank, if one is near, and never inside of a character. */
function boundary(text: string, at: number): number {
  const blank = text.slice(at, at + context).search(/\s/);
  if (blank !== -1) return at + blank + 1;
  return /[\udc00-\udfff]/.test(text[at]!) ? at + 1 : at;
}
