import { expect, test } from "vitest";
import { MAX_HAPPENINGS, Seen } from "./seen.svelte";
import type { HeatView, KernelView } from "./shapes";

const nothing: HeatView = {
  at: 1_000,
  seconds: 10,
  first: { send: 8, receive: 8, sync: 8, waits: 8, sizes: 0 },
  columns: { send: [], receive: [], sync: [], waits: [], sizes: [] },
};

function view(at: number, others: object = {}): KernelView {
  const report = { at, calls: {}, run_queue: { delayed: 0, ran: 0, waits: { 36: 1 } } };
  return { report, lines: [], happenings: [{ at, kind: "opened" }], ...others } as unknown as KernelView;
}

const line = (cookie: number, rtt: number): object => ({ line: { cookie, rtt } });
const waits = (seen: Seen): number => seen.heat.summary("waits", 0, 999).count;

test("the first report of a line is in its heat already", () => {
  const seen = new Seen();
  seen.begin(nothing);
  seen.take(view(1_001));
  expect(waits(seen)).toBe(0);
  seen.take(view(1_002));
  expect(waits(seen)).toBe(1);
});

test("what was told before the line was lost is not told again", () => {
  const seen = new Seen();
  for (const at of [1_001, 1_002]) seen.take(view(at));
  seen.begin(nothing);
  seen.take(view(1_002));
  seen.draw();
  expect(seen.happened.map(({ at }) => at)).toEqual([1_002, 1_001]);
  seen.take(view(1_003));
  seen.draw();
  expect(seen.happened[0]!.at).toBe(1_003);
});

test("happenings are bounded, and what is rare does not go under", () => {
  const seen = new Seen();
  seen.take(view(1, { happenings: [{ at: 1, kind: "retransmit" }] }));
  for (let at = 2; at < MAX_HAPPENINGS + 20; at++) seen.take(view(at));
  seen.draw();
  expect([seen.happened.length, seen.happened[0]!.at]).toEqual([MAX_HAPPENINGS + 1, MAX_HAPPENINGS + 19]);
  expect([seen.happened.at(-2)!.at, seen.happened.at(-1)!.kind]).toEqual([20, "retransmit"]);
});

test("round-trip times are kept of those that are told of", () => {
  const seen = new Seen();
  for (let at = 0; at < 70; at++) seen.take(view(at, { lines: [line(1, at)] }));
  expect([seen.times(1).length, seen.times(1).at(-1)]).toEqual([60, 69]);
  seen.take(view(99, { lines: [line(2, 5)] }));
  expect([seen.times(1), seen.times(2)]).toEqual([[], [5]]);
});

test("nobody has looked yet", () => {
  const seen = new Seen();
  seen.begin(nothing);
  seen.take(view(0, { report: null, happenings: [] }));
  seen.draw();
  expect([seen.view?.report, seen.happened, waits(seen)]).toEqual([null, [], 0]);
});
