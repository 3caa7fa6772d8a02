// Files that are sent to be kept: uploads by tus 1.0, in order, that go on after whatever broke them off.
//
// A file becomes a message once all of it is there. The server remembers a finished upload, so an answer that
// was lost makes no second message; and the browser remembers an unfinished one, so the same file, chosen again
// after a reload, goes on where it stopped.

import type { Upload as Tus } from "tus-js-client";
import { chat } from "../state/chat.svelte";
import type { Conversation } from "../state/contract";

export const MAX_AT_ONCE = 50; // files that are chosen together
const SHOWN_DONE = 4_000; // milliseconds that a finished one is still listed
const KEPT = 200; // uploads that are listed; over, those go that are over
const DELAYS = [0, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]; // milliseconds
const SHOWN_EVERY = 100; // milliseconds between two figures of progress

export type State = "waiting" | "running" | "interrupted" | "failed" | "done";

/** One file on its way to the server. */
export class Upload {
  state = $state<State>("waiting");
  moved = $state(0); // bytes
  rate = $state(0); // bytes a second
  error = $state<string | null>(null);
  private tus: Tus | null = null;
  private shown = 0;
  private gone = false;

  constructor(
    readonly id: number,
    readonly file: File,
    readonly target: string, // whom it goes to, as people call it
    private readonly metadata: Readonly<Record<string, string>>,
    private readonly ended: () => void,
  ) {}

  get over(): boolean {
    return this.state === "done" || this.state === "failed";
  }

  async start(): Promise<void> {
    this.state = "running";
    this.error = null;
    this.rate = 0;
    try {
      this.tus ??= await this.made();
      if (!this.gone) this.tus.start();
    } catch {
      this.end("interrupted", null); // the part of the page could not be fetched: the server is away
    }
  }

  async cancel(): Promise<void> {
    this.gone = true;
    this.end("failed", null);
    await this.tus?.abort(true).catch(() => undefined); // it ends with the server's own patience, else
  }

  private async made(): Promise<Tus> {
    const { Upload: Made } = await import("tus-js-client");
    const { metadata, file } = this;
    const made = new Made(file, {
      endpoint: "/files",
      metadata: { filename: file.name, ...(file.type === "" ? {} : { filetype: file.type }), ...metadata },
      retryDelays: DELAYS,
      removeFingerprintOnSuccess: true,
      fingerprint: () => Promise.resolve(fingerprint(file, metadata)),
      onShouldRetry: (error) => passing(error.originalResponse?.getStatus() ?? 0),
      onProgress: (moved) => this.progress(moved),
      onSuccess: () => this.end("done", null),
      onError: (error) => {
        const response = "originalResponse" in error ? error.originalResponse : null;
        if (passing(response?.getStatus() ?? 0)) this.end("interrupted", null);
        else this.end("failed", told(response?.getBody() ?? ""));
      },
    });
    const [former] = await made.findPreviousUploads().catch(() => []); // storage may be denied
    if (former !== undefined) made.resumeFromPreviousUpload(former);
    return made;
  }

  private progress(moved: number): void {
    const now = performance.now();
    if (now - this.shown < SHOWN_EVERY && moved < this.file.size) return;
    const seconds = (now - this.shown) / 1000;
    if (this.shown > 0 && moved > this.moved) {
      const fresh = (moved - this.moved) / seconds;
      this.rate = this.rate === 0 ? fresh : this.rate * 0.8 + fresh * 0.2;
    }
    this.shown = now;
    this.moved = moved;
  }

  private end(state: State, error: string | null): void {
    if (this.over) return;
    this.state = state;
    this.error = error;
    if (state === "done") {
      this.moved = this.file.size;
      setTimeout(() => uploads.remove(this), SHOWN_DONE);
    }
    this.ended();
  }
}

class Uploads {
  all = $state.raw<readonly Upload[]>([]);
  private last = 0;

  /** Send these to a conversation, with words to the first of them. */
  send(conversation: Conversation, files: readonly File[], content: string): void {
    const target = conversation.kind === "room" ? { room: conversation.name } : { to: conversation.name };
    const made = files.map((file, at) => {
      const words: Record<string, string> = at === 0 && content !== "" ? { content } : {};
      return new Upload(++this.last, file, conversation.name, { ...target, ...words }, () => this.next());
    });
    const living = this.all.filter((one) => !one.over);
    const over = this.all.filter((one) => one.over).slice(-KEPT);
    this.all = [...over, ...living, ...made];
    this.next();
  }

  /** Let go on what broke off: the server is there again. */
  goOn(): void {
    for (const one of this.all) if (one.state === "interrupted") one.state = "waiting";
    this.next();
  }

  again(upload: Upload): void {
    upload.state = "waiting";
    this.next();
  }

  remove(upload: Upload): void {
    this.all = this.all.filter((one) => one !== upload);
  }

  clear(): void {
    this.all = this.all.filter((one) => !one.over);
  }

  private next(): void {
    if (chat.line !== "online" || this.all.some((one) => one.state === "running")) return; // `goOn` follows, or this
    void this.all.find((one) => one.state === "waiting")?.start();
  }
}

export const uploads = new Uploads();

/** Whether it may work later as it is: nobody answered, or the server is busy, full or stopping. */
function passing(status: number): boolean {
  return status === 0 || status === 408 || status === 409 || status === 423 || status === 429 || status >= 500;
}

/** By what an unfinished upload is known again: the same file, to the same place, by the same person. */
function fingerprint(file: File, metadata: Readonly<Record<string, string>>): string {
  const place = [metadata["room"] ?? "", metadata["to"] ?? ""];
  return ["hubbub", chat.me?.id ?? 0, ...place, file.name, file.type, file.size, file.lastModified].join(" ");
}

/** The server's own words, out of the body of a refusal. */
function told(body: string): string | null {
  try {
    const { error } = JSON.parse(body) as { error?: { message?: unknown } };
    return typeof error?.message === "string" ? error.message : null;
  } catch {
    return null;
  }
}
