// The figures of now: what a tile says, and from when on it deserves a colour.

import { bytes, micros, number, short } from "../text/figures";
import { t } from "../text/dashboard";
import type { Sample } from "./feed";
import type { Hour, Name, Value } from "./hour";
import type { Key } from "./panels";
import { units } from "./panels";

/** good: as it should be, or nothing that one could say so of. */
export type Tone = "good" | "noteworthy" | "bad";

export interface Tile {
  readonly id: string;
  readonly title: Key;
  readonly value: string;
  readonly detail: string;
  readonly tone: Tone;
  /** What the small history shows, added up: all that the figure counts. */
  readonly history: readonly Name[];
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** A latency is shown for so long after it was measured: not every second has something to measure. */
const FRESH = 10_000;
const MIB = 1_048_576;

/** Where a figure becomes noteworthy, and where it is bad. */
export const thresholds = {
  delivery: [50_000, 250_000], // µs: people begin to notice; a conversation limps
  commit: [100_000, 1_000_000], // µs: a busy disk; a disk in trouble
  lag: [25_000, 250_000], // µs: everything waits for so long
  cpu: [800, 950], // thousandths of a core: one loop cannot do more than one
  queued: [16 * MIB, 256 * MIB], // bytes
  refusals: [10, 1_000], // in a minute: somebody tries; somebody attacks, or a client is broken
} as const;

const dialects = ["websocket", "text", "json", "ndjson", "protobuf", "http", "relay"] as const;

export function tiles(hour: Hour): readonly Tile[] {
  const sample = hour.latest;
  if (sample === null) return [];
  const all = dialects.map((name) => [name, sample[`connections_${name}`] ?? 0] as const);
  const fresh = sample.connections_new ?? 0;
  const recent = (name: Name): Value => hour.recent(name, FRESH);
  const limited = hour.sum("rate_limited", MINUTE);
  const refused = hour.sum("refused", MINUTE);
  const logins = hour.sum("logins_failed", MINUTE);
  const errors = hour.sum("errors", MINUTE);
  const compactions = hour.sum("compactions", HOUR);

  return [
    tile("people", "people", short(sample.people), "", "people"),
    tile(
      "connections",
      "connections",
      short(all.reduce((sum, [, count]) => sum + count, fresh)),
      [...all.map(([name, count]) => [t(name), count] as const), [t("fresh"), fresh] as const]
        .filter(([, count]) => count > 0)
        .map(([name, count]) => `${name} ${short(count)}`)
        .join(" · "),
      [...all.map(([name]) => `connections_${name}` as const), "connections_new"],
    ),
    tile("messages", "messages", units.rate.text(sample.messages), "", "messages"),
    tile("deliveries", "deliveries", units.rate.text(sample.deliveries), "", "deliveries"),
    tile(
      "delivery",
      "deliveryLatency",
      duration(recent("delivery_p99")),
      t("ofP50", { value: duration(recent("delivery_p50")) }),
      "delivery_p99",
      tone(recent("delivery_p99"), thresholds.delivery),
    ),
    tile(
      "commit",
      "commitLatency",
      duration(recent("commit_p99")),
      recent("sync_p50") === null
        ? t("ofP50", { value: duration(recent("commit_p50")) })
        : t("ofDisk", { value: duration(recent("commit_p50")), disk: duration(recent("sync_p50")) }),
      "commit_p99",
      tone(recent("commit_p99"), thresholds.commit),
    ),
    tile(
      "lag",
      "lag",
      duration(recent("lag_p99")),
      t("ofLargest", { value: duration(recent("lag_max")) }),
      "lag_max",
      tone(recent("lag_p99"), thresholds.lag),
    ),
    tile("memory", "memory", bytes(sample.memory), "", "memory"),
    tile("cpu", "cpu", units.cpu.text(sample.cpu), t("ofOneCore"), "cpu", tone(sample.cpu, thresholds.cpu)),
    tile(
      "slow",
      "slow",
      number(sample.slow),
      t("ofQueued", { value: bytes(sample.queued) }),
      "queued",
      sample.slow > 0 ? worse("noteworthy", tone(sample.queued, thresholds.queued)) : "good",
    ),
    tile("transfers", "transfers", number(sample.transfers), units.byteRate.text(sample.transfer_bytes), "transfer_bytes"),
    tile("log", "logSize", sample.log_bytes > 0 ? bytes(sample.log_bytes) : t("nothing"), log(sample, compactions), "log_bytes"),
    tile(
      "refusals",
      "refusalsNow",
      number(limited + refused + logins),
      t("ofMinute", { limited: number(limited), refused: number(refused), logins: number(logins) }),
      ["rate_limited", "refused", "logins_failed"],
      tone(limited + refused + logins, thresholds.refusals),
    ),
    tile("errors", "errors", number(errors), t("inMinute"), "errors", errors > 0 ? "bad" : "good"),
  ];
}

function tile(
  id: string,
  title: Key,
  value: string,
  detail: string,
  history: Name | readonly Name[],
  tone: Tone = "good",
): Tile {
  return { id, title, value, detail, tone, history: [history].flat() };
}

function log(sample: Sample, compactions: number): string {
  if (sample.log_bytes === 0) return t("noLog");
  return sample.compacting > 0 ? t("compacting") : t("compactions", { n: Math.round(compactions) });
}

export function tone(value: Value, [noteworthy, bad]: readonly [number, number]): Tone {
  if (value === null || value < noteworthy) return "good";
  return value < bad ? "noteworthy" : "bad";
}

function worse(one: Tone, other: Tone): Tone {
  return one === "bad" || other === "bad" ? "bad" : one === "good" ? other : one;
}

const duration = (value: Value): string => (value === null ? t("nothing") : micros(value));

/** The path of a small history in a box of 100 × 24: the last `age` milliseconds, from 0 up. */
export function sparkline(hour: Hour, names: readonly Name[], age: number): string {
  const [first, last] = hour.rows(hour.end - age, hour.end);
  const columns = names.map((name) => hour.column(name));
  /** Null: nothing was measured. */
  const at = (row: number): Value =>
    columns.reduce<Value>((sum, column) => (column[row] == null ? sum : (sum ?? 0) + column[row]), null);
  let max = 0;
  for (let row = first; row <= last; row++) max = Math.max(max, at(row) ?? 0);
  let path = "";
  let pen = false;
  for (let row = first; row <= last; row++) {
    const value = at(row);
    if (value === null) {
      pen = false;
      continue;
    }
    const x = 100 - ((hour.end - hour.times[row]!) / age) * 100;
    const y = max === 0 ? 23 : 23 - (value / max) * 22;
    path += `${pen ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}${pen ? "" : "h.4"}`; // one value alone is a dot
    pen = true;
  }
  return path;
}
