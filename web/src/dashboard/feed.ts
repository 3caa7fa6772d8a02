// What the server tells the dashboard: `GET /api/v1/admin/live` (Server-Sent Events) and
// `/api/v1/admin/connections`. For admins, by cookie or by Bearer token.
//
// The stream, in this order: one `past`, one `log` with the last lines, then `sample` each second and `log`
// whenever there are lines; `end` says why it ends. EventSource comes back by itself, and gets `past` anew:
// what it knew is to be replaced by that. Comment lines keep the line alive.
//
//     event: past     data: Past          `?points=N` thins it to at most N rows
//     event: sample   data: Sample        at most one a second
//     event: log      data: LogLine[]     oldest first; at most one event a second
//     event: end      data: End           then the response ends
//
// and, of the kernel, `heat` and `kernel`: `kernel/shapes.ts`.
//
// Answers beside it: 401 (nobody), 403 (no admin), 429 (`metrics.max_watchers` are watching already).

/** One second of the server. A number is a whole one; null: nothing happened in that second to measure. */
export interface Sample {
  readonly at: number; // milliseconds since 1970: the end of the second

  readonly people: number; // who is here, each once
  readonly people_text: number; // who is here by this dialect; by two of them: counted in both
  readonly people_json: number;
  readonly people_protobuf: number;
  readonly people_ndjson: number;
  readonly people_websocket: number;
  readonly connections_text: number; // open connections, signed in or not
  readonly connections_json: number;
  readonly connections_protobuf: number;
  readonly connections_ndjson: number;
  readonly connections_websocket: number;
  readonly connections_http: number;
  readonly connections_relay: number;
  readonly connections_new: number; // that have not said yet what they speak

  readonly messages: number; // a second: kept and told, in rooms and talks
  readonly deliveries: number; // a second: one message written to one connection
  readonly delivery_p50: number | null; // µs from a request that was taken to the last write of its batch
  readonly delivery_p99: number | null; // µs
  readonly commit_p50: number | null; // µs from an append to its commit
  readonly commit_p99: number | null; // µs
  readonly sync_p50: number | null; // µs that the disk took (fdatasync); null also without a disk
  readonly sync_p99: number | null; // µs
  readonly lag_p99: number | null; // µs that the event loop came too late
  readonly lag_max: number | null; // µs

  readonly memory: number; // bytes: resident set
  readonly cpu: number; // thousandths of one core, all threads together
  readonly slow: number; // connections with bytes queued, since they read too slowly
  readonly queued: number; // bytes that are queued for them

  readonly transfers: number; // files on their way
  readonly transfer_bytes: number; // a second, of files
  readonly log_bytes: number; // bytes of the log's segments; 0 without a log
  readonly compacting: number; // 1: a compaction is running
  readonly compactions: number; // a second: that have ended

  readonly rate_limited: number; // a second: requests that had to wait for their rate, or were refused for it
  readonly refused: number; // a second: connections
  readonly logins_failed: number; // a second
  readonly errors: number; // a second: lines of level error in the server's log

  readonly sends: number | null; // a second: calls, as the kernel counts them; null, as all below: it does not tell
  readonly send_bytes: number | null; // a second
  readonly run_wait_p99: number | null; // µs that a thread waited for a processor
  readonly run_delayed: number; // µs a second that threads waited, all together; or the loop's, where nobody looks
  readonly kernel_sync_p99: number | null; // µs that the disk took, by the kernel's clock
  readonly rtt_median: number | null; // µs
}

/** The last hour, or what there is of it: for each member of Sample an array; all are of one length. */
export interface Past {
  readonly server: string; // its name
  readonly version: string;
  readonly started: number; // milliseconds since 1970
  readonly every: number; // milliseconds from row to row; more than 1,000 where it is thinned: then a row holds
  // the mean of what is counted a second, the largest p50, p99, max and queue, and the last of all others
  readonly columns: Columns; // oldest first; a second that the server slept through has no row
}

export type Columns = { readonly [Name in keyof Sample]: readonly Sample[Name][] };

export type Level = "debug" | "info" | "warning" | "error";

/** A line of the server's log. Content and secrets are in none. */
export interface LogLine {
  readonly number: number; // grows by one from line to line; begins anew with the server
  readonly at: number; // milliseconds since 1970
  readonly level: Level;
  readonly event: string; // "connection opened"
  readonly fields: Readonly<Record<string, string | number | boolean | null>>; // values: at most 256 characters
}

/** Why the stream ends: the server stops; the login ended; no admin any more. Who does not read is just cut off. */
export interface End {
  readonly reason: "drain" | "logged_out" | "forbidden";
}

export type ConnectionDialect = "text" | "json" | "protobuf" | "ndjson" | "websocket";

/** An open connection of a chat dialect. */
export interface ConnectionRow {
  readonly id: number; // for `DELETE /api/v1/admin/connections/ID` (204; 404: it is gone)
  readonly name: string; // what the log calls it: "text-17", or a WebSocket's connection id
  readonly user: string | null; // null: not signed in
  readonly user_id: number | null;
  readonly dialect: ConnectionDialect;
  readonly address: string; // of the client, also behind a trusted proxy
  readonly secure: boolean; // TLS
  readonly since: number; // milliseconds since 1970
  readonly queued: number; // bytes that wait for it
  readonly rate: number; // requests a second since the list was last asked for, or since it opened
  readonly slow: boolean;
}

/** `GET /api/v1/admin/connections?sort=queue|rate|since&limit=100`: the largest first, `since` the oldest. */
export interface ConnectionList {
  readonly total: number; // all, also those past the limit (1 … 1,000)
  readonly connections: readonly ConnectionRow[];
}
