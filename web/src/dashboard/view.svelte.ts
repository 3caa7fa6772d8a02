// Which part of the hour the charts show, the same for all of them.

import { HOUR } from "./hour";

export const ranges = [300_000, 900_000, HOUR] as const; // milliseconds
export type Range = (typeof ranges)[number];

/** The closest that one can look. */
const NEAREST = 10_000;

export interface Window {
  readonly from: number; // milliseconds since 1970
  readonly to: number;
}

export class View {
  range = $state<Range>(900_000);
  /** A part that somebody chose; null: up to now. */
  zoomed = $state<Window | null>(null);
  /** Held still at this moment; null: it moves on. */
  pausedAt = $state<number | null>(null);

  /** What is shown when the newest figures are of `end`. */
  window(end: number): Window {
    if (this.zoomed !== null) return this.zoomed;
    const to = this.pausedAt ?? end;
    return { from: to - this.range, to };
  }

  /** Whether figures that come now change nothing of what is shown. */
  settled(end: number): boolean {
    return this.pausedAt !== null || (this.zoomed !== null && this.zoomed.to < end);
  }

  choose(range: Range): void {
    this.range = range;
    this.zoomed = null;
  }

  /** Show that part, within the hour that there is. */
  show(from: number, to: number, end: number): void {
    const size = Math.min(Math.max(to - from, NEAREST), HOUR);
    const middle = (from + to) / 2;
    const last = Math.min(Math.max(middle + size / 2, end - HOUR + size), end);
    this.zoomed = { from: last - size, to: last };
  }

  /** Half or twice as much, around the middle. */
  zoom(factor: number, end: number): void {
    const { from, to } = this.window(end);
    const middle = (from + to) / 2;
    const half = ((to - from) / 2) * factor;
    this.show(middle - half, middle + half, end);
  }

  /** Earlier or later, by a part of what is shown. */
  pan(part: number, end: number): void {
    const { from, to } = this.window(end);
    const step = (to - from) * part;
    this.show(from + step, to + step, end);
  }

  reset(): void {
    this.zoomed = null;
  }

  pause(on: boolean, end: number): void {
    this.pausedAt = on ? end : null;
  }

  /** What a key does to the part that is shown, in any chart; false: nothing. */
  onkey(event: KeyboardEvent, end: number): boolean {
    const sign = event.key === "ArrowLeft" ? -1 : 1;
    if (event.shiftKey && (event.key === "ArrowLeft" || event.key === "ArrowRight")) this.pan(sign * 0.25, end);
    else if (event.key === "+" || event.key === "=") this.zoom(0.5, end);
    else if (event.key === "-" || event.key === "_") this.zoom(2, end);
    else if (event.key === "0" || event.key === "Escape") this.reset();
    else if (event.key === " ") this.pause(this.pausedAt === null, end);
    else return false;
    return true;
  }
}
