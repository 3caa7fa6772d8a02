// Numbers with their units, as the language that is shown writes them.

import { digits, kept, number, numberFormat, scale } from "./numbers";

export { bytes, locale, number } from "./numbers";

/** The same, short where it is long: 12.3K. */
export function short(value: number): string {
  if (Math.abs(value) < 10_000) return number(value, value === Math.round(value) || Math.abs(value) >= 100 ? 0 : 1);
  return numberFormat(1, "compact").format(value);
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

function unitFormat(unit: string): Intl.NumberFormat {
  return kept(unit, (tag) => new Intl.NumberFormat(tag, { style: "unit", unit, unitDisplay: "narrow" }));
}

function dateFormat(key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return kept(key, (tag) => new Intl.DateTimeFormat(tag, options));
}
