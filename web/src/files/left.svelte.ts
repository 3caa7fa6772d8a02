// What an earlier page began to send and did not finish, as tus-js-client keeps it: to be gone on with once the same
// file is chosen again, which no page can do by itself.

import { chat } from "../state/chat.svelte";
import type { Conversation } from "../state/contract";
import { uploadKeys } from "../state/storage";

const TUS = { "Tus-Resumable": "1.0.0" };

export interface Left {
  readonly key: string; // in the browser's storage
  readonly url: string;
  readonly to: Pick<Conversation, "kind" | "name" | "peerId">;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly modified: number;
  readonly words: string; // that go with it
  readonly moved: number;
}

let all = $state.raw<readonly Left[]>([]);

export const left = {
  get all(): readonly Left[] {
    return all;
  },
  async look(): Promise<void> {
    all = []; // they may be somebody else's
    const { held } = (await navigator.locks?.query()) ?? {}; // those that are on their way, in whichever tab
    const marks = new Set(held?.map((one) => one.name));
    const kept = uploadKeys(chat.me?.id ?? 0).filter((key) => !marks.has(markOf(key)));
    const found = await Promise.all(kept.map(asked));
    all = found.filter((one) => one !== null);
  },
  /** It goes on: it is among those that are on their way. */
  taken(gone: Left): void {
    all = all.filter((one) => one !== gone);
  },
  async discard(gone: Left): Promise<void> {
    localStorage.removeItem(gone.key);
    left.taken(gone);
    await fetch(gone.url, { method: "DELETE", headers: TUS }).catch(() => {}); // it ends with the server's own patience, else
  },
};

export function isSame(one: Left, file: File): boolean {
  return file.name === one.name && file.type === one.type && file.size === one.size && file.lastModified === one.modified;
}

function markOf(key: string): string {
  return key.slice("tus::".length, key.lastIndexOf("::"));
}

/** Null: the server knows it no more, or it is none of ours. */
async function asked(key: string): Promise<Left | null> {
  const [, kind, target, id, name, type, size, modified] =
    /^hubbub \d+ (room|talk) (\S+) (\d+) ([^]*) (\S*) (\d+) (\d+)$/.exec(markOf(key)) ?? [];
  try {
    const kept = JSON.parse(localStorage.getItem(key)!) as { uploadUrl: string; metadata: { content?: string } };
    const url = new URL(kept.uploadUrl, location.href);
    if (modified === undefined || url.origin !== location.origin) return null;
    const answer = await fetch(url, { method: "HEAD", headers: TUS });
    const moved = Number(answer.headers.get("Upload-Offset"));
    if (!answer.ok) {
      if (answer.status === 404 || answer.status === 410) localStorage.removeItem(key);
      return null;
    }
    const to = { kind: kind as Conversation["kind"], name: target!, peerId: Number(id) };
    const about = { name: name!, type: type!, size: Number(size), modified: Number(modified) };
    return { key, url: url.href, to, ...about, words: kept.metadata.content ?? "", moved };
  } catch {
    return null; // the line dropped: the next page asks
  }
}
