// Requests that wait for their answers: by id, each with a deadline, all of them lost with the line.

import { newId } from "./ids";
import { Refusal } from "./refusal";

export const PATIENCE = 20_000; // milliseconds until a request is given up

interface Waiting {
  readonly resolve: (data: unknown) => void;
  readonly reject: (error: Refusal) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class Requests {
  private readonly waiting = new Map<string, Waiting>();

  get open(): number {
    return this.waiting.size;
  }

  /** The text of a request, and its answer to come. Rejects with a Refusal. */
  ask(action: string, payload: object, id = newId(), patience = PATIENCE): [string, Promise<unknown>] {
    const answer = new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => this.settle(id)?.reject(Refusal.timeout()), patience);
      this.settle(id)?.reject(Refusal.offline()); // the same id asked twice: the later one is answered
      this.waiting.set(id, { resolve, reject, timer });
    });
    return [JSON.stringify({ id, type: "request", action, payload }), answer];
  }

  /** A response or an error came. */
  answered(id: string | null, data: unknown, refused: boolean): void {
    const waiting = this.settle(id ?? "");
    if (refused) waiting?.reject(Refusal.of(data));
    else waiting?.resolve(data);
  }

  lost(): void {
    for (const id of [...this.waiting.keys()]) this.settle(id)?.reject(Refusal.offline());
  }

  private settle(id: string): Waiting | undefined {
    const waiting = this.waiting.get(id);
    if (waiting === undefined) return undefined;
    this.waiting.delete(id);
    clearTimeout(waiting.timer);
    return waiting;
  }
}
