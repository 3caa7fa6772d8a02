import { expect, test } from "vitest";
import { curve, type Order, ranked, unsent } from "./ranking";
import type { JoinedLine } from "./shapes";

const line = (id: number, figures: object, facts: readonly object[] = []): JoinedLine =>
  ({
    id,
    line: { rtt: 0, segments: 10, retransmitted: 0, unsent: 0, full: null, delivery_rate: 0, ...figures },
    verdict: { facts },
  }) as unknown as JoinedLine;

const lines = [
  line(1, { rtt: 5, retransmitted: 1, unsent: 9, full: null, delivery_rate: 2 }),
  line(2, { rtt: 9, retransmitted: 0, segments: 0, unsent: 0, full: 0, delivery_rate: 3 }, [{ name: "unsent", value: 80 }]),
  line(3, { rtt: 7, retransmitted: 3, unsent: 20, full: 4, delivery_rate: 1 }),
];

test.each<[Order, number[]]>([
  ["worst", [1, 2, 3]],
  ["rtt", [2, 3, 1]],
  ["again", [3, 1, 2]],
  ["unsent", [2, 3, 1]],
  ["full", [3, 2, 1]],
  ["rate", [2, 1, 3]],
])("by %s", (order, ids) => {
  expect(ranked(lines, order).map(({ id }) => id)).toEqual(ids);
  expect(lines.map(({ id }) => id)).toEqual([1, 2, 3]);
});

test("what waits in the server counts as unsent, too", () => expect(lines.map(unsent)).toEqual([9, 80, 20]));

test("a curve begins where it does, and ends at the right", () => {
  expect(curve([], 60)).toBe("");
  expect(curve([5, 10], 3)).toBe("M50.0 15.0L100.0 1.0");
});
