// The pure parts of the wire: waiting, requests, chunks, refusals, ids.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Backoff, FIRST_WAIT, LONGEST_WAIT } from "./backoff";
import { unpackChunk } from "./chunks";
import { packChunk } from "./packing";
import { newId } from "./ids";
import { Refusal, willPass } from "./refusal";
import { PATIENCE, Requests } from "./requests";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("waits grow to a limit, spread over all of it, and begin anew", () => {
  const longest = new Backoff(() => 1);
  expect([0, 1, 2].map(() => longest.next())).toEqual([FIRST_WAIT, 2 * FIRST_WAIT, 4 * FIRST_WAIT]);
  for (let i = 0; i < 2000; i++) expect(longest.next()).toBeLessThanOrEqual(LONGEST_WAIT);
  expect(longest.next()).toBe(LONGEST_WAIT);
  longest.reset();
  expect(longest.next(3000)).toBe(3000 + FIRST_WAIT);
  expect(new Backoff(() => 0).next(3000)).toBe(3000);
});

test("an answer finds its request, whatever came before it", async () => {
  const requests = new Requests();
  const [first, one] = requests.ask("ping", {}, "1");
  const [, two] = requests.ask("list", { any: 1 }, "2");
  expect(JSON.parse(first)).toEqual({ id: "1", type: "request", action: "ping", payload: {} });
  requests.answered("3", "nobody's", false);
  requests.answered(null, { code: "bad_request", message: "no" }, true);
  requests.answered("2", { code: "rate_limited", message: "slow", retry_after: 2 }, true);
  requests.answered("1", { pong: true }, false);
  await expect(one).resolves.toEqual({ pong: true });
  await expect(two).rejects.toMatchObject({ code: "rate_limited", message: "slow", retryAfter: 2 });
  expect(requests.open).toBe(0);
});

test("a request without an answer is given up, and one without a line at once", async () => {
  const requests = new Requests();
  const late = requests.ask("ping", {})[1].catch((error: Refusal) => error.code);
  vi.advanceTimersByTime(PATIENCE);
  expect(await late).toBe("timeout");
  const lost = requests.ask("ping", {})[1].catch((error: Refusal) => error.code);
  requests.lost();
  expect(await lost).toBe("offline");
  expect(requests.open).toBe(0);
});

test("the example of the protocol's page is a chunk, and packs again", () => {
  const hex = "7d44a1c09b3e4f6a8c2510e6f1d0b39a000000000001000089504e47";
  const bytes = Uint8Array.from(hex.match(/../g)!, (two) => Number.parseInt(two, 16));
  const chunk = unpackChunk(bytes.buffer);
  expect(chunk).toMatchObject({ offer: "7d44a1c09b3e4f6a8c2510e6f1d0b39a", offset: 65_536 });
  expect([...chunk!.data]).toEqual([0x89, 0x50, 0x4e, 0x47]);
  expect(packChunk(chunk!.offer, chunk!.offset, chunk!.data)).toEqual(bytes);
});

test("what is no chunk is none", () => {
  expect(unpackChunk(new ArrayBuffer(23))).toBeNull();
  expect(unpackChunk(new Uint8Array(24).fill(255).buffer)).toBeNull(); // an offset beyond all files
  expect(() => packChunk("no offer", 0, new Uint8Array())).toThrow();
});

test("whatever the server answers becomes a refusal", () => {
  for (const odd of [null, undefined, 7, "no", [], { code: 7, retry_after: "soon" }]) {
    expect(Refusal.of(odd)).toMatchObject({ code: "internal", retryAfter: undefined });
  }
  expect(willPass(Refusal.of({ code: "read_only", message: "full" }))).toBe(true);
  expect(willPass(Refusal.of({ code: "too_large", message: "no" }))).toBe(false);
  expect(willPass(new Error("a fault of ours"))).toBe(false);
});

test("ids are UUIDs, each another one", () => {
  const ids = new Set(Array.from({ length: 1000 }, newId));
  expect(ids.size).toBe(1000);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
