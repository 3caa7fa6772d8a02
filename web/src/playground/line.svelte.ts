// One WebSocket, driven by hand: what goes over it is kept for the eye, and answers find their requests.

import { newId } from "../wire/ids";
import type { Actions } from "../wire/types";
import { type Frame, FrameLog, type Note, parsed, utf8Length } from "./frames";
import { filled } from "./placeholders";

export type LineState = "closed" | "connecting" | "open" | "closing" | "lost";

/** An answer that says no. `code` is the protocol's, or "closed", "unsent". */
export class Refusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface Waiting {
  readonly sentAt: number; // performance.now()
  readonly action: string;
  readonly settle: ((answer: Answer | Refusal) => void) | null; // null: asked for by a raw frame
}

/** What came back, and after how many milliseconds. */
export interface Answer<Data = unknown> {
  readonly data: Data;
  readonly roundTrip: number;
}

/** Requests without an answer that are remembered; older ones get no round-trip time. */
const MAX_WAITING = 1_000;
/** Rooms that are joined again after a lost line: as many as one can be in. */
const MAX_ROOMS = 100;

export class Line {
  state = $state<LineState>("closed");
  /** The code with which it was closed the last time. */
  closeCode = $state<number | null>(null);
  who = $state<string | null>(null);
  connection = $state<string | null>(null);
  frames = $state.raw<readonly Frame[]>([]);
  paused = $state(false);
  /** How many came since the pause began. */
  unseen = $state(0);

  #socket: WebSocket | null = null;
  #token: string | null = null;
  #rooms = new Set<string>();
  readonly #log = new FrameLog();
  readonly #waiting = new Map<string, Waiting>();
  #drawing = 0;
  #shown = 0;

  /** Open a line to this page's server. What is lost meanwhile is taken up: the login, then the rooms. */
  connect(path: string, protocol: string): void {
    if (this.#socket !== null) return;
    const wasLost = this.state === "lost";
    if (!wasLost) this.#forget();
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    let socket: WebSocket;
    try {
      if (!path.startsWith("/")) throw new TypeError(path);
      const url = `${scheme}//${location.host}${path}`;
      socket = protocol === "" ? new WebSocket(url) : new WebSocket(url, protocol.split(/[\s,]+/));
    } catch (error) {
      this.#note({ kind: "refused", why: error instanceof Error ? error.message : String(error) });
      return;
    }
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.state = "connecting";
    this.closeCode = null;
    socket.addEventListener("open", () => {
      if (this.#socket !== socket) return;
      this.state = "open";
      this.#note({ kind: "opened", path, protocol: socket.protocol });
      if (wasLost && this.who !== null) this.#takeUp();
    });
    socket.addEventListener("message", (event: MessageEvent<string | ArrayBuffer>) => {
      if (this.#socket === socket) this.#received(event.data);
    });
    socket.addEventListener("close", (event) => {
      if (this.#socket === socket) this.#closed(event.code, event.reason);
    });
  }

  disconnect(): void {
    if (this.#socket === null) return;
    this.state = "closing";
    this.#socket.close(1000);
  }

  /** Let go of everything: the page is left. */
  end(): void {
    cancelAnimationFrame(this.#drawing);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
  }

  /** Send a text as it stands, but for its placeholders. False: there is no line. */
  send(text: string): boolean {
    const known = { token: this.#token, connection: this.connection };
    const out = filled(text, known, newId);
    if (!this.#open()) return false;
    const message = parsed(out);
    const id = message?.["id"];
    if (message?.["type"] === "request" && typeof id === "string") {
      this.#wait(id, String(message["action"]), null);
    }
    this.#socket!.send(out);
    this.#add("sent", out, null, utf8Length(out), null);
    return true;
  }

  sendBytes(bytes: Uint8Array<ArrayBuffer>): boolean {
    if (!this.#open()) return false;
    this.#socket!.send(bytes);
    this.#add("sent", "", bytes, bytes.length, null);
    return true;
  }

  /** Ask, and wait for the answer; a `Refusal` where it is no. */
  async request<A extends keyof Actions>(
    action: A,
    payload: Actions[A]["payload"],
  ): Promise<Answer<Actions[A]["data"]>> {
    if (!this.#open()) throw new Refusal("unsent", "");
    const id = newId();
    const text = JSON.stringify({ id, type: "request", action, payload });
    const answer = await new Promise<Answer | Refusal>((resolve) => {
      this.#wait(id, action, resolve);
      this.#socket!.send(text);
      this.#add("sent", text, null, utf8Length(text), null);
    });
    if (answer instanceof Refusal) throw answer;
    return answer as Answer<Actions[A]["data"]>;
  }

  clear(): void {
    this.#log.clear();
    this.#show();
  }

  /** Hold the list still; what comes is kept, and shown afterwards. */
  pause(on: boolean): void {
    this.paused = on;
    this.unseen = 0;
    this.#shown = this.#log.count;
    if (!on) this.#show();
  }

  #open(): boolean {
    if (this.#socket?.readyState === WebSocket.OPEN) return true;
    this.#note({ kind: "unsent" });
    return false;
  }

  #wait(id: string, action: string, settle: Waiting["settle"]): void {
    this.#waiting.delete(id); // it is the newest now
    this.#waiting.set(id, { sentAt: performance.now(), action, settle });
    if (this.#waiting.size <= MAX_WAITING) return;
    const [oldest, { settle: answer }] = this.#waiting.entries().next().value!;
    this.#waiting.delete(oldest);
    answer?.(new Refusal("closed", ""));
  }

  #received(data: string | ArrayBuffer): void {
    const now = performance.now();
    if (typeof data !== "string") {
      const bytes = new Uint8Array(data);
      this.#add("received", "", bytes, bytes.length, null);
      return;
    }
    const message = parsed(data);
    const asked = this.#answered(message);
    const roundTrip = asked === null ? null : now - asked.sentAt;
    this.#add("received", data, null, utf8Length(data), roundTrip);
    if (message === null) return;
    const body = record(message["data"]);
    if (message["event"] === "welcome") {
      this.connection = text(body["connection_id"]);
      this.who ??= text(body["user"]);
    }
    if (asked === null) return;
    if (message["type"] === "error") {
      asked.settle?.(new Refusal(text(body["code"]) ?? "internal", text(body["message"]) ?? ""));
      return;
    }
    this.#learn(asked.action, body);
    asked.settle?.({ data: message["data"], roundTrip: roundTrip! });
  }

  #answered(message: Readonly<Record<string, unknown>> | null): Waiting | null {
    const id = message?.["id"];
    if (typeof id !== "string" || message?.["type"] === "notification") return null;
    const asked = this.#waiting.get(id) ?? null;
    this.#waiting.delete(id);
    return asked;
  }

  /** What an answer means for this line, whoever asked: who one is now, and in which rooms. */
  #learn(action: string, data: Readonly<Record<string, unknown>>): void {
    if (action === "login" || action === "register" || action === "refresh") {
      this.#token = text(data["token"]) || null; // by the cookie there is none
      this.who = text(data["username"]);
    } else if (action === "logout") this.#forget();
    const room = text(data["room"]);
    if (room === null) return;
    if ((action === "join" || action === "create") && this.#rooms.size < MAX_ROOMS) this.#rooms.add(room);
    if (action === "leave") this.#rooms.delete(room);
  }

  #takeUp(): void {
    const rooms = [...this.#rooms];
    this.request("login", this.#token === null ? {} : { token: this.#token }).then(
      () => rooms.forEach((room) => void this.request("join", { room }).catch(() => {})), // its error is shown
      () => this.#forget(),
    );
  }

  #forget(): void {
    this.#token = null;
    this.who = null;
    this.#rooms.clear();
  }

  #closed(code: number, reason: string): void {
    this.#socket = null;
    this.connection = null;
    const wanted = this.state === "closing" || code === 1000;
    this.state = wanted ? "closed" : "lost";
    this.closeCode = code;
    if (wanted) this.#forget();
    this.#note({ kind: "closed", code, reason });
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { settle } of waiting) settle?.(new Refusal("closed", ""));
  }

  #note(note: Note): void {
    const { kind: _, ...told } = note;
    this.#add("event", Object.values(told).join(" "), null, 0, null, note);
  }

  #add(
    way: Frame["way"],
    text: string,
    bytes: Uint8Array | null,
    size: number,
    roundTrip: number | null,
    note: Note | null = null,
  ): void {
    this.#log.add({ way, at: Date.now(), text, bytes, size, roundTrip, note });
    this.#drawing ||= requestAnimationFrame(() => {
      this.#drawing = 0;
      if (this.paused) this.unseen = this.#log.count - this.#shown;
      else this.#show();
    });
  }

  #show(): void {
    this.frames = this.#log.list();
    this.#shown = this.#log.count;
    this.unseen = 0;
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
