// What is kept of the outbox: by account and tab, in a storage like the browser's.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MOST_KEPT, OutboxStore, type Entry } from "./outbox_store";

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

test("as many are taken as are kept, counted over all tabs of the account; and all that are taken are kept", () => {
  const store = new OutboxStore();
  left("guest zoe", "somebody else's");
  store.open("guest ann", () => {});
  const own = Array.from({ length: MOST_KEPT - 2 }, (_, at) => entry(`u${at}`));
  expect(store.takes("one more", own)).toBe(true);
  left("guest ann", "another tab's", "and one more"); // written since
  expect(store.takes("one more", own)).toBe(false);
  expect(store.takes("one more", own.slice(1))).toBe(true);
  expect(store.save([...own, entry("over"), entry("over the limit")])).toBe(true);
  expect(adoptedBy("guest ann").length).toBe(MOST_KEPT + 2);
});

test("a million characters are taken, and no more", () => {
  const store = new OutboxStore();
  store.open("guest ann", () => {});
  const long = Array.from({ length: 15 }, () => entry("x".repeat(65_000)));
  expect([store.takes("x".repeat(20_000), long), store.takes("x".repeat(21_000), long)]).toEqual([true, false]);
});

test("what the browser keeps no more is said", () => {
  const store = new OutboxStore();
  store.open("guest ann", () => {});
  vi.spyOn(localStorage, "setItem").mockImplementation(() => {
    throw new DOMException("full", "QuotaExceededError");
  });
  expect([store.save([entry("hello")]), store.save([])]).toEqual([false, true]);
});

test("what a tab left is there until whoever takes it over has it", () => {
  const key = left("guest ann", "mine");
  new OutboxStore().open("guest ann", (entries, release) => {
    if (entries.length === 0) return;
    expect(localStorage.getItem(key)).not.toBeNull();
    release();
    expect(localStorage.getItem(key)).toBeNull();
  });
  expect.assertions(2);
});
