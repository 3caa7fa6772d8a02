// What hands need of a conversation. It is fetched with the first sign of them, wherever that is: none of them is at
// a message, or has written a name, before it has come.

import { tellMissing } from "../shell/missing";
import { chat } from "../state/chat.svelte";

type Parts = typeof import("./parts");

const signs = ["pointermove", "pointerdown", "keydown"] as const;
const again = 2000; // milliseconds, where it could not be had
const often = 3; // so many times in vain while there is a line

let parts = $state.raw<Parts | null>(null);
let vain = 0;

export const later = {
  /** What is there so far. */
  get parts(): Parts | null {
    return parts;
  },
  // What it did not get, Chromium asks for again. Firefox does not, as long as the page stands: only a reload helps.
  async load(): Promise<Parts> {
    try {
      parts ??= await import("./parts");
    } catch (error) {
      if (chat.line === "online" && ++vain === often) tellMissing();
      throw error;
    }
    return parts;
  },
  /** Wait for the first sign of somebody; until the function that is returned is called. */
  expect(): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const seen = (): void => {
      stop();
      later.load().catch(() => (timer = setTimeout(watch, again)));
    };
    const watch = (): void => signs.forEach((sign) => addEventListener(sign, seen, { capture: true, passive: true }));
    const stop = (): void => {
      clearTimeout(timer);
      for (const sign of signs) removeEventListener(sign, seen, true);
    };
    watch();
    return stop;
  },
};
