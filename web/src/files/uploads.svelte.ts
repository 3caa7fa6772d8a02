// Files that are sent to be kept: uploads by tus 1.0, one after the other, that go on after whatever broke them off.
//
// A file becomes a message once all of it is there. The server remembers a finished upload, so an answer that
// was lost makes no second message; and the browser remembers an unfinished one, so the same file, chosen again
// after a reload, goes on where it stopped.

import { chat } from "../state/chat.svelte";
import type { Conversation } from "../state/contract";
import { Upload } from "./upload.svelte";

export const MAX_AT_ONCE = 50; // files that are chosen together
const SHOWN_DONE = 4_000; // milliseconds that a finished one is still listed
const KEPT = 200; // uploads that are listed; over, those go that are over

class Uploads {
  all = $state.raw<readonly Upload[]>([]);
  private last = 0;
  private whose: number | null = null; // the id of the person

  /** Whether something is lost, or at least held up, when the page is left now. */
  get busy(): boolean {
    return this.all.some((one) => !one.over);
  }

  /** Send these to a conversation, with words to the first of them. */
  send(to: Pick<Conversation, "kind" | "name" | "peerId">, files: readonly File[], content: string): void {
    this.whose = chat.me?.id ?? null;
    const made = files.map((file, at) => {
      const words = at === 0 ? content : "";
      return new Upload(++this.last, file, to, words, () => this.next());
    });
    const living = this.all.filter((one) => !one.over);
    const over = this.all.filter((one) => one.over).slice(-KEPT);
    this.all = [...over, ...living, ...made];
    this.next();
  }

  /** Let go on what broke off: the server is there again. */
  goOn(): void {
    if (chat.me !== null && chat.me.id !== this.whose) this.drop(); // what another person began is not sent as this one
    for (const one of this.all) one.revive();
    this.next();
  }

  /** Nobody is signed in. Whoever was goes on, once back. */
  pause(): void {
    for (const one of this.all) one.pause();
  }

  remove(upload: Upload): void {
    this.all = this.all.filter((one) => one !== upload);
  }

  clear(): void {
    this.all = this.all.filter((one) => !one.over);
  }

  private drop(): void {
    this.pause();
    this.all = [];
  }

  /** One at a time: so they stand in the conversation in the order in which they were chosen. */
  private next(): void {
    for (const one of this.all) {
      if (one.state === "done" && !one.parting) {
        one.parting = true;
        setTimeout(() => this.remove(one), SHOWN_DONE);
      }
    }
    if (chat.line !== "online") return; // `goOn` follows
    const first = this.all.find((one) => !one.over);
    if (first?.state === "waiting") void first.start();
  }
}

export const uploads = new Uploads();

function moving(): boolean {
  return chat.offers.some((one) => one.state === "running" || one.state === "interrupted");
}

function warn(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

// As long as the page is open, whichever part of it is shown.
$effect.root(() => {
  const online = $derived(chat.phase === "here" && chat.line === "online");
  const out = $derived(chat.phase === "signed-out");
  const busy = $derived(uploads.busy || moving());
  $effect(() => {
    if (online) queueMicrotask(() => uploads.goOn());
    else if (out) queueMicrotask(() => uploads.pause());
  });
  $effect(() => {
    if (!busy) return;
    addEventListener("beforeunload", warn); // only now: it keeps a page out of the browser's cache
    return () => removeEventListener("beforeunload", warn);
  });
});
