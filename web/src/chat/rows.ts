// How messages stand below each other, and what became of a list of them. Pure functions.

import type { Message } from "../state/contract";
import { midnight } from "../text/days";

const together = 5 * 60_000; // milliseconds; what one person says within them has one head

/** Whether a day begins with this message. */
export function beginsDay(before: Message | undefined, message: Message): boolean {
  return before === undefined || midnight(before.at) !== midnight(message.at);
}

/** Whether it goes on below the one before, without a head of its own. */
export function goesOn(before: Message | undefined, message: Message): boolean {
  return (
    before !== undefined &&
    before.fromId === message.fromId &&
    before.from === message.from &&
    message.replyTo === null &&
    Math.abs(message.at - before.at) < together &&
    !beginsDay(before, message)
  );
}

/** The first message that was not read when the conversation was opened; -1: none is loaded, or all are new. */
export function firstUnread(messages: readonly Message[], after: number | null, hasOlder: boolean): number {
  const first = messages[0];
  if (after === null || first === undefined) return -1;
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { offset } = messages[middle]!;
    if (offset > 0 && offset <= after) low = middle + 1;
    else high = middle;
  }
  while (messages[low]?.own) low++; // what one says oneself is read
  if (low >= messages.length || messages[low]!.offset === 0) return -1;
  // In front of the first that is loaded stands either the beginning, or more that is unread.
  return low > 0 || (!hasOlder && after > 0) || first.offset === after + 1 ? low : -1;
}

export type Change =
  | { readonly kind: "same" }
  /** The end is another one: messages were added there, or taken away. */
  | { readonly kind: "end" }
  /** The beginning is another one, by so many messages: more, or fewer. */
  | { readonly kind: "start"; readonly by: number }
  /** Both are; first the beginning alone, which is this list. */
  | { readonly kind: "both"; readonly first: readonly Message[] }
  /** Nothing of it is left. */
  | { readonly kind: "other" };

/** What became of a list. Cheap where the beginning stays, which is nearly always. */
export function change(old: readonly Message[], next: readonly Message[]): Change {
  const [first, last, head, tail] = [old[0], old.at(-1), next[0], next.at(-1)];
  if (first === undefined || last === undefined || head === undefined || tail === undefined) return { kind: "other" };
  if (first.key === head.key) return old.length === next.length && last.key === tail.key ? { kind: "same" } : { kind: "end" };
  const grown = next.findIndex((one) => one.key === first.key);
  const shrunk = grown === -1 ? old.findIndex((one) => one.key === head.key) : -1;
  if (grown === -1 && shrunk === -1) return { kind: "other" };
  const by = grown === -1 ? -shrunk : grown;
  if (next.length === old.length + by && last.key === tail.key) return { kind: "start", by };
  return { kind: "both", first: grown === -1 ? old.slice(shrunk) : [...next.slice(0, grown), ...old] };
}

/** How many that others said stand behind an offset. */
export function countBehind(messages: readonly Message[], offset: number): number {
  let count = 0;
  for (let index = messages.length - 1; index >= 0; index--) {
    const message = messages[index]!;
    if (message.offset > 0 && message.offset <= offset) break;
    if (!message.own) count++;
  }
  return count;
}
