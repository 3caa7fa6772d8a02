// What a person is told of who looks elsewhere: a notification of the system, and a sound if that is wished.
// Never of the conversation that is before their eyes, be it in another tab, and by one tab of all. Fetched with the
// first of it.

import { settings } from "./settings.svelte";
import { seen } from "./tabs";

const ONCE = 20_000; // milliseconds in which all tabs hear of the same: a hidden one is slow
const LONGEST = 200; // characters of the message
const SOUND_EVERY = 2000; // milliseconds
const SOUND_LASTS = 0.25; // seconds

export interface News {
  readonly id: string; // of the message
  readonly place: string; // where it is read
  readonly key: string; // of the conversation; a later notification of it replaces the earlier one
  readonly title: string;
  readonly body: string;
}

let sounded = 0;

/** Ask the browser whether notifications may be shown: when a person has just asked for them. */
export async function askForNotifications(): Promise<boolean> {
  if (typeof Notification === "undefined") return false;
  return (await Notification.requestPermission()) === "granted";
}

export function notify(news: News, open: () => void): void {
  void once(news.id, news.place, () => tell(news, open));
}

/** Do it in one tab, once of that name, unless that place is before somebody's eyes. Where nobody can tell, do it. */
async function once(name: string, place: string, deed: () => void): Promise<void> {
  try {
    const { held } = await navigator.locks.query();
    if (held?.some((one) => one.name === seen(place))) return;
    await navigator.locks.request(`hubbub.once.${name}`, { ifAvailable: true }, (mine) => {
      if (mine === null) return undefined;
      deed();
      return new Promise((resolve) => setTimeout(resolve, ONCE));
    });
  } catch {
    deed();
  }
}

function tell(news: News, open: () => void): void {
  if (settings.sounds) sound();
  if (typeof Notification === "undefined" || Notification.permission !== "granted") return;
  try {
    const body = news.body.length > LONGEST ? `${news.body.slice(0, LONGEST)}…` : news.body;
    const shown = new Notification(news.title, { body, tag: news.key });
    shown.onclick = () => {
      window.focus();
      open();
      shown.close();
    };
  } catch {
    // Android wants a service worker for it: the badge has to do
  }
}

function sound(): void {
  const now = Date.now();
  if (Math.abs(now - sounded) < SOUND_EVERY) return;
  sounded = now;
  try {
    const context = new AudioContext();
    const [tone, loudness] = [context.createOscillator(), context.createGain()];
    tone.frequency.value = 660;
    loudness.gain.setValueAtTime(0.08, context.currentTime);
    loudness.gain.exponentialRampToValueAtTime(0.001, context.currentTime + SOUND_LASTS);
    tone.connect(loudness).connect(context.destination);
    tone.start();
    tone.stop(context.currentTime + SOUND_LASTS);
    // Not when the tone has ended: where a page may not sound until it is touched, it never does.
    setTimeout(() => void context.close(), 4000 * SOUND_LASTS);
  } catch {
    // no sound here
  }
}
