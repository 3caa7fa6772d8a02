// Where a drawing comes from.

import { icons, type IconName } from "./icons";

type Paths = Readonly<Partial<Record<string, string>>>;

const first: Paths = icons;
let further = $state.raw<Paths | null>(null);
let asked: Promise<void> | undefined;

/** The path of a drawing; empty until it is there. */
export function drawing(name: IconName): string {
  const path = first[name] ?? further?.[name];
  if (path === undefined) asked ??= fetchThem();
  return path ?? "";
}

async function fetchThem(): Promise<void> {
  try {
    further = (await import("./further_icons")).furtherIcons;
  } catch {
    asked = undefined; // the next one asks again
  }
}
