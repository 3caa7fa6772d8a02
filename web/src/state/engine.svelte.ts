// What moves the chat: the session's line on one side, the conversations on the other. Components do not see it.

import { reason } from "../text/reason";
import type { Chunk } from "../wire/chunks";
import { Refusal } from "../wire/refusal";
import type {
  Accepted,
  History,
  LoggedIn,
  Place,
  RoomJoined,
  RoomList,
  UnreadList,
  UserList,
} from "../wire/types";
import { Arrivals, type Arrival, type Follows, type Kept } from "./arrivals";
import { Batch } from "./batch";
import type { Conversation, Me, Person, Stranded } from "./contract";
import type { LiveConversation, Surroundings } from "./conversation.svelte";
import { Conversations } from "./conversations.svelte";
import { Drafts } from "./drafts";
import { Exchange } from "./exchange.svelte";
import { calls } from "./messages";
import { Notices } from "./notices.svelte";
import { Outbox, type Post, type Target } from "./outbox";
import { OutboxStore, type Entry } from "./outbox_store";
import { People } from "./people.svelte";
import { Positions } from "./positions";
import { writeRoute } from "./route";
import { Session, type Hooks } from "./session.svelte";
import { settings } from "./settings.svelte";
import { uploadKeys } from "./storage";
import { Tabs } from "./tabs";
import type { Range } from "./timeline.svelte";
import { Whereabouts } from "./whereabouts.svelte";

const LOOK_AGAIN = 3000; // milliseconds until it is asked once for many changes what there is now

export class Engine implements Hooks, Follows, Surroundings, Post {
  readonly session = new Session(socketUrl(), this);
  readonly line = this.session.line;
  readonly drafts = new Drafts(
    () => this.current?.resume(),
    () => this.current?.unkept(),
  );
  readonly outbox = new Outbox(this, new OutboxStore());
  readonly here = new People();
  readonly known = new Conversations(this);
  readonly tabs = new Tabs((told) => {
    if (told.kind === "signed-out") this.signedOut();
    else if (this.me?.id !== told.id || this.session.phase === "ended") this.session.change();
  });
  readonly offers = new Exchange(this.line, () => this.me);
  readonly notices = new Notices(
    (room) => this.enterRoom(room),
    (stream, offset) => void this.line.request("read", { stream, offset }).catch(() => {}),
  );
  readonly where = new Whereabouts(
    this.known,
    (name) => this.findRoom(name),
    () => this.line.online,
  );
  account = "";
  /** What was written in rooms that one is not in any more. */
  stranded = $state.raw<readonly Stranded[]>([]);

  private readonly heard = new Positions<Kept>();
  private readonly arrivals = new Arrivals(
    this.heard,
    this.known,
    this.here,
    this.notices,
    this.offers,
    () => this.me,
    this,
  );
  private readonly batch = new Batch<Arrival>(
    (arrival) => this.arrivals.take(arrival),
    () => this.show(),
  );
  private readonly touched = new Set<LiveConversation>();
  private resumes = false; // whether this login goes on from positions of an earlier one
  private seeking = 0; // rooms that are looked for, and may be entered
  private askingForNotices = false;
  private askingAgain: ReturnType<typeof setTimeout> | undefined;
  private lookingAgain: ReturnType<typeof setTimeout> | undefined;

  get me(): Me | null {
    return this.session.me;
  }

  get current(): LiveConversation | null {
    return this.where.current;
  }

  async enterRoom(name: string): Promise<LiveConversation> {
    const known = this.known.named("room", name);
    if (known !== undefined) return known;
    return this.joined(await this.line.request("join", { room: name }));
  }

  /** A room that an address names: one that exists. A link to none must not make it. */
  async findRoom(name: string): Promise<LiveConversation | null> {
    this.seeking += 1;
    try {
      await this.session.whenSettled();
      const { rooms } = await this.line.request("rooms", {});
      return rooms.some((one) => one.room.toLowerCase() === name.toLowerCase()) ? await this.enterRoom(name) : null;
    } finally {
      this.seeking -= 1;
      this.outbox.showAll();
    }
  }

  /** Signed out, here or in another tab: nothing of that account stays in this browser. */
  signedOut(): void {
    const { account, me } = this;
    this.session.leave(); // which saves what was being written
    this.outbox.forget(account);
    this.drafts.forget(account);
    this.where.forget(account);
    if (me !== null) for (const key of uploadKeys(me.id)) localStorage.removeItem(key);
  }

  // -- Hooks

  began(): void {
    this.batch.flush();
    this.resumes = this.me !== null;
    this.heard.resume();
  }

  rejoin(): readonly string[] {
    if (this.me?.role !== "guest") return [];
    return [...this.known].filter((one) => one.kind === "room").map((one) => one.name);
  }

  positions(): Record<string, Place> {
    return this.heard.named();
  }

  welcome(told: LoggedIn): void {
    const rooms = told.rooms ?? [];
    const account = this.me?.role === "guest" ? `guest ${told.username}` : String(told.user_id);
    if (account !== this.account) {
      this.account = account; // before the conversations: they ask for their drafts
      this.drafts.open(account);
      this.outbox.open(account);
    }
    for (const place of rooms) {
      this.heard.begin(place.stream, place);
      this.known.room(place.room, place.stream);
    }
    if (this.me?.role !== "guest") {
      const streams = new Set(rooms.map((place) => place.stream));
      for (const one of [...this.known]) if (one.kind === "room" && !streams.has(one.stream)) this.wasLeft(one);
    }
    this.outbox.showAll();
    this.where.arrive(account);
    this.show();
  }

  joined(told: RoomJoined): LiveConversation {
    this.batch.flush();
    this.heard.begin(told.stream, told);
    const room = this.known.room(told.room, told.stream);
    if (room.members === 0) this.lookAgain(); // one that was not listed: it may be private
    room.topic = told.topic;
    room.members = told.members;
    room.begins(told.offset);
    this.notices.entered(told.room);
    this.outbox.showAll();
    return room;
  }

  resumed(places: Readonly<Record<string, Place>> | null): void {
    if (places !== null) {
      this.arrivals.reload(this.heard.resumed(places));
      return;
    }
    this.heard.clear(); // what is told from now on begins anew
    if (this.resumes) for (const one of this.known) void one.timeline.reload();
  }

  counted(told: UnreadList): void {
    this.batch.flush();
    let noticed: { stream: string; epoch: string; read: number } | null = null;
    // Those with somebody first: a talk that was begun by a name is with whoever can be reached by it.
    const streams = [...told.streams].sort((a, b) => Number(a.gone ?? false) - Number(b.gone ?? false));
    for (const view of streams) {
      const { stream, epoch, offset, read } = view;
      if (view.room === undefined && view.with === undefined) {
        this.notices.told(stream, read);
        if (this.heard.of(stream) === undefined && read < offset) noticed = { stream, epoch, read };
        continue;
      }
      const known = view.room !== undefined ? this.known.room(view.room, stream) : this.known.talk(view.with!, stream);
      this.heard.begin(stream, { epoch, offset });
      known.counted(view);
      if (known.unread === 0) this.notices.readRoom(stream);
    }
    if (noticed !== null) this.askForNotices(noticed.stream, noticed.epoch, noticed.read);
    this.where.respell();
    this.outbox.showAll();
    this.show();
  }

  settled(): void {
    this.outbox.resume();
    this.outbox.showAll();
    this.offers.resume();
    this.where.look();
  }

  people(told: UserList): void {
    this.here.list(told.users);
    this.here.show();
    for (const one of this.known) {
      const person = this.here.withId(one.peerId) ?? this.here.named(one.name);
      if (person !== null) one.met(person);
    }
    this.where.respell();
  }

  rooms(told: RoomList): void {
    for (const view of told.rooms) {
      const room = this.known.named("room", view.room);
      if (room === undefined) continue;
      room.topic = view.topic;
      room.members = view.members;
      room.private = view.private ?? false;
    }
  }

  event(arrival: Arrival): void {
    this.batch.push(arrival);
  }

  chunk(chunk: Chunk): void {
    this.offers.chunk(chunk);
  }

  flush(): void {
    this.batch.flush();
  }

  dropped(): void {
    this.offers.dropped();
    this.where.look();
    for (const one of this.known) one.typists.clear();
  }

  /** Nobody is signed in any more: nothing of it stays. */
  left(): void {
    this.batch.flush();
    this.where.leave();
    this.touched.clear();
    for (const one of [...this.known]) one.timeline.unload();
    this.known.clear();
    this.here.clear();
    this.here.show();
    this.offers.clear();
    this.notices.clear();
    this.heard.clear();
    this.drafts.close();
    this.outbox.close();
    this.account = "";
  }

  // -- Follows

  enteredElsewhere(room: string): void {
    this.line.request("join", { room }).then(
      (told) => this.joined(told),
      () => {}, // out of it again
    );
  }

  unknownStream(): void {
    this.askingAgain ??= setTimeout(() => {
      this.askingAgain = undefined;
      this.line.request("unread", { all: true }).then(
        (told) => this.counted(told),
        () => {}, // the next login asks
      );
    }, LOOK_AGAIN);
  }

  peerLeft(): void {
    this.unknownStream();
  }

  peerCame(): void {
    this.where.respell();
  }

  missed(stream: string): void {
    // Notices are told once more, from their cursor on; where that is too much, not over and over.
    if (this.known.ofStream(stream) === undefined && !this.askingForNotices) this.heard.forget(stream);
    this.unknownStream();
  }

  posted(conversation: LiveConversation, arrival: Arrival): void {
    if (arrival.name !== "message" && arrival.name !== "private") return;
    const { data } = arrival;
    if (data.from_id === this.me?.id || conversation.muted || conversation.looking) return;
    const talk = arrival.name === "private";
    const personal = talk || (this.me !== null && calls(data.content, arrival.data.mentions, this.me));
    if (settings.notifications === "off" || (settings.notifications === "mentions" && !personal)) return;
    const title = talk ? data.from : `${data.from} — #${conversation.name}`;
    const [id, place] = [`${data.stream}/${data.offset}`, writeRoute(conversation)];
    const news = { id, place, key: conversation.key, title, body: data.content };
    import("./notifications").then(
      ({ notify }) => notify(news, () => this.where.open(conversation)),
      () => {}, // the line dropped since: it is unread
    );
  }

  roomsChanged(): void {
    this.lookingAgain ??= setTimeout(() => this.lookAgain(), LOOK_AGAIN);
    this.outbox.showAll();
    this.where.check();
  }

  // -- Surroundings

  async history(query: { room?: string; with?: string; stream?: string } & Range): Promise<History> {
    for (;;) {
      await this.session.whenSettled();
      try {
        const page = await this.line.request("history", query);
        this.batch.flush();
        return page;
      } catch (error) {
        if (!(error instanceof Refusal) || error.code !== "offline") throw error;
      }
    }
  }

  why(refusal: Refusal): string {
    return reason(refusal);
  }

  person(id: number, name: string): Person | null {
    return id === 0 ? this.here.named(name) : this.here.withId(id);
  }

  mentions(stream: string): number {
    return this.notices.mentions(stream);
  }

  isCurrent(conversation: Conversation): boolean {
    return this.where.isAt(conversation);
  }

  wasRead(stream: string): void {
    this.notices.readRoom(stream);
    this.known.ofStream(stream)?.recount();
  }

  wasLeft(conversation: LiveConversation): void {
    if (conversation.kind === "room") this.heard.forget(conversation.stream);
    this.known.remove(conversation);
    this.roomsChanged();
  }

  touch(conversation: LiveConversation): void {
    this.touched.add(conversation);
    if (this.touched.size === 1) queueMicrotask(() => this.show());
  }

  // -- Post

  get ready(): boolean {
    return this.session.settled;
  }

  send(entry: Entry): Promise<Accepted> {
    const { content, replyTo, id, room, to, toId } = entry;
    const reply = replyTo === null ? {} : { reply_to: replyTo };
    if (room !== null) {
      // By its name it may be another one by now.
      if (this.target(entry) === undefined) throw new Refusal("not_found", `You are not in '${room}'.`, "room");
      return this.line.request("publish", { room, content, ...reply }, id);
    }
    if (toId !== 0) {
      return this.line.request("whisper", { to: to ?? "", to_id: toId, content, ...reply }, id).catch((error: unknown) => {
        if (error instanceof Refusal && error.field === "to_id") this.known.with(to ?? "", toId).gone = true;
        throw error;
      });
    }
    if (this.known.wasSomebodys(to ?? "")) throw new Refusal("not_found", `'${to}' was somebody else.`, "to_id");
    return this.line.request("whisper", { to: to ?? "", content, ...reply }, id);
  }

  target(entry: Entry): Target | undefined {
    if (entry.room === null) return this.known.with(entry.to ?? "", entry.toId);
    const room = this.known.named("room", entry.room);
    return room?.stream === entry.stream ? room : undefined;
  }

  strand(entries: readonly Entry[]): void {
    const drafts = this.drafts.aside(new Set([...this.known].map((one) => one.draftKey)));
    const known = new Set(this.stranded.map((one) => one.id));
    // Before it is known in which rooms one is, nothing is added.
    const all = [...entries, ...drafts].filter((one) => (this.ready && this.seeking === 0) || known.has(one.id));
    if (all.length + known.size > 0) this.stranded = all;
  }

  /** Throw away what was not sent, by its id. */
  discard(id: string): void {
    if (id.includes("#")) for (const key of [id, `${id} reply`]) this.drafts.set(key, "");
    this.outbox.discard(id);
  }

  // -- what is shown

  /** Show what has changed. */
  private show(): void {
    const touched = [...this.touched];
    this.touched.clear();
    for (const one of touched) one.show();
    this.here.show();
  }

  private lookAgain(): void {
    this.lookingAgain = undefined;
    this.line.request("rooms", {}).then(
      (told) => this.rooms(told),
      () => {}, // the next login asks
    );
  }

  /** Notices that came while nobody was here are told by a resume from the cursor. */
  private askForNotices(stream: string, epoch: string, offset: number): void {
    this.askingForNotices = true;
    const done = (): void => {
      this.batch.flush(); // what it tells comes before its answer
      this.askingForNotices = false;
    };
    this.line.request("resume", { positions: { [stream]: { epoch, offset } } }).then(done, done);
  }
}

function socketUrl(): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
}
