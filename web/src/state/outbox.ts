// The outbox: what one writes is shown at once, sent in order, and sent again until the server says that it is
// kept. Each message has an id of its own, by which the server takes it once however often it comes.
//
// The server remembers ids for ten minutes. What was tried longer ago is looked for in the history first.

import { newId } from "../wire/ids";
import { Refusal, willPass } from "../wire/refusal";
import type { Accepted, History } from "../wire/types";
import type { Message } from "./contract";
import { ownKey } from "./messages";
import type { Entry, Keeping } from "./outbox_store";

/** After so many milliseconds the server may not know an id any more. */
const FORGETS = 8 * 60_000;
const LOOKED_THROUGH = 20; // pages of history
const PAGE = 500; // messages of each
const MOST_REMEMBERED = 1000; // ids that were sent from this page
const TRY_AGAIN = 2000; // milliseconds after a refusal that will pass, where it does not say when

/** Where messages go: a conversation. */
export interface Target {
  readonly room: string | null;
  readonly to: string | null;
  readonly stream: string;
  readonly peerId: number; // of `to`, whoever has the name by now; 0: not known, or a room
  readonly head: number;
  setPending(messages: readonly Message[]): void;
  accepted(message: Message): void;
  /** What is written there is lost with the page, if it is not sent before. */
  unkept(): void;
  history(range: { after: number; limit: number }): Promise<History>;
}

export interface Post {
  /** Whether messages can be sent: there is a line, and what was missed is told. */
  readonly ready: boolean;
  readonly me: { readonly id: number; readonly name: string } | null;
  send(entry: Entry): Promise<Accepted>;
  /** A refusal in the reader's language. */
  why(refusal: Refusal): string;
  /** Undefined: one is not in that room any more. */
  target(entry: Entry): Target | undefined;
  /** These were refused, and there is no room any more in which that could be seen. Told whenever rooms have changed. */
  strand(entries: readonly Entry[]): void;
}

export class Outbox {
  private entries: Entry[] = [];
  private saved = true; // as they are
  private readonly busy = new Set<string>(); // conversations with a message on its way
  private readonly pauses = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly sent = new Map<string, number>(); // id → offset, 0 while it is not known

  constructor(
    private readonly post: Post,
    private readonly store: Keeping,
    private readonly now: () => number = Date.now,
  ) {}

  /** Of whom it is. What is left of the account from before goes on. */
  open(account: string): void {
    this.close();
    this.store.open(account, (entries, release) => this.adopt(entries, release));
  }

  /** Nobody is signed in, or somebody else. What is kept stays, for when they come back. */
  close(): void {
    for (const pause of this.pauses.values()) clearTimeout(pause);
    this.pauses.clear();
    this.busy.clear();
    this.sent.clear();
    this.entries = [];
    this.post.strand([]);
    this.store.close();
  }

  /** Signed out: nothing of that account stays in this browser. */
  forget(account: string): void {
    this.close();
    this.store.forget(account);
  }

  /** Null: it is on its way. "full": there is no room for it. "unkept": it is lost with the page, if it is not sent before. */
  write(target: Target, content: string, replyTo: number | null): "full" | "unkept" | null {
    if (!this.store.takes(content, this.entries)) return "full";
    const { room, to, stream, peerId: toId, head } = target;
    const [at, id] = [this.now(), newId()];
    const entry = { id, room, to, stream, toId, content, replyTo, at, tried: null, after: head, failed: null };
    this.remember(id, 0);
    this.entries.push(entry);
    const sending = this.pump(entry); // which saves it
    if (!sending) this.save();
    this.show(entry);
    return sending || this.saved ? null : "unkept";
  }

  retry(id: string): void {
    this.change(id, { failed: null });
    const entry = this.entries.find((one) => one.id === id);
    if (entry !== undefined) this.pump(entry);
  }

  discard(id: string): void {
    const entry = this.entries.find((one) => one.id === id);
    if (entry?.failed != null) this.remove(entry);
    this.strand();
  }

  /** One's own message came as an event, perhaps before the answer. */
  arrived(id: string, offset: number): void {
    const entry = this.entries.find((one) => one.id === id);
    if (entry === undefined) return;
    this.remember(id, offset);
    this.remove(entry);
  }

  /** The key of a message that was sent from here; not for a second one of that id. */
  key(id: string, offset: number): string | undefined {
    const known = this.sent.get(id);
    if (known === undefined || (known !== 0 && known !== offset)) return undefined;
    this.sent.set(id, offset);
    return ownKey(id);
  }

  /** There is a line again: go on. */
  resume(): void {
    this.busy.clear();
    for (const entry of [...this.entries]) this.pump(entry);
  }

  /** Show what is not kept yet, after conversations were made anew. */
  showAll(): void {
    for (const entry of new Map(this.entries.map((one) => [placeOf(one), one])).values()) this.show(entry);
    this.strand();
  }

  get size(): number {
    return this.entries.length;
  }

  // -- sending

  /** Send the first of that conversation, unless one is on its way; whether this is the one. */
  private pump(of: Entry): boolean {
    const place = placeOf(of);
    const entry = this.entries.find((one) => one.failed === null && placeOf(one) === place);
    if (!this.post.ready || entry === undefined || this.busy.has(place) || this.pauses.has(place)) return false;
    this.busy.add(place);
    void this.deliver(entry, place);
    return entry.id === of.id;
  }

  private async deliver(entry: Entry, place: string): Promise<void> {
    const long = entry.tried !== null && Math.abs(this.now() - entry.tried) > FORGETS;
    if (entry.tried === null) {
      this.change(entry.id, { tried: this.now(), after: this.post.target(entry)?.head ?? entry.after });
    }
    try {
      const kept = long ? await this.lookFor(entry) : null;
      this.kept(entry, kept ?? (await this.post.send(entry)));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!this.saved && willPass(error)) this.post.target(entry)?.unkept();
      if (error.code === "offline") return; // `resume` goes on
      if (willPass(error)) this.pause(place, entry, error.retryAfter);
      else this.change(entry.id, { failed: this.post.why(error) });
    }
    this.busy.delete(place);
    this.pump(entry);
  }

  private pause(place: string, entry: Entry, seconds: number | undefined): void {
    const wait = seconds === undefined ? TRY_AGAIN : seconds * 1000;
    const go = (): void => {
      this.pauses.delete(place);
      this.pump(entry);
    };
    this.pauses.set(place, setTimeout(go, wait));
  }

  private kept(entry: Entry, accepted: Accepted): void {
    const { me } = this.post;
    if (!this.entries.some((one) => one.id === entry.id) || me === null) return; // its event came before
    this.remember(entry.id, accepted.offset);
    const [{ stream, offset }, at] = [accepted, Date.parse(accepted.at)];
    const sent = { ...messageOfEntry(entry, me), stream, offset, at, state: "sent" as const };
    this.post.target(entry)?.accepted(sent);
    this.remove(entry);
  }

  /** Whether the history has it already. */
  private async lookFor(entry: Entry): Promise<Accepted | null> {
    const target = this.post.target(entry);
    let { after } = entry;
    for (let page = 0; page < LOOKED_THROUGH && target !== undefined; page++) {
      const history = await target.history({ after, limit: PAGE });
      const found = history.messages.find((one) => one.id === entry.id && one.from === this.post.me?.name);
      if (found !== undefined) return found;
      if (!history.more || history.messages.length === 0) return null;
      after = history.messages.at(-1)!.offset;
    }
    return null;
  }

  // -- the entries

  private adopt(entries: Entry[], release: () => void): void {
    const known = new Set(this.entries.map((one) => one.id));
    const mine = entries.filter((one) => !known.has(one.id) && !this.sent.has(one.id));
    this.entries.push(...mine);
    this.entries.sort((a, b) => a.at - b.at);
    for (const entry of mine) this.remember(entry.id, 0);
    let kept = this.save();
    release();
    kept ||= this.save(); // there was no room for both
    for (const entry of mine) {
      this.show(entry);
      if (!kept) this.post.target(entry)?.unkept();
      this.pump(entry);
    }
  }

  private save(): boolean {
    this.saved = this.store.save(this.entries);
    return this.saved;
  }

  private change(id: string, change: Partial<Entry>): void {
    this.entries = this.entries.map((one) => (one.id === id ? { ...one, ...change } : one));
    this.save();
    const entry = this.entries.find((one) => one.id === id);
    if (entry !== undefined) this.show(entry);
  }

  private remove(entry: Entry): void {
    this.entries = this.entries.filter((one) => one.id !== entry.id);
    this.save();
    this.show(entry);
  }

  private show(entry: Entry): void {
    const { me } = this.post;
    if (me === null) return;
    const target = this.post.target(entry);
    const pending = this.entries.filter((one) => (one.to === null) === (entry.to === null) && this.post.target(one) === target);
    target?.setPending(pending.map((one) => messageOfEntry(one, me)));
    this.strand();
  }

  private strand(): void {
    this.post.strand(this.entries.filter((one) => one.failed !== null && one.room !== null && !this.post.target(one)));
  }

  private remember(id: string, offset: number): void {
    this.sent.delete(id);
    this.sent.set(id, offset);
    if (this.sent.size <= MOST_REMEMBERED) return;
    const waiting = new Set(this.entries.map((one) => one.id));
    for (const old of this.sent.keys()) {
      if (waiting.has(old)) continue;
      this.sent.delete(old);
      break;
    }
  }
}

function placeOf(entry: Entry): string {
  return entry.room !== null ? `${entry.stream}#${entry.room}` : `@${entry.to?.toLowerCase()}/${entry.toId}`;
}

function messageOfEntry(entry: Entry, me: { readonly id: number; readonly name: string }): Message {
  return {
    key: ownKey(entry.id),
    id: entry.id,
    stream: "",
    offset: 0,
    at: entry.at,
    from: me.name,
    fromId: me.id,
    own: true,
    content: entry.content,
    replyTo: entry.replyTo,
    edited: false,
    deleted: false,
    reactions: [],
    file: null,
    mentionsMe: false,
    state: entry.failed === null ? "sending" : "failed",
    error: entry.failed,
  };
}
