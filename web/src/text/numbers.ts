// Numbers and sizes, as the language that is shown writes them: of the figures, what a conversation needs.

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

/** Bytes, in powers of 1,024: 1.5 MiB. */
export function bytes(value: number): string {
  const [scaled, unit] = scale(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]);
  return `${number(scaled, unit === "B" ? 0 : digits(scaled))} ${unit}`;
}

export function scale(value: number, step: number, units: readonly string[]): [number, string] {
  let at = 0;
  let scaled = value;
  // What would be written as 1,000 (or 1,024) of a unit is one of the next.
  while (at < units.length - 1 && Math.abs(scaled) >= step - 0.5) {
    scaled /= step;
    at++;
  }
  return [scaled, units[at]!];
}

export function digits(value: number): number {
  const size = Math.abs(value);
  return size >= 100 ? 0 : size >= 10 ? 1 : 2;
}

export function kept<T extends Intl.NumberFormat | Intl.DateTimeFormat>(key: string, make: (tag: string) => T): T {
  const tag = locale();
  const name = `${tag} ${key}`;
  let format = formats.get(name) as T | undefined;
  if (format === undefined) formats.set(name, (format = make(tag)));
  return format;
}

export function numberFormat(most: number, notation: "standard" | "compact"): Intl.NumberFormat {
  return kept(`${notation} ${most}`, (tag) => new Intl.NumberFormat(tag, { maximumFractionDigits: most, notation }));
}
