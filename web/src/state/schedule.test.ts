// The timeline and the positions against a model of the server, under random schedules: pages that were read
// before what came ahead of them, lines that drop, resumes, gaps, jumps. In the end the view is the server's.

import { expect, test } from "vitest";
import type { History, MessageView } from "../wire/types";
import type { Message } from "./contract";
import { Positions, type Placed } from "./positions";
import { LoadedTimeline, type Range } from "./timeline.svelte";

const stream = "room:1";
const me = { id: 1, name: "alice" };

type Random = (below: number) => number;

function randomOf(seed: number): Random {
  let state = seed * 2654435761 + 1;
  return (below) => {
    state = Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9;
    return ((state ^ (state >>> 13)) >>> 0) % below;
  };
}

interface Event extends Placed {
  readonly name: "message" | "edited" | "deleted" | "reaction" | "erased";
  readonly data: Record<string, unknown>;
}

/** Entries of one stream, and the messages as they stand. */
class Server {
  entries: Event[] = [];
  messages: MessageView[] = [];

  do(random: Random): void {
    const kind = random(10);
    const target = this.messages[Math.max(0, this.messages.length - 1 - random(20))];
    const offset = this.entries.length + 1;
    const common = { from: "bob", from_id: 2, id: `i${offset}`, stream, epoch: "e", offset, at: "2025-01-01T12:00:00Z" };
    if (kind < 5 || target === undefined || target.deleted) {
      const view = { ...common, content: `words ${offset}`, room: "r" } as MessageView;
      this.messages.push(view);
      this.put("message", common, { ...view });
    } else if (kind < 7) {
      const content = `other words ${offset}`;
      this.replace({ ...target, content, edited_at: common.at });
      this.put("edited", common, { target: target.offset, content });
    } else if (kind < 8) {
      this.replace({ ...target, content: "", deleted: true, reactions: [] });
      this.put("deleted", common, { target: target.offset });
      const erased = this.entries[target.offset - 1]!;
      this.entries[target.offset - 1] = { ...erased, name: "erased", data: { stream, epoch: "e", offset: target.offset } };
    } else {
      const from = `guest${random(15)}`;
      const names = new Set((target as { all?: string[] }).all ?? []);
      const removed = names.has(from);
      if (removed) names.delete(from);
      else names.add(from);
      const all = [...names];
      const reactions = all.length ? [{ emoji: "+1", count: all.length, users: all.slice(0, 10) }] : [];
      this.replace({ ...target, reactions, all } as unknown as MessageView);
      this.put("reaction", { ...common, from, from_id: 100 }, { target: target.offset, emoji: "+1", ...(removed ? { removed } : {}) });
    }
  }

  history({ before, after, around, limit }: Range): History {
    const all = this.messages.map((one) => ({ ...one }));
    const page = (messages: MessageView[], more: boolean): History => ({ stream, messages, more, room: "r" });
    if (after !== undefined) {
      const behind = all.filter((one) => one.offset > after);
      return page(behind.slice(0, limit), behind.length > limit);
    }
    if (around !== undefined) {
      const back = Math.floor(limit / 2);
      const [low, high] = [all.filter((one) => one.offset < around), all.filter((one) => one.offset >= around)];
      const messages = [...low.slice(back === 0 ? low.length : -back), ...high.slice(0, limit - back)];
      return page(messages, low.length > back || high.length > limit - back);
    }
    const ahead = all.filter((one) => one.offset < (before ?? Infinity));
    return page(ahead.slice(-limit), ahead.length > limit);
  }

  private put(name: Event["name"], common: Placed & Record<string, unknown>, data: object): void {
    this.entries.push({ name, stream, epoch: "e", offset: common.offset, data: { ...common, ...data } });
  }

  private replace(view: MessageView): void {
    this.messages = this.messages.map((one) => (one.offset === view.offset ? view : one));
  }
}

type Delivery = { event: Event } | { answer: () => void } | { resumed: number } | { gap: number };

class Client {
  readonly positions = new Positions<Event>();
  readonly timeline: LoadedTimeline;
  head = 0;
  me = me;
  private channel: Delivery[] = [];
  private lost: (() => void)[] = []; // requests that are asked again after a reconnect
  private delivered = 0; // entries that were put on the line
  private slow: { at: number; answer: () => void }[] = [];

  constructor(
    private readonly server: Server,
    private readonly random: Random,
  ) {
    this.timeline = new LoadedTimeline(this);
    this.positions.begin(stream, { epoch: "e", offset: server.entries.length });
    this.delivered = server.entries.length;
  }

  why(): string {
    return "";
  }

  ownKey(): undefined {
    return undefined;
  }

  history(range: Range): Promise<History> {
    return new Promise((resolve) => {
      const ask = (): void => {
        const page = this.server.history(range);
        const answer = (): void => {
          this.lost.splice(this.lost.indexOf(ask), 1);
          resolve(page);
        };
        this.lost.push(ask);
        // It was read now; so many entries go on the line ahead of it.
        this.slow.push({ at: this.server.entries.length + this.random(5), answer });
      };
      ask();
    });
  }

  /** What the server has written since goes on the line, and answers that are ready behind it. */
  pump(all = false): void {
    while (this.delivered < this.server.entries.length) {
      this.ready(this.delivered);
      this.channel.push({ event: this.server.entries[this.delivered++]! });
    }
    this.ready(all ? Infinity : this.delivered);
  }

  drop(random: Random): void {
    this.channel = [];
    this.slow = [];
    const again = this.lost.splice(0);
    this.positions.resume();
    const known = this.positions.named()[stream]?.offset ?? 0;
    // What is live comes from here on; what was missed may come behind some of it.
    const head = this.server.entries.length;
    if (random(4) === 0) this.channel.push({ gap: head });
    else for (let i = known; i < head; i++) this.channel.push({ event: this.server.entries[i]! });
    this.channel.push({ resumed: head });
    if (random(2) === 0) this.channel.sort(() => random(3) - 1);
    this.channel = [...this.channel.filter((one) => !("resumed" in one)), { resumed: head }];
    this.delivered = head;
    for (const ask of again) ask();
  }

  async deliver(count: number): Promise<void> {
    for (const one of this.channel.splice(0, count)) {
      if ("answer" in one) one.answer();
      else if ("event" in one) this.take(one.event);
      else if ("gap" in one) {
        this.positions.gap(stream, { epoch: "e", offset: one.gap });
        void this.timeline.reload();
      } else {
        const holes = this.positions.resumed({ [stream]: { epoch: "e", offset: one.resumed } });
        if (holes.length > 0) void this.timeline.reload();
      }
      for (let i = 0; i < 12; i++) await Promise.resolve();
    }
  }

  get idle(): boolean {
    return this.channel.length === 0 && this.slow.length === 0 && this.delivered === this.server.entries.length;
  }

  private ready(delivered: number): void {
    for (const one of this.slow.filter((it) => it.at <= delivered)) {
      this.slow.splice(this.slow.indexOf(one), 1);
      this.channel.push({ answer: one.answer });
    }
  }

  private take(event: Event): void {
    const taken = this.positions.take(event);
    if ("gap" in taken) {
      this.apply(event);
      void this.timeline.reload();
      return;
    }
    for (const one of taken.apply) this.apply(one);
  }

  private apply(event: Event): void {
    this.head = Math.max(this.head, event.offset);
    const data = event.data as never;
    if (event.name === "message") this.timeline.arrived(data);
    else if (event.name !== "erased") this.timeline.modified(event.name, data);
  }
}

function shape(messages: readonly Message[]): unknown[] {
  return messages.map(({ offset, content, deleted, edited, reactions }) => ({ offset, content, deleted, edited, reactions }));
}

function shapeOf(views: readonly MessageView[]): unknown[] {
  return views.map((one) => ({
    offset: one.offset,
    content: one.content,
    deleted: one.deleted ?? false,
    edited: one.edited_at !== undefined,
    reactions: one.reactions ?? [],
  }));
}

async function settle(client: Client): Promise<void> {
  for (let i = 0; i < 500; i++) {
    client.pump(true);
    if (client.idle) return;
    await client.deliver(1000);
  }
  throw new Error("it does not come to rest");
}

test.each(Array.from({ length: 400 }, (_, seed) => seed))("the view ends as the server's (schedule %i)", async (seed) => {
  const random = randomOf(seed);
  const server = new Server();
  for (let i = random(200); i > 0; i--) server.do(random);
  const client = new Client(server, random);
  const { timeline } = client;
  void timeline.open();
  for (let step = 0; step < 120; step++) {
    const what = random(20);
    if (what < 8) server.do(random);
    else if (what < 14) {
      client.pump();
      await client.deliver(1 + random(4));
    } else if (what === 14) client.drop(random);
    else if (what === 15) void timeline.loadOlder();
    else if (what === 16) void timeline.loadNewer();
    else if (what === 17) void timeline.goTo(1 + random(Math.max(1, server.entries.length)));
    else if (what === 18) void timeline.goToEnd();
    else timeline.show();
  }
  await settle(client);
  timeline.show();
  const loaded = timeline.messages;
  if (loaded.length > 0) {
    const [low, high] = [loaded[0]!.offset, loaded.at(-1)!.offset];
    const between = server.messages.filter((one) => one.offset >= low && one.offset <= high);
    expect(shape(loaded)).toEqual(shapeOf(between)); // one run without a hole, each as it stands
  }
  void timeline.goToEnd();
  await settle(client);
  timeline.show();
  expect(timeline.hasNewer).toBe(false);
  expect(timeline.loading).toBe("none");
  const shown = timeline.messages;
  if (!timeline.hasOlder) expect(shown.length).toBe(server.messages.length);
  if (server.messages.length > 0) expect(shown.length).toBeGreaterThan(0);
  expect(shape(shown)).toEqual(shapeOf(server.messages.slice(-shown.length)));
  expect(new Set(shown.map((one) => one.key)).size).toBe(shown.length);
});
