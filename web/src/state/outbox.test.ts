// The outbox against a model of the server that remembers ids, with lines that drop at any moment.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Refusal } from "../wire/refusal";
import type { Accepted, History, MessageView } from "../wire/types";
import type { Message } from "./contract";
import { Outbox, type Post, type Target } from "./outbox";
import type { Adopt, Entry, Keeping } from "./outbox_store";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const me = { id: 1, name: "alice" };

/** What is kept of one tab, and what another one left. */
class Kept implements Keeping {
  entries: readonly Entry[] = [];
  adopt: Adopt = () => {};
  room = Infinity; // for entries

  open(_: string, adopt: Adopt): void {
    this.adopt = adopt;
  }

  takes(): boolean {
    return true;
  }

  save(entries: readonly Entry[]): boolean {
    if (entries.length > this.room) return false;
    this.entries = entries;
    return true;
  }

  close(): void {}

  forget(): void {
    this.entries = [];
  }
}

/** A room of a server; it forgets ids when it is told to. */
class Room implements Target, Post {
  readonly room = "den";
  readonly to = null;
  readonly stream = "s";
  readonly peerId = 0;
  readonly me = me;
  ready = true;
  pending: readonly Message[] = [];
  accepts: Message[] = [];
  kept: MessageView[] = [];
  known = new Map<string, Accepted>();
  refusals: Refusal[] = [];
  drops = { before: false, after: false };
  tries = 0;
  /** Whether one is in it. */
  open = true;
  stranded: readonly Entry[] = [];
  warned = false;

  get head(): number {
    return this.kept.length;
  }

  target(): Target | undefined {
    return this.open ? this : undefined;
  }

  strand(entries: readonly Entry[]): void {
    this.stranded = entries;
  }

  setPending(messages: readonly Message[]): void {
    this.pending = messages;
  }

  accepted(message: Message): void {
    this.accepts.push(message);
  }

  unkept(): void {
    this.warned = true;
  }

  why(refusal: Refusal): string {
    return `为什么：${refusal.code}`;
  }

  async send(entry: Entry): Promise<Accepted> {
    this.tries += 1;
    if (this.drops.before) throw this.drop();
    const refusal = this.refusals.shift();
    if (refusal !== undefined) throw refusal;
    const accepted = this.known.get(entry.id) ?? this.keep(entry);
    if (this.drops.after) throw this.drop();
    return accepted;
  }

  async history({ after, limit }: { after: number; limit: number }): Promise<History> {
    const behind = this.kept.filter((one) => one.offset > after);
    return { stream: "s", messages: behind.slice(0, limit), more: behind.length > limit };
  }

  private drop(): Refusal {
    this.ready = false;
    return Refusal.offline();
  }

  private keep(entry: Entry): Accepted {
    const place = { stream: "s", epoch: "e", offset: this.kept.length + 1, at: "2025-01-01T12:00:00Z" };
    const accepted = { id: entry.id, ...place };
    this.kept.push({ ...accepted, from: me.name, from_id: me.id, content: entry.content });
    this.known.set(entry.id, accepted);
    return accepted;
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 200; i++) await Promise.resolve();
}

function begin(): [Room, Kept, Outbox] {
  const [room, kept] = [new Room(), new Kept()];
  const outbox = new Outbox(room, kept);
  outbox.open("1");
  return [room, kept, outbox];
}

test("messages are kept once and in order, whenever the line drops", async () => {
  for (let seed = 0; seed < 200; seed++) {
    const [room, kept, outbox] = begin();
    for (let i = 0; i < 12; i++) {
      const what = (seed * 31 + i * 17) % 7;
      room.drops = { before: what === 1, after: what === 2 };
      outbox.write(room, `${i}`, null);
      await settle();
      if (what === 4 && !room.ready) {
        const told = room.kept.at(-1); // a resume tells it, before anything is sent again
        if (told !== undefined) outbox.arrived(told.id, told.offset);
      }
      if (what > 3) {
        room.drops = { before: false, after: false };
        room.ready = true;
        outbox.resume();
        await settle();
      }
    }
    room.drops = { before: false, after: false };
    room.ready = true;
    outbox.resume();
    await settle();
    expect(room.kept.map((one) => one.content)).toEqual(Array.from({ length: 12 }, (_, i) => `${i}`));
    expect([room.pending, kept.entries, outbox.size]).toEqual([[], [], 0]);
  }
});

test("what the server has forgotten the id of is looked for before it is sent again", async () => {
  const [room, , outbox] = begin();
  room.drops.after = true;
  outbox.write(room, "once", null);
  await settle();
  room.known.clear();
  vi.setSystemTime(Date.now() + 3_600_000);
  room.drops.after = false;
  room.ready = true;
  outbox.resume();
  await settle();
  expect(room.kept.map((one) => one.content)).toEqual(["once"]);
  expect(room.accepts.map((one) => one.offset)).toEqual([1]);
  expect(outbox.size).toBe(0);
});

test("a refusal that will pass is waited for, and another one stays with its reason", async () => {
  const [room, , outbox] = begin();
  room.refusals = [Refusal.of({ code: "rate_limited", message: "slow", retry_after: 3 })];
  outbox.write(room, "first", null);
  outbox.write(room, "second", null);
  await settle();
  await vi.advanceTimersByTimeAsync(2900);
  expect(room.kept).toEqual([]);
  await vi.advanceTimersByTimeAsync(200);
  await settle();
  expect(room.kept.map((one) => one.content)).toEqual(["first", "second"]);
  room.refusals = [Refusal.of({ code: "too_large", message: "Too long." })];
  outbox.write(room, "long", null);
  await settle();
  expect(room.pending.map(({ state, error }) => [state, error])).toEqual([["failed", "为什么：too_large"]]);
  outbox.retry(room.pending[0]!.id);
  await settle();
  expect(room.kept.at(-1)?.content).toBe("long");
  expect(room.pending).toEqual([]);
});

test("what a tab left that is gone is sent once, even if this one knows of it", async () => {
  const [room, kept, outbox] = begin();
  const entry = { room: "den", to: null, stream: "s", toId: 0, replyTo: null, tried: null, after: 0, failed: null };
  const left = [
    { ...entry, id: "b", content: "later", at: 2 },
    { ...entry, id: "a", content: "earlier", at: 1 },
  ];
  kept.adopt(left, () => {});
  kept.adopt(left, () => {});
  await settle();
  expect(room.kept.map((one) => one.content)).toEqual(["earlier", "later"]);
  kept.adopt(left, () => {});
  await settle();
  expect(room.kept).toHaveLength(2);
});

test.each([
  ["after the other copy is gone is kept, and nothing", 2, false],
  ["not even then is lost with the page, and that", 0, true],
])("what a tab left for which there is room %s is said", (_, room, warned) => {
  const [den, kept, outbox] = begin();
  den.ready = false;
  const entry = { room: "den", to: null, stream: "s", toId: 0, replyTo: null, tried: null, after: 0, failed: null };
  const left = [1, 2].map((at) => ({ ...entry, id: `${at}`, content: `${at}`, at }));
  kept.room = 0; // both are there
  kept.adopt(left, () => (kept.room = room));
  expect([kept.entries.length, den.warned, outbox.size]).toEqual([room, warned, 2]);
});

test("what is on its way is lost with the page where it is kept nowhere: that is said once it has to wait", async () => {
  const [room, kept, outbox] = begin();
  kept.room = 0;
  expect(outbox.write(room, "arrives", null)).toBeNull();
  await settle();
  expect([room.kept.length, room.warned]).toEqual([1, false]);
  room.drops.before = true;
  expect(outbox.write(room, "waits", null)).toBeNull();
  await settle();
  expect([room.warned, outbox.write(room, "behind it", null)]).toEqual([true, "unkept"]);
});

test("what goes to a room that one was put out of is said with its words, until it is dealt with", async () => {
  const [room, kept, outbox] = begin();
  room.ready = false;
  for (const words of ["first", "second"]) outbox.write(room, words, null);
  room.open = false; // and the line comes back
  room.ready = true;
  room.refusals = [1, 2].map(() => Refusal.of({ code: "forbidden", message: "You are not in den." }));
  outbox.resume();
  await settle();
  const told = (): unknown[] => room.stranded.map((one) => [one.room, one.content, one.failed]);
  const why = "为什么：forbidden";
  expect(told()).toEqual([
    ["den", "first", why],
    ["den", "second", why],
  ]);
  expect([kept.entries.length, outbox.size]).toEqual([2, 2]);

  const left = kept.entries; // a reload
  outbox.close();
  expect(told()).toEqual([]);
  outbox.open("1");
  kept.adopt([...left], () => {});
  outbox.discard(room.stranded[0]!.id);
  expect(told()).toEqual([["den", "second", why]]);

  room.open = true; // let in again: it stands in the room, and can be sent
  outbox.showAll();
  expect(told()).toEqual([]);
  expect(room.pending.map((one) => [one.content, one.state])).toEqual([["second", "failed"]]);
  outbox.retry(room.pending[0]!.id);
  await settle();
  expect(room.kept.map((one) => one.content)).toEqual(["second"]);
  expect([room.pending, kept.entries]).toEqual([[], []]);
});

test("a second message of the same id gets a key of its own", async () => {
  const [room, , outbox] = begin();
  outbox.write(room, "mine", null);
  await settle();
  const { id } = room.kept[0]!;
  expect(outbox.key(id, 1)).toBe(`~${id}`);
  expect(outbox.key(id, 2)).toBeUndefined();
  expect(outbox.key("another's", 1)).toBeUndefined();
});
