// Drafts of several tabs: one storage that all have, and one of each tab's own, which its reloads find again.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Drafts } from "./drafts";

let shared: Map<string, string>;
let pages: (() => void)[]; // each tells its page that it goes
let locks: Map<string, Locks>; // who holds a name

/** Web Locks of one page. */
class Locks {
  request(name: string, ...rest: unknown[]): Promise<void> {
    const granted = rest.at(-1) as (lock: object | null) => unknown;
    const free = !locks.has(name);
    if (granted(free ? {} : null) instanceof Promise && free) locks.set(name, this);
    return Promise.resolve();
  }

  release(): void {
    for (const [name, of] of locks) if (of === this) locks.delete(name);
  }
}

function storage(texts: Map<string, string>): Partial<Storage> {
  return {
    getItem: (key: string) => texts.get(key) ?? null,
    setItem: (key: string, text: string) => void texts.set(key, text),
    removeItem: (key: string) => void texts.delete(key),
  };
}

class Tab {
  private drafts!: Drafts;
  private leave!: () => void;
  private locks = new Locks();
  found = 0;
  unkept = 0;

  constructor(readonly own = new Map<string, string>()) {
    this.load();
  }

  load(): void {
    this.enter();
    vi.stubGlobal("addEventListener", (_: string, told: () => void) => (this.leave = told));
    this.drafts = new Drafts(
      () => this.found++,
      () => this.unkept++,
    );
    this.drafts.open("1");
    pages.push(this.leave);
  }

  write(text: string, of = "den"): void {
    this.enter();
    this.drafts.set(of, text);
    this.leave(); // as a reload does, or some time
  }

  reload(): string {
    this.enter();
    this.close();
    this.load();
    return this.read();
  }

  close(): void {
    this.enter();
    this.leave();
    this.locks.release();
  }

  read(of = "den"): string {
    return this.drafts.of(of);
  }

  signOut(): void {
    this.enter();
    this.drafts.forget("1");
  }

  private enter(): void {
    vi.stubGlobal("sessionStorage", storage(this.own));
    vi.stubGlobal("navigator", { locks: this.locks });
  }
}

beforeEach(() => {
  shared = new Map();
  pages = [];
  locks = new Map();
  vi.stubGlobal("localStorage", storage(shared));
  vi.stubGlobal("document", { addEventListener: () => {} });
});
afterEach(() => {
  for (const leave of pages) leave(); // nothing is kept any later
  vi.unstubAllGlobals();
});

test("each of two tabs finds its own draft of a room again; a new one the last that was written", () => {
  const [a, b] = [new Tab(), new Tab()];
  b.write("draft tab b");
  a.write("tab a text");
  expect([a.reload(), b.reload(), new Tab().read()]).toEqual(["tab a text", "draft tab b", "tab a text"]);
});

test("what one tab has sent stays sent there, and another one's draft is not taken by it", () => {
  const [a, b] = [new Tab(), new Tab()];
  a.write("tab a text");
  b.write("draft tab b");
  a.write("");
  expect([a.reload(), b.reload(), new Tab().read()]).toEqual(["", "draft tab b", "draft tab b"]);
  b.write("");
  expect([shared, b.own].map((all) => all.has("hubbub.drafts.1"))).toEqual([false, false]);
  expect([a.reload(), new Tab().read()]).toEqual(["", ""]);
});

test("a new tab that sends the draft of one that is gone leaves none of it", () => {
  new Tab().write("left behind");
  const tab = new Tab();
  expect(tab.read()).toBe("left behind");
  tab.write("");
  expect([tab.reload(), new Tab().read()]).toEqual(["", ""]);
});

test("whoever signs out leaves nothing, in no storage", () => {
  const [a, b] = [new Tab(), new Tab()];
  a.write("tab a text");
  b.write("draft tab b");
  a.signOut();
  b.signOut(); // other tabs are told
  expect([shared.size, a.own.size, b.own.size]).toEqual([0, 0, 0]);
});

test("where a tab has no storage of its own, the one that all have does", () => {
  const tab = new Tab();
  tab.own.set = () => {
    throw new DOMException("", "QuotaExceededError");
  };
  tab.write("words");
  expect(tab.reload()).toBe("words");
});

test.each(["den edit", "den reply"])("what is under way in one tab (%s) is taken up by another one only when that is gone", (of) => {
  const first = new Tab();
  first.write("12 9 older words", of);
  const second = new Tab();
  second.write("another draft");
  expect([first.reload(), first.read(of)]).toEqual(["another draft", "12 9 older words"]);
  second.reload();
  expect([second.read(), second.read(of), second.found]).toEqual(["another draft", "", 0]);
  first.close();
  second.reload();
  expect([second.read(of), second.found]).toEqual(["12 9 older words", 1]);
  expect(new Tab().read(of)).toBe("");
  second.write("", of);
  second.close();
  expect(new Tab().read(of)).toBe("");
});

function full(texts: Map<string, string>): () => void {
  const { set } = texts;
  texts.set = () => {
    throw new DOMException("", "QuotaExceededError");
  };
  return () => (texts.set = set);
}

test("what the browser keeps nowhere is said, once, and kept as soon as there is room", () => {
  const tab = new Tab();
  const room = full(shared);
  tab.write("words");
  expect([tab.unkept, tab.own.size > 0]).toEqual([0, true]); // its reload finds it
  full(tab.own);
  tab.write("other words");
  tab.write("and more words");
  expect(tab.unkept).toBe(1);
  room();
  tab.close();
  expect([tab.unkept, new Tab().read()]).toEqual([1, "and more words"]);
});

test("drafts are kept up to half a million characters, the newest of them", () => {
  const tab = new Tab();
  for (let at = 0; at < 12; at++) tab.write(String(at % 10).repeat(60_000), `room ${at}`);
  const again = new Tab();
  expect([3, 4, 11].map((at) => again.read(`room ${at}`).length)).toEqual([0, 60_000, 60_000]);
  expect(shared.get("hubbub.drafts.1")!.length).toBeLessThan(501_000);
});

test("a tab that is opened again after somebody signed out has nothing of that account", () => {
  const first = new Tab();
  first.write("tab a text");
  first.write("12 9 other words", "den edit");
  first.close();
  const second = new Tab();
  second.signOut(); // and somebody else comes by that name
  expect(shared.size).toBe(0);
  new Tab().write("of another room", "lobby");
  const again = new Tab(first.own);
  expect([again.read(), again.read("den edit"), again.reload()]).toEqual(["", "", ""]);
});
