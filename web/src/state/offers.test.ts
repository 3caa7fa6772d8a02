// How a file that somebody sends ends here, where it goes straight into a file that the person chose.

import { afterEach, expect, test, vi } from "vitest";
import type { Line } from "../wire/line";
import { Offers, type LiveOffer } from "./offers.svelte";

const SIZE = 300 << 20; // so large that a place is asked for first
const PART = new Uint8Array(1 << 20);
const id = "0123456789abcdef0123456789abcdef";
const sha256 = "ab".repeat(32);

/** What the person chose: a disk that takes so many writes, and is full then. */
class Disk {
  ended: "closed" | "aborted" | null = null;

  constructor(private left: number) {}

  write(): Promise<void> {
    return this.left-- > 0 ? Promise.resolve() : Promise.reject(new DOMException("", "QuotaExceededError"));
  }

  close(): Promise<void> {
    this.ended = "closed";
    return Promise.resolve();
  }

  abort(): Promise<void> {
    this.ended = "aborted";
    return Promise.resolve();
  }
}

async function accepted(disk: Disk): Promise<[Offers, LiveOffer]> {
  const picks = { showSaveFilePicker: () => Promise.resolve({ createWritable: () => Promise.resolve(disk) }) };
  vi.stubGlobal("window", picks);
  const line = { online: true, request: () => Promise.resolve({}) } as unknown as Line;
  const offers = new Offers(line, () => ({ id: 1, name: "bob", role: "member", status: "online" }));
  offered(offers);
  const [made] = offers.all;
  await offers.accept(made!);
  offers.take({ name: "file_download", data: { offer: id, offset: 0 } } as Parameters<Offers["take"]>[0]);
  return [offers, made!];
}

function offered(offers: Offers): void {
  const offer = { offer: id, from: "alice", to: "bob", filename: "film.mkv", size: SIZE, sha256 };
  offers.take({ name: "file_offer", data: offer } as Parameters<Offers["take"]>[0]);
}

function taken(offers: Offers): void {
  const told = { to: "bob", filename: "film.mkv", offer: id, offset: 0 };
  offers.take({ name: "file_accepted", data: told });
}

function bring(offers: Offers): void {
  for (let offset = 0; offset < SIZE; offset += PART.length) offers.chunk({ offer: id, offset, data: PART });
}

function done(offers: Offers, digest = sha256): void {
  offers.take({ name: "file_done", data: { offer: id, sha256: digest } } as Parameters<Offers["take"]>[0]);
}

afterEach(() => void vi.unstubAllGlobals());

test("what arrived is saved, and said to be once it is", async () => {
  const disk = new Disk(SIZE);
  const [offers, offer] = await accepted(disk);
  bring(offers);
  done(offers);
  await vi.waitUntil(() => offer.over);
  expect([offer.state, disk.ended]).toEqual(["done", "closed"]);
});

test("a disk that is full ends it, with the reason, and nothing half is left", async () => {
  const disk = new Disk(7);
  const [offers, offer] = await accepted(disk);
  bring(offers);
  done(offers);
  await vi.waitUntil(() => offer.over && disk.ended !== null);
  expect([offer.state, offer.reason, disk.ended]).toEqual(["failed", "storage", "aborted"]);
});

test("what is not what was offered is not kept", async () => {
  const disk = new Disk(SIZE);
  const [offers, offer] = await accepted(disk);
  bring(offers);
  done(offers, "cd".repeat(32));
  await vi.waitUntil(() => offer.over && disk.ended !== null);
  expect([offer.state, offer.reason, disk.ended]).toEqual(["failed", "digest", "aborted"]);
});

test("what was taken on another device, or may have been while there was no line, is not offered here", async () => {
  const offers = new Offers({ online: true } as Line, () => null);
  for (const end of [taken, (all: Offers) => all.dropped()]) {
    offered(offers);
    expect(offers.all.length).toBe(1);
    end(offers);
    expect(offers.all).toEqual([]);
  }
  const [here, mine] = await accepted(new Disk(SIZE));
  taken(here); // which can only be an older one
  here.dropped();
  expect([here.all, mine.state]).toEqual([[mine], "interrupted"]);
  here.clear();
});

test("what is cancelled, or left by signing out, leaves nothing half", async () => {
  for (const end of [(_: Offers, offer: LiveOffer) => void offer.cancel(), (offers: Offers) => offers.clear()]) {
    const disk = new Disk(SIZE);
    const [offers, offer] = await accepted(disk);
    end(offers, offer);
    await vi.waitUntil(() => disk.ended !== null);
    expect([offers.all, disk.ended]).toEqual([[], "aborted"]);
  }
});
