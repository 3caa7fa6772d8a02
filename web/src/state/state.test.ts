// The pure parts of the state: positions, runs of messages, cursors, what is said about messages, addresses.

import { expect, test } from "vitest";
import type { MessagePosted, ReactionChanged } from "../wire/types";
import type { Message } from "./contract";
import { calls, deleted, edited, messageOf, reacted } from "./messages";
import { Positions, type Placed } from "./positions";
import { Reading } from "./reading";
import { elsewhere, readRoute, writeRoute } from "./route";
import { MOST_LOADED, Run } from "./run";

const me = { id: 1, name: "Alice" };
const at = (offset: number, epoch = "e"): Placed => ({ stream: "s", epoch, offset });

function posted(offset: number, content = `words ${offset}`, from = "bob"): MessagePosted {
  const [stream, epoch] = ["s", "e"];
  return { from, from_id: 2, room: "r", content, id: `i${offset}`, stream, epoch, offset, at: "2025-01-01T12:00:00Z" };
}

const message = (offset: number): Message => messageOf(posted(offset), me);

test("live events take effect once, in order; a hole is a gap", () => {
  const positions = new Positions();
  positions.begin("s", { epoch: "e", offset: 7 });
  expect(positions.take(at(8))).toEqual({ apply: [at(8)] });
  expect(positions.take(at(8))).toEqual({ apply: [] });
  expect(positions.take(at(3))).toEqual({ apply: [] });
  expect(positions.take(at(10))).toEqual({ gap: true });
  expect(positions.take(at(11))).toEqual({ apply: [at(11)] });
  expect(positions.take(at(1, "another"))).toEqual({ gap: true });
  expect(positions.named()).toEqual({ s: { epoch: "another", offset: 1 } });
});

test("while a resume is under way, what is live waits for what was missed", () => {
  const positions = new Positions();
  positions.begin("s", { epoch: "e", offset: 1 });
  positions.resume();
  for (const live of [5, 4]) expect(positions.take(at(live))).toEqual({ apply: [] });
  expect(positions.take(at(2))).toEqual({ apply: [at(2)] });
  expect(positions.take(at(3))).toEqual({ apply: [at(3), at(4), at(5)] });
  expect(positions.resumed({ s: { epoch: "e", offset: 5 } })).toEqual([]);
});

test("what a resume did not tell is a hole, and so is what still waits", () => {
  const positions = new Positions();
  positions.begin("s", { epoch: "e", offset: 1 });
  positions.begin("t", { epoch: "e", offset: 1 });
  positions.resume();
  positions.take({ ...at(9), stream: "t" });
  expect(positions.resumed({ s: { epoch: "e", offset: 3 } })).toEqual(["s", "t"]);
  expect(positions.named()).toMatchObject({ s: { offset: 3 }, t: { offset: 9 } });
});

test("a gap puts the position where the stream begins anew, or forgets a stream that is gone", () => {
  const positions = new Positions();
  positions.begin("s", { epoch: "e", offset: 9 });
  positions.gap("s", { epoch: "f", offset: 4 });
  expect(positions.take(at(5, "f"))).toEqual({ apply: [at(5, "f")] });
  positions.gap("s", { epoch: "", offset: 0 });
  expect(positions.named()).toEqual({});
});

test("a run holds each message once, in order, and what was given away is not changed", () => {
  const run = new Run();
  for (const offset of [3, 1, 2, 3, 7]) run.add(message(offset));
  const view = run.view();
  run.add(message(5));
  run.change(7, (one) => edited(one, "other", me));
  expect(view.map((one) => [one.offset, one.content])).toEqual([1, 2, 3, 7].map((o) => [o, `words ${o}`]));
  expect(run.view().map((one) => one.offset)).toEqual([1, 2, 3, 5, 7]);
  expect(run.view()[0]).toBe(view[0]); // only what changed is another
  run.addPage([message(0.5), message(1), message(6), message(8)]);
  expect(run.view().map((one) => one.offset)).toEqual([0.5, 1, 2, 3, 5, 6, 7, 8]);
});

test("a run lets go of the far side, several at once", () => {
  const run = new Run();
  for (let offset = 1; offset <= MOST_LOADED; offset++) run.add(message(offset));
  expect(run.dropOldest()).toBe(false);
  run.add(message(MOST_LOADED + 1));
  expect(run.dropOldest()).toBe(true);
  expect(run.last?.offset).toBe(MOST_LOADED + 1);
  expect(run.size).toBeLessThan(MOST_LOADED);
});

test("a page that replaces a run leaves the keys of what stays", () => {
  const run = new Run();
  run.add({ ...message(1), key: "~mine" });
  run.replace([message(1), message(2)]);
  expect(run.view().map((one) => one.key)).toEqual(["~mine", "s/2"]);
});

test("a cursor counts what lies behind it", () => {
  const reading = new Reading();
  reading.told(10, 4, 6);
  for (const offset of [11, 12]) reading.arrived(offset);
  expect(reading.unread).toBe(8);
  expect(reading.moved(4)).toBe(false);
  expect(reading.moved(11)).toBe(true);
  expect(reading.unread).toBe(1);
  reading.arrived(11); // known
  expect(reading.unread).toBe(1);
  reading.told(20, 15, 5);
  expect(reading.unread).toBe(5);
  for (let offset = 21; offset <= 10_020; offset++) reading.arrived(offset);
  expect(reading.unread).toBe(10_005);
  reading.moved(10_020);
  expect(reading.unread).toBe(0);
});

test("what is deleted is not unread", () => {
  const reading = new Reading();
  reading.told(10, 4, 3); // and three that are one's own, or none to read
  for (const offset of [11, 13]) reading.arrived(offset);
  reading.deleted(13, false);
  reading.deleted(12, false); // one's own
  expect(reading.unread).toBe(4);
  reading.deleted(7, true);
  reading.deleted(8, false); // whose it was is not known
  reading.deleted(4, true); // it was read
  expect(reading.unread).toBe(3);
});

test("reactions are counted, and where it is not clear what they are then, it is said", () => {
  const react = (from: string, removed = false): ReactionChanged =>
    ({ from, from_id: 5, target: 1, emoji: "+1", removed }) as ReactionChanged;
  let one = reacted(message(1), react("bob"))!;
  one = reacted(one, react("carol"))!;
  expect(one.reactions).toEqual([{ emoji: "+1", count: 2, users: ["bob", "carol"] }]);
  expect(reacted(one, react("bob"))).toBeNull(); // another one of that name?
  one = reacted(one, react("bob", true))!;
  one = reacted(one, react("carol", true))!;
  expect(one.reactions).toEqual([]);
  expect(reacted(one, react("bob", true))).toBeNull();
  expect(reacted(deleted(one), react("bob"))).toEqual(deleted(one));
});

test("a name is called by @, not in the middle of a word, in whatever case", () => {
  for (const words of ["@alice", "hi @Alice!", "(@ALICE)", "@alice.", "a @bob @alice"]) {
    expect(calls(words, undefined, me), words).toBe(true);
  }
  for (const words of ["alice", "me@alice.example", "@alice2", "@alice_b", "@@alice", "@bob"]) {
    expect(calls(words, undefined, me), words).toBe(false);
  }
});

test("addresses say where one is, whatever the name", () => {
  for (const name of ["lobby", "日本語", "a.b-c_d"]) {
    const route = { kind: "room" as const, name };
    expect(readRoute(writeRoute({ ...route, gone: false, key: "room:1" }))).toEqual(route);
  }
  for (const hash of ["", "#/", "#/settings", "#/room/", "#/room/a/b", "#/room/%E0%A4%A", "#room/a"]) {
    expect(readRoute(hash)).toBeNull();
  }
  expect([elsewhere("#/settings"), elsewhere("#/"), elsewhere(""), elsewhere("#/room/a")]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});
