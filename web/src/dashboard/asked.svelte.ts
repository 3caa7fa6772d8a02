// What the server is asked for again and again, for as long as somebody can see the answer.

const EVERY = 2_000; // milliseconds

export class Asked<T> {
  /** The last answer; null: none yet. */
  answer = $state.raw<T | null>(null);
  /** When that came, milliseconds since 1970. */
  at = $state(Date.now());
  /** Why the last time failed; null: it did not. */
  failure = $state<string | null>(null);
  /** Whether what shows it is in sight. */
  inSight = $state(false);
  #pageShown = $state(!document.hidden);
  #renewed = $state(0);

  /** `ask` is called at once when anything changes that it reads; `on`: the line is there. To be made by a component. */
  constructor(ask: (signal: AbortSignal) => Promise<T>, on: () => boolean) {
    $effect(() => {
      const changed = (): void => void (this.#pageShown = !document.hidden);
      document.addEventListener("visibilitychange", changed);
      return () => document.removeEventListener("visibilitychange", changed);
    });
    $effect(() => {
      if (!this.inSight || !this.#pageShown || !on()) return;
      void this.#renewed;
      const aborting = new AbortController();
      let timer = 0;
      const again = async (): Promise<void> => {
        try {
          this.answer = await ask(aborting.signal);
          this.at = Date.now();
          this.failure = null;
        } catch (error) {
          if (aborting.signal.aborted) return;
          this.failure = error instanceof Error ? error.message : String(error);
        }
        if (!aborting.signal.aborted) timer = window.setTimeout(() => void again(), EVERY);
      };
      void again();
      return () => {
        aborting.abort();
        window.clearTimeout(timer);
      };
    });
  }

  /** Ask now. */
  renew(): void {
    this.#renewed++;
  }
}
