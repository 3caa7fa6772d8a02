// What the kernel was seen to do, as the feed tells it: the heat of the last hour, the newest report, and what
// happened since the page was opened.

import { Heat } from "./heat";
import type { HeatView, JoinedHappening, KernelView } from "./shapes";

/** Happenings that are kept: of those that somebody comes or goes, and of all others, which must not go under in them. */
export const MAX_HAPPENINGS = 250;
/** Seconds of round-trip times that are kept of a connection, while it is told of. */
const MAX_TIMES = 60;

export interface Happened extends JoinedHappening {
  readonly key: number;
}

export class Seen {
  /** The newest that is to be drawn. */
  view = $state.raw<KernelView | null>(null);
  /** The newest first. */
  happened = $state.raw<readonly Happened[]>([]);
  /** Grows with what there is to draw of the heat. */
  tick = $state(0);
  readonly heat = new Heat();

  #newest: KernelView | null = null;
  readonly #comings: Happened[] = [];
  readonly #others: Happened[] = [];
  #drawn = 0;
  #keys = 0;
  #at = 0; // of the newest report
  #known = false; // the next report is in the heat already
  readonly #times = new Map<number, number[]>();

  /** A line was opened: what is known of the hour. */
  begin(heat: HeatView): void {
    this.heat.replace(heat);
    this.#known = true;
  }

  take(view: KernelView): void {
    this.#newest = view;
    const known = this.#known;
    this.#known = false;
    const { report } = view;
    if (report === null) return;
    if (!known) this.heat.add(report);
    if (known && report.at <= this.#at) return; // what was told before the line was lost
    this.#at = report.at;
    for (const one of view.happenings) {
      const kept = one.kind === "opened" || one.kind === "closed" ? this.#comings : this.#others;
      kept.push({ ...one, key: this.#keys++ });
      if (kept.length > MAX_HAPPENINGS) kept.shift();
    }
    this.#time(view);
  }

  /** Show what is known now. */
  draw(): void {
    this.view = this.#newest;
    if (this.#drawn !== this.#keys) {
      this.#drawn = this.#keys;
      this.happened = [...this.#comings, ...this.#others].sort((one, other) => other.key - one.key);
    }
    this.tick++;
  }

  /** Round-trip times of a connection, one a second, oldest first. */
  times(cookie: number): readonly number[] {
    return this.#times.get(cookie) ?? [];
  }

  #time(view: KernelView): void {
    const told = new Set(view.lines.map(({ line }) => line.cookie));
    for (const cookie of this.#times.keys()) if (!told.has(cookie)) this.#times.delete(cookie);
    for (const { line } of view.lines) {
      const times = this.#times.get(line.cookie) ?? [];
      times.push(line.rtt);
      if (times.length > MAX_TIMES) times.shift();
      this.#times.set(line.cookie, times);
    }
  }
}
