// The path of a message as a waterfall: each stage from where the one before ended.

import type { Acknowledged, Path } from "./shapes";

export const stages = ["decided", "committed", "encoded", "written"] as const;
export type Stage = (typeof stages)[number];

/** Milliseconds in which an acknowledgement may still come. */
const PATIENCE = 10_000;

/** In microseconds since the message was received; `from` and `to` of `whole` make a bar. */
export interface Bar {
  readonly from: number;
  readonly to: number;
  /** Parts of the width, 0 … 1. */
  readonly left: number;
  readonly width: number;
}

export function bar(from: number, to: number, whole: number): Bar {
  const scale = Math.max(whole, 1);
  const left = Math.min(Math.max(from, 0) / scale, 1);
  return { from, to, left, width: Math.min(Math.max(to - from, 0) / scale, 1 - left) };
}

/** The stages in the server, each as long as it took. */
export function inServer(path: Path): readonly (Bar & { readonly stage: Stage })[] {
  let before = 0;
  return stages.map((stage) => {
    const to = Math.max(path[stage], before); // where nobody listened, nothing was encoded
    const made = { ...bar(before, to, path.written), stage };
    before = to;
    return made;
  });
}

/** Until the kernels of receivers had it; null: not known, or not there. */
export function atReceivers(path: Path): readonly (Bar | null)[] {
  const whole = lastThere(path) ?? 1;
  return path.acknowledged.map(({ took }) => (took === null ? null : bar(Math.min(path.encoded, took), took, whole)));
}

/** When the last of those that are waited for had it; null: none has. */
export function lastThere(path: Path): number | null {
  const there = path.acknowledged.flatMap(({ took }) => (took === null ? [] : [took]));
  return there.length === 0 ? null : Math.max(...there);
}

/** Why there is no time at a receiver. */
export function missing(path: Path, one: Acknowledged, now: number): "notOverTls" | "notYet" | "notThere" {
  if (one.secure) return "notOverTls";
  return pending(path, now) ? "notYet" : "notThere";
}

/** Whether an acknowledgement may still come. */
export function pending(path: Path, now: number): boolean {
  return now - path.at < PATIENCE;
}
