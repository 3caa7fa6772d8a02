// How long to wait before dialling again: capped exponential backoff with full jitter, so that thousands of
// pages whose server was restarted do not come back in the same second.

export const FIRST_WAIT = 500; // milliseconds: the most that is waited after one failure
export const LONGEST_WAIT = 15_000;

export class Backoff {
  private failures = 0;

  /** `random` gives numbers in [0, 1). */
  constructor(private readonly random: () => number = Math.random) {}

  /** Milliseconds until the next try. `atLeast`: what the server asked for, in milliseconds. */
  next(atLeast = 0): number {
    const most = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(this.failures, 20));
    this.failures += 1;
    return atLeast + this.random() * most;
  }

  reset(): void {
    this.failures = 0;
  }
}
