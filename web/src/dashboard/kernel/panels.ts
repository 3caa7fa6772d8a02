// The charts of what the kernel sees. Each where there are figures for it.

import { type Panel, units } from "../panels";
import type { Source } from "./shapes";

const waits: Panel = {
  id: "run-queue",
  title: "runQueue",
  unit: units.duration,
  series: [
    { name: "run_wait_p99", label: "runWaitP99", colour: 1 },
    { name: "lag_p99", label: "lagP99", colour: 2 },
    { name: "run_delayed", label: "runDelayed", colour: 3 },
  ],
};

const disk: Panel = {
  id: "kernel-disk",
  title: "diskByKernel",
  unit: units.duration,
  series: [
    { name: "kernel_sync_p99", label: "kernelSyncP99", colour: 1 },
    { name: "sync_p99", label: "syncSeenP99", colour: 3 },
    { name: "commit_p99", label: "commitP99", colour: 2 },
  ],
};

const sends: Panel = {
  id: "sends",
  title: "sends",
  unit: units.rate,
  series: [{ name: "sends", label: "sends", colour: 3, filled: true }],
};

const sendBytes: Panel = {
  id: "send-bytes",
  title: "sendBytes",
  unit: units.byteRate,
  series: [{ name: "send_bytes", label: "sendBytes", colour: 4, filled: true }],
};

const rtt: Panel = {
  id: "rtt",
  title: "rttMedian",
  unit: units.duration,
  series: [{ name: "rtt_median", label: "rttShort", colour: 6, filled: true }],
};

export function kernelPanels(source: Source): readonly Panel[] {
  return [waits, ...(source.everything ? [disk] : []), ...(source.probes ? [sends, sendBytes] : []), rtt];
}
