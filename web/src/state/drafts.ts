// What is being written in each conversation: it survives a reload, and a browser that dies a moment later. Each tab
// finds its own again; a new one finds what was written last in any of them.

import type { Stranded } from "./contract";
import { keep, keptJson, type Where } from "./storage";

const LATER = 400; // milliseconds after the last key
const MOST = 100; // conversations; the oldest drafts go
const MOST_CHARACTERS = 65_600; // of one draft: of a message, and which one it was

export class Drafts {
  private key = "";
  private texts: Record<string, string> = {};
  private saved: Record<string, string> = {}; // as this tab knows that all have them
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly changed = new Set<string>();

  constructor() {
    addEventListener("pagehide", () => this.save());
    document.addEventListener("visibilitychange", () => this.save());
  }

  open(account: string): void {
    this.close();
    this.key = `drafts.${account}`;
    this.saved = this.read("localStorage");
    this.texts = { ...this.saved, ...this.read("sessionStorage") };
  }

  of(conversation: string): string {
    return this.texts[conversation] ?? "";
  }

  set(conversation: string, text: string): void {
    if (text === this.of(conversation)) return;
    this.changed.add(conversation);
    if (text === "") delete this.texts[conversation];
    else this.texts[conversation] = text;
    clearTimeout(this.timer);
    if (text === "") this.save();
    else this.timer = setTimeout(() => this.save(), LATER);
  }

  /** What was being written in rooms that are none of these. */
  aside(keys: ReadonlySet<string>): Stranded[] {
    return Object.entries(this.texts).flatMap(([id, text]) => {
      const [, key, room, what] = /^([^#@]*#(\S+))( edit| reply)?$/.exec(id) ?? [];
      if (key === undefined || keys.has(key) || what === " reply" || text === "") return [];
      return [{ id, room: room!, content: what === undefined ? text : text.replace(/^\d+ \d+ /, "") }];
    });
  }

  /** Nobody is signed in; what is kept stays, for when they come back. */
  close(): void {
    this.save();
    this.key = "";
    this.texts = {};
  }

  /** Signed out: nothing of that account stays in this browser. */
  forget(account: string): void {
    this.changed.clear();
    this.close();
    for (const where of ["localStorage", "sessionStorage"] as const) keep(`drafts.${account}`, "", where);
  }

  /** Another tab may have written meanwhile: only those that changed here are put, and none of another's is taken. */
  private save(): void {
    clearTimeout(this.timer);
    if (this.key === "" || this.changed.size === 0) return;
    const [texts, own] = [this.read("localStorage"), this.read("sessionStorage")];
    for (const conversation of this.changed) {
      const text = this.texts[conversation]?.slice(0, MOST_CHARACTERS) ?? "";
      delete own[conversation]; // those that change go to the end
      if (text !== "" || texts[conversation] === this.saved[conversation]) delete texts[conversation];
      if (text !== "") texts[conversation] = text;
      if (texts[conversation] !== undefined) own[conversation] = text;
      this.saved[conversation] = text;
    }
    this.changed.clear();
    this.put(texts, "localStorage");
    this.put(own, "sessionStorage");
  }

  private put(texts: Record<string, string>, where: Where): void {
    const rest = Object.entries(texts).slice(-MOST);
    keep(this.key, rest.length === 0 ? "" : JSON.stringify(Object.fromEntries(rest)), where);
  }

  private read(where: Where): Record<string, string> {
    const kept = keptJson(this.key, where);
    if (typeof kept !== "object" || kept === null) return {};
    return Object.fromEntries(Object.entries(kept).filter(([, text]) => typeof text === "string"));
  }
}
