// The line to the server's live feed: what comes, and what is known when nothing comes.

import type { End, LogLine, Past, Sample } from "./feed";
import { Hour } from "./hour";
import { Seen } from "./kernel/seen.svelte";
import type { HeatView, KernelView } from "./kernel/shapes";
import { type Shown, Tail } from "./tail";

/** connecting: nothing was there yet. lost: it was; what is shown is old. The others are final until `retry`. */
export type State = "connecting" | "live" | "lost" | "signed-out" | "forbidden" | "full";

const ADDRESS = "/api/v1/admin/live";
/** Milliseconds without a sample after which the line counts as dead: the server sends one each second. */
const SILENCE = 10_000;
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;

export class Live {
  state = $state<State>("connecting");
  /** When it is tried again, milliseconds since 1970; 0: being tried now. */
  nextTry = $state(0);
  server = $state("");
  version = $state("");
  started = $state(0);
  /** How often another server was met than before: it was started anew. */
  restarts = $state(0);
  /** Grows with what there is to draw, at most once a second; not while nobody sees the page. */
  tick = $state(0);
  lines = $state.raw<readonly Shown[]>([]);
  readonly hour = new Hour();
  readonly kernel = new Seen();

  #source: EventSource | null = null;
  #heardAt = 0; // performance.now()
  #wait = FIRST_WAIT;
  #timer = 0;
  #watch = 0;
  #ended = false;
  readonly #tail = new Tail();
  readonly #onvisible = (): void => {
    if (!document.hidden) this.#draw();
  };

  start(): void {
    document.addEventListener("visibilitychange", this.#onvisible);
    this.#watch = window.setInterval(() => {
      if (this.state === "live" && performance.now() - this.#heardAt > SILENCE) this.#lost();
    }, 2_000);
    this.#open();
  }

  stop(): void {
    this.#ended = true;
    document.removeEventListener("visibilitychange", this.#onvisible);
    window.clearInterval(this.#watch);
    this.#close();
  }

  /** Try now, whatever the plan was. */
  retry(): void {
    this.#wait = FIRST_WAIT;
    this.#close();
    if (this.state !== "lost") this.state = "connecting";
    this.#open();
  }

  #close(): void {
    window.clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #open(): void {
    this.nextTry = 0;
    const source = new EventSource(ADDRESS);
    this.#source = source;
    this.#heardAt = performance.now();
    let opened = false;
    const on = <T>(name: string, act: (data: T) => void): void =>
      source.addEventListener(name, (event: MessageEvent<string>) => {
        if (this.#source !== source) return;
        this.#heardAt = performance.now();
        act(JSON.parse(event.data) as T);
      });
    source.addEventListener("open", () => (opened = true));
    source.addEventListener("error", () => {
      if (this.#source !== source) return;
      source.close(); // it would come back by itself, at once and for ever
      if (opened) this.#lost();
      else void this.#refused();
    });
    on<Past>("past", (past) => this.#begin(past));
    on<Sample>("sample", (sample) => {
      this.hour.add(sample);
      if (!document.hidden) this.tick++;
    });
    on<readonly LogLine[]>("log", (lines) => {
      this.#tail.add(lines, this.started);
      if (!document.hidden) this.lines = this.#tail.list();
    });
    on<HeatView>("heat", (heat) => this.kernel.begin(heat));
    on<KernelView>("kernel", (view) => {
      this.kernel.take(view);
      if (!document.hidden) this.kernel.draw();
    });
    on<End>("end", ({ reason }) => {
      if (reason === "logged_out" || reason === "forbidden") this.#final(reason === "forbidden" ? 403 : 401);
      else this.#lost();
    });
  }

  #begin(past: Past): void {
    if (this.started !== 0 && this.started !== past.started) this.restarts++;
    this.server = past.server;
    this.version = past.version;
    this.started = past.started;
    this.hour.replace(past);
    this.#wait = FIRST_WAIT;
    this.state = "live";
    this.#draw();
  }

  #draw(): void {
    this.tick++;
    this.kernel.draw();
    this.lines = this.#tail.list();
  }

  /** EventSource does not tell why it was refused: asked once more by other means. */
  async #refused(): Promise<void> {
    const aborting = new AbortController();
    const source = this.#source;
    let status = 0;
    try {
      status = (await fetch(ADDRESS, { signal: aborting.signal, cache: "no-store" })).status;
    } catch {
      // nobody is there
    }
    aborting.abort(); // where it is allowed now, it is asked for again, and not read twice
    if (this.#ended || this.#source !== source) return;
    if (status === 401 || status === 403) this.#final(status);
    else if (status === 429 || status === 503) this.#final(503); // as many as may watch are watching
    else this.#lost();
  }

  #final(status: 401 | 403 | 503): void {
    this.#close();
    if (status === 503) {
      this.state = "full";
      this.#again();
    } else this.state = status === 401 ? "signed-out" : "forbidden";
  }

  #lost(): void {
    this.#close();
    if (this.state === "live") this.state = "lost";
    this.#again();
  }

  #again(): void {
    const wait = this.#wait * (0.75 + Math.random() / 2); // many pages of one server do not come at once
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
    this.nextTry = Date.now() + wait;
    this.#timer = window.setTimeout(() => this.#open(), wait);
  }
}
