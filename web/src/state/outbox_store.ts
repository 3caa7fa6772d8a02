// What was written and is not known to be kept, in the browser's storage: by account, and by tab, so that two
// tabs do not send the same. What a tab left that is gone, another one takes over.

import { newId } from "../wire/ids";
import { keep, keptJson, keptKeys, whenChanged } from "./storage";
import { hold, whenGone } from "./tabs";

/** One message that is not known to be kept. */
export interface Entry {
  readonly id: string;
  readonly room: string | null;
  readonly to: string | null; // a person; one of the two is set
  /** Of the room: another one may have its name when there is a line again. */
  readonly stream: string;
  /** Whose id that is: the name may be somebody else's when there is a line again. 0: not known, or a room. */
  readonly toId: number;
  readonly content: string;
  readonly replyTo: number | null;
  readonly at: number; // when it was written
  /** When it was sent first, so that the server may have it; null: never. */
  readonly tried: number | null;
  /** The conversation's head by then: the message stands behind it, if it was kept. */
  readonly after: number;
  readonly failed: string | null; // the server's refusal
}

/** Take them over: keep them, and `release` what they were kept as until then. */
export type Adopt = (entries: Entry[], release: () => void) => void;

/** Where entries are kept, by account. */
export interface Keeping {
  open(account: string, adopt: Adopt): void;
  /** Whether one more has room beside these. */
  takes(content: string, entries: readonly Entry[]): boolean;
  /** Whether they are kept. */
  save(entries: readonly Entry[]): boolean;
  close(): void;
  forget(account: string): void;
}

export const MOST_KEPT = 200; // messages of one account, in all tabs
const MOST_CHARACTERS = 1_000_000; // of them: browsers give about five times as many to all
const ABOUT = 300; // characters of what is kept about each
const PREFIX = "outbox.";

export class OutboxStore implements Keeping {
  private readonly tab = newId();
  private account = "";
  private watched = new Set<string>();
  private adopt: Adopt = () => {};

  constructor() {
    hold(PREFIX + this.tab);
    whenChanged((key, text) => {
      if (text !== null) this.watch(key);
    });
  }

  /** Of whom it is from now on. `adopt` is given what tabs left that are gone. */
  open(account: string, adopt: Adopt): void {
    this.account = account;
    this.adopt = adopt;
    this.watched = new Set([this.key]);
    const own = readEntries(keptJson(this.key));
    // The same guest by another id: the server does not know the messages of the former one by theirs.
    adopt(own.map((one) => (one.tried === null ? one : { ...one, tried: 0 })), () => {});
    for (const key of keptKeys(PREFIX)) this.watch(key);
  }

  takes(content: string, entries: readonly Entry[]): boolean {
    const others = keptKeys(PREFIX).filter((key) => accountOf(key) === this.account && key !== this.key);
    const all = [...entries, ...others.flatMap((key) => readEntries(keptJson(key)))];
    const length = all.reduce((sum, one) => sum + one.content.length + ABOUT, content.length + ABOUT);
    return all.length < MOST_KEPT && length <= MOST_CHARACTERS;
  }

  /** Without storage they live as long as the page. */
  save(entries: readonly Entry[]): boolean {
    return this.account === "" || keep(this.key, entries.length === 0 ? "" : JSON.stringify(entries));
  }

  /** It is nobody's from now on; what is kept stays. */
  close(): void {
    this.account = "";
  }

  /** Nothing of that account shall be found by whoever comes next. */
  forget(account: string): void {
    for (const key of keptKeys(PREFIX)) if (accountOf(key) === account) keep(key, "");
  }

  private get key(): string {
    return `${PREFIX}${this.account}.${this.tab}`;
  }

  private watch(key: string): void {
    const { account } = this;
    if (account === "" || !key.startsWith(PREFIX) || accountOf(key) !== account || this.watched.has(key)) return;
    this.watched.add(key);
    whenGone(PREFIX + key.slice(key.lastIndexOf(".") + 1), () => {
      this.watched.delete(key);
      if (this.account !== account) return;
      const entries = readEntries(keptJson(key));
      if (entries.length > 0) this.adopt(entries, () => keep(key, ""));
      else keep(key, "");
    });
  }
}

/** A guest's name may have full stops in it, the id of a tab has none. */
function accountOf(key: string): string {
  return key.slice(PREFIX.length, key.lastIndexOf("."));
}

/** What is kept may be of another version, or not of us at all. */
function readEntries(kept: unknown): Entry[] {
  if (!Array.isArray(kept)) return [];
  return kept.flatMap((one: Partial<Record<keyof Entry, unknown>> | null) => {
    const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
    const number = (value: unknown): number | null => (typeof value === "number" ? value : null);
    const [id, content] = [text(one?.id), text(one?.content)];
    const [room, to] = [text(one?.room), text(one?.to)];
    if (id === null || content === null || (room === null) === (to === null)) return [];
    const [replyTo, tried] = [number(one?.replyTo), number(one?.tried)];
    const [at, after] = [number(one?.at) ?? 0, number(one?.after) ?? 0];
    const [stream, toId] = [text(one?.stream) ?? "", number(one?.toId) ?? 0];
    const failed = text(one?.failed);
    return [{ id, room, to, stream, toId, content, replyTo, at, tried, after, failed }];
  });
}
