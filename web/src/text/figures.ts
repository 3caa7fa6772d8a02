// Numbers with their units, as the language that is shown writes them.

import { currentLanguage } from "./text.svelte";

const formats = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

/** A tag that Intl takes. The browser's own may be none: "en-US@posix" where the system's language is C. */
export function locale(): string {
  if (currentLanguage() === "zh") return "zh-CN";
  try {
    const own = new Intl.Locale(navigator.language);
    return own.language === "en" ? own.toString() : "en";
  } catch {
    return "en";
  }
}

/** A number, of at most so many digits behind the point. */
export function number(value: number, digits = 0): string {
  return numberFormat(digits, "standard").format(value);
}

/** The same, short where it is long: 12.3K. */
export function short(value: number): string {
  if (Math.abs(value) < 10_000) return number(value, value === Math.round(value) || Math.abs(value) >= 100 ? 0 : 1);
  return numberFormat(1, "compact").format(value);
}

/** Bytes, in powers of 1,024: 1.5 MiB. */
export function bytes(value: number): string {
  const [scaled, unit] = scale(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]);
  return `${number(scaled, unit === "B" ? 0 : digits(scaled))} ${unit}`;
}

/** Microseconds, as µs, ms or s. */
export function micros(value: number): string {
  const [scaled, unit] = scale(value, 1000, ["µs", "ms", "s"]);
  return `${number(scaled, unit === "µs" ? 0 : digits(scaled))} ${unit}`;
}

/** The time of day, with seconds; with `fraction`, to the millisecond. */
export function clock(at: number, fraction = false): string {
  const options: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  if (fraction) options.fractionalSecondDigits = 3;
  return dateFormat(`clock ${fraction}`, options).format(at);
}

/** Day and time of day, for what may be long ago. */
export function moment(at: number): string {
  return dateFormat("moment", { dateStyle: "medium", timeStyle: "medium" }).format(at);
}

/** How long something lasts, in its two largest units: 3d 4h. */
export function span(milliseconds: number): string {
  let rest = Math.max(0, Math.floor(milliseconds / 1000));
  const parts: string[] = [];
  for (const [unit, seconds] of [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]] as const) {
    const count = Math.floor(rest / seconds);
    rest -= count * seconds;
    if (count > 0 || (unit === "second" && parts.length === 0)) parts.push(unitFormat(unit).format(count));
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

function scale(value: number, step: number, units: readonly string[]): [number, string] {
  let at = 0;
  let scaled = value;
  // What would be written as 1,000 (or 1,024) of a unit is one of the next.
  while (at < units.length - 1 && Math.abs(scaled) >= step - 0.5) {
    scaled /= step;
    at++;
  }
  return [scaled, units[at]!];
}

function digits(value: number): number {
  const size = Math.abs(value);
  return size >= 100 ? 0 : size >= 10 ? 1 : 2;
}

function kept<T extends Intl.NumberFormat | Intl.DateTimeFormat>(key: string, make: (tag: string) => T): T {
  const tag = locale();
  const name = `${tag} ${key}`;
  let format = formats.get(name) as T | undefined;
  if (format === undefined) formats.set(name, (format = make(tag)));
  return format;
}

function numberFormat(most: number, notation: "standard" | "compact"): Intl.NumberFormat {
  return kept(`${notation} ${most}`, (tag) => new Intl.NumberFormat(tag, { maximumFractionDigits: most, notation }));
}

function unitFormat(unit: string): Intl.NumberFormat {
  return kept(unit, (tag) => new Intl.NumberFormat(tag, { style: "unit", unit, unitDisplay: "narrow" }));
}

function dateFormat(key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return kept(key, (tag) => new Intl.DateTimeFormat(tag, options));
}
