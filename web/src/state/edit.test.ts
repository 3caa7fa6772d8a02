// An edit that is under way, over a reload: conversations on drafts that are kept, and messages as a server has them.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { History, MessageView } from "../wire/types";
import { LiveConversation, type Surroundings } from "./conversation.svelte";
import { Drafts } from "./drafts";

let kept: Map<string, string>;
let messages: MessageView[];
let hide: (() => void)[]; // who listens for the end of the page

beforeEach(() => {
  kept = new Map();
  messages = ["hallo", "other words"].map((content, i) => view(i + 1, content));
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => void kept.set(key, text),
    removeItem: (key: string) => void kept.delete(key),
  });
  hide = [];
  vi.stubGlobal("addEventListener", (_: string, told: () => void) => hide.push(told));
  vi.stubGlobal("document", { addEventListener: () => {} });
});
afterEach(() => {
  leave(); // nothing is kept any later
  vi.unstubAllGlobals();
});

function view(offset: number, content: string): MessageView {
  const at = new Date(1_750_000_000_000 + offset).toISOString();
  return { from: "alice", from_id: 1, content, id: `i${offset}`, stream: "room:1", epoch: "e", offset, at, room: "den" };
}

/** A page that is loaded. */
function begin(): LiveConversation {
  const drafts = new Drafts();
  drafts.open("1");
  const history = async ({ around }: { around?: number }): Promise<History> => {
    const found = around === undefined ? messages : messages.filter((one) => one.offset === around);
    return { stream: "room:1", messages: found, more: false };
  };
  const me = { id: 1, name: "alice", role: "member", status: "online" };
  const here = { me, drafts, history, account: "1", outbox: { key: () => undefined }, isCurrent: () => true };
  return new LiveConversation("room", "den", "room:1", here as unknown as Surroundings);
}

/** … with the room opened, and what belongs to it there. */
async function load(): Promise<LiveConversation> {
  const room = begin();
  room.opened();
  await settle();
  return room;
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

function leave(): void {
  for (const told of hide) told();
}

async function edit(offset: number, text: string): Promise<LiveConversation> {
  const room = await load();
  room.editing = room.timeline.at(offset)!;
  room.rewritten = text;
  leave();
  return room;
}

test("what a message shall say is still there after a reload, and gone once it is said or left", async () => {
  await edit(1, "hello 1 2 3\nand more");
  let room = await load();
  expect([room.editing?.offset, room.rewritten, room.draft]).toEqual([1, "hello 1 2 3\nand more", ""]);
  room.draft = "something else"; // each has its own words
  expect(room.rewritten).toBe("hello 1 2 3\nand more");
  room.draft = "";
  room.editing = null;
  expect(kept.size).toBe(0);
  room = await load();
  expect([room.editing, room.rewritten]).toEqual([null, ""]);
});

test("an edit that changes nothing is none", async () => {
  await edit(1, "hallo");
  expect(kept.size).toBe(0);
  expect((await load()).editing).toBeNull();
});

test.each([
  ["deleted", () => (messages[0] = { ...messages[0]!, content: "", deleted: true })],
  ["gone", () => messages.shift()],
  ["another one, in a room that began anew", () => (messages[0] = { ...messages[0]!, at: view(9, "").at })],
  ["somebody else's", () => (messages[0] = { ...messages[0]!, from_id: 2 })],
])("where the message is %s, its words are the draft", async (_, change) => {
  await edit(1, "hello");
  change();
  let room = await load();
  expect([room.editing, room.draft]).toEqual([null, "hello"]);
  room.draft = "";
  room = await load();
  expect([room.editing, room.draft]).toEqual([null, ""]); // and not a second time
});

test("whoever writes something else meanwhile is not disturbed: the edit waits until the room is opened again", async () => {
  await edit(2, "others");
  const room = begin();
  room.opened();
  room.draft = "quick";
  await settle();
  expect([room.editing, room.draft]).toEqual([null, "quick"]);
  room.opened();
  await settle();
  expect([room.editing?.offset, room.rewritten, room.draft]).toEqual([2, "others", "quick"]);
});

test("a draft that is there stays, with the words of a message that is gone behind it", async () => {
  (await edit(1, "hello")).draft = "by the way";
  leave();
  messages.shift();
  expect((await load()).draft).toBe("by the way\n\nhello");
});
