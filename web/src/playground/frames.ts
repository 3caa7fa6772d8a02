// What went over the line, bounded, and how a frame is written down for people.

export type Way = "sent" | "received" | "event";

/** What happened to the line itself, between the frames. */
export type Note =
  | { readonly kind: "opened"; readonly path: string; readonly protocol: string }
  | { readonly kind: "closed"; readonly code: number; readonly reason: string }
  | { readonly kind: "unsent" }
  | { readonly kind: "refused"; readonly why: string }; // the browser did not even try

export interface Frame {
  readonly key: number; // counts up
  readonly way: Way;
  readonly at: number; // milliseconds since 1970
  readonly text: string; // of a text frame
  readonly bytes: Uint8Array | null; // of a binary one
  readonly size: number; // bytes on the wire, without the frame's head
  readonly roundTrip: number | null; // milliseconds since the request that it answers
  readonly note: Note | null; // of an event
}

/** Frames kept; a busy room would otherwise fill the memory. */
export const MAX_FRAMES = 1_000;
/** Bytes kept of all frames together, for the same reason: one may have 16 MiB. The newest is kept always. */
export const MAX_KEPT_BYTES = 33_554_432;
/** Characters of a frame that are shown until all of it is asked for. */
export const MAX_SHOWN = 10_000;
/** Characters up to which a frame is read as JSON, to write it well and to find what it answers. */
const MAX_PARSED = 262_144;
/** Bytes of a binary frame that are written as hexadecimal digits; a copy has all of them. */
export const MAX_HEX = 512;

/** The newest frames, oldest first. */
export class FrameLog {
  #frames: Frame[] = [];
  #bytes = 0;
  #next = 0;
  readonly #limit: number;
  readonly #maxBytes: number;

  constructor(limit = MAX_FRAMES, maxBytes = MAX_KEPT_BYTES) {
    this.#limit = limit;
    this.#maxBytes = maxBytes;
  }

  /** Add one, and let go of the oldest that are too many. */
  add(frame: Omit<Frame, "key">): Frame {
    const added = { ...frame, key: this.#next++ };
    this.#frames.push(added);
    this.#bytes += added.size;
    let gone = 0;
    while (
      this.#frames.length - gone > this.#limit ||
      (this.#bytes > this.#maxBytes && gone < this.#frames.length - 1)
    ) {
      this.#bytes -= this.#frames[gone++]!.size;
    }
    if (gone > 0) this.#frames.splice(0, gone);
    return added;
  }

  /** How many there ever were. */
  get count(): number {
    return this.#next;
  }

  list(): readonly Frame[] {
    return this.#frames.slice();
  }

  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
  }
}

/** The length of a text in UTF-8. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    if (unit < 0x800) length += 1;
    else if (unit >= 0xd800 && unit < 0xdc00 && at + 1 < text.length) {
      length += 2; // two units, four bytes
      at++;
    } else length += 2;
  }
  return length;
}

/** A JSON object of a frame, or null for anything else. */
export function parsed(text: string): Readonly<Record<string, unknown>> | null {
  if (text.length > MAX_PARSED || !text.trimStart().startsWith("{")) return null;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/** JSON with one member a line; whatever is none as it stands.
 *
 * Its characters are moved, never read and written anew: a number of twenty digits stays what it was. */
export function pretty(text: string): string {
  if (text.length > MAX_PARSED || !isJson(text)) return text;
  let out = "";
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (quoted) {
      out += char;
      if (char === "\\") out += text[++at] ?? "";
      else if (char === '"') quoted = false;
    } else if (char === '"') {
      quoted = true;
      out += char;
    } else if (char === "{" || char === "[") {
      const close = char === "{" ? "}" : "]";
      const rest = /^\s*/.exec(text.slice(at + 1, at + 64))![0].length;
      if (text[at + 1 + rest] === close) {
        out += char + close;
        at += 1 + rest;
      } else out += `${char}\n${"  ".repeat(++depth)}`;
    } else if (char === "}" || char === "]") out += `\n${"  ".repeat(--depth)}${char}`;
    else if (char === ",") out += `,\n${"  ".repeat(depth)}`;
    else if (char === ":") out += ": ";
    else if (!/\s/.test(char)) out += char;
  }
  return out;
}

function isJson(text: string): boolean {
  const first = text.trimStart()[0];
  if (first !== "{" && first !== "[") return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Bytes as lines of sixteen: offset, hexadecimal digits, and what of it is ASCII. */
export function hexLines(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = bytes.subarray(at, at + 16);
    const digits = Array.from(part, (byte) => byte.toString(16).padStart(2, "0"));
    const left = digits.slice(0, 8).join(" ").padEnd(23);
    const right = digits.slice(8).join(" ").padEnd(23);
    const ascii = Array.from(part, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "."));
    lines.push(`${at.toString(16).padStart(8, "0")}  ${left}  ${right}  ${ascii.join("")}`);
  }
  return lines.join("\n");
}

/** Bytes of hexadecimal digits, blanks between them allowed; null for what is none. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | null {
  const digits = text.replace(/\s+/g, "");
  if (digits.length % 2 === 1 || !/^[0-9a-f]*$/i.test(digits)) return null;
  return Uint8Array.from({ length: digits.length / 2 }, (_, at) => parseInt(digits.slice(2 * at, 2 * at + 2), 16));
}

/** All of a frame, as a copy of it has it. */
export function wholeText(frame: Frame): string {
  if (frame.bytes === null) return frame.text;
  return Array.from(frame.bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** The frames that hold those words (case does not matter), in `way`. */
export function matching(frames: readonly Frame[], words: string, way: Way | "all"): readonly Frame[] {
  const wanted = words.trim().toLowerCase();
  if (wanted === "" && way === "all") return frames;
  return frames.filter(
    (frame) =>
      (way === "all" || frame.way === way) &&
      (wanted === "" || (frame.bytes === null ? frame.text : wholeText(frame)).toLowerCase().includes(wanted)),
  );
}
