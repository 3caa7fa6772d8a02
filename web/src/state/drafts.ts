// What is being written in each conversation: it survives a reload, and a browser that dies a moment later. Each tab
// finds its own again; a new one finds what was written last in any of them.

import { newId } from "../wire/ids";
import type { Stranded } from "./contract";
import { keep, kept, keptJson, type Where } from "./storage";
import { hold, whenGone } from "./tabs";

const LATER = 400; // milliseconds after the last key
const MOST = 100; // conversations; the oldest drafts go
const MOST_CHARACTERS = 65_600; // of one draft: of a message, and which one it was
const MOST_TOGETHER = 500_000; // characters: what waits to be sent takes as much again, and browsers give ten times as many
const UNDER_WAY = / (edit|reply)$/; // of a message

export class Drafts {
  private key = "";
  private texts: Record<string, string> = {};
  private saved: Record<string, string> = {}; // as this tab knows that all have them
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly changed = new Set<string>();
  private readonly held = new Set<string>();
  private told = false; // that nothing is kept

  /** `found` is called when it turns out that a tab left something that was under way; `unkept` when what is written
      is lost with the page. */
  constructor(
    private readonly found: () => void = () => {},
    private readonly unkept: () => void = () => {},
  ) {
    addEventListener("pagehide", () => this.save());
    document.addEventListener("visibilitychange", () => this.save());
  }

  open(account: string): void {
    this.close();
    this.key = `drafts.${account}`;
    this.begin();
    this.saved = this.read("localStorage");
    const own = this.read("sessionStorage");
    const loose = Object.entries(this.saved).filter(([of]) => !UNDER_WAY.test(of));
    this.texts = { ...Object.fromEntries(loose), ...own };
    for (const of of Object.keys(own)) this.hold(of);
    for (const of of Object.keys(this.saved)) if (UNDER_WAY.test(of) && !(of in own)) this.takeUp(of);
  }

  of(conversation: string): string {
    return this.texts[conversation] ?? "";
  }

  set(conversation: string, text: string): void {
    if (text === this.of(conversation)) return;
    this.changed.add(conversation);
    if (text === "") delete this.texts[conversation];
    else {
      this.texts[conversation] = text;
      this.hold(conversation);
    }
    clearTimeout(this.timer);
    if (text === "") this.save();
    else this.timer = setTimeout(() => this.save(), LATER);
  }

  /** What one tab edits or answers is no other one's, as long as that tab lives. */
  private hold(of: string): void {
    const name = `${this.key} ${of}`;
    if (!UNDER_WAY.test(of) || this.held.has(name)) return;
    this.held.add(name);
    hold(name);
  }

  private takeUp(of: string): void {
    const { key } = this;
    whenGone(`${key} ${of}`, () => {
      if (key !== this.key || of in this.texts) return;
      const text = this.read("localStorage")[of];
      if (text === undefined) return;
      this.saved[of] = this.texts[of] = text;
      this.hold(of);
      this.found();
    }, false); // later it may just be reloading
  }

  /** What was being written in rooms that are none of these. */
  aside(keys: ReadonlySet<string>): Stranded[] {
    return Object.entries(this.texts).flatMap(([id, text]) => {
      const [, key, room, what] = /^([^#@]*#(\S+))( edit| reply)?$/.exec(id) ?? [];
      if (key === undefined || keys.has(key) || what === " reply" || text === "") return [];
      const content = what === undefined ? text : text.replace(/^\d+ \d+ /, "");
      return [{ id, room: room!, content, failed: null }];
    });
  }

  /** Nobody is signed in; what is kept stays, for when they come back. */
  close(): void {
    this.save();
    this.changed.clear();
    this.key = "";
    this.texts = {};
  }

  /** Signed out: nothing of that account stays in this browser. */
  forget(account: string): void {
    this.changed.clear();
    this.close();
    for (const key of [`drafts.${account}`, `since.drafts.${account}`]) {
      for (const where of ["localStorage", "sessionStorage"] as const) keep(key, "", where);
    }
  }

  /** A tab that is opened again has kept its own: nothing of it is found where somebody has signed out since. */
  private begin(): void {
    const key = `since.${this.key}`;
    const [all, own] = [kept(key), kept(key, "sessionStorage")];
    if (all !== own) keep(this.key, "", "sessionStorage");
    const since = all ?? newId();
    if (keep(key, since)) keep(key, since, "sessionStorage");
  }

  /** Another tab may have written meanwhile: only those that changed here are put, and none of another's is taken. */
  private save(): void {
    clearTimeout(this.timer);
    if (this.key === "" || this.changed.size === 0) return;
    const [texts, own] = [this.read("localStorage"), this.read("sessionStorage")];
    for (const conversation of this.changed) {
      const text = this.draft(conversation);
      delete own[conversation]; // those that change go to the end
      if (text !== "" || texts[conversation] === this.saved[conversation]) delete texts[conversation];
      if (text !== "") texts[conversation] = text;
      if (texts[conversation] !== undefined) own[conversation] = text;
    }
    const [shared, here] = [this.put(texts, "localStorage"), this.put(own, "sessionStorage")];
    if (!shared && !here && !this.told) this.unkept();
    this.told = !shared && !here;
    if (!shared) return; // they are put once more with the next
    for (const conversation of this.changed) this.saved[conversation] = this.draft(conversation);
    this.changed.clear();
  }

  private draft(conversation: string): string {
    return this.of(conversation).slice(0, MOST_CHARACTERS);
  }

  /** Whether they are kept: the newest, as many as have room. */
  private put(texts: Record<string, string>, where: Where): boolean {
    const rest = Object.entries(texts).slice(-MOST);
    let length = rest.reduce((sum, [of, text]) => sum + of.length + text.length, 0);
    while (length > MOST_TOGETHER) {
      const [of, text] = rest.shift()!;
      length -= of.length + text.length;
    }
    return keep(this.key, rest.length === 0 ? "" : JSON.stringify(Object.fromEntries(rest)), where);
  }

  private read(where: Where): Record<string, string> {
    const kept = keptJson(this.key, where);
    if (typeof kept !== "object" || kept === null) return {};
    return Object.fromEntries(Object.entries(kept).filter(([, text]) => typeof text === "string"));
  }
}
