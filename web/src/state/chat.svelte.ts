// The chat, as components see it: `contract.ts` says what each member means.

import { showBadge } from "./badge";
import type {
  Chat,
  Conversation,
  FoundMessages,
  Invitation,
  LoginSession,
  Lost,
  Me,
  Message,
  Offer,
  Person,
  PublicRoom,
  Refused,
  Status,
  Stranded,
} from "./contract";
import { Engine } from "./engine.svelte";
import { messageOf } from "./messages";

class LiveChat implements Chat {
  private readonly engine = new Engine();
  private readonly session = this.engine.session;
  private readonly known = this.engine.known;
  private readonly request = this.engine.line.request.bind(this.engine.line);

  readonly unread: number = $derived(sum(this.known.all, (one) => (one.muted ? 0 : one.unread)));
  readonly mentions: number = $derived(sum(this.known.all, (one) => (one.muted ? 0 : one.mentions)));
  /** What is meant for this person: mentions, and what is private. */
  private readonly personal: number = $derived(
    this.mentions + sum(this.known.all, (one) => (one.muted || one.kind === "room" ? 0 : one.unread)),
  );

  constructor() {
    $effect.root(() => {
      $effect(() => showBadge(this.personal, this.unread > 0));
    });
  }

  get phase(): Chat["phase"] {
    return this.session.phase;
  }

  get line(): Chat["line"] {
    const state = this.session.lineState;
    if (state === "online") return this.session.settled || this.session.phase !== "here" ? state : "connecting";
    return state === "waiting" ? state : "connecting";
  }

  get nextTry(): number {
    return this.session.nextTry;
  }

  get ending(): string | null {
    return this.session.ending;
  }

  get server(): string {
    return this.session.server;
  }

  get updated(): boolean {
    return this.session.updated;
  }

  get settled(): boolean {
    return this.session.settled;
  }

  get me(): Me | null {
    return this.session.me;
  }

  get conversations(): readonly Conversation[] {
    return this.known.all;
  }

  get current(): Conversation | null {
    return this.engine.current;
  }

  get missing(): string | null {
    return this.engine.where.missing;
  }

  get refused(): Refused | null {
    return this.engine.where.refused;
  }

  get lost(): Lost | null {
    return this.engine.where.lost;
  }

  get people(): readonly Person[] {
    return this.engine.here.all;
  }

  get offers(): readonly Offer[] {
    return this.engine.offers.all;
  }

  get invitations(): readonly Invitation[] {
    return this.engine.notices.invitations;
  }

  get stranded(): readonly Stranded[] {
    return this.engine.stranded;
  }

  // -- coming and going

  start(): Promise<void> {
    this.session.start();
    return Promise.resolve();
  }

  async signIn(name: string, password: string | null): Promise<void> {
    await this.session.signIn("login", name, password);
    this.signedIn();
  }

  async register(name: string, password: string): Promise<void> {
    await this.session.signIn("register", name, password);
    this.signedIn();
  }

  unsent(): number {
    return this.engine.outbox.size;
  }

  discard(id: string): void {
    this.engine.discard(id);
  }

  async signOut(): Promise<void> {
    await this.session.signOut();
    this.engine.tabs.tell({ kind: "signed-out" });
    this.engine.signedOut();
  }

  retryNow(): void {
    this.session.retryNow();
  }

  private signedIn(): void {
    if (this.me !== null) this.engine.tabs.tell({ kind: "signed-in", id: this.me.id });
  }

  // -- where one is

  open(key: string): void {
    const conversation = this.known.ofKey(key);
    if (conversation !== undefined) this.engine.where.open(conversation);
  }

  async openRoom(name: string): Promise<Conversation> {
    const room = await this.engine.enterRoom(name);
    this.engine.where.open(room);
    return room;
  }

  openTalk(name: string, id = 0): Conversation {
    const talk = id === 0 ? this.known.withNamed(name) : this.known.with(name, id);
    const other = id === 0 ? null : this.engine.person(0, name);
    if (other !== null) talk.met(other); // that one is gone, and the name another one's
    this.engine.where.open(talk);
    return talk;
  }

  async openAt(stream: string, offset: number): Promise<boolean> {
    const conversation = this.known.ofStream(stream);
    if (conversation === undefined) return false;
    this.engine.where.open(conversation);
    return conversation.timeline.goTo(offset);
  }

  close(): void {
    this.engine.where.close();
  }

  nextUnread(direction: 1 | -1): void {
    const { all } = this.known;
    const from = all.findIndex((one) => one === this.current);
    for (let step = 1; step <= all.length; step++) {
      const next = all[(((from + direction * step) % all.length) + all.length) % all.length]!;
      if (next.unread > 0 && !next.muted && next !== this.current) return this.engine.where.open(next);
    }
  }

  // -- asking

  async rooms(): Promise<readonly PublicRoom[]> {
    const told = await this.request("rooms", {});
    this.engine.rooms(told);
    return told.rooms.map((one) => ({ ...one, private: one.private ?? false }));
  }

  async createRoom(name: string, isPrivate: boolean): Promise<Conversation> {
    const told = await this.request("create", { room: name, private: isPrivate });
    const room = this.engine.joined(told);
    if (told.created) room.private = isPrivate; // else it was there: the list of rooms says what it is
    this.engine.where.open(room);
    return room;
  }

  async search(query: string, within: Conversation | null, last?: Message): Promise<FoundMessages> {
    const { me } = this;
    const { key = "", kind = "room", name = "" } = within ?? {};
    if (kind === "talk" && key.startsWith("with:")) return { messages: [], more: false }; // nothing was said there
    const where = within === null ? {} : kind === "room" ? { room: name } : { stream: key };
    const behind = last === undefined ? {} : { before: last.offset, before_stream: last.stream };
    const found = await this.request("search", { query, ...where, ...behind });
    return { messages: found.messages.map((one) => messageOf(one, me ?? { id: 0, name: "" })), more: found.more };
  }

  setStatus(status: Status): Promise<void> {
    return this.session.setStatus(status);
  }

  async changePassword(old: string, next: string): Promise<void> {
    await this.request("password", { old, new: next });
  }

  async sessions(): Promise<readonly LoginSession[]> {
    const told = await this.request("sessions", {});
    return "sessions" in told ? told.sessions : [];
  }

  async endSession(id: string): Promise<void> {
    await this.request("sessions", { end: id });
  }

  offerFile(to: Pick<Person, "id" | "name">, file: File): Promise<Offer> {
    return this.engine.offers.offer(to, file);
  }
}

function sum<T>(all: readonly T[], value: (one: T) => number): number {
  return all.reduce((total, one) => total + value(one), 0);
}

export const chat: Chat = new LiveChat();
