import { beforeAll, expect, test, vi } from "vitest";
import type { Past, Sample } from "./feed";
import { Hour } from "./hour";

vi.stubGlobal("document", { documentElement: { lang: "" } });
vi.stubGlobal("navigator", { language: "en-US" });
let made: typeof import("./tiles");
beforeAll(async () => {
  made = await import("./tiles");
});

const none = { server: "", version: "", started: 0, every: 1_000, columns: { at: [] } } as unknown as Past;
const quiet: Omit<Sample, "at"> = {
  people: 3,
  people_text: 1,
  people_json: 0,
  people_protobuf: 0,
  people_ndjson: 0,
  people_websocket: 2,
  connections_text: 1,
  connections_json: 0,
  connections_protobuf: 0,
  connections_ndjson: 0,
  connections_websocket: 2,
  connections_http: 1,
  connections_relay: 0,
  connections_new: 0,
  messages: 0,
  deliveries: 0,
  delivery_p50: null,
  delivery_p99: null,
  commit_p50: null,
  commit_p99: null,
  sync_p50: null,
  sync_p99: null,
  lag_p99: 200,
  lag_max: 900,
  memory: 64 * 1_048_576,
  cpu: 12,
  slow: 0,
  queued: 0,
  transfers: 0,
  transfer_bytes: 0,
  log_bytes: 0,
  compacting: 0,
  compactions: 0,
  rate_limited: 0,
  refused: 0,
  logins_failed: 0,
  errors: 0,
  sends: null,
  send_bytes: null,
  run_wait_p99: null,
  run_delayed: 0,
  kernel_sync_p99: null,
  rtt_median: null,
};

function shown(...seconds: readonly Partial<Sample>[]): Record<string, readonly [string, string, string]> {
  const hour = new Hour();
  hour.replace(none);
  seconds.forEach((others, n) => hour.add({ ...quiet, at: (n + 1) * 1_000, ...others }));
  return Object.fromEntries(made.tiles(hour).map(({ id, value, detail, tone }) => [id, [value, detail, tone]]));
}

test("nothing is known yet: nothing is shown", () => expect(made.tiles(new Hour())).toEqual([]));

test("a quiet server", () => {
  const tiles = shown({});
  expect(tiles["people"]).toEqual(["3", "", "good"]);
  expect(tiles["connections"]).toEqual(["4", "WebSocket 2 · Text 1 · HTTP 1", "good"]);
  expect(tiles["delivery"]).toEqual(["–", "p99; p50 –", "good"]);
  expect(tiles["lag"]).toEqual(["200 µs", "p99; largest 900 µs", "good"]);
  expect(tiles["memory"]![0]).toBe("64 MiB");
  expect(tiles["cpu"]![0]).toBe("1.2 %");
  expect(tiles["log"]).toEqual(["–", "in memory only", "good"]);
  expect(Object.values(tiles).filter(([, , tone]) => tone !== "good")).toEqual([]);
});

test("a latency is shown for some seconds after it was measured, then no more", () => {
  const measured = { delivery_p50: 300, delivery_p99: 60_000 };
  expect(shown(measured, {}, {})["delivery"]).toEqual(["60 ms", "p99; p50 300 µs", "noteworthy"]);
  expect(shown(measured, ...Array.from({ length: 10 }, () => ({})))["delivery"]![0]).toBe("–");
});

test("what is bad says so", () => {
  const tiles = shown({ slow: 2, queued: 300 * 1_048_576, lag_p99: 250_000, cpu: 800, errors: 1, refused: 10 });
  expect(tiles["slow"]).toEqual(["2", "300 MiB queued", "bad"]);
  expect([tiles["lag"]![2], tiles["cpu"]![2], tiles["errors"]![2]]).toEqual(["bad", "noteworthy", "bad"]);
  expect(tiles["refusals"]).toEqual(["10", "0 limited, 10 refused, 0 failed logins", "noteworthy"]);
  expect(shown({ slow: 1 })["slow"]![2]).toBe("noteworthy");
});

test("the log says what is done with it", () => {
  const log_bytes = 1_048_576;
  expect(shown({ log_bytes, compactions: 1 })["log"]!.slice(0, 2)).toEqual(["1 MiB", "1 compaction in the last hour"]);
  expect(shown({ log_bytes, compacting: 1 })["log"]![1]).toBe("compacting");
});

test("a small history begins anew behind a hole", () => {
  const hour = new Hour();
  hour.replace(none);
  for (const [at, messages] of [[1, 0], [2, 10], [9, 5], [10, 10]] as const) {
    hour.add({ ...quiet, at: at * 1_000, messages });
  }
  expect(made.sparkline(hour, ["messages"], 10_000)).toBe("M10.0 23.0h.4L20.0 1.0M90.0 12.0h.4L100.0 1.0");
});

test("a small history is of all that the figure counts", () => {
  const hour = new Hour();
  hour.replace(none);
  hour.add({ ...quiet, at: 1_000, connections_websocket: 0, connections_http: 0 });
  hour.add({ ...quiet, at: 2_000, connections_text: 0, connections_new: 1, refused: 2, logins_failed: 2 });
  const path = (id: string): string => {
    const { history } = made.tiles(hour).find((tile) => tile.id === id)!;
    return made.sparkline(hour, history, 1_000);
  };
  expect(path("connections")).toBe("M0.0 17.5h.4L100.0 1.0"); // 1, then 4
  expect(path("refusals")).toBe("M0.0 23.0h.4L100.0 1.0");
});
