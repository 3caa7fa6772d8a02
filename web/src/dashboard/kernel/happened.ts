// What happened in the kernel, by kind.

import type { Happened } from "./seen.svelte";
import type { JoinedHappening } from "./shapes";

export type Kind = JoinedHappening["kind"];
/** What is bad news first. */
export const happeningKinds = [
  "retransmit",
  "full",
  "overflow",
  "reset_received",
  "reset_sent",
  "opened",
  "closed",
] as const satisfies readonly Kind[];

/** How many of each. */
export function counted(all: readonly Happened[]): Readonly<Record<Kind, number>> {
  const counts = Object.fromEntries(happeningKinds.map((kind) => [kind, 0])) as Record<Kind, number>;
  for (const { kind } of all) counts[kind]++;
  return counts;
}

/** Those whose kinds are not left out. */
export function wantedKinds(all: readonly Happened[], without: ReadonlySet<Kind>): readonly Happened[] {
  return without.size === 0 ? all : all.filter(({ kind }) => !without.has(kind));
}
