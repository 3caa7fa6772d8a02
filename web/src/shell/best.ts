// Of many, those that somebody who typed a few letters may have meant.

import { score } from "./fuzzy";

/** The best answers, the best first; those that are as good stay in their order. */
export function best<T>(typed: string, all: readonly T[], textOf: (one: T) => string, most: number): T[] {
  return all
    .map((one) => ({ one, points: score(typed, textOf(one)) }))
    .filter(({ points }) => points > 0)
    .sort((left, right) => right.points - left.points)
    .slice(0, most)
    .map(({ one }) => one);
}
