// Where one is, in the address: `#/room/NAME`, `#/talk/NAME`. Other addresses belong to other parts.

export interface Route {
  readonly kind: "room" | "talk";
  readonly name: string;
}

/** Null: another part's, or none. */
export function readRoute(hash: string): Route | null {
  const [, kind, name] = /^#\/(room|talk)\/([^/]+)$/.exec(hash) ?? [];
  if (name === undefined) return null;
  try {
    return { kind: kind as Route["kind"], name: decodeURIComponent(name) };
  } catch {
    return null;
  }
}

export function writeRoute(route: Route): string {
  return `#/${route.kind}/${encodeURIComponent(route.name)}`;
}

/** Whether another part of the page has the address: `#/settings`, say. */
export function elsewhere(hash: string): boolean {
  return hash.length > 2 && readRoute(hash) === null;
}
