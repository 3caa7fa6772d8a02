// Whose a private talk is: its stream is made of two ids, as the server makes it, and never of names.

export function talkOf(a: number, b: number): string {
  return `talk:${Math.min(a, b).toString(16)}:${Math.max(a, b).toString(16)}`;
}

/** The other one's id, of a talk that is one's own; 0: it is none. */
export function peerOf(stream: string, me: number): number {
  const [low, high] = (/^talk:([0-9a-f]{1,14}):([0-9a-f]{1,14})$/.exec(stream) ?? []).slice(1).map((id) => parseInt(id, 16));
  if (low === undefined || high === undefined || talkOf(low, high) !== stream) return 0;
  return low === me ? high : high === me ? low : 0;
}
