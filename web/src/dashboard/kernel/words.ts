// Figures of the kernel as people read them.

import { bytes, micros, number, span } from "../../text/figures";
import { t } from "../../text/kernel";
import { currentLanguage } from "../../text/text.svelte";
import type { Heat } from "./heat";
import { ROWS } from "./heat";
import type { Cause, Fact, HeatKind, Source, Verdict } from "./shapes";

type Key = Parameters<typeof t>[0];

/** What the server says in English why there are no probes, where we have words for it: see `probing.py`. */
const reasons: Readonly<Record<string, Key>> = {
  "they are switched off": "whyOff",
  "this system is not Linux": "whyNotLinux",
  "that takes root's rights, or CAP_BPF with CAP_PERFMON": "whyNoRight",
  "the process that held them has ended": "whyEnded",
  "the process that holds them says nothing": "whySilent",
};

/** Nothing is wrong; it is his own; it is everybody's. */
export type Tone = "good" | "noteworthy" | "bad";

export function toneOf(cause: Cause): Tone {
  if (cause === "nothing") return "good";
  return cause === "loop" || cause === "disk" || cause === "machine" ? "bad" : "noteworthy";
}

/** In a sentence. The server's own is English. */
export function sentence(verdict: Verdict): string {
  if (currentLanguage() === "en") return verdict.sentence;
  const words = ruleText(verdict);
  if (words === null) return verdict.sentence;
  const facts = verdict.facts.map((fact) => `${factName(fact)} ${factValue(fact)}`);
  return facts.length === 0 ? words : t("sentence", { words, facts: facts.join(t("comma")) });
}

/** What the rule says; null: a newer server has rules that are not known here. */
export function ruleText({ rule }: Verdict): string | null {
  return known(`rule ${rule}`);
}

/** What to do about it. */
export function adviceText({ rule }: Verdict): string | null {
  return known(`do ${rule}`);
}

export function factName({ name }: Fact): string {
  return known(`fact ${name}`) ?? name;
}

export function factValue({ value, unit }: Fact): string {
  switch (unit) {
    case "µs":
      return duration(value);
    case "s":
      return duration(value * 1e6);
    case "B":
      return bytes(value);
    case "B/s":
      return rate(value);
    case "%":
      return percent(value / 100);
    case "":
      return number(value);
  }
}

/** Microseconds; what is longer than minutes, in two units. */
export function duration(value: number): string {
  return value < 120e6 ? micros(value) : span(value / 1_000);
}

export function rate(value: number): string {
  return t("perSecond", { value: bytes(value) });
}

/** A share of 1. */
export function percent(share: number): string {
  return `${number(100 * share, share > 0 && share < 0.1 ? 1 : 0)} %`;
}

/** Why there are no probes; with `english`, in the server's words. */
export function whyNone(source: Source): { readonly text: string; readonly english: boolean } {
  const why = source.missing["probes"] ?? "";
  const key = reasons[why];
  return key === undefined ? { text: why, english: true } : { text: t(key), english: false };
}

/** What is counted in a row of the heat map. */
export function rowText(heat: Heat, kind: HeatKind, row: number): string {
  if (row === 0) return `< ${edgeText(heat, kind, 1)}`;
  if (row === ROWS - 1) return `≥ ${edgeText(heat, kind, row)}`;
  return `${edgeText(heat, kind, row)} – ${edgeText(heat, kind, row + 1)}`;
}

/** Where a row begins. */
export function edgeText(heat: Heat, kind: HeatKind, row: number): string {
  const value = heat.edge(kind, row);
  if (kind === "sizes") return bytes(value);
  return value < 1_000 ? `${number(value)} ns` : micros(value / 1_000);
}

function known(key: string): string | null {
  const text = t(key as Key);
  return text === key ? null : text;
}
