// Whether a line is alive, with a clock and a socket that the test moves: a half-open one says nothing for ever.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Line, type Listener } from "./line";

/** A socket that stands at once, and then is silent. */
class Silent {
  static readonly OPEN = 1;
  static made: Silent[] = [];
  readyState = 0;
  onopen: (() => void) | null = null;
  onclose: ((close: { code: number }) => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  readonly asked: string[] = [];

  constructor() {
    Silent.made.push(this);
    queueMicrotask(() => {
      this.readyState = Silent.OPEN;
      this.onopen?.();
    });
  }

  send(text: string): void {
    this.asked.push((JSON.parse(text) as { action: string }).action);
  }

  close(): void {
    this.readyState = 3;
  }
}

const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
let dropped = 0;
const listener: Listener = { opened() {}, event() {}, chunk() {}, dropped: () => void dropped++, ended() {}, state() {} };

/** A minute of a page in the background: browsers let its timers run once in it. */
async function minute(): Promise<void> {
  vi.setSystemTime(Date.now() + 58_000);
  await vi.advanceTimersByTimeAsync(2_000); // the tick finds that the clock jumped
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Silent);
  vi.stubGlobal("document", page);
  vi.stubGlobal("addEventListener", () => {});
  vi.stubGlobal("removeEventListener", () => {});
  Silent.made = [];
  dropped = 0;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test.each(["replaced", "policy", "disabled"])("who is sent away as %s is told so, and does not come back", async (reason) => {
  const ends: string[] = [];
  const line = new Line("ws://localhost/ws", { ...listener, ended: (told) => void ends.push(told) });
  line.open();
  await vi.advanceTimersByTimeAsync(0);
  const [socket] = Silent.made;
  const data = JSON.stringify({ id: "n1", type: "notification", event: "going_away", data: { reason } });
  socket!.onmessage?.({ data });
  socket!.onclose?.({ code: 1008 });
  await minute();
  expect([ends, Silent.made.length]).toEqual([[reason], 1]);
});

test.each(["visible", "hidden"])("a line that says nothing is asked, and dialled again, while the page is %s", async (state) => {
  page.visibilityState = state;
  const line = new Line("ws://localhost/ws", listener);
  line.open();
  await vi.advanceTimersByTimeAsync(0);
  expect(Silent.made.length).toBe(1);
  for (let i = 0; i < 5; i++) await minute();
  expect(Silent.made[0]!.asked).toContain("ping");
  expect(dropped).toBeGreaterThan(0);
  expect(Silent.made.length).toBeGreaterThan(1);
  line.close();
});
