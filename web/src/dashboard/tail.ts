// The last lines of the server's log, bounded, and which of them are wanted.

import type { Level, LogLine } from "./feed";

export const MAX_LINES = 1_000;

export interface Shown extends LogLine {
  readonly key: number; // unique on this page, also over a restart of the server
}

const order: readonly Level[] = ["debug", "info", "warning", "error"];

export class Tail {
  #lines: Shown[] = [];
  #keys = 0;
  #number = -1;
  #server = 0;

  /** Add what is new of them: after a reconnect the server tells its last lines again. `started` tells servers apart. */
  add(lines: readonly LogLine[], started: number): void {
    if (started !== this.#server) {
      this.#server = started;
      this.#number = -1;
    }
    for (const line of lines) {
      if (line.number <= this.#number) continue;
      this.#number = line.number;
      this.#lines.push({ ...line, key: this.#keys++ });
    }
    if (this.#lines.length > MAX_LINES) this.#lines.splice(0, this.#lines.length - MAX_LINES);
  }

  list(): readonly Shown[] {
    return this.#lines.slice();
  }
}

/** A field's value as one word: what has blanks or quotes in it is quoted. */
export function fieldText(value: string | number | boolean | null): string {
  if (typeof value !== "string") return String(value);
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

export function lineText(line: LogLine): string {
  const fields = Object.entries(line.fields).map(([name, value]) => ` ${name}=${fieldText(value)}`);
  return line.event + fields.join("");
}

/** Those of at least that level that hold the words; case does not matter. */
export function wanted(lines: readonly Shown[], least: Level, words: string): readonly Shown[] {
  const text = words.trim().toLowerCase();
  const level = order.indexOf(least);
  if (level === 0 && text === "") return lines;
  return lines.filter(
    (line) => order.indexOf(line.level) >= level && (text === "" || lineText(line).toLowerCase().includes(text)),
  );
}
