// Bytes of a file in a binary message: 16 bytes of the offer, 8 of the offset (big-endian), and they.

export const HEAD = 24;
export const OFFER_DIGITS = 32;

export interface Chunk {
  readonly offer: string;
  readonly offset: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Null: it is none. */
export function unpackChunk(message: ArrayBuffer): Chunk | null {
  if (message.byteLength < HEAD) return null;
  const head = new Uint8Array(message, 0, OFFER_DIGITS / 2);
  const offset = new DataView(message).getBigUint64(16);
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  const offer = Array.from(head, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { offer, offset: Number(offset), data: new Uint8Array(message, HEAD) };
}
