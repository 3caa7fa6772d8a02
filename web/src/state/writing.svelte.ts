// What is being written in a conversation: a draft, what it answers, and what a message shall say instead. All of it
// survives a reload; a message is known again by its offset and its time, since a room that began anew has others.

import type { Conversation, Message } from "./contract";
import type { Drafts } from "./drafts";

export class Writing {
  /** What has to be said about it. */
  notice = $state<Conversation["notice"]>(null);
  private words = $state("");
  private to = $state.raw<Message | null>(null);
  private of = $state.raw<Message | null>(null);
  private rewords = $state("");
  private key = "";

  constructor(private readonly drafts: Drafts) {}

  get draft(): string {
    return this.words;
  }

  set draft(text: string) {
    this.words = text;
    this.notice = null;
    this.drafts.set(this.key, text);
  }

  get replyTo(): Message | null {
    return this.to;
  }

  set replyTo(message: Message | null) {
    this.to = message;
    this.drafts.set(`${this.key} reply`, message === null ? "" : `${message.offset} ${message.at} `);
  }

  /** Known before the message itself is there again. */
  get replyOffset(): number | null {
    return this.kept("reply")?.offset ?? null;
  }

  get editing(): Message | null {
    return this.of;
  }

  /** Begin with another one; null: with none. */
  set editing(message: Message | null) {
    if (message?.key === this.of?.key) return;
    this.of = message;
    this.rewritten = message?.content ?? "";
  }

  get rewritten(): string {
    return this.rewords;
  }

  set rewritten(text: string) {
    this.rewords = text;
    this.notice = null;
    const { of } = this;
    this.drafts.set(`${this.key} edit`, of === null || text === of.content ? "" : `${of.offset} ${of.at} ${text}`);
  }

  /** It is of this conversation from now on: with what is kept of that one, and nothing else. */
  turn(key: string): void {
    if (key === this.key) return;
    this.key = key;
    this.words = this.drafts.of(key);
    this.to = this.of = this.notice = null;
  }

  /** The conversation is known by another key: what is being written goes along, behind what was kept by that one. */
  rename(key: string): void {
    if (key === this.key) return;
    for (const part of ["", " reply", " edit"]) {
      const text = this.drafts.of(this.key + part);
      if (text === "") continue;
      this.drafts.set(this.key + part, "");
      this.drafts.set(key + part, part === "" ? joined(this.drafts.of(key), text) : text);
    }
    this.key = key;
    this.words = this.drafts.of(key);
  }

  /** Go on with what was under way when the page went. */
  async resume(within: Conversation): Promise<void> {
    const { key } = this;
    for (const what of ["reply", "edit"] as const) {
      const kept = this.kept(what);
      if (kept === null || this.of !== null || this.to !== null) continue;
      const { words } = this;
      const found = await within.timeline.quoted(kept.offset);
      if (key !== this.key || this.of !== null || this.to !== null || kept.offset !== this.kept(what)?.offset) return;
      if (what === "edit" && words !== this.words) return; // one writes something else
      if (found === null || found.deleted || found.at !== kept.at || (what === "edit" && !found.own)) this.lose(what);
      else if (what === "reply") this.to = found;
      else {
        this.of = found; // it stays kept meanwhile
        this.rewords = kept.text;
      }
    }
  }

  /** A message is deleted: where it is being edited, its words become the draft. */
  deleted(offset: number): void {
    if (this.of?.offset === offset) this.lose("edit");
    if (this.to?.offset === offset) this.lose("reply");
  }

  private lose(what: "reply" | "edit"): void {
    if (what === "reply") this.replyTo = null;
    else {
      const text = this.of === null ? this.kept(what)!.text : this.rewords;
      this.of = null;
      this.rewritten = "";
      if (text !== "") this.draft = joined(this.words, text);
    }
    this.notice = what === "reply" ? "goneReply" : "goneEdit";
  }

  private kept(what: "reply" | "edit"): { offset: number; at: number; text: string } | null {
    const [, offset, at, text] = /^(\d+) (\d+) ([^]*)$/.exec(this.drafts.of(`${this.key} ${what}`)) ?? [];
    return text === undefined ? null : { offset: Number(offset), at: Number(at), text };
  }
}

function joined(first: string, then: string): string {
  return first === "" ? then : `${first}\n\n${then}`;
}
