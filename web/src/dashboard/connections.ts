// The list of open connections, as the server tells it, and cutting one off.

import type { ConnectionList, ConnectionRow } from "./feed";

export type Sort = "queue" | "rate" | "since";

const ADDRESS = "/api/v1/admin/connections";
/** Rows that are asked for: the most that the server tells. */
const LIMIT = 1_000;

/** Why the server said no; its message is for people. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export async function list(sort: Sort, signal: AbortSignal): Promise<ConnectionList> {
  const answer = await fetch(`${ADDRESS}?sort=${sort}&limit=${LIMIT}`, { signal, cache: "no-store" });
  if (!answer.ok) throw await refusal(answer);
  return (await answer.json()) as ConnectionList;
}

/** False: it was gone already. */
export async function cut(id: number): Promise<boolean> {
  const answer = await fetch(`${ADDRESS}/${id}`, { method: "DELETE" });
  if (answer.status === 404) return false;
  if (!answer.ok) throw await refusal(answer);
  return true;
}

export async function refusal(answer: Response): Promise<Refused> {
  try {
    const { message } = (await answer.json()) as { message?: string };
    return new Refused(answer.status, message ?? answer.statusText);
  } catch {
    return new Refused(answer.status, answer.statusText);
  }
}

/** Those that have the words in what one sees of them; case does not matter. */
export function found(rows: readonly ConnectionRow[], words: string): readonly ConnectionRow[] {
  const parts = words.trim().toLowerCase().split(/\s+/);
  if (parts[0] === "") return rows;
  return rows.filter((row) => {
    const text = `${row.user ?? ""} ${row.name} ${row.dialect} ${row.address} ${row.slow ? "slow" : ""}`.toLowerCase();
    return parts.every((part) => text.includes(part));
  });
}
