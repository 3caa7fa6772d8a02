// Times as people read them, in their language and their time zone.

import { midnight } from "./days";
import { currentLanguage, type Language } from "./text.svelte";

type Style = "clock" | "day" | "full";

const locales: Record<Language, string> = { en: "en", zh: "zh-CN" };
const options: Record<Style, Intl.DateTimeFormatOptions> = {
  clock: { hour: "numeric", minute: "2-digit" },
  day: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  full: { dateStyle: "full", timeStyle: "short" },
};
const formats = new Map<string, Intl.DateTimeFormat>();
const written = new Map<string, string>(); // messages come in crowds: most of a minute share their words
const most = 2_000;

/** "10:32"; `at` in milliseconds since 1970. */
export function clock(at: number): string {
  return minute(at, "clock");
}

/** "Wednesday, 1 January 2025", with what is said instead of it today and yesterday. */
export function day(at: number, today: string, yesterday: string, now = Date.now()): string {
  const that = midnight(at);
  if (that === midnight(now)) return today;
  if (that === midnight(midnight(now) - 1)) return yesterday;
  return minute(that, "day");
}

/** Date and time in full, for a tip. */
export function full(at: number): string {
  return minute(at, "full");
}

function minute(at: number, style: Style): string {
  const language = currentLanguage();
  const key = `${language} ${style} ${Math.floor(at / 60_000)}`;
  let words = written.get(key);
  if (words === undefined) {
    words = format(language, style).format(at);
    if (written.size >= most) written.clear();
    written.set(key, words);
  }
  return words;
}

function format(language: Language, style: Style): Intl.DateTimeFormat {
  const key = `${language} ${style}`;
  let found = formats.get(key);
  if (found === undefined) {
    // A regional variety of the language that is shown, where the browser asks for one: 24 or 12 hours.
    const own = navigator.languages?.filter((one) => one.toLowerCase().startsWith(language)) ?? [];
    found = new Intl.DateTimeFormat([...own, locales[language]], options[style]);
    formats.set(key, found);
  }
  return found;
}
