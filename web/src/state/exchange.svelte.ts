// Who keeps the files that go from person to person is fetched with the first of them. What is told meanwhile waits,
// in its order: nothing of it is lost while the line is down, or the part cannot be had. Firefox asks for a part that it
// did not get once more only after a reload; the server tells all that stands again then.

import { Backoff } from "../wire/backoff";
import type { Chunk } from "../wire/chunks";
import type { Line } from "../wire/line";
import type { Arrival } from "./arrivals";
import type { Me, Offer, Person } from "./contract";
import type { Offers } from "./offers.svelte";

const none: readonly Offer[] = [];

export class Exchange {
  private offers = $state.raw<Offers | null>(null);
  private waiting: Arrival[] = [];
  private readonly backoff = new Backoff();
  private again: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly line: Line,
    private readonly me: () => Me | null,
    private readonly part = () => import("./offers.svelte"),
  ) {}

  get all(): readonly Offer[] {
    return this.offers?.all ?? none;
  }

  async offer(to: Pick<Person, "id" | "name">, file: File): Promise<Offer> {
    return (await this.load()).offer(to, file);
  }

  take(arrival: Arrival): void {
    if (this.offers !== null) return this.offers.take(arrival);
    if (arrival.name !== "file_offer" && this.waiting.length === 0) return; // of none that is known
    this.waiting.push(arrival);
    if (this.waiting.length === 1) void this.fetch();
  }

  chunk(chunk: Chunk): void {
    this.offers?.chunk(chunk); // of a file that was accepted
  }

  /** What waits is told again after the login, as far as it stands. */
  dropped(): void {
    this.forget();
    this.offers?.dropped();
  }

  resume(): void {
    this.offers?.resume();
  }

  clear(): void {
    this.forget();
    this.offers?.clear();
  }

  private forget(): void {
    clearTimeout(this.again);
    this.waiting = [];
  }

  private async fetch(): Promise<void> {
    try {
      await this.load();
    } catch {
      clearTimeout(this.again);
      if (this.waiting.length > 0) this.again = setTimeout(() => void this.fetch(), this.backoff.next());
    }
  }

  private async load(): Promise<Offers> {
    const part = await this.part();
    if (this.offers === null) {
      this.offers = new part.Offers(this.line, this.me);
      for (const arrival of this.waiting) this.offers.take(arrival);
      this.waiting = [];
    }
    return this.offers;
  }
}
