import { describe, expect, it } from "vitest";
import type { Message } from "../state/contract";
import { beginsDay, change, countBehind, firstUnread, goesOn } from "./rows";

function message(offset: number, more: Partial<Message> = {}): Message {
  return {
    key: `room:1/${offset}`,
    id: String(offset),
    stream: "room:1",
    offset,
    at: Date.UTC(2025, 0, 1, 12) + offset * 1_000,
    from: "bob",
    fromId: 2,
    own: false,
    content: "hello",
    replyTo: null,
    edited: false,
    deleted: false,
    reactions: [],
    file: null,
    mentionsMe: false,
    state: "sent",
    error: null,
    ...more,
  };
}

const run = (from: number, to: number): Message[] => Array.from({ length: to - from + 1 }, (_, n) => message(from + n));
const offsets = (messages: readonly Message[]): number[] => messages.map((one) => one.offset);

describe("what stands below what", () => {
  const first = message(1);
  it.each([
    ["the same person at once", message(2), true],
    ["somebody else", message(2, { fromId: 3 }), false],
    ["the same one under another name", message(2, { from: "robert" }), false],
    ["five minutes later", message(2, { at: first.at + 300_000 }), false],
    ["just before five minutes", message(2, { at: first.at + 299_999 }), true],
    ["a reply", message(2, { replyTo: 1 }), false],
    ["a clock that ran backwards", message(2, { at: first.at - 1_000 }), true],
    ["the next day", message(2, { at: first.at + 86_400_000 }), false],
  ])("%s", (_, next, together) => expect(goesOn(first, next)).toBe(together));

  it("begins with a day", () => {
    expect(beginsDay(undefined, first)).toBe(true);
    expect(beginsDay(first, message(2))).toBe(false);
    expect(beginsDay(first, message(2, { at: first.at + 86_400_000 }))).toBe(true);
    expect(goesOn(undefined, first)).toBe(false);
  });
});

describe("what became of a list", () => {
  const list = run(10, 20);
  it.each([
    ["nothing", list, [...list], "same"],
    ["an edit", list, list.map((one) => ({ ...one, content: "other" })), "same"],
    ["one more", list, run(10, 21), "end"],
    ["one less at the end", list, run(10, 19), "end"],
    ["older ones", list, run(5, 20), "start"],
    ["fewer old ones", list, run(13, 20), "start"],
    ["others", list, run(50, 60), "other"],
    ["the first", [], list, "other"],
    ["none", list, [], "other"],
  ])("%s", (_, old, next, kind) => expect(change(old, next).kind).toBe(kind));

  it.each([
    ["older and newer ones", run(5, 22), run(5, 20)],
    ["fewer old ones, and newer", run(13, 22), run(13, 20)],
    ["older ones, and fewer new", run(5, 18), run(5, 20)],
  ])("%s: the start first", (_, next, first) => {
    const found = change(list, next);
    expect(found.kind).toBe("both");
    if (found.kind !== "both") return;
    expect(offsets(found.first)).toEqual(offsets(first));
    expect(change(list, found.first).kind).toBe("start");
    expect(change(found.first, next).kind).toBe("end");
  });
});

describe("the first unread", () => {
  it.each([
    ["nothing is unread", run(1, 5), null, false, -1],
    ["in the middle", run(1, 9), 4, false, 4],
    ["all that is loaded, and more", run(50, 60), 20, true, -1],
    ["exactly at the first that is loaded", run(50, 60), 49, true, 0],
    ["all of a new room", run(1, 5), 0, false, 0],
    ["offsets of edits lie between", [message(1), message(7)], 4, false, 1],
    ["everything is read", run(1, 5), 5, false, -1],
    ["one's own are no news", [message(1), message(2, { own: true }), message(3)], 1, false, 2],
    ["only one's own", [message(1), message(2, { own: true })], 1, false, -1],
    ["one that is not sent", [message(1), message(0, { key: "~a", own: false })], 1, false, -1],
  ])("%s", (_, messages, after, hasOlder, index) => expect(firstUnread(messages, after, hasOlder)).toBe(index));
});

it("counts what others said behind an offset", () => {
  expect(countBehind(run(1, 10), 7)).toBe(3);
  expect(countBehind([...run(1, 10), message(0, { own: true })], 9)).toBe(1);
  expect(countBehind([], 0)).toBe(0);
});
