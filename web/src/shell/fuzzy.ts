// What somebody who typed a few letters may have meant.

/** How well `text` answers what was typed: higher is better, 0 not at all. Letters may be left out, not swapped. */
export function score(typed: string, text: string): number {
  const wanted = plain(typed);
  const given = plain(text);
  if (wanted === "") return 1;
  if (given.startsWith(wanted)) return 100 + 20 * (wanted.length / given.length);
  const at = given.indexOf(wanted);
  if (at > 0) return (begins(given, at) ? 80 : 60) + 10 / at;
  let points = 0;
  let from = 0;
  let last = -2;
  for (const letter of wanted) {
    const found = given.indexOf(letter, from);
    if (found < 0) return 0;
    points += found === last + 1 ? 3 : begins(given, found) ? 2 : 1;
    last = found;
    from = found + letter.length;
  }
  return (points / (3 * wanted.length)) * 40;
}

function begins(text: string, at: number): boolean {
  return at === 0 || /[\s\-_.]/.test(text[at - 1] ?? "");
}

function plain(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase().trim();
}
