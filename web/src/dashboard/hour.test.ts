import { describe, expect, test } from "vitest";
import type { Columns, Past, Sample } from "./feed";
import { Hour, HOUR, type Name, type Value } from "./hour";

const sample = (at: number, others: Partial<Sample> = {}): Sample =>
  ({ at, people: 1, messages: 2, delivery_p99: null, ...others }) as Sample;

function past(rows: readonly Sample[], every = 1_000): Past {
  const names = Object.keys(sample(0)) as Name[];
  const columns = Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name])]));
  return { server: "hubbub", version: "1", started: 5, every, columns: columns as unknown as Columns };
}

function filled(...rows: readonly Sample[]): Hour {
  const hour = new Hour();
  hour.replace(past([]));
  for (const row of rows) hour.add(row);
  return hour;
}

describe("the past hour", () => {
  test("replaces what was known", () => {
    const hour = filled(sample(9_000));
    hour.replace(past([sample(1_000, { people: 4 }), sample(2_000, { people: 5 })]));
    expect(hour.times).toEqual([1_000, 2_000]);
    expect(hour.column("people")).toEqual([4, 5]);
    expect(hour.latest).toEqual(sample(2_000, { people: 5 }));
  });

  test("may be empty", () => {
    const hour = filled();
    expect([hour.end, hour.latest, hour.summary("people", 0, 9_000)]).toEqual([0, null, { last: null, min: null, max: null }]);
  });

  test("has rows as far apart as it says", () => {
    const hour = new Hour();
    hour.replace(past([sample(10_000), sample(20_000), sample(40_000)], 10_000));
    expect(hour.times).toEqual([10_000, 20_000, 30_000, 40_000]);
    expect(hour.column("people")).toEqual([1, 1, null, 1]);
  });

  test("may lack what a newer page knows, and what comes later has it", () => {
    const hour = filled(sample(1_000));
    expect(hour.column("cpu")).toEqual([null]);
    hour.add(sample(2_000, { cpu: 7 }));
    expect(hour.column("cpu")).toEqual([null, 7]);
  });
});

test("a hole in time is a row of nulls, and a late second is none", () => {
  const hour = filled(sample(1_000), sample(2_400), sample(9_000));
  expect(hour.times).toEqual([1_000, 2_400, 3_400, 9_000]);
  expect(hour.column("messages")).toEqual([2, 2, null, 2]);
});

test("times only grow, whatever comes", () => {
  const hour = filled(sample(2_000), sample(1_000), sample(2_000), sample(3_000));
  expect(hour.times).toEqual([2_000, 3_000]);
});

test("what is older than an hour goes, in all columns", () => {
  const hour = filled();
  for (let at = 0; at <= HOUR + 5_000; at += 1_000) hour.add(sample(at, { messages: at }));
  expect([hour.times[0], hour.end, hour.times.length]).toEqual([5_000, HOUR + 5_000, 3_601]);
  expect(hour.column("messages")[0]).toBe(5_000);
  expect(hour.column("people").length).toBe(3_601);
});

test("a clock that jumps leaves no more than so many rows", () => {
  const hour = filled();
  for (let n = 0; n < 20_000; n++) hour.add(sample(n * 100));
  expect(hour.times.length).toBeLessThanOrEqual(8_000);
});

describe("what is told of a time", () => {
  const values: readonly Value[] = [5, null, 1, 9, null];
  const hour = filled(...values.map((value, n) => sample(n * 1_000, { delivery_p99: value, messages: n })));

  test("last, smallest and largest", () => {
    expect(hour.summary("delivery_p99", 0, 4_000)).toEqual({ last: 9, min: 1, max: 9 });
    expect(hour.summary("delivery_p99", 0, 2_000)).toEqual({ last: 1, min: 1, max: 5 });
    expect(hour.summary("delivery_p99", 4_000, 9_000)).toEqual({ last: null, min: null, max: null });
  });

  test("rows", () => {
    expect(hour.rows(1_000, 3_000)).toEqual([1, 3]);
    expect(hour.rows(1_001, 1_999)).toEqual([2, 1]);
    expect(hour.rows(-5, 99_000)).toEqual([0, 4]);
  });

  test("the newest value, if it is fresh", () => {
    expect(hour.recent("delivery_p99", 2_000)).toBe(9);
    expect(hour.recent("delivery_p99", 1_000)).toBeNull();
  });

  test("sums", () => expect(hour.sum("messages", 3_000)).toBe(2 + 3 + 4));
});
