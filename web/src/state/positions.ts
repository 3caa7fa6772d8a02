// Positions: how far each stream was heard, so that every event of it takes effect exactly once, in order.
//
// Live, the next event of a stream has the offset behind the last one. While a resume is under way, what is
// live already may come before what was missed: it is held until the hole before it is filled.

import type { Place } from "../wire/types";

/** An event that is kept, or the place of one that is gone (`erased`). */
export interface Placed {
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
}

/** Streams that one resume may name. */
export const MOST_STREAMS = 1000;
const MOST_HELD = 10_000; // events of all streams that may wait for a hole

export type Taken<E> =
  | { readonly apply: readonly E[] } // these, in this order; none: it was known, or waits
  | { readonly gap: true }; // what lies between was missed: the view begins anew at this event

export class Positions<E extends Placed> {
  private readonly places = new Map<string, Place>();
  private readonly held = new Map<string, Map<number, E>>();
  private holding = 0;
  private resuming = false;

  /** What a resume names: the streams that were heard last. */
  named(): Record<string, Place> {
    return Object.fromEntries([...this.places].slice(-MOST_STREAMS));
  }

  of(stream: string): Place | undefined {
    return this.places.get(stream);
  }

  /** Live events follow behind this place, unless the stream is known already: then a resume fills the rest. */
  begin(stream: string, place: Place): void {
    const known = this.places.get(stream);
    if (known === undefined) this.put(stream, place);
  }

  /** A line begins: what comes may be out of order until `resumed`. */
  resume(): void {
    this.resuming = true;
    this.held.clear();
    this.holding = 0;
  }

  /** Take an event in. */
  take(event: E): Taken<E> {
    const { stream, epoch, offset } = event;
    const known = this.places.get(stream);
    if (known === undefined) {
      this.put(stream, { epoch, offset });
      return { apply: [event] };
    }
    if (known.epoch !== epoch) {
      this.put(stream, { epoch, offset });
      return { gap: true };
    }
    if (offset <= known.offset) return { apply: [] };
    if (offset === known.offset + 1) return { apply: this.follow(event) };
    if (!this.resuming || this.holding >= MOST_HELD) {
      this.put(stream, { epoch, offset });
      return { gap: true };
    }
    const held = this.held.get(stream) ?? new Map<number, E>();
    this.held.set(stream, held);
    if (!held.has(offset)) this.holding += 1;
    held.set(offset, event);
    return { apply: [] };
  }

  /** The server says where the stream begins anew; an empty epoch: there is none for us. */
  gap(stream: string, place: Place): void {
    this.forget(stream);
    if (place.epoch !== "") this.put(stream, place);
  }

  /** Everything up to these places was told. The streams that it was not told of whole come back. */
  resumed(places: Readonly<Record<string, Place>>): string[] {
    this.resuming = false;
    const holes: string[] = [];
    for (const [stream, place] of Object.entries(places)) {
      const known = this.places.get(stream);
      if (known !== undefined && known.epoch === place.epoch && known.offset >= place.offset) continue;
      if (known !== undefined) holes.push(stream);
      this.put(stream, place);
    }
    for (const [stream, held] of this.held) {
      const known = this.places.get(stream);
      const last = Math.max(...held.keys());
      if (known === undefined || last <= known.offset) continue;
      if (!holes.includes(stream)) holes.push(stream);
      this.put(stream, { epoch: known.epoch, offset: last });
    }
    this.held.clear();
    this.holding = 0;
    return holes;
  }

  forget(stream: string): void {
    this.places.delete(stream);
    this.holding -= this.held.get(stream)?.size ?? 0;
    this.held.delete(stream);
  }

  clear(): void {
    this.places.clear();
    this.held.clear();
    this.holding = 0;
    this.resuming = false;
  }

  private put(stream: string, place: Place): void {
    this.places.delete(stream); // those that move go to the end
    this.places.set(stream, place);
  }

  private follow(event: E): E[] {
    const apply = [event];
    const held = this.held.get(event.stream);
    let { offset } = event;
    for (let next = held?.get(offset + 1); next !== undefined; next = held?.get(offset + 1)) {
      apply.push(next);
      held?.delete(next.offset);
      this.holding -= 1;
      offset = next.offset;
    }
    this.put(event.stream, { epoch: event.epoch, offset });
    return apply;
  }
}
