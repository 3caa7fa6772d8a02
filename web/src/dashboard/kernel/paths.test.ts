import { expect, test } from "vitest";
import { atReceivers, bar, inServer, lastThere, missing, pending } from "./paths";
import type { Acknowledged, Path } from "./shapes";

const path = (took: readonly (number | null)[], others: object = {}): Path =>
  ({
    at: 1_000,
    decided: 100,
    committed: 400,
    encoded: 500,
    written: 1_000,
    acknowledged: took.map((one) => ({ took: one })),
    ...others,
  }) as unknown as Path;

test("each stage begins where the one before ended, and all of them fill the width", () => {
  const bars = inServer(path([]));
  expect(bars.map(({ stage, left, width }) => [stage, left, width])).toEqual([
    ["decided", 0, 0.1],
    ["committed", 0.1, 0.3],
    ["encoded", 0.4, 0.1],
    ["written", 0.5, 0.5],
  ]);
});

test("a stage that was passed over takes no time", () => {
  const bars = inServer(path([], { encoded: 0 }));
  expect([bars[2]!.from, bars[2]!.to, bars[3]!.from]).toEqual([400, 400, 400]);
});

test("receivers are on a scale of their own", () => {
  const bars = atReceivers(path([2_000, null, 40_000, 300]));
  expect(bars[0]).toEqual({ from: 500, to: 2_000, left: 500 / 40_000, width: 1_500 / 40_000 });
  expect(bars[1]).toBeNull();
  expect(bars[2]!.left + bars[2]!.width).toBe(1);
  expect([bars[3]!.from, bars[3]!.to]).toEqual([300, 300]);
  expect([lastThere(path([null])), lastThere(path([3, null, 9]))]).toEqual([null, 9]);
});

test("a bar stays in its box", () => {
  expect(bar(-5, 200, 100)).toEqual({ from: -5, to: 200, left: 0, width: 1 });
  expect(bar(0, 0, 0).width).toBe(0);
});

test("an acknowledgement is waited for for ten seconds", () => {
  expect([pending(path([]), 10_999), pending(path([]), 11_000)]).toEqual([true, false]);
});

test("why there is no time is said: over TLS there never is one", () => {
  const [late, secure] = [{ secure: false }, { secure: true }] as unknown as readonly Acknowledged[];
  expect(missing(path([]), late!, 2_000)).toBe("notYet");
  expect(missing(path([]), late!, 99_000)).toBe("notThere");
  expect(missing(path([]), secure!, 2_000)).toBe("notOverTls");
});
