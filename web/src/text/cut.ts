// Very long messages show their beginning first: a page of them would push all others away, and cost time.

const characters = 2_000;
const lines = 24;
const slack = 400; // a little more than the bound is shown whole: a button for one line helps nobody

/** The beginning of a very long text; null: it is short enough to be shown whole. */
export function beginning(text: string): string | null {
  let end = text.length > characters + slack ? boundary(text, characters) : text.length;
  let at = -1;
  for (let line = 0; line < lines; line++) {
    at = text.indexOf("\n", at + 1);
    if (at === -1 || at >= end) return end < text.length ? text.slice(0, end) : null;
  }
  const rest = text.slice(at + 1, at + 1 + slack);
  if (end === text.length && rest.split("\n", 9).length < 8 && at + slack >= text.length) return null;
  end = Math.min(end, at);
  return text.slice(0, end);
}

/** Where it can be cut: behind a word if one ends nearby, never inside of a character or an emoji. */
function boundary(text: string, most: number): number {
  const near = text.slice(most - 200, most);
  const blank = near.search(/\s\S*$/);
  if (blank !== -1) return most - 200 + blank;
  let end = most;
  while (end > most - 64 && /[\udc00-\udfff\u200d\ufe0f\p{M}]/u.test(text[end] ?? "")) end--;
  return text[end - 1] === "\u200d" ? end - 1 : end;
}
