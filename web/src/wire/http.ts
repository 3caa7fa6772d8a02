// What is asked by HTTP: signing in and out, since only HTTP sets the cookie that says who one is.

import { Refusal } from "./refusal";

const PATIENCE = 20_000; // milliseconds; a password's hash takes its time on a busy server

/** POST an action of `/api/v1`; its answer's data. Rejects with a Refusal. */
export async function post(action: string, payload: object): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(`/api/v1/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(payload),
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch {
    throw Refusal.offline();
  }
  const body = (await response.json().catch(() => null)) as Record<string, unknown> | null;
  if (response.ok) return body;
  throw Refusal.of(body?.["error"] ?? body, response.statusText || undefined);
}

/** The digest of the page that the server serves now; null: it does not say. */
export async function servedBuild(): Promise<string | null> {
  try {
    const response = await fetch("/version", { signal: AbortSignal.timeout(PATIENCE), cache: "no-store" });
    const { client } = (await response.json()) as { client?: unknown };
    return typeof client === "string" ? client : null;
  } catch {
    return null;
  }
}
