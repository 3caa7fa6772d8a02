// Rooms that one comes into, or is out of, by what others do, or another device: the engine, with events as they come.

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

const vault = { room: "vault", stream: "room:7", epoch: "e", offset: 3, members: 2, topic: "", created: false };
let engine: Engine;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", { OPEN: 1 });
  vi.stubGlobal("location", { protocol: "http:", host: "localhost", hash: "" });
  vi.stubGlobal("history", { replaceState: () => {} });
  vi.stubGlobal("requestAnimationFrame", (run: () => void) => setTimeout(run, 16));
  vi.stubGlobal("cancelAnimationFrame", clearTimeout);
  engine = new Engine();
  engine.session.me = { id: 1, name: "Zoe", role: "member", status: "online" };
  const told: Record<string, object> = {
    join: vault,
    rooms: { rooms: [{ room: "vault", topic: "", members: 2, private: true }] },
    history: { stream: vault.stream, messages: [], more: false },
  };
  vi.spyOn(engine.line, "request").mockImplementation((action) => Promise.resolve((told[action] ?? {}) as never));
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function hear(name: Arrival["name"], data: object): void {
  engine.event({ name, data } as Arrival);
  engine.flush();
}

const left = (): void => hear("left", { user_id: 1, username: "Zoe", room: "vault" });

test("a room that one entered on another device is known to be private at once", async () => {
  hear("joined", { user_id: 1, username: "Zoe", room: "vault" });
  await vi.advanceTimersByTimeAsync(0);
  expect(engine.known.named("room", "vault")?.private).toBe(true);
});

test("who is put out of the room that is open, or sees it end, is told so; who leaves it is not", async () => {
  engine.where.open(engine.joined(vault));
  left();
  expect([engine.current, engine.where.lost]).toEqual([null, { name: "vault", removed: false }]);

  engine.where.open(engine.joined(vault));
  expect(engine.where.lost).toBe(null);
  const role = { user_id: 1, username: "Zoe", role: "none", room: "vault", stream: vault.stream, epoch: "e", offset: 4 };
  hear("role", role);
  left();
  expect(engine.where.lost).toEqual({ name: "vault", removed: true });

  const room = engine.joined(vault);
  engine.where.open(room);
  await room.leave();
  expect([engine.current, engine.where.lost]).toEqual([null, null]);
});

test("one's own leaving is one's own, though that it happened is told before the answer; and not where it was refused", async () => {
  const room = engine.joined(vault);
  engine.where.open(room);
  const request = vi.mocked(engine.line.request);
  request.mockImplementationOnce(() => Promise.reject(Refusal.offline()));
  await expect(room.leave()).rejects.toThrow();
  expect(room.leaving).toBe(false);
  request.mockImplementationOnce(() => {
    left();
    return Promise.resolve({} as never);
  });
  await room.leave();
  expect([engine.current, engine.where.lost]).toEqual([null, null]);
});

test("who leaves a room leaves no talk with one whose name that is, and nobody's talk where all of it is left", () => {
  const [room, namesake, other] = [engine.joined(vault), engine.known.with("vault", 5), engine.known.with("Ann", 6)];
  const counts = (): number[] => [room, namesake, other].map((one) => one.memberships);
  hear("left", { user_id: 6, username: "Ann", room: "vault" });
  expect(counts()).toEqual([1, 0, 0]);
  hear("left", { user_id: 6, username: "Ann" });
  expect(counts()).toEqual([2, 0, 0]);
});
