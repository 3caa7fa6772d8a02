// The order of the connections that stand out.

import type { Fact, JoinedLine } from "./shapes";

/** worst: as the server ranks them. The others: the largest first. */
export type Order = "worst" | "rtt" | "again" | "unsent" | "full" | "rate";

/** The share of segments that were sent again, 0 … 1. */
export function again({ line }: JoinedLine): number {
  return line.segments > 0 ? line.retransmitted / line.segments : 0;
}

/** Bytes that wait: in the server and in the kernel where the verdict tells of both, else in the kernel. */
export function unsent({ line, verdict }: JoinedLine): number {
  return factOf(verdict.facts, "unsent") ?? line.unsent;
}

export function ranked(lines: readonly JoinedLine[], order: Order): readonly JoinedLine[] {
  if (order === "worst") return lines;
  const value: Record<Exclude<Order, "worst">, (one: JoinedLine) => number> = {
    rtt: ({ line }) => line.rtt,
    again,
    unsent,
    full: ({ line }) => line.full ?? -1,
    rate: ({ line }) => line.delivery_rate ?? -1,
  };
  return lines.toSorted((one, other) => value[order](other) - value[order](one));
}

function factOf(facts: readonly Fact[], name: string): number | null {
  return facts.find((fact) => fact.name === name)?.value ?? null;
}

/** A line through values in a box of 100 × 30, from 0 up; the last is at the right. */
export function curve(values: readonly number[], most: number): string {
  const max = Math.max(1, ...values);
  return values
    .map((value, at) => {
      const x = 100 - ((values.length - 1 - at) / Math.max(1, most - 1)) * 100;
      return `${at === 0 ? "M" : "L"}${x.toFixed(1)} ${(29 - (value / max) * 28).toFixed(1)}`;
    })
    .join("");
}
