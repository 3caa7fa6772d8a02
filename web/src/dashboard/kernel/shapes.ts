// What the server tells of the kernel: `heat` and `kernel` of the live feed (see `../feed.ts`), and
// `/api/v1/admin/paths`. Times are in microseconds, sizes in bytes, where nothing else is said.
//
//     event: heat     data: HeatView      once, behind `past`
//     event: kernel   data: KernelView    behind `heat`, then at most one a second

/** The last hour, a column for each `seconds`, oldest first. */
export interface HeatView {
  readonly at: number; // Unix time in seconds: the newest column begins
  readonly seconds: number;
  readonly first: Readonly<Record<HeatKind, number>>; // the first count of a column is of 2^first
  readonly columns: Readonly<Record<HeatKind, readonly (readonly number[])[]>>;
}

/** How long calls took and threads waited for a processor, in ns; how large sends were. */
export type HeatKind = "send" | "receive" | "sync" | "waits" | "sizes";

/** How many values by bucket: four buckets for each power of two (`buckets.ts`). */
export type Buckets = Readonly<Record<string, number>>;

export type Call = "send" | "receive" | "wait" | "sync";

/** Where the figures come from. */
export interface Source {
  readonly probes: boolean;
  readonly attached: readonly string[];
  readonly missing: Readonly<Record<string, string>>; // by hook, or by "probes" for all of them: why
  readonly everything: boolean;
}

export interface CallFigures {
  readonly count: number;
  readonly bytes: number;
  readonly failed: number;
  readonly again: number; // EAGAIN
  readonly took: Buckets; // ns; empty where calls are not timed
  readonly sizes: Buckets;
}

export interface RunQueue {
  readonly delayed: number; // of all threads, over the time of a report
  readonly ran: number;
  readonly waits: Buckets | null; // ns
}

export interface Machine {
  readonly cores: number;
  readonly busy: number; // 0 … 1, as all shares
  readonly stolen: number;
  readonly memory_free: number;
  readonly memory_total: number;
  readonly pressure: Readonly<Record<string, number>>; // cpu, io, memory
}

/** Of all connections, also those that are gone, over the time of a report. */
export interface SocketSums {
  readonly short_sends: number;
  readonly full: number; // with a full send queue: of two connections, both
  readonly retransmits: number;
  readonly overflows: number;
  readonly resets_sent: number;
  readonly resets_received: number;
  readonly state_changes: number;
}

export interface Report {
  readonly at: number; // Unix time in seconds
  readonly seconds: number;
  readonly probes: boolean;
  readonly calls: Readonly<Partial<Record<Call, CallFigures>>>; // empty without probes
  readonly run_queue: RunQueue;
  readonly machine: Machine;
  readonly sockets: SocketSums | null; // null without probes
  readonly lines: number | null; // how many connections there are; null: nobody may look
  readonly rtt_median: number; // of those that were measured in the last ten seconds
  readonly rtt_count: number;
  readonly worst: readonly Line[]; // empty here: see `lines` of KernelView
  readonly happenings: readonly unknown[]; // likewise
  readonly lost: number;
  readonly missed: number;
}

/** One connection; counts and times are of the last `span` seconds. */
export interface Line {
  readonly cookie: number;
  readonly local: string;
  readonly peer: string;
  readonly state: string;
  readonly span: number;
  readonly rtt: number;
  readonly rtt_var: number;
  readonly rtt_min: number;
  readonly rtt_age: number; // ms since it was measured
  readonly cwnd: number; // segments
  readonly unacked: number; // segments
  readonly unsent: number;
  readonly queued: number;
  readonly unread: number;
  readonly window: number | null;
  readonly segments: number;
  readonly retransmitted: number;
  readonly backoff: number;
  readonly busy: number;
  readonly reader_limited: number;
  readonly buffer_limited: number;
  readonly delivery_rate: number | null; // bytes a second; null: too little was sent to tell
  readonly sent: number;
  readonly acked: number;
  readonly silent: number; // ms
  readonly rtt_past: readonly number[];
  readonly rtt_var_past: readonly number[];
  readonly sends: number | null; // these come from probes
  readonly short_sends: number | null;
  readonly send_bytes: number | null;
  readonly receives: number | null;
  readonly receive_bytes: number | null;
  readonly full: number | null;
  readonly overflows: number | null;
  readonly resets_sent: number | null;
  readonly resets_received: number | null;
  readonly state_changes: number | null; // the first: to become `established`
}

export type Cause = "nothing" | "unreachable" | "network" | "reader" | "limits" | "loop" | "disk" | "machine";

export interface Fact {
  readonly name: string; // see `facts.py`
  readonly value: number;
  readonly unit: "µs" | "B" | "B/s" | "%" | "s" | "";
}

export interface Verdict {
  readonly cause: Cause;
  readonly sentence: string; // English
  readonly facts: readonly Fact[];
  readonly rule: string; // which one judged so: see docs/probes.md
}

/** A connection with who is behind it; nulls: it is none of the chat, or nobody knows yet. */
export interface JoinedLine {
  readonly line: Line;
  readonly verdict: Verdict;
  readonly id: number | null; // as in `ConnectionRow`
  readonly name: string | null;
  readonly dialect: "text" | "json" | "protobuf" | "ndjson" | "websocket" | null;
  readonly user: string | null;
  readonly user_id: number | null;
  readonly rooms: readonly string[];
}

export interface JoinedHappening {
  readonly at: number; // Unix time in seconds
  readonly kind: "opened" | "closed" | "retransmit" | "reset_sent" | "reset_received" | "overflow" | "full";
  readonly peer: string;
  readonly detail: string;
  readonly id: number | null;
  readonly name: string | null;
  readonly user: string | null;
}

export interface KernelView {
  readonly source: Source;
  readonly sentence: string;
  readonly report: Report | null; // null: nobody has looked yet; it comes in a second
  readonly lines: readonly JoinedLine[]; // those that stand out most, the worst first; at most 20 in the feed
  readonly happenings: readonly JoinedHappening[]; // newest last
}

/** `GET /api/v1/admin/paths`: the newest first. */
export interface PathList {
  readonly paths: readonly Path[];
}

/** The way of one message; its stages in µs since it was received. What it said is not in it. */
export interface Path {
  readonly number: number;
  readonly at: number; // ms since 1970: received
  readonly stream: string;
  readonly offset: number;
  readonly sender: string;
  readonly dialect: string;
  readonly decided: number;
  readonly committed: number;
  readonly encoded: number;
  readonly written: number;
  readonly receivers: number;
  readonly acknowledged: readonly Acknowledged[]; // at most eight
}

/** When the kernel of a receiver had it; null: not yet, not within ten seconds, or never known since it is `secure`. */
export interface Acknowledged {
  readonly connection: string;
  readonly user: string | null;
  readonly dialect: string;
  readonly took: number | null;
  readonly secure: boolean; // over TLS
}

/** `GET /api/v1/admin/why?name=`: why somebody's chat is slow; the verdict of whichever connection is worst off. */
export interface WhyView {
  readonly name: string;
  readonly user_id: number;
  readonly account: boolean;
  readonly online: boolean;
  readonly verdict: Verdict;
  readonly total: number; // connections, also those past the first hundred
  readonly connections: readonly Device[];
  readonly source: string; // where the figures come from, in English
}

/** One connection of that person. */
export interface Device {
  readonly id: number; // as in `ConnectionRow`
  readonly name: string;
  readonly rooms: readonly string[];
  readonly dialect: "text" | "json" | "protobuf" | "ndjson" | "websocket";
  readonly address: string;
  readonly secure: boolean;
  readonly queued: number;
  readonly held_back: number; // requests that wait for their rate
  readonly verdict: Verdict;
  readonly line: Line | null; // null: the kernel does not tell
}
