// A room or a private talk: what is known of it, and what one can do there.

import type { Line } from "../wire/line";
import { Refusal } from "../wire/refusal";
import type {
  History,
  MessageDeleted,
  MessageEdited,
  MessagePosted,
  ReactionChanged,
  RoomSettingsShown,
  UnreadView,
  WhisperPosted,
} from "../wire/types";
import type { Conversation, Me, Member, Message, Person, RoomRole, RoomSettings } from "./contract";
import type { Drafts } from "./drafts";
import { calls, type Reader } from "./messages";
import { isMuted, mute } from "./mutes";
import type { Outbox } from "./outbox";
import { peerOf } from "./peers";
import { Reading } from "./reading";
import { LoadedTimeline, type Range } from "./timeline.svelte";
import { Typing } from "./typing";
import { Writing } from "./writing.svelte";

const nobody: Reader = { id: 0, name: "" };
const CURSOR_LATER = 400; // milliseconds until a cursor that moves is told to the server

/** What a conversation needs of the chat. */
export interface Surroundings {
  readonly me: Me | null;
  readonly line: Line;
  readonly outbox: Outbox;
  readonly drafts: Drafts;
  readonly account: string;
  /** Waits for a line, asks, and gives the page when everything before it is taken in. */
  history(query: { room?: string; with?: string; stream?: string } & Range): Promise<History>;
  /** A refusal in the reader's language. */
  why(refusal: Refusal): string;
  /** Who is here: of that id, or (0) of that name. */
  person(id: number, name: string): Person | null;
  mentions(stream: string): number;
  isCurrent(conversation: Conversation): boolean;
  wasRead(stream: string): void;
  wasLeft(conversation: LiveConversation): void;
  /** It has changed, and is shown with the next frame. */
  touch(conversation: LiveConversation): void;
}

export class LiveConversation implements Conversation {
  key = $state("");
  name = $state("");
  topic = $state("");
  private = $state(false);
  members = $state(0);
  role = $state<RoomRole | null>(null);
  memberships = $state(0);
  unread = $state(0);
  mentions = $state(0);
  readUpTo = $state(0);
  head = $state(0);
  muted = $state(false);
  typing = $state.raw<readonly string[]>([]);
  lastAt = $state(0);
  gone = $state(false);
  nobody = $state(false);
  peerId = $state(0);

  readonly timeline: LoadedTimeline;
  readonly writing: Writing;
  readonly typists = new Typing((names) => (this.typing = names));
  stream = "";
  /** By one's own wish, on this page. */
  leaving = false;
  private reading = new Reading();
  private called = 0; // a guest's mentions: it has no notices
  private newestAt = 0;
  private newest = 0; // the last offset that was heard of
  private known = false; // whether the server has said how much is unread
  private seenUpTo = 0;
  private toldUpTo = 0;
  private cursorTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly kind: "room" | "talk",
    name: string,
    stream: string,
    private readonly chat: Surroundings,
    peerId = 0,
  ) {
    this.name = name;
    this.peerId = peerId;
    this.writing = new Writing(chat.drafts);
    this.become(stream);
    this.timeline = new LoadedTimeline(this);
  }

  // -- what it is

  get me(): Reader {
    return this.chat.me ?? nobody;
  }

  why(refusal: Refusal): string {
    return this.chat.why(refusal);
  }

  ownKey(id: string, offset: number): string | undefined {
    return this.chat.outbox.key(id, offset);
  }

  get peer(): Person | null {
    return this.kind === "talk" ? this.chat.person(this.peerId, this.name) : null;
  }

  get draft(): string {
    return this.writing.draft;
  }

  set draft(text: string) {
    this.writing.draft = text;
  }

  get replyTo(): Message | null {
    return this.writing.replyTo;
  }

  set replyTo(message: Message | null) {
    this.writing.replyTo = message;
  }

  get editing(): Message | null {
    return this.writing.editing;
  }

  set editing(message: Message | null) {
    this.writing.editing = message;
  }

  get rewritten(): string {
    return this.writing.rewritten;
  }

  set rewritten(text: string) {
    this.writing.rewritten = text;
  }

  get notice(): Conversation["notice"] {
    return this.writing.notice;
  }

  /** A talk has no stream before the first message; and a room may end, and another one begin by its name. */
  become(stream: string): void {
    if (this.stream !== "" && this.stream !== stream) {
      this.reading = new Reading();
      this.newest = this.seenUpTo = this.toldUpTo = this.called = 0;
      void this.timeline.reload();
    }
    this.stream = stream;
    this.key = stream !== "" ? stream : this.peerId === 0 ? `with:${this.name}` : `with:${this.name}/${this.peerId}`;
    this.writing.turn(this.draftKey);
    this.muted = isMuted(this.chat.account, this);
  }

  /** Whose talk it is, from now on: what was begun for a name stays with that person. */
  knownAs(id: number, name = this.name): void {
    if (this.peerId === id && this.name === name) return;
    this.peerId = id;
    this.name = name;
    this.nobody = false;
    this.writing.rename(this.draftKey);
    this.become(this.stream);
    if (this.chat.isCurrent(this)) this.resume();
  }

  /** That person is here. Under this name it may be another one. */
  met({ id, name }: Pick<Person, "id" | "name">): void {
    if (this.kind !== "talk") return;
    if (this.peerId === id) this.gone = false;
    else if (this.name.toLowerCase() !== name.toLowerCase()) return;
    else if (this.peerId !== 0) this.gone = true;
    else this.knownAs(id, name);
  }

  // -- writing

  get room(): string | null {
    return this.kind === "room" ? this.name : null;
  }

  get to(): string | null {
    return this.kind === "talk" ? this.name : null;
  }

  send(content: string): void {
    if (content.trim() === "") return;
    const notice = this.chat.outbox.write(this, content, this.writing.replyOffset);
    if (notice !== "full") this.draft = "";
    this.writing.notice = notice;
    if (notice === "full") return;
    this.replyTo = null;
    this.typists.rest();
    if (this.timeline.hasNewer) void this.timeline.goToEnd();
  }

  unkept(): void {
    this.writing.notice = "unkept";
  }

  retry(message: Message): void {
    this.chat.outbox.retry(message.id);
  }

  discard(message: Message): void {
    this.chat.outbox.discard(message.id);
  }

  async edit(message: Message, content: string): Promise<void> {
    const { stream, offset } = message;
    try {
      await this.chat.line.request("edit", { content, stream, offset });
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "not_found") throw error;
      this.writing.deleted(offset);
    }
  }

  async remove(message: Message): Promise<void> {
    if (message.state === "failed") return this.discard(message);
    const { stream, offset } = message;
    await this.chat.line.request("delete", { stream, offset });
  }

  async react(message: Message, emoji: string): Promise<void> {
    const { stream, offset } = message;
    const mine = message.reactions.find((one) => one.emoji === emoji)?.users.includes(this.chat.me?.name ?? "");
    const answer = await this.chat.line.request("react", { emoji, stream, offset, remove: mine ?? false });
    if ("offset" in answer || mine) return;
    // It was there already: one of more than are named, so it was not seen.
    await this.chat.line.request("react", { emoji, stream, offset, remove: true });
  }

  sayTyping(): void {
    if (this.kind !== "room" || !this.chat.line.online || !this.typists.due()) return;
    this.chat.line.request("typing", { room: this.name }).catch(() => {});
  }

  // -- reading

  seen(offset: number): void {
    this.seenUpTo = Math.max(this.seenUpTo, offset);
    this.readOn();
  }

  /** Take in what was seen, if somebody is looking. */
  readOn(): void {
    if (!this.looking || this.seenUpTo === 0) return;
    const last = this.timeline.messages.findLast((one) => one.state === "sent")?.offset ?? 0;
    const all = !this.timeline.hasNewer && this.seenUpTo >= last && last > 0;
    this.moveCursor(all ? this.newest : this.seenUpTo);
  }

  /** Whether it is before somebody's eyes. */
  get looking(): boolean {
    return document.visibilityState !== "hidden" && this.chat.isCurrent(this);
  }

  mute(on: boolean): void {
    this.muted = on;
    mute(this.chat.account, this, on);
  }

  private moveCursor(offset: number): void {
    if (!this.reading.moved(offset)) return;
    this.recount();
    if (offset >= this.newest) this.chat.wasRead(this.stream);
    this.cursorTimer ??= setTimeout(() => this.tellCursor(), CURSOR_LATER);
  }

  /** Tell the server up to where it was read; also what could not be told while there was no line. */
  tellCursor(): void {
    clearTimeout(this.cursorTimer);
    this.cursorTimer = undefined;
    const offset = this.reading.readUpTo;
    if (offset <= this.toldUpTo || this.stream === "" || !this.chat.line.online) return;
    const before = this.toldUpTo;
    this.toldUpTo = offset;
    this.chat.line.request("read", { stream: this.stream, offset }).catch(() => {
      this.toldUpTo = before; // the next login tells it
    });
  }

  // -- what the server tells

  /** At a login: where the stream ends, and how much of it is unread. */
  counted(view: UnreadView): void {
    // A talk that was opened before there was one: it began while there was no line.
    if (!this.known && view.offset > this.newest && this.timeline.loading === "none") void this.timeline.reload();
    this.newest = Math.max(this.newest, view.offset);
    this.toldUpTo = view.read;
    this.reading.told(view.offset, view.read, view.unread);
    if (this.reading.readUpTo >= this.newest) this.called = 0;
    this.newestAt = Math.max(this.newestAt, view.at === undefined ? 0 : Date.parse(view.at));
    this.gone = view.gone ?? false;
    this.knownAs(this.peerId, view.with);
    this.show();
    if (!this.known && this.chat.isCurrent(this)) this.divide(); // opened before it was known
    this.known = true;
    if (this.reading.readUpTo > view.read) this.tellCursor();
  }

  arrived(event: MessagePosted | WhisperPosted): void {
    const { me } = this.chat;
    this.heard(event.offset, event.at);
    this.typists.done(event.from);
    if (event.from_id === me?.id) {
      this.chat.outbox.arrived(event.id, event.offset);
      if (this.reading.unread === 0) this.reading.moved(event.offset); // as the server counts it
    } else {
      this.gone = false; // whoever writes is here
      if (this.reading.unread === 0 && this.chat.isCurrent(this) && !this.looking) {
        this.timeline.dividerAfter = event.offset - 1; // whoever comes back sees what is new
      }
      this.reading.arrived(event.offset);
      const guest = me?.role === "guest" && this.kind === "room";
      if (guest && calls(event.content, undefined, me)) this.called += 1;
    }
    this.timeline.arrived(event);
  }

  modified(
    name: "edited" | "deleted" | "reaction",
    event: MessageEdited | MessageDeleted | ReactionChanged,
  ): void {
    this.changed(event.offset);
    if (name === "deleted") {
      const message = this.timeline.at(event.target);
      this.writing.deleted(event.target);
      this.reading.deleted(event.target, message !== undefined && !message.own && !message.deleted);
    }
    this.timeline.modified(name, event);
  }

  /** An entry of its stream that is no message. Whoever is at the end stays there. */
  changed(offset: number): void {
    const read = this.reading.unread === 0 && this.reading.readUpTo >= this.newest;
    this.heard(offset);
    if (read && this.looking && this.timeline.atEnd) this.moveCursor(offset);
  }

  /** One has come into it: what was said up to there is not new. */
  begins(offset: number): void {
    if (this.newest === 0) this.reading.moved(offset);
    this.heard(offset);
  }

  private heard(offset: number, at?: string): void {
    this.newest = Math.max(this.newest, offset);
    if (at !== undefined) this.newestAt = Math.max(this.newestAt, Date.parse(at));
    this.chat.touch(this);
  }

  /** The cursor moved on another device. */
  cursorMoved(offset: number): void {
    this.toldUpTo = Math.max(this.toldUpTo, offset);
    if (this.reading.moved(offset)) this.recount();
    if (offset >= this.newest) this.chat.wasRead(this.stream);
  }

  accepted(message: Message): void {
    if (this.stream === "") this.become(message.stream);
    this.newest = Math.max(this.newest, message.offset);
    this.newestAt = Math.max(this.newestAt, message.at);
    this.timeline.accepted(message);
    this.chat.touch(this);
  }

  setPending(messages: readonly Message[]): void {
    this.timeline.setPending(messages);
    this.chat.touch(this);
  }

  /** Show what has changed: once a frame. */
  show(): void {
    this.head = this.newest;
    this.lastAt = this.newestAt;
    this.recount();
    this.timeline.show();
  }

  recount(): void {
    this.readUpTo = this.reading.readUpTo;
    this.unread = this.reading.unread;
    if (this.unread === 0) this.called = 0;
    this.mentions = this.chat.mentions(this.stream) + this.called;
  }

  /** It is opened: the divider stands where one had read to, until it is opened again. */
  opened(): void {
    this.divide();
    void this.timeline.open();
    this.resume();
  }

  /** Go on with what is being written. */
  resume(): void {
    this.writing.resume(this).catch(() => {}); // it stays kept
  }

  private divide(): void {
    this.timeline.dividerAfter = this.reading.unread > 0 ? this.reading.readUpTo : null;
  }

  history(range: Range): Promise<History> {
    if (this.kind === "room") return this.chat.history({ room: this.name, ...range });
    if (this.stream !== "") return this.chat.history({ stream: this.stream, ...range });
    const begun = { stream: this.key, messages: [], more: false }; // nothing was said yet
    if (this.gone) return Promise.resolve(begun);
    const asked = this.chat.history({ with: this.name, ...range });
    asked.catch((error: unknown) => {
      this.nobody = this.peerId === 0 && error instanceof Refusal && error.code === "not_found";
    });
    return asked.then((page) => {
      const peer = peerOf(page.stream, this.me.id);
      if (this.peerId === 0) this.knownAs(peer);
      return this.peerId === peer ? page : begun; // somebody else's by now
    });
  }

  // -- the room

  async listMembers(): Promise<readonly Member[]> {
    const { users, count } = await this.chat.line.request("members", { room: this.ownRoom });
    this.members = count;
    return users.map(({ user_id, username, status, role = null }) => ({ id: user_id, name: username, status, role }));
  }

  async leave(): Promise<void> {
    this.leaving = true; // that it happened may be told before the answer
    try {
      if (this.kind === "room") await this.chat.line.request("leave", { room: this.name });
    } catch (error) {
      this.leaving = false;
      throw error;
    }
    this.chat.wasLeft(this);
  }

  async setTopic(topic: string): Promise<void> {
    const set = await this.chat.line.request("topic", { room: this.ownRoom, topic });
    this.topic = set.topic;
  }

  async invite(name: string): Promise<void> {
    await this.chat.line.request("invite", { to: name, room: this.ownRoom });
  }

  async setRole(name: string, role: RoomRole): Promise<void> {
    await this.chat.line.request("role", { user: name, role, room: this.ownRoom });
  }

  async settings(): Promise<RoomSettings> {
    return this.shown(await this.chat.line.request("room_settings", { room: this.ownRoom }));
  }

  async configure(change: { private?: boolean; retain_days?: number }): Promise<RoomSettings> {
    return this.shown(await this.chat.line.request("room_settings", { room: this.ownRoom, ...change }));
  }

  private shown(told: RoomSettingsShown): RoomSettings {
    this.role = told.role ?? null;
    this.private = told.private;
    const { private: isPrivate, retain_days } = told;
    return {
      private: isPrivate,
      retain_days,
      topic: told.topic ?? "",
      owner: told.owner ?? null,
      role: told.role ?? null,
    };
  }

  private get ownRoom(): string {
    if (this.kind === "room") return this.name;
    throw new Refusal("bad_request", "A private talk is no room.");
  }

  /** A room's, by its number, or a person's: whoever has the name next must not find what was written for another one. */
  get draftKey(): string {
    if (this.kind === "room") return `${this.stream}#${this.name}`;
    return this.peerId === 0 ? `@${this.name}` : `@${this.name}/${this.peerId}`;
  }
}
