// Names that tabs hold, where the browser denies them.

import { afterEach, expect, test, vi } from "vitest";
import { hold, whenGone } from "./tabs";

afterEach(() => void vi.unstubAllGlobals());

test("where locks are denied nobody holds a name, and whoever waits for one goes on, once", async () => {
  vi.stubGlobal("navigator", { locks: { request: () => Promise.reject(new DOMException("", "SecurityError")) } });
  const gone = vi.fn();
  hold("a");
  whenGone("a", gone);
  await new Promise((resolve) => setTimeout(resolve)); // what nobody catches fails the run
  expect(gone).toHaveBeenCalledOnce();
});
