// What a request ends with when it does not succeed: the server's refusal, or what became of the line.

import type { Refused } from "../state/contract";

export class Refusal extends Error implements Refused {
  override readonly name = "Refusal";

  constructor(
    readonly code: string,
    message: string,
    readonly field: string | undefined = undefined,
    readonly limit: string | undefined = undefined,
    readonly retryAfter: number | undefined = undefined,
  ) {
    super(message);
  }

  /** Of the JSON that the server said it with, on the WebSocket or by HTTP; whatever it is, it becomes one. */
  static of(data: unknown, fallback = "The server refused."): Refusal {
    const told = (typeof data === "object" && data !== null ? data : {}) as Record<string, unknown>;
    const text = (name: string): string | undefined => {
      const value = told[name];
      return typeof value === "string" ? value : undefined;
    };
    const wait = told["retry_after"];
    return new Refusal(
      text("code") ?? "internal",
      text("message") ?? fallback,
      text("field"),
      text("limit"),
      typeof wait === "number" ? wait : undefined,
    );
  }

  /** The line dropped, or there is none: nobody knows whether the request had an effect. */
  static offline(): Refusal {
    return new Refusal("offline", "There is no line to the server.");
  }

  /** It may be answered yet; nobody waits for it any more. */
  static timeout(): Refusal {
    return new Refusal("timeout", "The server did not answer in time.");
  }
}

const passing = new Set(["offline", "timeout", "rate_limited", "read_only", "internal"]);

/** Whether the same request may succeed later, without anybody doing something. */
export function willPass(error: unknown): boolean {
  return error instanceof Refusal && passing.has(error.code);
}
