// What is asked of the server beside the feed: why somebody's chat is slow, and the paths of messages.

import { refusal } from "../connections";
import type { Path, PathList, WhyView } from "./shapes";

/** It takes a second or two where nobody has looked before. */
export async function why(name: string, signal: AbortSignal): Promise<WhyView> {
  return (await got(`/api/v1/admin/why?name=${encodeURIComponent(name)}`, signal)) as WhyView;
}

/** The newest first. */
export async function paths(signal: AbortSignal): Promise<readonly Path[]> {
  return ((await got("/api/v1/admin/paths", signal)) as PathList).paths;
}

async function got(address: string, signal: AbortSignal): Promise<unknown> {
  const answer = await fetch(address, { signal, cache: "no-store" });
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}
