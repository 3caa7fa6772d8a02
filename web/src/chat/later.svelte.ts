// What hands need of a conversation. It is fetched with the first sign of them, wherever that is: none of them is at
// a message, or has written a name, before it has come.

type Parts = typeof import("./parts");

const signs = ["pointermove", "pointerdown", "keydown"] as const;
const again = 2000; // milliseconds, where it could not be had

let parts = $state.raw<Parts | null>(null);

export const later = {
  /** What is there so far. */
  get parts(): Parts | null {
    return parts;
  },
  // A browser asks once for what is there, and again for what it did not get.
  async load(): Promise<Parts> {
    parts ??= await import("./parts");
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
