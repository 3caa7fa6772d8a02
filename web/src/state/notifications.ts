// What a person is told of who looks elsewhere: a notification of the system, and a sound if that is wished.
// Never of the conversation that is before their eyes, be it in another tab, and by one tab of all.

import { settings } from "./settings.svelte";
import { once } from "./tabs";

const LONGEST = 200; // characters of the message
const SOUND_EVERY = 2000; // milliseconds
const SOUND_LASTS = 0.25; // seconds

export interface News {
  readonly id: string; // of the message
  readonly place: string; // where it is read
  readonly key: string; // of the conversation; a later notification of it replaces the earlier one
  readonly title: string;
  readonly body: string;
  readonly personal: boolean; // a mention, or private
}

let sounded = 0;

/** Ask the browser whether notifications may be shown: when a person has just asked for them. */
export async function askForNotifications(): Promise<boolean> {
  if (typeof Notification === "undefined") return false;
  return (await Notification.requestPermission()) === "granted";
}

export function notify(news: News, open: () => void): void {
  const wanted = settings.notifications;
  if (wanted === "off" || (wanted === "mentions" && !news.personal)) return;
  void once(news.id, news.place, () => tell(news, open));
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
