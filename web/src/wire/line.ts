// The line to the server: a WebSocket that is dialled again whenever it drops, until it is closed for good.
//
// A line can be half-open for minutes before the system notices: the server is stopped, the laptop slept, the
// network changed. So after a silence the server is asked whether it is there, and sooner where something
// tells that the world has changed: the page is shown again, the network is back, the clock has jumped.

import { Backoff } from "./backoff";
import { unpackChunk, type Chunk } from "./chunks";
import { PATIENCE, Requests } from "./requests";
import { Refusal } from "./refusal";
import type { Actions } from "./types";

const DIAL_PATIENCE = 10_000; // milliseconds until a connection must stand
const SILENCE = 12_000; // after so long without a word the server is asked
const ANSWER = 6_000; // … and has so long to say something
const SUSPECT = 2_000; // a silence that is long enough to ask when something has happened
const SUSPECT_ANSWER = 4_000;
const TICK = 2_000; // how often that is looked at
const JUMP = 10_000; // a tick that comes later than this by the clock: the machine slept

const FOR_GOOD = 1008; // the close code: policy, or replaced

export type LineState = "closed" | "connecting" | "online" | "waiting";

export interface Listener {
  /** The line stands, and is nobody's yet. */
  opened(): void;
  event(name: string, data: unknown): void;
  chunk(chunk: Chunk): void;
  /** The line dropped; it is dialled again by itself. */
  dropped(): void;
  /** It was ended by the server, and is not dialled again. */
  ended(reason: string): void;
  state(state: LineState, nextTry: number): void;
}

export class Line {
  private socket: WebSocket | null = null;
  private readonly requests = new Requests();
  private readonly backoff = new Backoff();
  private heard = 0;
  private ticked = 0;
  private asking = false;
  private leaveAlone = 0; // milliseconds that the server asked for
  private farewell: string | null = null; // why it ends for good
  private retry: ReturnType<typeof setTimeout> | undefined;
  private deadline: ReturnType<typeof setTimeout> | undefined;
  private ticking: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
  ) {}

  /** Dial, and keep dialling. */
  open(): void {
    if (this.ticking === undefined) {
      this.ticked = Date.now();
      this.ticking = setInterval(() => this.tick(), TICK);
      for (const name of ["online", "offline", "pageshow"]) addEventListener(name, this.poke);
      document.addEventListener("visibilitychange", this.poke);
    }
    if (this.socket === null) this.dial();
  }

  /** Let it go, and do not come back. */
  close(): void {
    clearInterval(this.ticking);
    this.ticking = undefined;
    for (const name of ["online", "offline", "pageshow"]) removeEventListener(name, this.poke);
    document.removeEventListener("visibilitychange", this.poke);
    clearTimeout(this.retry);
    this.drop();
    this.backoff.reset();
    this.listener.state("closed", 0);
  }

  /** The login succeeded: the next failure is the first one. */
  settled(): void {
    this.backoff.reset();
  }

  /** Hang up and dial again, at once or as the server wishes. */
  again(after = 0): void {
    this.drop();
    this.wait(after);
  }

  retryNow(): void {
    if (this.socket === null && this.ticking !== undefined) this.dial();
  }

  get online(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** Bytes that wait for the network. */
  get queued(): number {
    return this.socket?.bufferedAmount ?? 0;
  }

  /** Ask; the answer's data. Rejects with a Refusal, `offline` when the line drops before the answer. */
  request<A extends keyof Actions>(
    action: A,
    payload: Actions[A]["payload"],
    id?: string,
    patience = PATIENCE,
  ): Promise<Actions[A]["data"]> {
    if (!this.online) return Promise.reject(Refusal.offline());
    const [text, answer] = this.requests.ask(action, payload as object, id, patience);
    this.socket!.send(text);
    return answer as Promise<Actions[A]["data"]>; // the server's own types; one that lies breaks only this page
  }

  sendBytes(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.online) this.socket!.send(bytes);
  }

  // -- dialling

  private dial(): void {
    clearTimeout(this.retry);
    this.listener.state("connecting", 0);
    let socket: WebSocket;
    try {
      socket = new WebSocket(this.url, "hubbub.v1");
    } catch {
      this.wait(0);
      return;
    }
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.deadline = setTimeout(() => this.lost(socket), DIAL_PATIENCE);
    socket.onmessage = (message: MessageEvent<string | ArrayBuffer>) => this.received(socket, message.data);
    socket.onclose = (close) => {
      if (close.code === FOR_GOOD && socket === this.socket) this.farewell ??= "policy";
      this.lost(socket);
    };
    socket.onopen = () => {
      clearTimeout(this.deadline);
      this.heard = Date.now();
      this.listener.state("online", 0);
      this.listener.opened();
    };
  }

  private lost(socket: WebSocket): void {
    if (socket !== this.socket) return;
    this.drop();
    const { farewell } = this;
    this.farewell = null;
    if (farewell !== null) {
      this.close();
      this.listener.ended(farewell);
      return;
    }
    this.wait(this.leaveAlone);
    this.leaveAlone = 0;
  }

  private wait(atLeast: number): void {
    clearTimeout(this.retry);
    const wait = this.backoff.next(atLeast);
    this.retry = setTimeout(() => this.dial(), wait);
    this.listener.state("waiting", Date.now() + wait);
  }

  private drop(): void {
    const { socket } = this;
    if (socket === null) return;
    clearTimeout(this.deadline);
    this.socket = null;
    this.asking = false;
    socket.onopen = socket.onmessage = socket.onclose = null; // a half-open one takes its time to close
    socket.close();
    this.requests.lost();
    this.listener.dropped();
  }

  // -- what comes

  private received(socket: WebSocket, data: string | ArrayBuffer): void {
    if (socket !== this.socket) return;
    this.heard = Date.now();
    if (typeof data !== "string") {
      const chunk = unpackChunk(data);
      if (chunk !== null) this.listener.chunk(chunk);
      return;
    }
    let message: { id: string | null; type: string; event?: string; data?: unknown };
    try {
      message = JSON.parse(data) as typeof message;
    } catch {
      return;
    }
    if (message.type !== "notification") {
      this.requests.answered(message.id, message.data, message.type === "error");
    } else if (message.event === "going_away") {
      this.goingAway(message.data as { reason: string; retry_after?: number });
    } else if (message.event !== undefined) {
      this.listener.event(message.event, message.data);
    }
  }

  private goingAway(told: { reason: string; retry_after?: number }): void {
    if (["replaced", "policy", "disabled"].includes(told.reason)) this.farewell = told.reason;
    this.leaveAlone = (told.retry_after ?? 0) * 1000;
  }

  // -- whether it is alive

  private tick(): void {
    const now = Date.now();
    const slept = now - this.ticked > JUMP || now < this.ticked;
    this.ticked = now;
    if (slept) this.poke();
    // A hidden page's ticks come once a minute, as if it slept each time.
    if (this.online && Math.abs(now - this.heard) >= SILENCE) void this.ask(ANSWER);
  }

  private readonly poke = (): void => {
    if (document.visibilityState === "hidden" && this.online) return;
    if (this.socket === null) this.retryNow();
    else if (this.online && Math.abs(Date.now() - this.heard) >= SUSPECT) void this.ask(SUSPECT_ANSWER);
  };

  private async ask(patience: number): Promise<void> {
    const { socket } = this;
    if (this.asking || socket === null) return;
    this.asking = true;
    const asked = Date.now();
    try {
      await this.request("ping", {}, undefined, patience);
    } catch (error) {
      const silent = this.heard < asked; // it may be busy with what was asked before
      if (error instanceof Refusal && error.code === "timeout" && silent) this.lost(socket);
    } finally {
      if (socket === this.socket) this.asking = false;
    }
  }
}
