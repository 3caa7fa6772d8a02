// Sizes, counts and days, as the reader's language writes them.

import { currentLanguage } from "../text/text.svelte";

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

function locale(): string | undefined {
  return currentLanguage() === "zh" ? "zh-CN" : undefined;
}

export function count(value: number): string {
  return new Intl.NumberFormat(locale()).format(value);
}

/** Bytes in binary units, with as many digits as tell something. */
export function size(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value)} ${units[unit]}`;
}

export function day(text: string): string {
  return shown(text, { dateStyle: "medium" });
}

export function moment(text: string): string {
  return shown(text, { dateStyle: "medium", timeStyle: "short" });
}

function shown(text: string, style: Intl.DateTimeFormatOptions): string {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? text : new Intl.DateTimeFormat(locale(), style).format(date);
}
