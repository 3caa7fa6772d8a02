// Requests that somebody keeps in this browser: by name, in local storage, bounded.

export interface SavedRequest {
  readonly name: string; // unique
  readonly text: string; // as the editor has it; no JSON if so wanted
}

export const MAX_SAVED = 200;
export const MAX_NAME = 80; // characters
export const MAX_TEXT = 65_536; // characters
/** Bytes of a file to import: more than all that can be saved in it would be no file of ours. */
export const MAX_FILE = 16_777_216;
const KEY = "hubbub.playground.requests";
const FORMAT = "hubbub requests 1";

/** What is kept, and whether the browser keeps it: it may be told not to, or be full. */
export class SavedRequests {
  readonly #storage: () => Storage;

  /** `storage` is asked each time, since merely looking at it may throw. */
  constructor(storage: () => Storage) {
    this.#storage = storage;
  }

  load(): readonly SavedRequest[] {
    try {
      return readRequests(this.#storage().getItem(KEY) ?? "") ?? [];
    } catch {
      return [];
    }
  }

  /** Whether they are kept now. */
  store(requests: readonly SavedRequest[]): boolean {
    try {
      this.#storage().setItem(KEY, writeRequests(requests));
      return true;
    } catch {
      return false;
    }
  }

  /** Whether an event of the storage is about them. */
  static concerns(event: StorageEvent): boolean {
    return event.key === KEY || event.key === null;
  }
}

export function writeRequests(requests: readonly SavedRequest[]): string {
  return JSON.stringify({ format: FORMAT, requests }, null, 1);
}

/** What such a text holds; null: it is none. Somebody else may have written it, so all of it is looked at. */
export function readRequests(text: string): readonly SavedRequest[] | null {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(read) || read["format"] !== FORMAT || !Array.isArray(read["requests"])) return null;
  const found: SavedRequest[] = [];
  for (const one of read["requests"] as unknown[]) {
    if (!isRecord(one) || typeof one["name"] !== "string" || typeof one["text"] !== "string") return null;
    const name = one["name"].trim();
    if (name === "" || name.length > MAX_NAME || one["text"].length > MAX_TEXT) return null;
    found.push({ name: freeName(found, name), text: one["text"] });
  }
  return found.length > MAX_SAVED ? null : found;
}

/** The same name, with a number behind it where it is in use. */
export function freeName(requests: readonly SavedRequest[], name: string): string {
  const used = new Set(requests.map((request) => request.name));
  if (!used.has(name)) return name;
  for (let number = 2; ; number++) {
    const tail = ` ${number}`;
    const next = name.slice(0, MAX_NAME - tail.length) + tail;
    if (!used.has(next)) return next;
  }
}

/** Both lists: what is the very same is there once, what only has the same name gets another. Null: too many. */
export function merged(
  kept: readonly SavedRequest[],
  more: readonly SavedRequest[],
): readonly SavedRequest[] | null {
  const all = [...kept];
  for (const one of more) {
    if (all.some((other) => other.name === one.name && other.text === one.text)) continue;
    all.push({ name: freeName(all, one.name), text: one.text });
  }
  return all.length > MAX_SAVED ? null : all;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
