// What those who hear the page are told of files: that one is offered, and how each ended.

import type { Offer } from "../state/contract";
import { bytes } from "../text/figures";
import { harmless } from "../text/harmless";
import { t } from "../text/transfers";
import type { Upload } from "./upload.svelte";
import { otherOf, wordsOf, wordsOfOffer } from "./words";

const PAUSE = 250; // milliseconds: a region is listened to only once it is there

export class Heard {
  words = $state("");
  private known = new Map<object, string | null>(); // what was said of each
  private waiting: string[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  look(uploads: readonly Upload[], offers: readonly Offer[]): void {
    const now = new Map<object, string | null>();
    for (const one of [...uploads, ...offers]) {
      const before = this.known.get(one) ?? null;
      const words = "file" in one ? ofUpload(one) : ofOffer(one);
      now.set(one, words ?? before); // what breaks off again and again is told once
      if (words !== null && words !== before) this.say(words);
    }
    this.known = now;
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private say(words: string): void {
    this.waiting.push(words);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.words = this.waiting.join("\n");
      this.waiting = [];
    }, PAUSE);
  }
}

function ofUpload(upload: Upload): string | null {
  const file = harmless(upload.file.name);
  if (upload.state === "done") return t("heardSent", { file });
  return upload.state === "failed" || upload.state === "interrupted" ? t("heardEnd", { file, words: wordsOf(upload) }) : null;
}

function ofOffer(offer: Offer): string | null {
  const file = harmless(offer.filename);
  switch (offer.state) {
    case "offered":
      return offer.own ? null : t("heardOffer", { name: otherOf(offer), file, size: bytes(offer.size) });
    case "done":
      return t(offer.own ? "heardSent" : "heardSaved", { file });
    case "running":
      return null;
    default:
      return t("heardEnd", { file, words: wordsOfOffer(offer) });
  }
}
