// The messages of one conversation that are loaded: pages of history, and what arrives.
//
// While a page is on its way, things happen that it may or may not hold. New messages wait and are merged with
// it; a message that was changed meanwhile is asked for once more, as it stands then.

import type {
  History,
  MessageDeleted,
  MessageEdited,
  MessagePosted,
  ReactionChanged,
  WhisperPosted,
} from "../wire/types";
import { Refusal } from "../wire/refusal";
import type { Message, Timeline } from "./contract";
import { deleted, edited, messageOf, reacted, type Reader } from "./messages";
import { MOST_LOADED, Run } from "./run";

export const PAGE = 60; // messages that are asked for at once
const MOST_QUOTED = 300; // quotations that are remembered
const MOST_WAITING = 2000; // messages that wait for a page; beyond, the page is not the end any more

export interface Range {
  before?: number;
  after?: number;
  around?: number;
  limit: number;
}

/** What a timeline needs of its surroundings. */
export interface Source {
  readonly me: Reader;
  /** The last offset of the stream that anything was heard of. */
  readonly head: number;
  /** A page, as soon as there is a line. When it is given, everything that came before it is taken in. */
  history(range: Range): Promise<History>;
  /** A refusal in the reader's language. */
  why(refusal: Refusal): string;
  /** The key of a message that was written on this page; undefined: it was not. */
  ownKey(id: string, offset: number): string | undefined;
}

type Posted = MessagePosted | WhisperPosted;

export class LoadedTimeline implements Timeline {
  messages = $state.raw<readonly Message[]>([]);
  hasOlder = $state(false);
  hasNewer = $state(false);
  loading = $state<Timeline["loading"]>("none");
  error = $state<string | null>(null);
  dividerAfter = $state<number | null>(null);
  atEnd = true;

  private readonly run = new Run();
  private pending: readonly Message[] = [];
  private dirty = false;
  /** Whether the run reaches to the end of the stream, and grows with it. */
  private live = false;
  private loaded = false;
  private turn = 0; // of loads: an answer of an earlier turn is not wanted any more
  private waiting: Posted[] = [];
  private overflowed = false;
  private readonly touched = new Set<number>(); // changed while a page was on its way
  private readonly refreshing = new Map<number, boolean>(); // true: changed again meanwhile
  private readonly quotes = new Map<number, Promise<Message | null>>();

  constructor(private readonly source: Source) {}

  // -- what components ask for

  /** Load the end, unless something is loaded. */
  async open(): Promise<void> {
    if (!this.loaded && this.loading === "none") await this.goToEnd();
  }

  async goToEnd(): Promise<void> {
    if (this.live && this.loading !== "first") return;
    await this.load("first", { limit: PAGE }, (page) => {
      this.run.replace(this.read(page));
      this.hasOlder = page.more;
      this.becomeLive();
    });
  }

  async loadOlder(): Promise<void> {
    const { first } = this.run;
    if (!this.hasOlder || first === undefined || this.loading !== "none") return;
    await this.load("older", { before: first.offset, limit: PAGE }, (page) => {
      this.run.addPage(this.read(page));
      this.hasOlder = page.more;
      if (!this.atEnd && this.run.dropNewest()) this.leaveEnd();
    });
  }

  async loadNewer(): Promise<void> {
    const { last } = this.run;
    if (!this.hasNewer || last === undefined || this.loading !== "none") return;
    await this.load("newer", { after: last.offset, limit: PAGE }, (page) => {
      this.run.addPage(this.read(page));
      if (this.run.dropOldest()) this.hasOlder = true;
      if (!page.more) this.becomeLive();
    });
  }

  async goTo(offset: number): Promise<boolean> {
    if (this.run.at(offset) !== undefined) return true;
    await this.load("first", { around: offset, limit: PAGE }, (page) => {
      this.run.replace(this.read(page));
      this.leaveEnd();
      this.hasOlder = page.more;
      if (!page.more) this.becomeLive();
    });
    if (this.run.at(offset) === undefined) return false;
    if (this.hasNewer && this.run.last!.offset + PAGE >= this.source.head) await this.loadNewer();
    return true;
  }

  at(offset: number): Message | undefined {
    return this.run.at(offset);
  }

  quoted(offset: number): Promise<Message | null> {
    const here = this.run.at(offset);
    if (here !== undefined) return Promise.resolve(here);
    const known = this.quotes.get(offset);
    if (known !== undefined) return known;
    const asked = this.one(offset);
    if (this.quotes.size >= MOST_QUOTED) this.quotes.delete(this.quotes.keys().next().value!);
    this.quotes.set(offset, asked);
    asked.catch(() => this.quotes.delete(offset));
    return asked;
  }

  // -- what happens

  arrived(event: Posted): void {
    if (this.live) this.append(event);
    if (this.loading === "first" || this.loading === "newer") {
      if (this.waiting.length < MOST_WAITING) this.waiting.push(event); // the page may take the place of the run
      else this.overflowed = true;
    } else if (!this.live && this.loaded) {
      this.hasNewer = true;
    }
  }

  /** One's own message is kept: the answer may come before its event or behind it. */
  accepted(message: Message): void {
    if (!this.live || this.run.at(message.offset) !== undefined) return;
    this.run.add(message);
    this.dirty = true;
  }

  modified(name: "edited" | "deleted" | "reaction", event: MessageEdited | MessageDeleted | ReactionChanged): void {
    const { target } = event;
    this.quotes.delete(target);
    if (this.loading !== "none") this.touched.add(target);
    if (this.refreshing.has(target)) {
      this.refreshing.set(target, true);
      return;
    }
    const { me } = this.source;
    let unclear = false;
    const here = this.run.change(target, (message) => {
      if (name === "edited") return edited(message, (event as MessageEdited).content, me);
      if (name === "deleted") return deleted(message);
      const changed = reacted(message, event as ReactionChanged);
      unclear = changed === null;
      return changed ?? message;
    });
    if (unclear || (!here && this.covers(target))) void this.refresh(target);
    this.dirty = true;
  }

  /** What was written here and is not kept yet; it stands behind everything else. */
  setPending(pending: readonly Message[]): void {
    this.pending = pending;
    this.dirty = true;
  }

  /** Something was missed, or the stream began anew: what is loaded is not right any more. */
  async reload(): Promise<void> {
    if (!this.loaded && this.loading === "none") return;
    this.quotes.clear();
    const middle = this.hasNewer ? this.messages[Math.floor(this.run.size / 2)]?.offset : undefined;
    this.live = false;
    const range: Range = { limit: PAGE, ...(middle === undefined ? {} : { around: middle }) };
    await this.load("first", range, (page) => {
      this.run.replace(this.read(page));
      this.hasOlder = page.more;
      if (middle === undefined || !page.more) this.becomeLive();
      else this.leaveEnd();
    });
  }

  /** Let go of everything: it is asked for when it is opened again. */
  unload(): void {
    this.turn += 1;
    this.run.clear();
    this.loaded = this.live = false;
    this.loading = "none";
    this.hasOlder = this.hasNewer = false;
    this.quotes.clear();
    this.waiting = [];
    this.dirty = true;
    this.show();
  }

  /** Show what has changed: once a frame. */
  show(): void {
    if (!this.dirty) return;
    this.dirty = false;
    const kept = this.run.view();
    this.messages = this.pending.length > 0 && !this.hasNewer ? [...kept, ...this.pending] : kept;
  }

  // -- pages

  private async load(what: Timeline["loading"], range: Range, take: (page: History) => void): Promise<void> {
    const turn = ++this.turn;
    this.loading = what;
    this.error = null;
    this.overflowed = false;
    if (what !== "older") this.waiting = [];
    this.touched.clear();
    try {
      const page = await this.source.history(range);
      if (turn !== this.turn) return;
      this.loaded = true;
      this.loading = "none";
      take(page);
      for (const offset of this.touched) if (this.covers(offset)) void this.refresh(offset);
      this.touched.clear();
      this.dirty = true;
      this.show();
    } catch (error) {
      if (turn !== this.turn) return;
      this.loading = "none";
      if (!(error instanceof Refusal)) throw error;
      this.error = this.source.why(error);
    }
  }

  private read(page: History): Message[] {
    return page.messages.map((one) => this.message(one));
  }

  private message(told: History["messages"][number] | Posted): Message {
    const { me } = this.source; // an id is unique for its author only
    return messageOf(told, me, told.from_id === me.id ? this.source.ownKey(told.id, told.offset) : undefined);
  }

  /** The run is at the end: what waited follows, and what comes from now on. */
  private becomeLive(): void {
    if (this.overflowed) {
      this.leaveEnd();
      return;
    }
    this.live = true;
    this.hasNewer = false;
    for (const event of this.waiting) this.append(event);
    this.waiting = [];
  }

  private leaveEnd(): void {
    this.live = false;
    this.hasNewer = true;
  }

  private append(event: Posted): void {
    if (!this.atEnd && this.run.size >= MOST_LOADED) {
      this.leaveEnd(); // whoever reads the past keeps it; the end is loaded when they come back
      return;
    }
    if (this.run.add(this.message(event)) && this.atEnd && this.run.dropOldest()) this.hasOlder = true;
    this.dirty = true;
  }

  /** Whether a message of that offset belongs to what is loaded: it may have come and gone unseen. */
  private covers(offset: number): boolean {
    return this.run.spans(offset) || (this.live && offset > (this.run.last?.offset ?? 0));
  }

  // -- single messages

  private async one(offset: number): Promise<Message | null> {
    const page = await this.source.history({ around: offset, limit: 1 });
    const found = page.messages.find((one) => one.offset === offset);
    return found === undefined ? null : this.message(found);
  }

  private async refresh(offset: number): Promise<void> {
    if (this.refreshing.has(offset)) {
      this.refreshing.set(offset, true);
      return;
    }
    do {
      this.refreshing.set(offset, false);
      const { turn } = this;
      let message: Message | null;
      try {
        message = await this.one(offset);
      } catch {
        this.refreshing.delete(offset); // signed out meanwhile
        return;
      }
      if (message === null) this.run.remove(offset);
      else if (!this.run.change(offset, (old) => ({ ...message, key: old.key })) && this.covers(offset)) {
        this.run.add(message);
      }
      if (turn !== this.turn && this.loading !== "none") this.touched.add(offset);
      this.dirty = true;
      this.show();
    } while (this.refreshing.get(offset) === true);
    this.refreshing.delete(offset);
  }
}
