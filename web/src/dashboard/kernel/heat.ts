// The last hour of what calls and waits took, for the heat map: columns of some seconds, rows of powers of two.

import type { Buckets, HeatKind, HeatView, Report } from "./shapes";

export const kinds = ["send", "receive", "sync", "waits", "sizes"] as const satisfies readonly HeatKind[];
/** Of a column. */
export const ROWS = 24;
/** Columns that are kept: an hour, and the one that runs. */
const MOST = 361;

/** The counts of one column, or of several together. */
export interface Summary {
  readonly count: number;
  /** The row that half of all do not pass, …; null: there are none. */
  readonly p50: number | null;
  readonly p99: number | null;
  readonly largest: number | null;
}

export class Heat {
  /** When each column begins, in milliseconds since 1970; they follow each other. */
  readonly times: number[] = [];
  #seconds = 10;
  #first: Readonly<Record<HeatKind, number>> = { send: 8, receive: 8, sync: 8, waits: 8, sizes: 0 };
  readonly #columns: Record<HeatKind, number[][]> = { send: [], receive: [], sync: [], waits: [], sizes: [] };

  /** Milliseconds of a column. */
  get width(): number {
    return this.#seconds * 1_000;
  }

  /** What was known is replaced. */
  replace(view: HeatView): void {
    this.#seconds = view.seconds;
    this.#first = { ...this.#first, ...view.first };
    const count = Math.max(0, ...kinds.map((kind) => view.columns[kind]?.length ?? 0));
    this.times.length = 0;
    for (let at = count - 1; at >= 0; at--) this.times.push((view.at - at * view.seconds) * 1_000);
    for (const kind of kinds) {
      const told = view.columns[kind] ?? [];
      this.#columns[kind] = this.times.map((_, at) => [...(told[at - count + told.length] ?? empty())]);
    }
  }

  /** Take in what was seen since the report before. */
  add(report: Report): void {
    const at = Math.floor(report.at / this.#seconds) * this.width;
    this.#goOnTo(at);
    const column = (at - (this.times[0] ?? 0)) / this.width;
    if (column < 0 || column >= this.times.length) return;
    const { send, receive, sync } = report.calls;
    this.#count("send", column, send?.took);
    this.#count("receive", column, receive?.took);
    this.#count("sync", column, sync?.took);
    this.#count("waits", column, report.run_queue.waits ?? undefined);
    this.#count("sizes", column, send?.sizes);
  }

  /** A column for each of `times`: of each row, the least first, how many. */
  columns(kind: HeatKind): readonly (readonly number[])[] {
    return this.#columns[kind];
  }

  /** The columns that have something of that time, as first and last index; the last is smaller where there are none. */
  range(from: number, to: number): readonly [number, number] {
    const first = this.times[0];
    if (first === undefined) return [0, -1];
    const at = (time: number): number => Math.floor((time - first) / this.width);
    return [Math.max(0, at(from)), Math.min(this.times.length - 1, at(to))];
  }

  /** The largest count of any cell in these columns. */
  peak(kind: HeatKind, first: number, last: number): number {
    let peak = 0;
    for (let at = first; at <= last; at++) peak = Math.max(peak, ...(this.#columns[kind][at] ?? []));
    return peak;
  }

  summary(kind: HeatKind, first: number, last: number): Summary {
    const rows = empty();
    for (let at = first; at <= last; at++) this.#columns[kind][at]?.forEach((count, row) => (rows[row]! += count));
    const count = rows.reduce((sum, one) => sum + one, 0);
    return { count, p50: quantile(rows, count / 2), p99: quantile(rows, count * 0.99), largest: quantile(rows, count) };
  }

  /** Where a row begins, in nanoseconds or bytes; the least one has all that is smaller, too, the last all that is larger. */
  edge(kind: HeatKind, row: number): number {
    return 2 ** (this.#first[kind] + row);
  }

  /** The rows whose lower edge is worth a word at the axis: 32 of the one before. */
  marks(kind: HeatKind): readonly number[] {
    return Array.from({ length: ROWS }, (_, row) => row).filter((row) => (this.#first[kind] + row) % 5 === 0);
  }

  #count(kind: HeatKind, column: number, buckets: Buckets | undefined): void {
    const counts = this.#columns[kind][column];
    if (counts === undefined) return;
    for (const [bucket, count] of Object.entries(buckets ?? {})) {
      counts[Math.min(Math.max(powerOf(Number(bucket)) - this.#first[kind], 0), ROWS - 1)]! += count;
    }
  }

  #goOnTo(at: number): void {
    const last = this.times.at(-1);
    if (last === undefined || at - last > MOST * this.width) {
      this.times.length = 0; // nothing of what is known is of the last hour
      for (const kind of kinds) this.#columns[kind].length = 0;
      this.#push(at);
    }
    while (this.times.at(-1)! < at) this.#push(this.times.at(-1)! + this.width);
    const old = this.times.length - MOST;
    if (old <= 0) return;
    this.times.splice(0, old);
    for (const kind of kinds) this.#columns[kind].splice(0, old);
  }

  #push(at: number): void {
    this.times.push(at);
    for (const kind of kinds) this.#columns[kind].push(empty());
  }
}

/** The power of two that the values of a bucket have: see `buckets.py`. */
export function powerOf(bucket: number): number {
  return bucket < 4 ? Number(bucket > 1) : Math.floor(bucket / 4) + 1;
}

/** How hot so many are, where `peak` are the hottest: 0 … 1, each tenfold as far from the last. */
export function warmth(count: number, peak: number): number {
  return peak <= 1 ? 1 : Math.log(Math.max(count, 1)) / Math.log(peak);
}

const empty = (): number[] => new Array<number>(ROWS).fill(0);

function quantile(rows: readonly number[], wanted: number): number | null {
  let seen = 0;
  for (const [row, count] of rows.entries()) {
    seen += count;
    if (seen > 0 && seen >= wanted) return row;
  }
  return null;
}
