// Edits and replies that are under way, over a reload and a deletion: conversations on drafts that are kept, and
// messages as a server has them.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Refusal } from "../wire/refusal";
import type { History, MessageDeleted, MessageView } from "../wire/types";
import { LiveConversation, type Surroundings } from "./conversation.svelte";
import { Drafts } from "./drafts";

let kept: Map<string, string>;
let messages: MessageView[];
let sent: [string, number | null][];
let refusal: Refusal;
let hide: (() => void)[]; // who listens for the end of the page

beforeEach(() => {
  kept = new Map();
  sent = [];
  messages = ["hallo", "other words"].map((content, i) => view(i + 1, content));
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => void kept.set(key, text),
    removeItem: (key: string) => void kept.delete(key),
  });
  hide = [];
  vi.stubGlobal("navigator", {}); // without Web Locks: whoever left something counts as gone
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
function begin(kind: "room" | "talk" = "room"): LiveConversation {
  const drafts = new Drafts();
  drafts.open("1");
  const history = async ({ around }: { around?: number }): Promise<History> => {
    const found = around === undefined ? messages : messages.filter((one) => one.offset === around);
    return { stream: "room:1", messages: found, more: false };
  };
  const write = (_: unknown, content: string, replyTo: number | null): number => sent.push([content, replyTo]);
  const [outbox, line] = [{ key: () => undefined, write }, { request: () => Promise.reject(refusal) }];
  const idle = { isCurrent: () => true, touch: () => {}, wasRead: () => {}, mentions: () => 0 };
  const me = { id: 1, name: "alice", role: "member", status: "online" };
  const here = { me, drafts, history, account: "1", outbox, line, ...idle };
  const [name, stream] = kind === "room" ? ["den", "room:1"] : ["Ann", ""];
  return new LiveConversation(kind, name, stream, here as unknown as Surroundings);
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
  expect(kept.has("hubbub.drafts.1")).toBe(false);
  room = await load();
  expect([room.editing, room.rewritten]).toEqual([null, ""]);
});

test("an edit is kept all the time while it is taken up again", async () => {
  await edit(1, "hello");
  const before = [...kept];
  const room = await load();
  expect([room.rewritten, [...kept]]).toEqual(["hello", before]);
});

test("an edit that changes nothing is none", async () => {
  await edit(1, "hallo");
  expect(kept.has("hubbub.drafts.1")).toBe(false);
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
  expect([room.editing, room.draft, room.notice]).toEqual([null, "hello", "goneEdit"]);
  room.draft = "";
  expect(room.notice).toBeNull();
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

const deletion: MessageDeleted = { id: "d", target: 1, offset: 3, stream: "room:1", epoch: "e", at: view(3, "").at, from: "bob", from_id: 2, room: "den" };

test("an edit of a message that somebody deletes meanwhile becomes the draft, and that is said", async () => {
  const room = await load();
  room.draft = "by the way";
  room.editing = room.timeline.at(1)!;
  room.rewritten = "hello";
  room.modified("deleted", { ...deletion, target: 2 });
  expect([room.editing?.offset, room.notice]).toEqual([1, null]);
  room.modified("deleted", deletion);
  expect([room.editing, room.draft, room.notice]).toEqual([null, "by the way\n\nhello", "goneEdit"]);
});

test("so it is where the deletion was missed, and the server says that there is none", async () => {
  const room = await load();
  const message = room.timeline.at(1)!;
  room.editing = message;
  room.rewritten = "hello";
  refusal = new Refusal("limit", "Too long.");
  await expect(room.edit(message, "hello")).rejects.toThrow("Too long.");
  expect(room.editing).toBe(message);
  refusal = new Refusal("not_found", "There is no such message.");
  await room.edit(message, "hello");
  expect([room.editing, room.draft, room.notice]).toEqual([null, "hello", "goneEdit"]);
});

/** Answer that message, and leave the page. */
async function answer(offset: number): Promise<void> {
  const room = await load();
  room.draft = "yes";
  room.replyTo = room.timeline.at(offset)!;
  leave();
}

test("what is written as an answer is one after a reload, too, and nothing of it is left once it is sent", async () => {
  await answer(2);
  const room = begin();
  room.send("yes"); // before the message is there again
  expect(sent).toEqual([["yes", 2]]);
  await answer(2);
  const again = await load();
  expect([again.replyTo?.offset, again.draft]).toEqual([2, "yes"]);
  again.send("yes");
  again.draft = "";
  expect([sent[1], again.replyTo, kept.has("hubbub.drafts.1")]).toEqual([["yes", 2], null, false]);
});

test("whoever takes the answer back, or whose message is gone by then, answers none", async () => {
  await answer(1);
  let room = await load();
  room.replyTo = null;
  leave();
  room = await load();
  expect([room.replyTo, room.draft, room.notice]).toEqual([null, "yes", null]);
  await answer(1);
  messages[0] = { ...messages[0]!, content: "", deleted: true };
  room = await load();
  expect([room.replyTo, room.draft, room.notice]).toEqual([null, "yes", "goneReply"]);
  room.send("yes");
  expect(sent).toEqual([["yes", null]]);
});

test("whoever writes on before the answered message is there again still sees what is answered, and can take it back", async () => {
  await answer(2);
  const room = begin();
  room.opened();
  room.draft = "yes!";
  await settle();
  expect([room.replyTo?.offset, room.draft]).toEqual([2, "yes!"]);
  room.replyTo = null;
  room.send("yes!");
  expect(sent).toEqual([["yes!", null]]);
});

test("an answer that is sent before its message is there again leaves nothing for the next", async () => {
  await answer(2);
  const room = begin();
  room.opened();
  room.send("yes");
  await settle();
  expect([sent, room.replyTo, room.draft]).toEqual([[["yes", 2]], null, ""]);
});

test("what was kept for a person stays before what was just typed for that name, and so does what it answers", () => {
  const drafts = new Drafts();
  drafts.open("1");
  for (const [key, text] of [["@Ann/5", "yesterday"], ["@Ann/5 reply", "2 9 "]] as const) drafts.set(key, text);
  leave();
  const talk = begin("talk");
  talk.draft = "now";
  talk.knownAs(5);
  expect([talk.draft, talk.writing.replyOffset]).toEqual(["yesterday\n\nnow", 2]);
  leave();
  const again = begin("talk");
  expect(again.draft).toBe("");
  again.knownAs(5);
  expect(again.draft).toBe("yesterday\n\nnow");
});

test("what is answered or edited goes along to the name as it is spelt", async () => {
  const talk = begin("talk");
  const message = (await load()).timeline.at(1)!;
  talk.draft = "yes";
  talk.replyTo = message;
  talk.editing = message;
  talk.rewritten = "hello";
  talk.knownAs(0, "ANN");
  expect([talk.draft, talk.replyTo, talk.editing, talk.rewritten]).toEqual(["yes", message, message, "hello"]);
  leave();
  expect(Object.keys(JSON.parse(kept.get("hubbub.drafts.1")!) as object)).toEqual(["@ANN", "@ANN reply", "@ANN edit"]);
});
