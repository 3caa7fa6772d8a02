// What is completed where somebody writes: `@name` and `:emoji:`. Pure functions on the text and the caret.

import type { Person } from "../state/contract";

export interface Wanted {
  readonly kind: "person" | "emoji";
  readonly query: string;
  readonly from: number; // where the sign stands
  readonly to: number; // the caret
  readonly closed: boolean; // a second colon stands there: the sign of that name is meant, or none
}

export interface Choice {
  readonly key: string;
  readonly insert: string;
  readonly label: string;
  readonly detail: string;
  readonly person: Person | null;
}

const begun = /(?:^|[^\p{L}\p{N}\p{M}_.@:/-])([@:])([\p{L}\p{N}\p{M}_.+-]{0,32})(:?)$/u;
const most = 8;

/** What is being written in front of the caret, if it is something of that kind. */
export function wanted(text: string, caret: number): Wanted | null {
  const found = begun.exec(text.slice(Math.max(0, caret - 40), caret));
  if (found === null) return null;
  const [, sign, query, end] = found as unknown as [string, string, string, string];
  // One letter behind a colon is a smiley, or the end of a sentence.
  if (sign === ":" ? query.length < 2 : end !== "") return null;
  const from = caret - query.length - 1 - end.length;
  return { kind: sign === "@" ? "person" : "emoji", query, from, to: caret, closed: end !== "" };
}

/** Those whose name begins with it, then those whose name has it inside. */
export function matching(people: readonly Person[], query: string, me: number | undefined): Choice[] {
  const asked = query.toLocaleLowerCase();
  const found: { person: Person; at: number }[] = [];
  for (const person of people) {
    const at = person.id === me ? -1 : person.name.toLocaleLowerCase().indexOf(asked);
    if (at !== -1) found.push({ person, at: Math.min(at, 1) });
  }
  return found
    .sort((a, b) => a.at - b.at || a.person.name.localeCompare(b.person.name))
    .slice(0, most)
    .map(({ person }) => ({ key: String(person.id), insert: `@${person.name} `, label: person.name, detail: "", person }));
}

/** Whether it is written out already: the only choice is what stands there. */
export function isSaid({ query }: Wanted, choices: readonly Choice[]): boolean {
  return choices.length === 1 && choices[0]!.label.toLocaleLowerCase() === query.toLocaleLowerCase();
}

/** The text with the choice in place, and where the caret is then. */
export function completed(text: string, place: Wanted, insert: string): { text: string; caret: number } {
  const rest = text.slice(place.to);
  const added = insert.endsWith(" ") && rest.startsWith(" ") ? insert.slice(0, -1) : insert;
  return { text: text.slice(0, place.from) + added + rest, caret: place.from + insert.length };
}
