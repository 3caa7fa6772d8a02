// A file that is coming: its bytes are collected, and saved when all of them are here.
//
// They are collected in a Blob, which the browser keeps on its disk where it is large; a very large one goes
// straight into a file that the person chooses, where the browser can do that.

import type { Chunk } from "../wire/chunks";

const GATHER = 1 << 20; // bytes that are made a part of the Blob at once
const LARGE = 256 << 20; // bytes from which on a place is asked for first

interface Coming {
  readonly filename: string;
  readonly size: number;
  readonly filetype: string;
}

interface FileWriter {
  write(data: Blob): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

interface Picks {
  showSaveFilePicker?(options: { suggestedName: string }): Promise<{ createWritable(): Promise<FileWriter> }>;
}

export class Incoming {
  arrived = 0;
  /** Whether it came over more than one line. */
  inParts = false;
  private parts: Blob[] = [];
  private fresh: Uint8Array<ArrayBuffer>[] = [];
  private freshSize = 0;
  private writing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly coming: Coming,
    private readonly file: FileWriter | null,
  ) {}

  /** Null: a place was asked for, and none chosen. Called when the person has just accepted. */
  static async begin(coming: Coming): Promise<Incoming | null> {
    const picks = window as Window & Picks;
    if (coming.size < LARGE || picks.showSaveFilePicker === undefined) return new Incoming(coming, null);
    try {
      const chosen = await picks.showSaveFilePicker({ suggestedName: coming.filename });
      return new Incoming(coming, await chosen.createWritable());
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return null;
      return new Incoming(coming, null); // not allowed: as a Blob, then
    }
  }

  /** Whether all of it can be read again, to say what arrived: only then it may come in parts. */
  get provable(): boolean {
    return this.file === null;
  }

  /** The next bytes come from there on. */
  goOn(offset: number): void {
    if (offset > 0) this.inParts = true;
  }

  /** How much is here; undefined: this chunk is not the next one. */
  take(chunk: Chunk): number | undefined {
    if (chunk.offset !== this.arrived || chunk.data.length > this.coming.size - this.arrived) return undefined;
    this.fresh.push(chunk.data);
    this.freshSize += chunk.data.length;
    this.arrived += chunk.data.length;
    if (this.freshSize >= GATHER) this.gather();
    return this.arrived;
  }

  async blob(): Promise<Blob> {
    this.gather();
    await this.writing;
    return new Blob(this.parts, { type: this.coming.filetype });
  }

  /** Save it; whether it is saved. */
  async finish(): Promise<boolean> {
    try {
      const blob = await this.blob();
      if (this.file === null) saveBlob(blob, this.coming.filename);
      else await this.file.close();
      return true;
    } catch {
      this.drop(); // the disk is full, or the file was taken away
      return false;
    }
  }

  /** It does not come: nothing half is left. */
  drop(): void {
    this.parts = this.fresh = [];
    this.file?.abort().catch(() => {}); // closed already
  }

  private gather(): void {
    if (this.fresh.length === 0) return;
    const part = new Blob(this.fresh);
    this.fresh = [];
    this.freshSize = 0;
    const { file } = this;
    if (file === null) this.parts.push(part);
    else this.writing = this.writing.then(() => file.write(part));
    this.writing.catch(() => {}); // `finish` tells of it
  }
}

/** Save it as a download. Whatever type the sender says: it is saved, and never shown as a page of ours. */
function saveBlob(blob: Blob, filename: string): void {
  const link = document.createElement("a");
  const url = URL.createObjectURL(new Blob([blob], { type: "application/octet-stream" }));
  link.href = url;
  link.download = filename;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
