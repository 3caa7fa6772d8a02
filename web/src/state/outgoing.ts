// A file that this page sends to somebody: in chunks, no further ahead than the server lets it.

import { packChunk } from "../wire/packing";
import type { Line } from "../wire/line";
import type { LiveOffer } from "./offers.svelte";

const CHUNK = 64 * 1024;
const QUEUED = 1 << 20; // bytes that may wait in the browser for the network
const LOOK_AGAIN = 20; // milliseconds, while they wait
const HASHED = 64 << 20; // bytes up to which a digest is worth its time: all of them are read for it

/** The SHA-256, in hexadecimal digits; null: it is too large, or this page may not (it is not secure). */
export async function digestOf(file: Blob): Promise<string | null> {
  if (file.size > HASHED || globalThis.crypto?.subtle === undefined) return null;
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Outgoing {
  private turn = 0; // a start ends what was being sent before
  private sent = 0;
  private acknowledged = 0;
  private window = 0;
  private stirred: () => void = () => {};

  constructor(
    private readonly line: Line,
    private readonly offer: LiveOffer,
    private readonly file: File,
    private readonly digest: { sha256?: string },
  ) {}

  /** After a dropped line: the same file by the same offer. */
  async offerAgain(): Promise<void> {
    const { id, to, filename, size } = this.offer;
    const type = this.file.type === "" ? {} : { filetype: this.file.type };
    await this.line.request("file_offer", { filename, size, to, offer: id, ...type, ...this.digest });
  }

  start(offset: number, window: number): void {
    this.sent = this.acknowledged = offset;
    this.window = window;
    this.offer.state = "running";
    this.offer.error = this.offer.reason = null;
    void this.send(++this.turn);
  }

  taken(offset: number): void {
    this.acknowledged = Math.max(this.acknowledged, offset);
    this.offer.progress(this.acknowledged);
    this.stirred();
  }

  stop(): void {
    this.turn += 1;
    this.stirred();
  }

  private async send(turn: number): Promise<void> {
    while (this.sent < this.file.size && turn === this.turn) {
      const room = this.acknowledged + this.window - this.sent;
      if (room <= 0) {
        await new Promise<void>((resolve) => (this.stirred = resolve));
        continue;
      }
      if (this.line.queued > QUEUED) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
        continue;
      }
      const end = Math.min(this.sent + Math.min(CHUNK, room), this.file.size);
      let data: ArrayBuffer;
      try {
        data = await this.file.slice(this.sent, end).arrayBuffer();
      } catch {
        if (turn === this.turn) await this.giveUp(); // changed or gone since it was chosen
        return;
      }
      if (turn !== this.turn) return;
      this.line.sendBytes(packChunk(this.offer.id, this.sent, new Uint8Array(data)));
      this.sent = end;
    }
  }

  private async giveUp(): Promise<void> {
    await this.line.request("file_cancel", { offer: this.offer.id }).catch(() => {});
    this.offer.end("failed", null);
  }
}
