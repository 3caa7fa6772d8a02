// Private talks whose name is somebody else's by now: the engine on a line to a model of the server, with guests who
// go, and strangers who come by their names.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { MessageView } from "../wire/types";
import { Engine } from "./engine.svelte";
import { talkOf } from "./peers";
import { writeRoute } from "./route";

// The tables of texts ask for the language as soon as they are loaded.
const browser = vi.hoisted(() => {
  const navigator = { language: "en" };
  vi.stubGlobal("navigator", navigator);
  vi.stubGlobal("document", { addEventListener: () => {}, documentElement: { dataset: {} } });
  vi.stubGlobal("addEventListener", () => {});
  return { navigator };
});

const me = { user_id: 1, username: "Zoe" };

interface Somebody {
  readonly user_id: number;
  readonly username: string;
}

interface Asked {
  readonly id: string;
  readonly action: string;
  readonly payload: Record<string, unknown>;
}

/** Who is here, and what was said to whom: by ids, as the server has it. */
class Server {
  here: Somebody[] = [me];
  accounts: Somebody[] = [];
  guests = new Map<number, string>(); // all that ever were
  said = new Map<string, MessageView[]>();
  asked: Asked[] = [];
  lines = new Set<Wire>();
  up = true;

  come(user_id: number, username: string): void {
    this.here.push({ user_id, username });
    this.guests.set(user_id, username);
    this.tell("joined", { user_id, username, room: "lobby" });
  }

  go(user_id: number): void {
    const { username } = this.here.find((one) => one.user_id === user_id)!;
    this.here = this.here.filter((one) => one.user_id !== user_id);
    this.tell("left", { user_id, username });
  }

  say(from: Somebody, to: Somebody, content: string, id = `s${Math.random()}`): MessageView {
    const stream = talkOf(from.user_id, to.user_id);
    const all = this.said.get(stream) ?? [];
    this.said.set(stream, all);
    const known = all.find((one) => one.id === id);
    if (known !== undefined) return known;
    const [offset, at] = [all.length + 1, new Date(1_750_000_000_000 + all.length).toISOString()];
    const between = { from: from.username, from_id: from.user_id, to: to.username, to_id: to.user_id };
    const message = { ...between, content, id, stream, epoch: "e", offset, at };
    all.push(message);
    if (from === me || to === me) this.tell("private", message);
    return message;
  }

  /** What a person of that id can read. */
  read(id: number): string[] {
    return [...this.said].flatMap(([stream, all]) => (stream.split(":").includes(id.toString(16)) ? all : [])).map((one) => one.content);
  }

  tell(event: string, data: object): void {
    for (const line of this.lines) line.push({ id: "n", type: "notification", event, data });
  }

  answer({ id, action, payload }: Asked): object {
    switch (action) {
      case "login":
        return { ...me, token: "", server: "hubbub", role: "member", rooms: [] };
      case "resume":
        return { positions: payload["positions"] };
      case "list":
        return { users: this.here.map((one) => ({ ...one, status: "online" })) };
      case "rooms":
        return { rooms: [] };
      case "unread":
        return { streams: [...this.said].map(([stream, all]) => this.counted(stream, all)) };
      case "history":
        return this.history(payload as { stream?: string; with?: string });
      case "whisper":
        return this.whisper(id, payload as { to: string; to_id?: number; content: string });
      default:
        return {};
    }
  }

  private named(name: string | undefined): Somebody | undefined {
    return [...this.here, ...this.accounts].find((one) => one.username.toLowerCase() === name?.toLowerCase());
  }

  private history(of: { stream?: string; with?: string }): object {
    const other = this.named(of.with);
    const stream = of.stream ?? (other === undefined ? "" : talkOf(me.user_id, other.user_id));
    if (stream === "") return refused("with");
    return { stream, messages: this.said.get(stream) ?? [], more: false };
  }

  private whisper(id: string, { to, to_id, content }: { to: string; to_id?: number; content: string }): object {
    const other = this.named(to);
    if (other === undefined) return refused("to");
    if (to_id !== undefined && to_id !== other.user_id) return refused("to_id");
    return this.say(me, other, content, id);
  }

  private counted(stream: string, all: MessageView[]): object {
    const [low, high] = stream.split(":").slice(1).map((one) => parseInt(one, 16));
    const other = low === me.user_id ? high! : low!;
    const account = this.accounts.find((one) => one.user_id === other);
    const gone = account === undefined && !this.here.some((one) => one.user_id === other);
    const last = { stream, epoch: "e", offset: all.length, read: all.length, unread: 0, at: all.at(-1)!.at };
    return { ...last, with: account?.username ?? this.guests.get(other), ...(gone ? { gone } : {}) };
  }
}

function refused(field: string): object {
  return { code: "not_found", message: field === "to_id" ? "'Hans' is somebody else by now." : "Not found.", field };
}

let server: Server;
let hearing: Map<string, (() => void)[]>;
let kept: Record<string, string>;
let pushed: string[]; // addresses from which the way back leads

class Wire {
  static readonly OPEN = 1;
  readonly bufferedAmount = 0;
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((close: { code: number }) => void) | null = null;

  constructor() {
    queueMicrotask(() => {
      if (!server.up) return this.onclose?.({ code: 1006 });
      this.readyState = 1;
      server.lines.add(this);
      this.onopen?.();
    });
  }

  send(text: string): void {
    const asked = JSON.parse(text) as Asked;
    server.asked.push(asked);
    const data = server.answer(asked);
    this.push({ id: asked.id, type: "code" in data ? "error" : "response", data });
  }

  push(message: object): void {
    queueMicrotask(() => this.onmessage?.({ data: JSON.stringify(message) }));
  }

  close(): void {
    this.readyState = 3;
    server.lines.delete(this);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  server = new Server();
  hearing = new Map();
  kept = {};
  pushed = [];
  const listen = (name: string, told: () => void): void => void hearing.set(name, [...(hearing.get(name) ?? []), told]);
  vi.stubGlobal("navigator", browser.navigator);
  vi.stubGlobal("WebSocket", Wire);
  vi.stubGlobal("BroadcastChannel", undefined);
  vi.stubGlobal("addEventListener", listen);
  vi.stubGlobal("removeEventListener", () => {});
  vi.stubGlobal("document", { addEventListener: listen, removeEventListener: () => {}, visibilityState: "visible", querySelector: () => null });
  vi.stubGlobal("matchMedia", () => ({ matches: true }));
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
  vi.stubGlobal("requestAnimationFrame", (run: () => void) => setTimeout(run, 16));
  vi.stubGlobal("cancelAnimationFrame", clearTimeout);
  vi.stubGlobal("localStorage", new Proxy(kept, {
    get: (all, key: string) =>
      ({ getItem: (name: string) => all[name] ?? null, setItem: (name: string, text: string) => (all[name] = text), removeItem: (name: string) => delete all[name] })[key],
  }));
  page("");
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function page(hash: string): void {
  let at = hash;
  const location = { protocol: "http:", host: "localhost" };
  const push = (address: string): void => {
    if (address !== at) pushed.push(address);
    at = address;
  };
  vi.stubGlobal("location", Object.defineProperty(location, "hash", { get: () => at, set: push }));
  vi.stubGlobal("history", { replaceState: (_: null, __: string, address: string) => void (at = address) });
}

/** A page that is loaded, and signed in. */
async function load(hash = ""): Promise<Engine> {
  page(hash);
  const engine = new Engine();
  engine.session.start();
  await pass(100);
  return engine;
}

async function pass(milliseconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
}

async function cut(): Promise<void> {
  server.up = false;
  for (const line of server.lines) line.onclose?.({ code: 1006 });
  server.lines.clear();
  await pass(50);
}

async function back(engine: Engine): Promise<void> {
  server.up = true;
  engine.session.retryNow();
  await pass(200);
}

const words = (engine: Engine, stream: string): string[] =>
  engine.known.ofStream(stream)!.timeline.messages.map((one) => `${one.state}: ${one.content}`);

const [hans, stranger] = [{ user_id: 5, username: "Hans" }, { user_id: 9, username: "Hans" }];
const [old, other] = [talkOf(1, 5), talkOf(1, 9)];

async function talking(): Promise<Engine> {
  server.come(5, "Hans");
  server.say(hans, me, "hi Zoe");
  const engine = await load();
  engine.where.open(engine.known.ofStream(old)!);
  await pass(100);
  return engine;
}

test("what is written without a line for a guest reaches no stranger of that name, and stays to be seen", async () => {
  const engine = await talking();
  await cut();
  engine.current!.send("my PIN is 1234");
  await pass(100);
  server.go(5);
  server.come(9, "Hans");
  await back(engine);
  expect(server.read(9)).toEqual([]);
  expect(words(engine, old)).toEqual(["sent: hi Zoe", "failed: my PIN is 1234"]);
  expect(engine.current!.timeline.messages.at(-1)!.error).toContain("somebody else");
  expect(engine.current!.gone).toBe(true);
  expect(server.asked.find((one) => one.action === "whisper")!.payload["to_id"]).toBe(5);
});

test("so it is after a reload, too", async () => {
  const engine = await talking();
  await cut();
  engine.current!.send("my PIN is 1234");
  await pass(100);
  server.go(5);
  server.come(9, "Hans");
  server.say(stranger, me, "hello");
  server.up = true;
  const again = await load(writeRoute(engine.current!));
  await pass(500);
  expect(server.read(9)).toEqual(["hello"]);
  expect(words(again, old)).toContain("failed: my PIN is 1234");
  expect(words(again, other).join()).not.toContain("PIN");
});

test("what an earlier page kept for a name alone goes to nobody, where a guest of that name is gone", async () => {
  const left = { id: "m1", room: null, to: "Hans", content: "my PIN", replyTo: null, at: 1, tried: null, after: 0, failed: null };
  kept["hubbub.outbox.1.gone-tab"] = JSON.stringify([left]);
  server.come(5, "Hans");
  server.say(hans, me, "hi Zoe");
  server.go(5);
  server.come(9, "Hans");
  const engine = await load();
  await pass(500);
  expect(server.asked.filter((one) => one.action === "whisper")).toEqual([]);
  const shown = [...engine.known].flatMap((one) => one.timeline.messages.filter((message) => message.state === "failed"));
  expect(shown.map((one) => one.content)).toEqual(["my PIN"]);
});

test("a talk is closed as soon as another one has the name, and looks like nobody else's", async () => {
  const engine = await talking();
  const talk = engine.current!;
  expect([talk.gone, talk.peer?.id, talk.peerId]).toEqual([false, 5, 5]);
  server.go(5);
  server.come(9, "Hans");
  await pass(50);
  expect([talk.gone, talk.peer, talk.peerId]).toEqual([true, null, 5]);
});

test("a guest who leaves is gone once the server says so, and not where the line only dropped", async () => {
  const engine = await talking();
  server.go(5);
  await pass(4000);
  expect(engine.current!.gone).toBe(true);
  server.come(5, "Hans");
  await pass(50);
  expect([engine.current!.gone, engine.current!.peer?.id]).toEqual([false, 5]);
});

test("two talks of one name have two addresses, and both can be read", async () => {
  const engine = await talking();
  server.go(5);
  server.come(9, "Hans");
  server.say(stranger, me, "hello");
  await pass(4000);
  const [first, second] = [engine.known.ofStream(old)!, engine.known.ofStream(other)!];
  expect(engine.current).toBe(first);
  expect(location.hash).toBe(writeRoute(first));
  expect([writeRoute(second), new Set([first.key, second.key]).size]).toEqual(["#/talk/Hans", 2]);
  expect(writeRoute(first)).not.toBe("#/talk/Hans");

  const again = await load(writeRoute(first));
  await pass(100);
  expect([again.current!.stream, again.current!.gone]).toEqual([old, true]);
  expect(words(again, old)).toEqual(["sent: hi Zoe"]);
  const third = await load("#/talk/Hans");
  await pass(100);
  expect([third.current!.stream, third.current!.gone]).toEqual([other, false]);
});

test("an address that names another one's talk takes no words until the server says whose it is", async () => {
  server.come(5, "Hans");
  server.come(7, "Bank");
  server.say(hans, me, "hi Zoe");
  const engine = await load(`#/talk/Bank/${encodeURIComponent(old)}`);
  await pass(100);
  expect(engine.current!.name).toBe("Hans");
  page(`#/talk/Bank/${encodeURIComponent(talkOf(1, 7))}`); // and one of which nothing was heard, in an open page
  for (const told of hearing.get("hashchange") ?? []) told();
  expect([engine.current!.peerId, engine.current!.gone]).toEqual([7, false]);
  page(`#/talk/Bank/${encodeURIComponent(talkOf(1, 8))}`);
  for (const told of hearing.get("hashchange") ?? []) told();
  expect([engine.current!.peerId, engine.current!.gone]).toEqual([8, true]);
  const none = await load(`#/talk/Bank/${encodeURIComponent(talkOf(5, 7))}`);
  expect(none.current).toBeNull();
});

test("what was begun for one is not found in the box for the next of that name", async () => {
  const engine = await talking();
  engine.current!.draft = "my PIN is";
  server.go(5);
  server.come(9, "Hans");
  await pass(50);
  const next = engine.known.with("Hans", 9);
  expect([next.draft, next.key === engine.current!.key]).toEqual(["", false]);
  expect(engine.current!.draft).toBe("my PIN is");
  engine.where.open(next);
  await pass(100);
  next.send("hello");
  await pass(100);
  expect(words(engine, other)).toEqual(["sent: hello"]);
  expect(words(engine, old)).toEqual(["sent: hi Zoe"]);
});

test("a talk that was only opened stays with whom it was opened with", async () => {
  server.come(5, "Hans");
  const engine = await load("#/talk/Hans");
  await pass(100);
  expect(engine.current!.peerId).toBe(5);
  server.go(5);
  server.come(9, "Hans");
  await pass(50);
  engine.current!.send("for Hans");
  await pass(100);
  expect(server.read(9)).toEqual([]);
  expect(engine.current!.timeline.messages.map((one) => one.state)).toEqual(["failed"]);
});

test("a talk with nobody says so, and stands in no list until there is somebody of that name", async () => {
  const engine = await load("#/talk/Nobody");
  expect([engine.current!.name, engine.current!.nobody, engine.known.all]).toEqual(["Nobody", true, []]);
  server.come(6, "Nobody");
  await pass(50);
  expect([engine.current!.nobody, engine.known.all]).toEqual([false, [engine.current]]);
});

test("whose talk it is with somebody who is away, the server says as soon as it is opened", async () => {
  server.accounts.push({ user_id: 4, username: "Eva" });
  const engine = await load("#/talk/Eva");
  expect([engine.current!.peerId, engine.current!.gone]).toEqual([4, false]);
  engine.current!.draft = "hello";
  server.come(4, "Eva");
  await pass(50);
  expect(engine.current!.draft).toBe("hello");
  engine.current!.send("hello");
  await pass(100);
  expect(words(engine, talkOf(1, 4))).toEqual(["sent: hello"]);
  expect([...engine.known].length).toBe(1);
});

test("a name is one person's in whatever case: an address or a mention finds the talk with whoever is here", async () => {
  server.come(6, "Ann");
  const engine = await load("#/talk/ann");
  expect([engine.current!.name, engine.current!.peerId, engine.current!.peer?.name]).toEqual(["Ann", 6, "Ann"]);
  engine.current!.send("hi Ann");
  server.say({ user_id: 6, username: "Ann" }, me, "hi Zoe");
  await pass(100);
  expect(words(engine, talkOf(1, 6))).toEqual(["sent: hi Ann", "sent: hi Zoe"]);
  expect([...engine.known]).toEqual([engine.current]);
  expect(engine.known.with("ann", 0)).toBe(engine.current);
});

test("so it is with who is away, and what is being written goes along to the name as it is spelt", async () => {
  server.accounts.push({ user_id: 4, username: "Eva" });
  const engine = await load("#/talk/eva");
  engine.current!.draft = "and you?";
  await cut();
  engine.current!.send("without a line");
  engine.current!.draft = "and you?";
  const kept = engine.current!;
  server.say({ user_id: 4, username: "Eva" }, me, "hello");
  await back(engine);
  await pass(100);
  expect([engine.current, [...engine.known]]).toEqual([kept, [kept]]);
  expect([kept.name, kept.draft, words(engine, talkOf(1, 4))]).toEqual([
    "Eva",
    "and you?",
    ["sent: hello", "sent: without a line"],
  ]);
});

test.each(["#/talk/%48ans", "#/talk/no%20/talk:5:7", "#/room/nowhere"])("the way back does not lead to %s again and again", async (hash) => {
  await talking();
  pushed = [];
  page(hash);
  for (const told of hearing.get("hashchange") ?? []) told();
  await pass(100);
  expect([location.hash, pushed]).toEqual([hash.endsWith("ans") ? "#/talk/Hans" : "#/", []]);
});
