import { expect, test } from "vitest";
import type { LogLine } from "./feed";
import { fieldText, lineText, MAX_LINES, Tail, wanted } from "./tail";

const line = (number: number, others: Partial<LogLine> = {}): LogLine => ({
  number,
  at: 0,
  level: "info",
  event: "connection opened",
  fields: { connection: "text-1" },
  ...others,
});

const numbers = (tail: Tail): number[] => tail.list().map(({ number }) => number);

test("lines that are told again are there once", () => {
  const tail = new Tail();
  tail.add([line(1), line(2)], 7);
  tail.add([line(1), line(2), line(3)], 7);
  expect(numbers(tail)).toEqual([1, 2, 3]);
});

test("another server counts anew, and its lines follow", () => {
  const tail = new Tail();
  tail.add([line(1), line(2)], 7);
  tail.add([line(1)], 8);
  expect(numbers(tail)).toEqual([1, 2, 1]);
  expect(new Set(tail.list().map(({ key }) => key)).size).toBe(3);
});

test("only the last are kept", () => {
  const tail = new Tail();
  for (let n = 0; n < MAX_LINES + 3; n++) tail.add([line(n)], 7);
  expect(tail.list().length).toBe(MAX_LINES);
  expect(tail.list()[0]!.number).toBe(3);
});

test("a value that has blanks, quotes or nothing is quoted", () => {
  expect(["eof", "a b", 'say "x"', "", "a=b", "<b>"].map(fieldText)).toEqual([
    "eof", '"a b"', '"say \\"x\\""', '""', '"a=b"', "<b>",
  ]);
  expect([1, true, null].map(fieldText)).toEqual(["1", "true", "null"]);
  expect(lineText(line(1, { fields: { a: 1, b: "c d" } }))).toBe('connection opened a=1 b="c d"');
});

test("lines are wanted by level and words", () => {
  const tail = new Tail();
  tail.add([line(1, { level: "debug" }), line(2), line(3, { level: "warning", event: "Slow" }), line(4, { level: "error" })], 1);
  const found = (...how: [Parameters<typeof wanted>[1], string]): number[] =>
    wanted(tail.list(), ...how).map(({ number }) => number);
  expect(found("debug", "")).toEqual([1, 2, 3, 4]);
  expect(found("warning", "")).toEqual([3, 4]);
  expect(found("debug", " sLOW ")).toEqual([3]);
  expect(found("info", "connection=text-1")).toEqual([2, 3, 4]);
});
