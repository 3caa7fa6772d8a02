// A run of messages: what is loaded of a stream, sorted by offset, without two of the same and without a hole.
//
// Plain data, and the rules of merging: a message may come by a page of history, as an event and as the answer
// to its own sending, in any order. Messages are never changed, but replaced.

import type { Message } from "./contract";

/** Messages that are kept loaded at most. */
export const MOST_LOADED = 3000;
const CUT = 500; // so many go at once, so that it is not done for every message

export class Run {
  private items: Message[] = [];
  /** Whether `items` was given away and must be copied before it is changed. */
  private shown = false;

  get size(): number {
    return this.items.length;
  }

  get first(): Message | undefined {
    return this.items[0];
  }

  get last(): Message | undefined {
    return this.items.at(-1);
  }

  /** The messages as they are now; the array is not changed any more. */
  view(): readonly Message[] {
    this.shown = true;
    return this.items;
  }

  at(offset: number): Message | undefined {
    const index = this.find(offset);
    return this.items[index]?.offset === offset ? this.items[index] : undefined;
  }

  /** Whether a message of that offset would stand between two that are loaded. */
  spans(offset: number): boolean {
    return this.size > 0 && this.first!.offset <= offset && offset <= this.last!.offset;
  }

  clear(): void {
    this.items = [];
    this.shown = false;
  }

  /** Begin anew with these. Those that were there keep their keys. */
  replace(messages: readonly Message[]): void {
    const keys = new Map(this.items.map((one) => [one.offset, one]));
    this.items = messages.map((one) => {
      const known = keys.get(one.offset);
      return known !== undefined && known.id === one.id ? { ...one, key: known.key } : one;
    });
    this.shown = false;
  }

  /** Add one where it belongs, usually at the end; false: it is there. */
  add(message: Message): boolean {
    const index = this.find(message.offset);
    if (this.items[index]?.offset === message.offset) return false;
    this.own();
    if (index === this.items.length) this.items.push(message);
    else this.items.splice(index, 0, message);
    return true;
  }

  /** Add a page: it may overlap what is there, and what is there counts. */
  addPage(page: readonly Message[]): void {
    if (page.length === 0) return;
    if (this.size === 0 || page[0]!.offset > this.last!.offset) this.items = [...this.items, ...page];
    else if (page.at(-1)!.offset < this.first!.offset) this.items = [...page, ...this.items];
    else for (const one of page) this.add(one);
    this.shown = false;
  }

  /** Put another in its place; nothing happens where it is not loaded. */
  change(offset: number, change: (message: Message) => Message): boolean {
    const index = this.find(offset);
    const message = this.items[index];
    if (message?.offset !== offset) return false;
    const changed = change(message);
    if (changed === message) return true;
    this.own();
    this.items[index] = changed;
    return true;
  }

  remove(offset: number): void {
    const index = this.find(offset);
    if (this.items[index]?.offset !== offset) return;
    this.own();
    this.items.splice(index, 1);
  }

  /** Let go of the oldest beyond the limit; whether any went. */
  dropOldest(): boolean {
    if (this.size <= MOST_LOADED) return false;
    this.items = this.items.slice(this.size - (MOST_LOADED - CUT));
    this.shown = false;
    return true;
  }

  dropNewest(): boolean {
    if (this.size <= MOST_LOADED) return false;
    this.items = this.items.slice(0, MOST_LOADED - CUT);
    this.shown = false;
    return true;
  }

  private own(): void {
    if (this.shown) this.items = this.items.slice();
    this.shown = false;
  }

  /** Where that offset stands, or would stand. */
  private find(offset: number): number {
    const { items } = this;
    let low = 0;
    let high = items.length;
    if (high > 0 && items[high - 1]!.offset < offset) return high; // the usual case
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (items[middle]!.offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
