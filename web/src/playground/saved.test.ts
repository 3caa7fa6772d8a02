import { describe, expect, test } from "vitest";
import { freeName, MAX_NAME, MAX_SAVED, MAX_TEXT, merged, readRequests, SavedRequests, writeRequests } from "./saved";

const one = { name: "hello", text: "{" };

/** A storage as browsers have it. */
class Kept {
  readonly items = new Map<string, string>();
  getItem = (key: string): string | null => this.items.get(key) ?? null;
  setItem = (key: string, value: string): void => void this.items.set(key, value);
}

describe("what is kept", () => {
  test("comes back", () => {
    const kept = new Kept();
    const saved = new SavedRequests(() => kept as unknown as Storage);
    expect(saved.load()).toEqual([]);
    expect(saved.store([one])).toBe(true);
    expect(new SavedRequests(() => kept as unknown as Storage).load()).toEqual([one]);
  });

  test("is nothing where the storage is denied or full", () => {
    const saved = new SavedRequests(() => {
      throw new DOMException("denied", "SecurityError");
    });
    expect(saved.load()).toEqual([]);
    expect(saved.store([one])).toBe(false);
  });

  test("is nothing where somebody else wrote there", () => {
    const kept = new Kept();
    kept.setItem("hubbub.playground.requests", "[1");
    expect(new SavedRequests(() => kept as unknown as Storage).load()).toEqual([]);
  });
});

describe("a file to import", () => {
  test("is what was exported", () => expect(readRequests(writeRequests([one]))).toEqual([one]));

  const wrapped = (requests: unknown): string => JSON.stringify({ format: "hubbub requests 1", requests });
  test.each([
    ["no JSON", "{"],
    ["another format", JSON.stringify({ format: "x", requests: [] })],
    ["no list", wrapped({})],
    ["an entry that is none", wrapped([null])],
    ["a name that is none", wrapped([{ name: 1, text: "" }])],
    ["an empty name", wrapped([{ name: "  ", text: "" }])],
    ["a name that is too long", wrapped([{ name: "n".repeat(MAX_NAME + 1), text: "" }])],
    ["a text that is too long", wrapped([{ name: "n", text: "t".repeat(MAX_TEXT + 1) }])],
    ["too many", wrapped(Array.from({ length: MAX_SAVED + 1 }, () => one))],
  ])("is none: %s", (_, text) => expect(readRequests(text)).toBeNull());

  test("may have a name twice: the second gets another", () => {
    expect(readRequests(wrapped([one, one]))!.map(({ name }) => name)).toEqual(["hello", "hello 2"]);
  });
});

test("a free name is no longer than a name may be", () => {
  const long = "n".repeat(MAX_NAME);
  const next = freeName([{ name: long, text: "" }], long);
  expect(next).toBe(`${"n".repeat(MAX_NAME - 2)} 2`);
  expect(freeName([], long)).toBe(long);
});

test("lists are put together without doubles", () => {
  const other = { name: "hello", text: "[" };
  expect(merged([one], [one, other])).toEqual([one, { name: "hello 2", text: "[" }]);
  const full = Array.from({ length: MAX_SAVED }, (_, n) => ({ name: String(n), text: "" }));
  expect(merged(full, [full[0]!])).toEqual(full);
  expect(merged(full, [one])).toBeNull();
});
