// What was written and is not sent: in a room that ends while another one begins by its name, and where there is no
// room for more of it. The engine, with events as they come.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Refusal } from "../wire/refusal";
import type { Arrival } from "./arrivals";
import { Engine } from "./engine.svelte";

// The tables of texts ask for the language as soon as they are loaded.
vi.hoisted(() => {
  vi.stubGlobal("navigator", { language: "en" });
  vi.stubGlobal("document", { addEventListener: () => {}, documentElement: { dataset: {} }, visibilityState: "visible" });
  vi.stubGlobal("addEventListener", () => {});
});

const place = { room: "secret", epoch: "e", offset: 3, members: 2, topic: "", created: false };
const [secret, anew] = [{ ...place, stream: "room:7" }, { ...place, stream: "room:8" }];
const login = { user_id: 1, username: "Zoe", token: "", server: "hubbub", role: "member", status: "online" } as const;
let engine: Engine;
let published: string[];
let listed: { room: string; topic: string; members: number }[];

beforeEach(() => {
  vi.useFakeTimers();
  const kept: Record<string, string> = {}; // its keys are its own members, as those of the browser's storage are
  const asked = {
    getItem: (key: string) => kept[key] ?? null,
    setItem: (key: string, text: string) => void (kept[key] = text),
    removeItem: (key: string) => void delete kept[key],
  };
  vi.stubGlobal("localStorage", new Proxy(kept, { get: (_, key: keyof typeof asked) => asked[key] }));
  vi.stubGlobal("WebSocket", { OPEN: 1 });
  vi.stubGlobal("location", { protocol: "http:", host: "localhost", hash: "" });
  vi.stubGlobal("history", { replaceState: (_: null, __: string, address: string) => void (location.hash = address) });
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
  vi.stubGlobal("requestAnimationFrame", (run: () => void) => setTimeout(run, 16));
  vi.stubGlobal("cancelAnimationFrame", clearTimeout);
  published = [];
  listed = [];
  load([secret]);
  settle();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A page that is loaded, and signed in. */
function load(rooms: readonly (typeof secret)[]): void {
  engine = new Engine();
  engine.session.me = { id: 1, name: "Zoe", role: "member", status: "online" };
  vi.spyOn(engine.line, "request").mockImplementation((action, payload) => {
    if (action === "publish") published.push((payload as { content: string }).content);
    if (action === "join") return Promise.resolve(secret as never);
    return Promise.resolve({ stream: "room:8", offset: 4, at: "2025-01-01T12:00:00Z", messages: [], rooms: listed } as never);
  });
  welcome(rooms);
}

function welcome(rooms: readonly (typeof secret)[]): void {
  engine.welcome({ ...login, rooms } as never);
}

function hear(name: Arrival["name"], data: object): void {
  engine.event({ name, data } as Arrival);
  engine.flush();
}

function settle(): void {
  engine.session.settled = true;
  engine.settled();
}

async function online(): Promise<void> {
  settle();
  await vi.advanceTimersByTimeAsync(100);
}

const room = (): NonNullable<ReturnType<Engine["known"]["named"]>> => engine.known.named("room", "secret")!;
const aside = (): string[] => engine.stranded.map((one) => `${one.room}: ${one.content}`);

test("the draft of a room that ended is in no box of the next one of that name, and is kept aside", async () => {
  room().draft = "draft in secret";
  expect(aside()).toEqual([]);
  hear("left", { user_id: 1, username: "Zoe", room: "secret" });
  expect(aside()).toEqual(["secret: draft in secret"]);
  engine.joined(anew);
  expect([room().stream, room().draft]).toEqual(["room:8", ""]);
  room().draft = "in the open";
  await vi.advanceTimersByTimeAsync(1000);
  load([anew]);
  settle();
  expect([room().draft, aside()]).toEqual(["in the open", ["secret: draft in secret"]]);
  engine.discard(engine.stranded[0]!.id);
  expect([room().draft, aside()]).toEqual(["in the open", []]);
});

test("so it is where the room ended while there was no line, with an edit that was under way, too", () => {
  room().draft = "draft in secret";
  engine.drafts.set("room:7#secret edit", "12 1750000000000 other words");
  room().mute(true);
  welcome([anew]);
  settle();
  expect([room().draft, room().muted, aside()]).toEqual(["", false, ["secret: draft in secret", "secret: other words"]]);
  engine.left(); // nobody is signed in
  expect(engine.stranded).toEqual([]);
});

test("whoever comes into the room again finds the draft there", () => {
  room().draft = "draft in secret";
  hear("left", { user_id: 1, username: "Zoe", room: "secret" });
  engine.joined(secret);
  expect([room().draft, aside()]).toEqual(["draft in secret", []]);
});

test("what waits for a room that ended is not sent to the next one of that name", async () => {
  engine.session.settled = false;
  room().send("for the secret room");
  welcome([anew]);
  room().send("in the open");
  await online();
  expect([published, aside()]).toEqual([["in the open"], ["secret: for the secret room"]]);
  load([anew]); // another page takes it over
  await online();
  expect([published.length, aside()]).toEqual([1, ["secret: for the secret room"]]);
});

test("what is too much to be kept is not taken: it stays where it was written, and all that was taken is found again", async () => {
  engine.session.settled = false;
  for (let at = 0; at < 206; at++) {
    room().draft = `u${at}`;
    room().send(`u${at}`);
    expect([room().draft, room().notice]).toEqual(at < 200 ? ["", null] : [`u${at}`, "full"]);
  }
  room().draft = "shorter";
  expect(room().notice).toBeNull();
  load([secret]);
  await online();
  expect(published).toEqual(Array.from({ length: 200 }, (_, at) => `u${at}`));
  room().send("and on");
  await vi.advanceTimersByTimeAsync(100);
  expect(published.at(-1)).toBe("and on");
});

test("where the browser keeps nothing, whoever writes without a line is told so", async () => {
  vi.stubGlobal("localStorage", undefined);
  room().send("with a line");
  engine.session.settled = false;
  room().send("without one");
  expect([room().draft, room().notice]).toEqual(["", "unkept"]);
  await online();
  expect(published).toContain("without one");
});

test.each([
  [[{ room: "secret", topic: "", members: 1 }], "draft in secret", []],
  [[], undefined, ["secret: draft in secret"]],
])("the draft of a room that the address names is left over only where that cannot be entered again (%#)", async (rooms, draft, left) => {
  room().draft = "draft in secret";
  await vi.advanceTimersByTimeAsync(1000);
  load([]); // a guest belongs to none
  listed = rooms;
  const seen = [aside()];
  engine.session.whenSettled = async () => {
    settle(); // before the room is looked for
    seen.push(aside());
  };
  location.hash = "#/room/secret";
  engine.where.arrive("1");
  for (let turn = 0; turn < 20 && engine.current === null; turn++) {
    await Promise.resolve();
    if (left.length === 0) seen.push(aside());
  }
  expect([engine.current?.draft, seen.flat(), aside()]).toEqual([draft, [], left]);
});

test("why the room that the address names could not be looked for is said", async () => {
  load([]);
  await online();
  engine.session.whenSettled = () => Promise.resolve();
  vi.mocked(engine.line.request).mockImplementation(() => Promise.reject(new Refusal("rate_limited", "Too many requests.")));
  location.hash = "#/room/secret";
  engine.where.arrive("1");
  await vi.advanceTimersByTimeAsync(0);
  expect([location.hash, engine.where.missing, engine.where.refused?.message]).toEqual(["#/", null, "Too many requests."]);
});

test("what was muted by its name alone, as an earlier page kept it, stays so: a room once, and a person in whatever case", () => {
  localStorage.setItem("hubbub.muted.1.#secret", "1");
  localStorage.setItem("hubbub.muted.1.@Ann", "1");
  load([secret]);
  expect([room().muted, engine.known.with("Ann", 5).muted, engine.known.with("bob", 6).muted]).toEqual([true, true, false]);
  load([anew]);
  expect([room().muted, engine.known.with("ann", 5).muted]).toEqual([false, true]);
  load([secret]);
  room().mute(false);
  load([secret]);
  expect(room().muted).toBe(false);
});
