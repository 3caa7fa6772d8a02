import { describe, expect, test } from "vitest";
import { type Frame, FrameLog, fromHex, hexLines, matching, MAX_FRAMES, parsed, pretty, utf8Length, wholeText } from "./frames";

const plain = { way: "sent", at: 0, text: "", bytes: null, size: 0, roundTrip: null, note: null } as const;

describe("what is kept", () => {
  test("is at most so many frames, the newest", () => {
    const log = new FrameLog();
    for (let n = 0; n < MAX_FRAMES + 5; n++) log.add({ ...plain, text: String(n) });
    const kept = log.list();
    expect(kept.length).toBe(MAX_FRAMES);
    expect([kept[0]!.text, kept.at(-1)!.text]).toEqual(["5", String(MAX_FRAMES + 4)]);
    expect(log.count).toBe(MAX_FRAMES + 5);
  });

  test("is at most so many bytes, but the newest always", () => {
    const log = new FrameLog(10, 100);
    for (const size of [40, 40, 40]) log.add({ ...plain, size });
    expect(log.list().map((frame) => frame.key)).toEqual([1, 2]);
    log.add({ ...plain, size: 1_000 });
    expect(log.list().map((frame) => frame.key)).toEqual([3]);
    log.add({ ...plain, size: 10 });
    expect(log.list().map((frame) => frame.key)).toEqual([4]);
  });

  test("is gone once it is cleared, its bytes too", () => {
    const log = new FrameLog(10, 100);
    log.add({ ...plain, size: 90 });
    log.clear();
    for (const size of [45, 45]) log.add({ ...plain, size });
    expect(log.list().length).toBe(2);
  });
});

test.each(["", "abc", "é", "汉", "👍🏽", "\ud800", "a\udc00b", "mixed é 汉 👍"])("the length of %j in UTF-8", (text) => {
  expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length);
});

describe("well written JSON", () => {
  test.each([{ a: 1 }, [], {}, { a: [], b: {}, c: [1, [2, { d: "x,y:{}[]\\\"" }]] }, [null, true, "é"]])("%j", (value) => {
    expect(pretty(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
  });

  test("keeps every digit and every doubled key", () => {
    expect(pretty('{"n":12345678901234567890,"a":1,"a":1.0}')).toBe(
      '{\n  "n": 12345678901234567890,\n  "a": 1,\n  "a": 1.0\n}',
    );
  });

  test("takes away what blanks there were", () => {
    expect(pretty(' { "a" : [ ] , "b":\n[ 1 ] } ')).toBe('{\n  "a": [],\n  "b": [\n    1\n  ]\n}');
  });

  test.each(["", "hello", '{"a":', "12", "{a: 1}"])("leaves %j as it stands", (text) => expect(pretty(text)).toBe(text));
});

test("only objects are read", () => {
  expect(parsed('{"id":"1"}')).toEqual({ id: "1" });
  for (const text of ["[1]", "1", "null", "{", "x"]) expect(parsed(text)).toBeNull();
});

test("bytes as hexadecimal digits", () => {
  const bytes = Uint8Array.from({ length: 18 }, (_, n) => n + 0x3a);
  expect(hexLines(bytes)).toBe(
    "00000000  3a 3b 3c 3d 3e 3f 40 41  42 43 44 45 46 47 48 49  :;<=>?@ABCDEFGHI\n" +
      `00000010  4a 4b${" ".repeat(18)}  ${" ".repeat(23)}  JK`,
  );
  expect(fromHex("7d 44\nA1")).toEqual(Uint8Array.of(0x7d, 0x44, 0xa1));
  expect(fromHex("")).toEqual(new Uint8Array());
  for (const text of ["7", "7x", "0x7d"]) expect(fromHex(text)).toBeNull();
  expect(fromHex(wholeText({ ...plain, key: 0, bytes }))).toEqual(bytes);
});

test("frames are found by their words and their way", () => {
  const frames: Frame[] = [
    { ...plain, key: 0, text: '{"action":"Echo"}' },
    { ...plain, key: 1, way: "received", text: "echo" },
    { ...plain, key: 2, way: "received", bytes: Uint8Array.of(0xec, 0x00) },
  ];
  const keys = (words: string, way: Parameters<typeof matching>[2]): number[] =>
    matching(frames, words, way).map((frame) => frame.key);
  expect(keys("", "all")).toEqual([0, 1, 2]);
  expect(keys(" ECHO ", "all")).toEqual([0, 1]);
  expect(keys("echo", "received")).toEqual([1]);
  expect(keys("ec 00", "all")).toEqual([2]);
  expect(keys("nothing", "all")).toEqual([]);
});
