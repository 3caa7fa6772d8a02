import { describe, expect, test } from "vitest";
import { Heat, kinds, powerOf, ROWS, warmth } from "./heat";
import type { HeatKind, HeatView, Report } from "./shapes";

const row = (at: number, count: number): number[] => Array.from({ length: ROWS }, (_, n) => (n === at ? count : 0));

function view(at: number, columns: readonly (readonly number[])[]): HeatView {
  const all = <T>(value: T): Record<HeatKind, T> =>
    Object.fromEntries(kinds.map((kind) => [kind, value])) as Record<HeatKind, T>;
  return { at, seconds: 10, first: { ...all(8), sizes: 0 }, columns: all(columns) };
}

function report(at: number, took: Record<string, number>, waits: Record<string, number> | null = null): Report {
  const send = { count: 1, bytes: 1, failed: 0, again: 0, took, sizes: { 3: 2 } };
  return { at, calls: { send }, run_queue: { delayed: 0, ran: 0, waits } } as unknown as Report;
}

test("a bucket is of the power of two that its values have", () => {
  // 0, 1 | 2, 3 | 4 … 7 are 2², in four; 2^10 begins at 36: see test_buckets
  expect([0, 1, 2, 3, 4, 7, 8, 36, 39, 40, 159].map(powerOf)).toEqual([0, 0, 1, 1, 2, 2, 3, 10, 10, 11, 40]);
});

describe("the heat", () => {
  test("is what the server tells, with a time for each column", () => {
    const heat = new Heat();
    heat.replace(view(1_000, [row(0, 1), row(2, 5)]));
    expect(heat.times).toEqual([990_000, 1_000_000]);
    expect(heat.columns("send")[1]).toEqual(row(2, 5));
    expect(heat.range(995_000, 2_000_000)).toEqual([0, 1]);
    expect(heat.range(1_000_000, 1_000_001)).toEqual([1, 1]);
    expect(heat.range(0, 10)[1]).toBeLessThan(heat.range(0, 10)[0]);
  });

  test("goes on with each report", () => {
    const heat = new Heat();
    heat.replace(view(1_000, [row(0, 1)]));
    heat.add(report(1_009.9, { 36: 3 }, { 40: 1 }));
    heat.add(report(1_035, { 36: 1, 0: 2, 159: 1 }));
    expect(heat.times.map((at) => at / 1_000)).toEqual([1_000, 1_010, 1_020, 1_030]);
    expect(heat.columns("send")[0]![2]).toBe(3);
    expect(heat.columns("waits")[0]![3]).toBe(1);
    expect(heat.columns("sizes")[0]![1]).toBe(2);
    const last = heat.columns("send")[3]!;
    expect([last[0], last[2], last[ROWS - 1]]).toEqual([2, 1, 1]);
    expect(heat.peak("send", 0, 3)).toBe(3);
    expect(heat.summary("send", 3, 3)).toEqual({ count: 4, p50: 0, p99: ROWS - 1, largest: ROWS - 1 });
    expect(heat.summary("sync", 1, 3)).toEqual({ count: 0, p50: null, p99: null, largest: null });
  });

  test("keeps an hour, whatever the clock does", () => {
    const heat = new Heat();
    for (let at = 0; at < 5_000; at += 10) heat.add(report(at, { 36: 1 }));
    expect([heat.times.length, heat.columns("send").length]).toEqual([361, 361]);
    heat.add(report(100, { 36: 1 })); // long gone
    expect(heat.summary("send", 0, 360).count).toBe(361);
    heat.add(report(1e9, { 36: 1 }));
    expect(heat.times).toEqual([1e12]);
  });
});

test("rows begin at powers of two", () => {
  const heat = new Heat();
  expect([heat.edge("send", 0), heat.edge("waits", 12), heat.edge("sizes", 0)]).toEqual([256, 2 ** 20, 1]);
  expect([heat.marks("send"), heat.marks("sizes")]).toEqual([
    [2, 7, 12, 17, 22],
    [0, 5, 10, 15, 20],
  ]);
});

test("warmth grows with the logarithm", () => {
  expect([warmth(1, 1), warmth(1, 100), warmth(10, 100), warmth(100, 100)]).toEqual([1, 0, 0.5, 1]);
});
