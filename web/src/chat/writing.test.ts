import { describe, expect, it } from "vitest";
import type { Person } from "../state/contract";
import { beginning } from "../text/cut";
import { harmless } from "../text/harmless";
import { completed, isSaid, matching, wanted } from "./completion";
import { findEmoji, groups, signs } from "./emoji";
import { excerpt } from "./excerpt";
import { Composition } from "./keys";
import { MAX_CONTENT, sizeOf } from "./size";

const person = (id: number, name: string): Person => ({ id, name, status: "online" });

describe("completion", () => {
  it.each([
    ["@", "person", ""],
    ["hi @al", "person", "al"],
    ["(@小", "person", "小"],
    ["bob@example", null, ""],
    ["hi :ta", "emoji", "ta"],
    ["hi :tada:", "emoji", "tada"],
    ["@alice:", null, ""],
    ["10:30:", null, ""],
    ["a ::", null, ""],
    ["at 10:30", null, ""],
    [":t", null, ""],
    ["https://x", null, ""],
    ["@al is", null, ""],
    [`@${"x".repeat(40)}`, null, ""],
  ])("%s", (text, kind, query) => {
    const found = wanted(text, text.length);
    expect(found?.kind ?? null).toBe(kind);
    expect(found?.query ?? "").toBe(query);
  });

  it("lists those whose name begins with it first, and never oneself", () => {
    const people = [person(1, "alice"), person(2, "Malik"), person(3, "Alan"), person(4, "bob")];
    expect(matching(people, "al", 1).map((one) => one.label)).toEqual(["Alan", "Malik"]);
  });

  it("puts the choice in place", () => {
    const place = wanted("hi @b there", 5)!;
    expect(completed("hi @b there", place, "@bob ")).toEqual({ text: "hi @bob there", caret: 8 });
    expect(completed("@b", wanted("@b", 2)!, "@bob ")).toEqual({ text: "@bob ", caret: 5 });
  });

  it("knows a name that is written out, where no other one may be meant", () => {
    const [bob, bobby] = [person(2, "bob"), person(3, "Bobby")];
    const said = (text: string, people: Person[]): boolean => {
      const place = wanted(text, text.length)!;
      return isSaid(place, matching(people, place.query, 1));
    };
    expect(said("hi @bob", [bob])).toBe(true);
    expect(said("hi @BOBBY", [bob, bobby])).toBe(true);
    expect(said("hi @bob", [bob, bobby])).toBe(false);
    expect(said("hi @bo", [bob])).toBe(false);
    expect(isSaid(wanted(":tada", 5)!, signs(wanted(":tada", 5)!, false))).toBe(false);
  });
});

it("replaces a sign that is written in full, at its closing colon, and no other words", () => {
  const text = "with :heart:";
  const place = wanted(text, text.length)!;
  expect(place.closed).toBe(true);
  const [choice] = signs(place, false);
  expect(completed(text, place, choice!.insert)).toEqual({ text: "with ❤️", caret: 7 });
  expect(signs(wanted(":hear:", 6)!, false)).toEqual([]);
  expect(signs(wanted(":爱心:", 4)!, true)).toMatchObject([{ insert: "❤️" }]);
  expect(signs(wanted(":broken_", 8)!, true)).toMatchObject([{ insert: "💔 ", label: ":broken_heart:", detail: "心碎" }]);
});

it("knows some hundreds of emoji, each by one name, none twice", () => {
  const all = [...groups.values()].flat();
  expect(all.length).toBeGreaterThan(300);
  expect(new Set(all.map((one) => one.sign)).size).toBe(all.length);
  expect(new Set(all.map((one) => one.name)).size).toBe(all.length);
  for (const one of all) expect([one.name, one.chinese].every((name) => name.length > 0)).toBe(true);
  expect(findEmoji("tea", 3).map((one) => one.sign)[0]).toBe("🍵");
  expect(findEmoji("庆祝", 9).map((one) => one.name)).toContain("tada");
  expect(findEmoji("nothing like this", 9)).toEqual([]);
});

describe("the beginning of a long message", () => {
  it.each(["short", "line\n".repeat(20), "x".repeat(2_300), "a\n".repeat(28)])("%#: is all of it", (text) => {
    expect(beginning(text)).toBeNull();
  });

  it("ends behind a word, or a line", () => {
    const words = beginning("word ".repeat(2_000))!;
    expect(words.length).toBeLessThanOrEqual(2_000);
    expect(words.endsWith("word")).toBe(true);
    expect(beginning("line\n".repeat(500))!.split("\n")).toHaveLength(24);
  });

  it("ends inside of no character", () => {
    for (const sign of ["👩‍👩‍👧‍👦", "😀", "e\u0301"]) {
      for (let shift = 0; shift < 12; shift++) {
        const cut = beginning("x".repeat(shift) + sign.repeat(2_000))!;
        expect(/\p{Surrogate}/u.test(cut)).toBe(false);
        expect(cut.endsWith("\u200d")).toBe(false);
        expect(cut.length).toBeGreaterThan(1_900);
      }
    }
  });
});

describe("excerpts", () => {
  const plain = (parts: ReturnType<typeof excerpt>): string => parts.map((one) => one.text).join("");
  const hits = (parts: ReturnType<typeof excerpt>): string[] => parts.filter((one) => one.hit).map((one) => one.text);

  it("mark the words where they stand", () => {
    expect(hits(excerpt("Tea and more TEA", ["tea"]))).toEqual(["Tea", "TEA"]);
    expect(plain(excerpt("a (b) [c]", ["(b)", "[c]", "*"]))).toBe("a (b) [c]");
    expect(hits(excerpt("中文搜索", ["搜索"]))).toEqual(["搜索"]);
  });

  it("begin near the first word of a long message", () => {
    const found = excerpt(`${"x ".repeat(3_000)}needle${" y".repeat(3_000)}`, ["needle"]);
    expect(hits(found)).toEqual(["needle"]);
    expect(plain(found).length).toBeLessThan(260);
    expect(found[0]?.text).toBe("…");
    expect(excerpt("", ["a"])).toEqual([]);
    expect(plain(excerpt("none of it", ["zzz", ""]))).toBe("none of it");
  });
});

describe("Enter while a word is put together", () => {
  const key = (more: Partial<KeyboardEvent> = {}): KeyboardEvent =>
    ({ isComposing: false, keyCode: 13, timeStamp: 1_000, ...more }) as KeyboardEvent;

  it("belongs to the input method, in every order in which browsers tell it", () => {
    const one = new Composition();
    expect(one.has(key())).toBe(false);
    expect(one.has(key({ isComposing: true }))).toBe(true);
    expect(one.has(key({ keyCode: 229 }))).toBe(true);
    one.begin();
    expect(one.has(key())).toBe(true);
    one.end(990);
    expect(one.has(key())).toBe(true); // Safari
    expect(one.has(key({ timeStamp: 1_100 }))).toBe(false);
    one.past();
    expect(one.has(key())).toBe(false);
  });
});

it("counts bytes as the server does, near its limit", () => {
  expect(sizeOf("字".repeat(21_845))).toBe(MAX_CONTENT - 1);
  expect(sizeOf("😀".repeat(16_384))).toBe(MAX_CONTENT);
  expect(sizeOf("x".repeat(10))).toBe(10);
});

it("shows no name that turns its neighbours", () => {
  expect(harmless("report-\u202efdp.exe")).toBe("report-\ufffdfdp.exe");
  expect(harmless("a\u0000b\u200bc\u2066d")).toBe("a\ufffdb\ufffdc\ufffdd");
  expect(harmless("小明 👩‍👧 é")).toBe("小明 👩‍👧 é");
});
