// What has arrived is taken in once a frame, however much it is: 500 messages a second are 60 updates.
//
// Frames do not come to a hidden page, so there a timer takes their place. What took longer than its share of
// a frame goes on in the next one, so that typing is answered meanwhile.

const SHARE = 8; // milliseconds of a frame
const HIDDEN = 100; // milliseconds between two looks at what arrived, while nobody looks

export class Batch<T> {
  private queue: T[] = [];
  private next = 0;
  private cancel: (() => void) | null = null;

  /** `take` is given one after the other, `done` comes when a frame's share is taken in. */
  constructor(
    private readonly take: (item: T) => void,
    private readonly done: () => void,
  ) {
    document.addEventListener("visibilitychange", () => {
      if (this.cancel === null) return;
      this.cancel(); // a frame that was asked for does not come any more
      this.cancel = null;
      this.plan();
    });
  }

  push(item: T): void {
    this.queue.push(item);
    this.plan();
  }

  /** Take everything in that has arrived so far: before an answer that came behind it. */
  flush(): void {
    this.run(Infinity);
  }

  private plan(): void {
    if (this.cancel !== null) return;
    const run = (): void => {
      this.cancel = null;
      this.run(performance.now() + SHARE);
    };
    if (document.visibilityState === "hidden") {
      const timer = setTimeout(run, HIDDEN);
      this.cancel = () => clearTimeout(timer);
    } else {
      const frame = requestAnimationFrame(run);
      this.cancel = () => cancelAnimationFrame(frame);
    }
  }

  private run(until: number): void {
    if (this.next === this.queue.length) return;
    try {
      while (this.next < this.queue.length) {
        this.take(this.queue[this.next++]!);
        if (until !== Infinity && this.next % 32 === 0 && performance.now() >= until) break;
      }
    } finally {
      if (this.next === this.queue.length) {
        this.queue = [];
        this.next = 0;
      } else if (this.next > 1024) {
        this.queue = this.queue.slice(this.next);
        this.next = 0;
      }
      if (this.queue.length > 0) this.plan();
      this.done();
    }
  }
}
