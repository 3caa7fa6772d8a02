// How long a message may be, as the server counts it.

/** Bytes of UTF-8: `messages.max_content` of the server, as it is unless it was changed. */
export const MAX_CONTENT = 65_536;

const encoder = new TextEncoder();

/** Bytes of UTF-8. What cannot come near the limit is not counted exactly: this is asked at every key. */
export function sizeOf(text: string): number {
  return text.length < MAX_CONTENT / 4 ? text.length : encoder.encode(text).length;
}
