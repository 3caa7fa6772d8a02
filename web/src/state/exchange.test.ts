// What is told of files before the part is there that keeps them.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LONGEST_WAIT } from "../wire/backoff";
import type { Line } from "../wire/line";
import type { Arrival } from "./arrivals";
import { Exchange } from "./exchange.svelte";

let missing = 0; // how often it cannot be had yet
let asked = 0;

const part = async (): Promise<typeof import("./offers.svelte")> => {
  asked += 1;
  if (missing-- > 0) throw new TypeError("it could not be fetched");
  return import("./offers.svelte");
};

function told(name: "file_offer" | "file_accepted", offer: string): Arrival {
  return { name, data: { offer, from: "alice", to: "bob", filename: `${offer}.txt`, size: 3 } } as Arrival;
}

function exchange(): Exchange {
  return new Exchange({ online: true } as Line, () => null, part);
}

const names = (one: Exchange): string[] => one.all.map((offer) => offer.filename);

beforeEach(() => {
  vi.useFakeTimers();
  asked = missing = 0;
});
afterEach(() => void vi.useRealTimers());

/** Let what was asked for come, or fail. */
async function passed(milliseconds = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
  await vi.dynamicImportSettled();
}

test("an offer waits for the part, and what follows it stays in its order", async () => {
  const files = exchange();
  for (const one of [told("file_offer", "a"), told("file_offer", "b"), told("file_accepted", "a")]) files.take(one);
  expect([names(files), asked]).toEqual([[], 1]);
  await passed();
  expect(names(files)).toEqual(["b.txt"]);
  files.take(told("file_offer", "c"));
  expect([names(files), asked]).toEqual([["b.txt", "c.txt"], 1]);
});

test("a part that cannot be had is asked for again, and nothing is lost", async () => {
  missing = 3;
  const files = exchange();
  files.take(told("file_offer", "a"));
  await passed();
  files.take(told("file_offer", "b"));
  expect(names(files)).toEqual([]);
  for (let i = 0; i < 3; i += 1) await passed(LONGEST_WAIT);
  expect([names(files), asked]).toEqual([["a.txt", "b.txt"], 4]);
});

test("what was told over a line that dropped is told again, and not kept twice", async () => {
  missing = 1;
  const files = exchange();
  files.take(told("file_offer", "gone"));
  await passed();
  files.dropped();
  await passed(LONGEST_WAIT);
  expect([names(files), asked]).toEqual([[], 1]);
  files.take(told("file_offer", "stands"));
  await passed();
  expect(names(files)).toEqual(["stands.txt"]);
});

test("what is no offer's fetches nothing", async () => {
  const files = exchange();
  files.take(told("file_accepted", "a"));
  await passed();
  expect(asked).toBe(0);
});
