// One file on its way to the server.

import type { DetailedError, PreviousUpload, Upload as Tus } from "tus-js-client";
import { chat } from "../state/chat.svelte";
import type { Conversation } from "../state/contract";
import { Refusal } from "../wire/refusal";

const DELAYS = [0, 500, 1_000, 2_000, 4_000, 8_000, 15_000]; // milliseconds before it is tried again; then the last
const STALLED = 60_000; // milliseconds without a byte after which a request is given up, and tried again
const SHOWN_EVERY = 100; // milliseconds between two figures of progress

export type State = "waiting" | "running" | "interrupted" | "failed" | "done";

export class Upload {
  state = $state<State>("waiting");
  moved = $state(0); // bytes
  rate = $state(0); // bytes a second
  /** Why it failed, or was interrupted; null: nobody said. */
  error = $state.raw<Refusal | null>(null);
  /** It is done, and about to leave the list. */
  parting = false;
  readonly target: string; // whom it goes to, as people call it
  private readonly kind: "room" | "talk";
  private readonly toId: number; // whose talk it is, whoever has the name by now; 0: not known
  private tus: Tus | null = null;
  private attempt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stirred = 0; // when a byte moved last
  private shown = 0; // when `moved` was set last
  private free: () => void = () => {};

  /** `ended` is told whenever it is over, so that the next one begins. */
  constructor(
    readonly id: number,
    readonly file: File,
    to: Pick<Conversation, "kind" | "name" | "peerId">,
    private readonly content: string,
    private readonly ended: () => void,
  ) {
    this.kind = to.kind;
    this.target = to.name;
    this.toId = to.peerId;
  }

  get over(): boolean {
    return this.state === "done" || this.state === "failed";
  }

  async start(): Promise<void> {
    clearTimeout(this.timer);
    this.state = "running";
    this.error = null;
    this.rate = this.shown = 0;
    this.stirred = performance.now();
    try {
      this.tus ??= await this.made();
    } catch {
      this.broken(null, 0); // the part of the page could not be fetched: the server is away
      return;
    }
    if (this.state !== "running") return; // meanwhile it was cancelled
    this.timer = setTimeout(() => this.look(), STALLED);
    this.tus.start();
  }

  /** The server is there again: try at once. */
  revive(): void {
    if (this.state !== "interrupted") return;
    clearTimeout(this.timer);
    this.attempt = 0;
    this.state = "waiting";
  }

  pause(): void {
    if (this.over || this.state === "waiting") return;
    clearTimeout(this.timer);
    void this.tus?.abort();
    this.state = "interrupted";
  }

  async cancel(): Promise<void> {
    const { tus } = this;
    this.end("failed");
    if (tus === null) return;
    tus.options.retryDelays = DELAYS;
    await tus.abort(true).catch(() => undefined); // it ends with the server's own patience, else
  }

  private async made(): Promise<Tus> {
    const { Upload: Made } = await import("tus-js-client");
    const { file, content } = this;
    const mark = this.fingerprint();
    const alone = await this.hold(mark);
    const made = new Made(file, {
      endpoint: "/files",
      metadata: {
        filename: file.name,
        [this.kind === "room" ? "room" : "to"]: this.target,
        ...(this.toId === 0 ? {} : { to_id: String(this.toId) }),
        ...(file.type === "" ? {} : { filetype: file.type }),
        ...(content === "" ? {} : { content }),
      },
      retryDelays: null, // it is tried again by `broken`, which says so
      storeFingerprintForResuming: alone,
      removeFingerprintOnSuccess: true,
      fingerprint: () => Promise.resolve(mark),
      onProgress: (moved) => this.progress(moved),
      onSuccess: () => this.end("done"),
      onError: (error) => this.heed(error),
    });
    if (!alone) return made; // another tab sends the same file now: this one is sent by itself
    const former = await made.findPreviousUploads().catch((): PreviousUpload[] => []); // storage may be denied
    const same = former.find((one) => (one.metadata["content"] ?? "") === content); // other words are another message
    if (same !== undefined) made.resumeFromPreviousUpload(same);
    return made;
  }

  /** Have it alone among the browser's tabs, until it is over. Where the browser cannot tell, it is taken for so. */
  private hold(mark: string): Promise<boolean> {
    const { locks } = navigator as { locks?: LockManager }; // only in what the browser calls a secure context
    if (locks === undefined) return Promise.resolve(true);
    return new Promise((resolve) => {
      const asked = locks.request(mark, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock === null ? undefined : new Promise<void>((free) => (this.free = free));
      });
      asked.catch(() => resolve(true));
    });
  }

  private progress(moved: number): void {
    const now = performance.now();
    if (moved > this.moved) {
      this.attempt = 0;
      this.stirred = now;
    }
    if (now - this.shown < SHOWN_EVERY && moved < this.file.size) return;
    const seconds = (now - this.shown) / 1000;
    if (this.shown > 0 && moved > this.moved) {
      const fresh = (moved - this.moved) / seconds;
      this.rate = this.rate === 0 ? fresh : this.rate * 0.8 + fresh * 0.2;
    }
    this.shown = now;
    this.moved = moved;
  }

  private heed(error: Error | DetailedError): void {
    const response = "originalResponse" in error ? error.originalResponse : null;
    const status = response?.getStatus() ?? 0;
    const wait = Number(response?.getHeader("Retry-After") ?? 0);
    const why = response === null ? null : refusalOf(response.getBody());
    if (passing(status)) {
      this.broken(why, Number.isFinite(wait) ? Math.max(0, wait) * 1_000 : 0);
      return;
    }
    this.error = why;
    this.end("failed");
  }

  /** It will be tried again: after `least` milliseconds at the earliest; else when there is a line again. */
  private broken(why: Refusal | null, least: number): void {
    if (this.state !== "running") return;
    clearTimeout(this.timer);
    this.state = "interrupted";
    this.error = why;
    const delay = Math.max(least, DELAYS[Math.min(this.attempt++, DELAYS.length - 1)] ?? 0);
    this.timer = setTimeout(() => {
      if (chat.line === "online") void this.start();
    }, delay);
  }

  /** A network that is gone says nothing: a request over it would wait for a quarter of an hour. */
  private look(): void {
    const silent = performance.now() - this.stirred;
    if (silent < STALLED) {
      this.timer = setTimeout(() => this.look(), STALLED - silent);
      return;
    }
    void this.tus?.abort();
    this.broken(null, 0);
  }

  private end(state: "done" | "failed"): void {
    if (this.over) return;
    clearTimeout(this.timer);
    this.state = state;
    if (state === "done") this.moved = this.file.size;
    this.free();
    this.ended();
  }

  /** By what an unfinished upload is known again: the same file, to the same place, by the same person. */
  private fingerprint(): string {
    const { name, type, size, lastModified } = this.file;
    return ["hubbub", chat.me?.id ?? 0, this.kind, this.target, this.toId, name, type, size, lastModified].join(" ");
  }
}

/** Whether it may work later as it is: nobody answered, signed out, or the server is busy, full or stopping. */
function passing(status: number): boolean {
  return [0, 401, 408, 409, 423, 429].includes(status) || status >= 500;
}

function refusalOf(body: string): Refusal | null {
  try {
    return Refusal.of(JSON.parse(body));
  } catch {
    return null;
  }
}
