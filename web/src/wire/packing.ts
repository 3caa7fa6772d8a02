// The other way: only whoever sends a file needs it.

import { HEAD, OFFER_DIGITS } from "./chunks";

export function packChunk(offer: string, offset: number, data: Uint8Array): Uint8Array<ArrayBuffer> {
  if (!/^[0-9a-f]{32}$/.test(offer)) throw new Error("an offer has 32 hexadecimal digits");
  const packed = new Uint8Array(HEAD + data.byteLength);
  for (let i = 0; i < OFFER_DIGITS; i += 2) packed[i / 2] = Number.parseInt(offer.slice(i, i + 2), 16);
  new DataView(packed.buffer).setBigUint64(16, BigInt(offset));
  packed.set(data, HEAD);
  return packed;
}
