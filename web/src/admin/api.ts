// What an admin asks for: `/api/v1/admin/…`, by the cookie that signed the page in.

import { Refusal } from "../wire/refusal";

const patience = 60_000; // milliseconds; to collect what nobody needs takes its time on a large store

export type Role = "member" | "admin";

export interface User {
  readonly username: string;
  readonly user_id: number;
  readonly role: Role;
  readonly disabled: boolean;
  readonly created: string;
  readonly online: boolean;
  readonly logins: number;
  readonly dialects: readonly string[];
}

export interface Room {
  readonly room: string;
  readonly stream: string;
  readonly topic: string;
  readonly private: boolean;
  readonly retain_days: number;
  readonly members: number;
  readonly present: number;
  readonly owner: string | null;
  readonly entries: number;
  readonly default: boolean;
}

export interface Limit {
  readonly name: string;
  readonly value: number | boolean | null;
  readonly default: number | boolean | null;
  readonly explanation: string;
}

export interface LimitSection {
  readonly name: string;
  readonly explanation: string;
  readonly limits: readonly Limit[];
}

export interface Storage {
  readonly log: {
    readonly bytes: number;
    readonly segments: number;
    readonly streams: number;
    readonly entries: number;
    readonly dead: number;
    readonly keys: number;
    readonly read_only: string | null;
  } | null;
  readonly disk: { readonly free: number; readonly total: number } | null;
  readonly compacting: boolean;
  readonly last_compaction: {
    readonly at: string;
    readonly done: boolean;
    readonly before: number;
    readonly after: number;
  } | null;
  readonly files: {
    readonly files: number;
    readonly blobs: number;
    readonly blob_bytes: number;
    readonly unfinished: number;
    readonly unfinished_bytes: number;
    readonly quota_used: number;
    readonly quota_total: number;
    readonly quota_user: number;
    readonly max_files: number;
    readonly store: string;
  };
  readonly search: { readonly state: "ready" | "behind" | "building" | "failing"; readonly waiting: number };
}

export interface Collected {
  readonly blobs: number;
  readonly bytes: number;
  readonly uploads: number;
  readonly upload_bytes: number;
}

type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** Ask; rejects with a Refusal. */
async function ask<T>(method: Method, path: string, body?: object): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/api/v1/admin${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(patience),
    });
  } catch {
    throw Refusal.offline();
  }
  const told = (await response.json().catch(() => null)) as Record<string, unknown> | null;
  if (!response.ok) throw Refusal.of(told?.["error"] ?? told, response.statusText || undefined);
  return told as T;
}

const named = (kind: "users" | "rooms", name: string): string => `/${kind}/${encodeURIComponent(name)}`;

function page(kind: "users" | "rooms", q: string, after: string): string {
  return `/${kind}?${new URLSearchParams({ ...(q === "" ? {} : { q }), ...(after === "" ? {} : { after }) })}`;
}

export const admin = {
  users: (q: string, after: string) =>
    ask<{ readonly users: readonly User[]; readonly more: boolean }>("GET", page("users", q, after)),
  addUser: (username: string, password: string, role: Role) => ask<User>("POST", "/users", { username, password, role }),
  changeUser: (name: string, change: { role?: Role; disabled?: boolean; password?: string }) =>
    ask<User>("PATCH", named("users", name), change),
  logOut: (name: string) => ask<User>("DELETE", `${named("users", name)}/sessions`),
  rooms: (q: string, after: string) =>
    ask<{ readonly rooms: readonly Room[]; readonly more: boolean }>("GET", page("rooms", q, after)),
  changeRoom: (name: string, change: { topic?: string; private?: boolean; retain_days?: number }) =>
    ask<Room>("PATCH", named("rooms", name), change),
  endRoom: (name: string) => ask<Room>("DELETE", named("rooms", name)),
  limits: () => ask<{ readonly sections: readonly LimitSection[] }>("GET", "/limits"),
  storage: () => ask<Storage>("GET", "/storage"),
  compact: () => ask<{ readonly begun: boolean }>("POST", "/storage/compact"),
  collect: () => ask<Collected>("POST", "/storage/gc"),
};
