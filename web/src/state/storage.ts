// What is kept in the browser. It may be denied or full: then it holds until the page is closed.

const PREFIX = "hubbub.";

/** For all tabs; or for this one, over its reloads. */
export type Where = "localStorage" | "sessionStorage";

/** Null: nothing is there, or it may not be read. */
export function kept(key: string, where: Where = "localStorage"): string | null {
  try {
    return globalThis[where].getItem(PREFIX + key);
  } catch {
    return null;
  }
}

/** Whether it was kept. An empty text is forgotten. */
export function keep(key: string, text: string, where: Where = "localStorage"): boolean {
  try {
    if (text === "") globalThis[where].removeItem(PREFIX + key);
    else globalThis[where].setItem(PREFIX + key, text);
    return true;
  } catch {
    return false;
  }
}

/** Whether this browser keeps anything. */
export function keeps(): boolean {
  return keep("keeps", "1") && keep("keeps", "");
}

/** The value of a JSON text; null: nothing is there, or it is none. */
export function keptJson(key: string, where?: Where): unknown {
  try {
    return JSON.parse(kept(key, where) ?? "null");
  } catch {
    return null;
  }
}

/** The keys that begin so. */
export function keptKeys(prefix: string): string[] {
  try {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(PREFIX + prefix))
      .map((key) => key.slice(PREFIX.length));
  } catch {
    return [];
  }
}

/** A person's unfinished uploads, as tus-js-client keeps them: what the files are called, and for whom they are. */
export function uploadKeys(id: number): string[] {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(`tus::hubbub ${id} `));
  } catch {
    return []; // nothing is kept where nothing may be
  }
}

/** Be told when another tab changes one of these keys; its new text, or null. */
export function whenChanged(told: (key: string, text: string | null) => void): void {
  addEventListener("storage", (event) => {
    if (event.key?.startsWith(PREFIX)) told(event.key.slice(PREFIX.length), event.newValue);
  });
}
