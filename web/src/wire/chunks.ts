// Bytes of a file in a binary message: 16 bytes of the offer, 8 of the offset (big-endian), and they.

const HEAD = 24;
const OFFER_DIGITS = 32;

export interface Chunk {
  readonly offer: string;
  readonly offset: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

export function packChunk(offer: string, offset: number, data: Uint8Array): Uint8Array<ArrayBuffer> {
  if (!/^[0-9a-f]{32}$/.test(offer)) throw new Error("an offer has 32 hexadecimal digits");
  const packed = new Uint8Array(HEAD + data.byteLength);
  for (let i = 0; i < OFFER_DIGITS; i += 2) packed[i / 2] = Number.parseInt(offer.slice(i, i + 2), 16);
  new DataView(packed.buffer).setBigUint64(16, BigInt(offset));
  packed.set(data, HEAD);
  return packed;
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
