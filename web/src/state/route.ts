// Where one is, in the address: `#/room/NAME`, `#/talk/NAME`; `#/talk/NAME/KEY` for a talk with a guest who is
// gone, since the name may be another one's by now. Other addresses belong to other parts.

import type { Conversation } from "./contract";

export interface Route {
  readonly kind: "room" | "talk";
  readonly name: string;
  readonly key?: string; // of a talk, where the name would not find it
}

/** Null: another part's, or none. */
export function readRoute(hash: string): Route | null {
  const [, kind, name, key] = /^#\/(room|talk)\/([^/]+)(?:\/([^/]+))?$/.exec(hash) ?? [];
  if (name === undefined || (kind === "room" && key !== undefined)) return null;
  try {
    const route = { kind: kind as Route["kind"], name: decodeURIComponent(name) };
    return key === undefined ? route : { ...route, key: decodeURIComponent(key) };
  } catch {
    return null;
  }
}

export function writeRoute({ kind, name, gone, key }: Pick<Conversation, "kind" | "name" | "gone" | "key">): string {
  const found = `#/${kind}/${encodeURIComponent(name)}`;
  return gone ? `${found}/${encodeURIComponent(key)}` : found;
}

/** Whether another part of the page has the address: `#/settings`, say. */
export function elsewhere(hash: string): boolean {
  return hash.length > 2 && readRoute(hash) === null;
}
