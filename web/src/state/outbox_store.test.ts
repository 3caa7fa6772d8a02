// What is kept of the outbox: by account and tab, in a storage like the browser's.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { OutboxStore, type Entry } from "./outbox_store";

/** Its keys are its own members, as those of the browser's storage are. */
class Storage {
  getItem(key: string): string | null {
    return (this as unknown as Record<string, string | undefined>)[key] ?? null;
  }

  setItem(key: string, text: string): void {
    (this as unknown as Record<string, string>)[key] = text;
  }

  removeItem(key: string): void {
    delete (this as unknown as Record<string, string>)[key];
  }
}

function entry(content: string): Entry {
  return { id: content, room: "den", to: null, stream: "s", toId: 0, content, replyTo: null, at: 1, tried: null, after: 0, failed: null };
}

/** What a tab left that is gone. */
function left(account: string, ...contents: string[]): string {
  const key = `hubbub.outbox.${account}.6d1ab3f0-0000-4000-8000-000000000000`;
  localStorage.setItem(key, JSON.stringify(contents.map(entry)));
  return key;
}

function adoptedBy(account: string): string[] {
  const found: string[] = [];
  new OutboxStore().open(account, (entries) => found.push(...entries.map((one) => one.content)));
  return found;
}

beforeEach(() => {
  vi.stubGlobal("localStorage", new Storage());
  vi.stubGlobal("navigator", {}); // without Web Locks: whoever left it counts as gone
  vi.stubGlobal("addEventListener", () => {});
});
afterEach(() => void vi.unstubAllGlobals());

test("what a tab left goes to the same account, and to no other", () => {
  left("guest ann", "mine");
  expect(adoptedBy("guest ann.b")).toEqual([]);
  expect(adoptedBy("guest ann")).toEqual(["mine"]);
});

test("a name that begins like another's takes over nothing, and forgets nothing", () => {
  const key = left("guest ann.b", "hers");
  expect(adoptedBy("guest ann")).toEqual([]);
  new OutboxStore().forget("guest ann");
  expect(localStorage.getItem(key)).not.toBeNull();
  new OutboxStore().forget("guest ann.b");
  expect(localStorage.getItem(key)).toBeNull();
});
