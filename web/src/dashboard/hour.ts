// The last hour, second by second: columns that charts draw as they are. A hole in time becomes a row of nulls.

import type { Past, Sample } from "./feed";

export type Name = keyof Sample;
export type Value = number | null;

export const HOUR = 3_600_000; // milliseconds
const SECOND = 1_000;
/** Beyond so many rows the oldest go, whatever times the server tells. */
const MAX_ROWS = 8_000;

export interface Summary {
  readonly last: Value;
  readonly min: Value;
  readonly max: Value;
}

export class Hour {
  /** Milliseconds since 1970, ascending. */
  readonly times: number[] = [];
  readonly #columns = new Map<Name, Value[]>();
  #latest: Sample | null = null;

  get latest(): Sample | null {
    return this.#latest;
  }

  get end(): number {
    return this.times.at(-1) ?? 0;
  }

  /** One value for each of `times`. The same array for ever: it grows and shrinks in place. */
  column(name: Name): Value[] {
    let column = this.#columns.get(name);
    if (column === undefined) {
      column = this.times.map(() => null);
      this.#columns.set(name, column);
    }
    return column;
  }

  /** What was known is replaced. */
  replace(past: Past): void {
    this.times.length = 0;
    for (const column of this.#columns.values()) column.length = 0;
    this.#latest = null;
    const { at, ...others } = past.columns;
    const names = Object.keys(others) as Name[];
    for (const name of names) this.column(name);
    for (let row = 0; row < at.length; row++) {
      this.#append(at[row]!, past.every, (name) => past.columns[name]?.[row] ?? null);
    }
    const last = at.length - 1;
    if (last >= 0) {
      const sample = Object.fromEntries([...names, "at"].map((name) => [name, past.columns[name as Name][last]]));
      this.#latest = sample as unknown as Sample;
    }
    this.#trim();
  }

  add(sample: Sample): void {
    for (const name of Object.keys(sample) as Name[]) if (name !== "at") this.column(name);
    this.#append(sample.at, SECOND, (name) => sample[name] ?? null);
    this.#latest = sample;
    this.#trim();
  }

  /** The rows from `from` to `to` (inclusive), as first and last index; the last is smaller where there are none. */
  rows(from: number, to: number): readonly [number, number] {
    return [this.#search(from), this.#search(to + 1) - 1];
  }

  summary(name: Name, from: number, to: number): Summary {
    const column = this.column(name);
    const [first, end] = this.rows(from, to);
    let last: Value = null;
    let min: Value = null;
    let max: Value = null;
    for (let row = first; row <= end; row++) {
      const value = column[row] ?? null;
      if (value === null) continue;
      last = value;
      if (min === null || value < min) min = value;
      if (max === null || value > max) max = value;
    }
    return { last, min, max };
  }

  /** The newest value that is one, if it is no older than `age` milliseconds. */
  recent(name: Name, age: number): Value {
    const column = this.column(name);
    for (let row = this.times.length - 1; row >= 0 && this.times[row]! > this.end - age; row--) {
      const value = column[row] ?? null;
      if (value !== null) return value;
    }
    return null;
  }

  /** The sum over the last `age` milliseconds of what is counted a second: a row is one. */
  sum(name: Name, age: number): number {
    const column = this.column(name);
    let sum = 0;
    for (let row = this.times.length - 1; row >= 0 && this.times[row]! > this.end - age; row--) {
      sum += column[row] ?? 0;
    }
    return sum;
  }

  #append(at: number, every: number, value: (name: Name) => Value): void {
    const before = this.times.at(-1);
    if (before !== undefined) {
      if (at <= before) return; // a clock that was put back: its hour begins with the next `past`
      if (at - before > every * 1.9) {
        this.times.push(before + every);
        for (const column of this.#columns.values()) column.push(null);
      }
    }
    this.times.push(at);
    for (const [name, column] of this.#columns) column.push(value(name));
  }

  #trim(): void {
    const old = Math.max(this.#search(this.end - HOUR), this.times.length - MAX_ROWS);
    if (old <= 0) return;
    this.times.splice(0, old);
    for (const column of this.#columns.values()) column.splice(0, old);
  }

  /** The first row that is not before `at`. */
  #search(at: number): number {
    let low = 0;
    let high = this.times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
