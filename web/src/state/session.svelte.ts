// Being signed in: who one is, over one line after another. Each line begins in the same way:
//
//     login, the rooms of a guest, resume      without waiting, so that nothing live comes before what was missed
//     unread, list, rooms                      what events do not tell
//
// The cookie says who one is. It is set by HTTP, and no script ever sees what is in it.

import type { Chunk } from "../wire/chunks";
import { post, servedBuild } from "../wire/http";
import { Line, type LineState, type Listener } from "../wire/line";
import { Refusal, willPass } from "../wire/refusal";
import type { Events, LoggedIn, Place, RoomJoined, RoomList, UnreadList, UserList } from "../wire/types";
import type { Arrival } from "./arrivals";
import type { Me, Status } from "./contract";

const LATER = 2000; // milliseconds until a login is tried again that was refused for now

/** What the session tells, in this order after each login. */
export interface Hooks {
  /** A line begins. */
  began(): void;
  /** The rooms that a guest goes back into: it belongs to none when it is away. */
  rejoin(): readonly string[];
  positions(): Record<string, Place>;
  welcome(told: LoggedIn): void;
  joined(told: RoomJoined): void;
  /** Null: nothing of what was missed could be told. */
  resumed(places: Readonly<Record<string, Place>> | null): void;
  counted(told: UnreadList): void;
  people(told: UserList): void;
  rooms(told: RoomList): void;
  /** What is shown is what the server has; from now on things can be sent. */
  settled(): void;
  event(arrival: Arrival): void;
  chunk(chunk: Chunk): void;
  /** Take in all that has arrived. */
  flush(): void;
  dropped(): void;
  /** Nobody is signed in any more. */
  left(): void;
}

export class Session implements Listener {
  phase = $state<"starting" | "signed-out" | "here" | "ended">("starting");
  lineState = $state<LineState>("closed");
  nextTry = $state(0);
  ending = $state<string | null>(null);
  server = $state("");
  updated = $state(false);
  settled = $state(false);
  me = $state.raw<Me | null>(null);

  readonly line: Line;
  private turn = 0; // of lines
  private waiting: { resolve: () => void; reject: (error: Refusal) => void }[] = [];

  constructor(
    url: string,
    private readonly hooks: Hooks,
  ) {
    this.line = new Line(url, this);
  }

  /** Come in by the cookie, if there is one. */
  start(): void {
    if (this.phase !== "here") this.phase = "starting";
    this.ending = null;
    this.line.open();
  }

  /** Sign in by name. Resolves when the page is signed in. */
  async signIn(action: "login" | "register", name: string, password: string | null): Promise<void> {
    const proof = password === null ? {} : { password };
    await post(action, { username: name, ...proof, cookie: true });
    this.line.close();
    this.start();
    await this.whenSettled();
  }

  /** The cookie is worth nothing any more; `leave` follows. */
  async signOut(): Promise<void> {
    await post("logout", {});
  }

  /** Nobody is signed in any more: here, or in another tab. */
  leave(): void {
    this.line.close();
    this.forget();
    this.phase = "signed-out";
    this.ending = null;
  }

  retryNow(): void {
    if (this.phase === "ended") this.start();
    else this.line.retryNow();
  }

  /** Somebody else was signed in by another tab: the cookie is theirs, and so is this page. */
  change(): void {
    this.line.close();
    this.start();
  }

  /** Wait until there is a line, and what was missed is told. Rejects when nobody is signed in. */
  whenSettled(): Promise<void> {
    if (this.settled) return Promise.resolve();
    if (this.phase === "signed-out" || this.phase === "ended") return Promise.reject(Refusal.offline());
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  async setStatus(status: Status): Promise<void> {
    const told = await this.line.request("presence", { status });
    if (this.me !== null) this.me = { ...this.me, status: told.status };
  }

  // -- Listener

  opened(): void {
    this.enter(++this.turn).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
      if (error.code !== "offline" && error.code !== "timeout") this.line.again(LATER);
      else if (this.line.online) this.line.again();
    });
  }

  event(name: string, data: unknown): void {
    this.hooks.event({ name: name as keyof Events, data } as Arrival);
  }

  chunk(chunk: Chunk): void {
    this.hooks.flush(); // that the bytes begin is told before them
    this.hooks.chunk(chunk);
  }

  dropped(): void {
    this.turn += 1;
    this.settled = false;
    this.hooks.dropped();
  }

  ended(reason: string): void {
    if (this.phase === "signed-out") return;
    this.ending = reason;
    this.phase = "ended";
    this.giveUp();
  }

  state(state: LineState, nextTry: number): void {
    this.lineState = state;
    this.nextTry = nextTry;
  }

  // -- the beginning of a line

  private async enter(turn: number): Promise<void> {
    const { line, hooks } = this;
    hooks.began();
    const login = line.request("login", {});
    const rejoined = hooks.rejoin().map((room) => line.request("join", { room }));
    const positions = hooks.positions();
    const resume = line.request("resume", { positions });
    const [unread, people, rooms] = [
      line.request("unread", { all: true }),
      line.request("list", {}),
      line.request("rooms", {}),
    ];
    const others = [...rejoined, resume, unread, people, rooms];
    for (const one of others) one.catch(() => {}); // each is awaited, but not where an earlier one fails

    let told: LoggedIn;
    try {
      told = await login;
    } catch (error) {
      if (turn === this.turn) await this.refused(error);
      return;
    }
    if (turn !== this.turn) return;
    hooks.flush();
    this.welcome(told);
    for (const one of rejoined) await one.then((room) => hooks.joined(room)).catch(() => {}); // or not let in
    const places = await resume.then(
      (answer) => answer.positions,
      (error: unknown) => passOn(error),
    );
    if (turn !== this.turn) return;
    hooks.flush();
    hooks.resumed(places);
    hooks.people(await people); // before the talks: whose they are
    hooks.counted(await unread);
    hooks.rooms(await rooms);
    if (turn !== this.turn) return;
    this.settled = true;
    hooks.settled();
    for (const one of this.waiting.splice(0)) one.resolve();
    if (this.me?.status !== "online" && this.me !== null) this.setStatus(this.me.status).catch(() => {});
    void this.lookForUpdate();
  }

  private welcome(told: LoggedIn): void {
    const status = this.me?.id === told.user_id ? this.me.status : "online";
    const role = told.role === "admin" || told.role === "member" ? told.role : "guest";
    if (this.me !== null && this.me.id !== told.user_id) this.forget();
    this.me = { id: told.user_id, name: told.username, role, status };
    this.server = told.server;
    this.line.settled();
    this.hooks.welcome(told);
    this.phase = "here";
  }

  /** The cookie is worth nothing, or not now. */
  private async refused(error: unknown): Promise<void> {
    if (!(error instanceof Refusal) || willPass(error)) throw error;
    const { me } = this;
    if (this.phase === "here" && me?.role === "guest" && (await this.again(me.name))) return;
    this.leave();
  }

  /** A guest whom the server has forgotten comes back by the same name, if that is free. */
  private async again(name: string): Promise<boolean> {
    try {
      await post("login", { username: name, cookie: true });
    } catch (error) {
      if (willPass(error)) throw error;
      return false;
    }
    this.line.again();
    return true;
  }

  private forget(): void {
    this.me = null;
    this.settled = false;
    this.giveUp();
    this.hooks.left();
  }

  private giveUp(): void {
    for (const one of this.waiting.splice(0)) one.reject(Refusal.offline());
  }

  private async lookForUpdate(): Promise<void> {
    const own = document.querySelector<HTMLMetaElement>('meta[name="build"]')?.content;
    const served = await servedBuild();
    if (own && served !== null && served !== own) this.updated = true;
  }
}

/** A resume that is refused tells nothing; a line that drops ends the whole beginning. */
function passOn(error: unknown): null {
  if (error instanceof Refusal && error.code !== "offline" && error.code !== "timeout") return null;
  throw error;
}
