// Which conversations shall be quiet, in this browser: a room by its number, since another one may have its name some
// time, and a talk by the other one's name.

import { keep, kept } from "./storage";

interface Place {
  readonly kind: "room" | "talk";
  readonly name: string;
  readonly stream: string;
}

export function isMuted(account: string, place: Place): boolean {
  const key = keyOf(account, place);
  const before = `muted.${account}.${place.kind === "room" ? "#" : "@"}${place.name}`; // as earlier pages kept it
  if (key !== before && kept(before) !== null && keep(key, "1")) keep(before, "");
  return kept(key) !== null;
}

export function mute(account: string, place: Place, on: boolean): void {
  keep(keyOf(account, place), on ? "1" : "");
}

function keyOf(account: string, { kind, name, stream }: Place): string {
  return `muted.${account}.${kind === "room" ? `${stream}#${name}` : `@${name.toLowerCase()}`}`;
}
