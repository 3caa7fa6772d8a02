// What is being written in each conversation: it survives a reload, and a browser that dies a moment later.

import { keep, keptJson } from "./storage";

const LATER = 400; // milliseconds after the last key
const MOST = 100; // conversations; the oldest drafts go
const MOST_CHARACTERS = 65_600; // of one draft: of a message, and which one it was

export class Drafts {
  private key = "";
  private texts: Record<string, string> = {};
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly changed = new Set<string>();

  constructor() {
    addEventListener("pagehide", () => this.save());
    document.addEventListener("visibilitychange", () => this.save());
  }

  open(account: string): void {
    this.close();
    this.key = `drafts.${account}`;
    this.texts = this.read();
  }

  of(conversation: string): string {
    return this.texts[conversation] ?? "";
  }

  set(conversation: string, text: string): void {
    this.changed.add(conversation);
    if (text === "") delete this.texts[conversation];
    else this.texts[conversation] = text;
    clearTimeout(this.timer);
    if (text === "") this.save();
    else this.timer = setTimeout(() => this.save(), LATER);
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
    keep(`drafts.${account}`, "");
  }

  /** Another tab may have written others meanwhile: only those that changed here are put. */
  private save(): void {
    clearTimeout(this.timer);
    if (this.key === "" || this.changed.size === 0) return;
    const texts = this.read();
    for (const conversation of this.changed) {
      delete texts[conversation];
      const text = this.texts[conversation];
      if (text !== undefined) texts[conversation] = text.slice(0, MOST_CHARACTERS);
    }
    this.changed.clear();
    const rest = Object.entries(texts).slice(-MOST);
    keep(this.key, rest.length === 0 ? "" : JSON.stringify(Object.fromEntries(rest)));
  }

  private read(): Record<string, string> {
    const kept = keptJson(this.key);
    if (typeof kept !== "object" || kept === null) return {};
    return Object.fromEntries(Object.entries(kept).filter(([, text]) => typeof text === "string"));
  }
}
