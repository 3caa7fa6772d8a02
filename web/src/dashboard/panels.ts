// Which figures stand where: the charts and the tiles, their units, and from when on a figure is a bad one.

import { bytes, micros, number, short } from "../text/figures";
import { t } from "../text/dashboard";
import type en from "../text/en/dashboard";
import type { Name } from "./hour";

export type Key = keyof typeof en;

export interface Unit {
  /** A value with its unit. */
  readonly text: (value: number) => string;
  /** The same for an axis, where there is little room. */
  readonly axis?: (value: number) => string;
  /** Steps of the axis are powers of two. */
  readonly binary?: boolean;
  /** An axis reaches at least up to here. */
  readonly least: number;
  /** There is nothing between two whole ones. */
  readonly whole?: boolean;
}

const perSecond = (text: string): string => t("perSecond", { value: text });

export const units = {
  count: { text: short, least: 4, whole: true },
  rate: { text: (value) => perSecond(short(value)), axis: short, least: 4 },
  duration: { text: micros, least: 1_000 },
  bytes: { text: bytes, least: 1_024, binary: true },
  byteRate: { text: (value) => perSecond(bytes(value)), axis: bytes, least: 1_024, binary: true },
  cpu: { text: (value) => `${number(value / 10, value < 100 ? 1 : 0)} %`, least: 100 },
} satisfies Record<string, Unit>;

export interface Series {
  readonly name: Name;
  readonly label: Key;
  /** One of the colours `--series-1` …; the most important first. */
  readonly colour: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;
  readonly filled?: boolean;
}

export interface Panel {
  readonly id: string;
  readonly title: Key;
  readonly unit: Unit;
  readonly series: readonly Series[];
  /** Seconds in which this is not 0 have a ground of their own. */
  readonly shaded?: { readonly name: Name; readonly label: Key };
}

export const panels: readonly Panel[] = [
  {
    id: "messages",
    title: "messages",
    unit: units.rate,
    series: [{ name: "messages", label: "messages", colour: 1, filled: true }],
  },
  {
    id: "deliveries",
    title: "deliveries",
    unit: units.rate,
    series: [{ name: "deliveries", label: "deliveries", colour: 3, filled: true }],
  },
  {
    id: "delivery",
    title: "deliveryLatency",
    unit: units.duration,
    series: [
      { name: "delivery_p50", label: "p50", colour: 1 },
      { name: "delivery_p99", label: "p99", colour: 2 },
    ],
  },
  {
    id: "commit",
    title: "commitLatency",
    unit: units.duration,
    series: [
      { name: "commit_p50", label: "p50", colour: 1 },
      { name: "commit_p99", label: "p99", colour: 2 },
      { name: "sync_p99", label: "syncP99", colour: 3 },
    ],
  },
  {
    id: "lag",
    title: "lag",
    unit: units.duration,
    series: [
      { name: "lag_p99", label: "p99", colour: 1 },
      { name: "lag_max", label: "largest", colour: 2 },
    ],
  },
  {
    id: "connections",
    title: "peopleAndConnections",
    unit: units.count,
    series: [
      { name: "people", label: "people", colour: 1, filled: true },
      { name: "connections_websocket", label: "websocket", colour: 2 },
      { name: "connections_text", label: "text", colour: 3 },
      { name: "connections_json", label: "json", colour: 4 },
      { name: "connections_ndjson", label: "ndjson", colour: 5 },
      { name: "connections_protobuf", label: "protobuf", colour: 6 },
      { name: "connections_http", label: "http", colour: 7 },
      { name: "connections_new", label: "fresh", colour: 8 },
    ],
  },
  {
    id: "cpu",
    title: "cpu",
    unit: units.cpu,
    series: [{ name: "cpu", label: "cpu", colour: 1, filled: true }],
  },
  {
    id: "memory",
    title: "memory",
    unit: units.bytes,
    series: [{ name: "memory", label: "memory", colour: 4, filled: true }],
  },
  {
    id: "queued",
    title: "queued",
    unit: units.bytes,
    series: [{ name: "queued", label: "queued", colour: 2, filled: true }],
  },
  {
    id: "transfers",
    title: "fileBytes",
    unit: units.byteRate,
    series: [{ name: "transfer_bytes", label: "fileBytes", colour: 3, filled: true }],
  },
  {
    id: "log",
    title: "logSize",
    unit: units.bytes,
    series: [{ name: "log_bytes", label: "logSize", colour: 1, filled: true }],
    shaded: { name: "compacting", label: "compacting" },
  },
  {
    id: "refusals",
    title: "refusals",
    unit: units.rate,
    series: [
      { name: "rate_limited", label: "rateLimited", colour: 5 },
      { name: "refused", label: "refused", colour: 2 },
      { name: "logins_failed", label: "loginsFailed", colour: 6 },
      { name: "errors", label: "errors", colour: 7 },
    ],
  },
];
