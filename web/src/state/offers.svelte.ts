// Files that go from person to person: offered, accepted, carried in chunks over the line, both ways.
//
// What carries the bytes is fetched with the first file. After a dropped line a transfer goes on where it stopped:
// the sender offers the file anew, and the receiver, who has accepted once, takes the rest by itself.

import type { Line } from "../wire/line";
import type { Chunk } from "../wire/chunks";
import type { Events } from "../wire/types";
import type { Arrival } from "./arrivals";
import type { Me, Offer, Person } from "./contract";
import type { Incoming } from "./incoming";
import type { Outgoing } from "./outgoing";

const MOST = 100; // offers that are listed; over, those go that are over
const SHOWN_EVERY = 100; // milliseconds between two figures of progress

export class LiveOffer implements Offer {
  state = $state<Offer["state"]>("offered");
  moved = $state(0);
  error = $state<string | null>(null);
  reason = $state<string | null>(null);
  /** Whether this page has accepted it: the rest of it is then taken without asking. */
  accepted = false;
  incoming: Incoming | null = null;
  outgoing: Outgoing | null = null;
  private shown = 0;

  constructor(
    readonly id: string,
    readonly from: string,
    readonly to: string,
    readonly filename: string,
    readonly size: number,
    readonly own: boolean,
    readonly filetype: string,
    readonly sha256: string | null,
    private readonly offers: Offers,
  ) {}

  get over(): boolean {
    return this.state === "done" || this.state === "failed" || this.state === "declined";
  }

  accept(): Promise<void> {
    return this.offers.accept(this);
  }

  async decline(): Promise<void> {
    await this.offers.line.request("file_decline", { offer: this.id });
    this.offers.remove(this);
  }

  async cancel(): Promise<void> {
    if (!this.over) await this.offers.line.request("file_cancel", { offer: this.id });
    this.end("failed", null);
    this.offers.remove(this);
  }

  progress(bytes: number): void {
    const now = performance.now();
    if (now - this.shown < SHOWN_EVERY && bytes < this.size) return;
    this.shown = now;
    this.moved = bytes;
  }

  end(state: "done" | "failed" | "declined", error: string | null): void {
    this.state = state;
    this.error = error;
    this.letGo();
    if (state === "done") this.moved = this.size;
  }

  /** Nothing more goes, or comes. */
  letGo(): void {
    this.incoming?.drop();
    this.incoming = null;
    this.outgoing?.stop();
  }
}

export class Offers {
  all = $state.raw<readonly LiveOffer[]>([]);

  constructor(
    readonly line: Line,
    private readonly me: () => Me | null,
  ) {}

  async offer({ id, name: to }: Pick<Person, "id" | "name">, file: File): Promise<LiveOffer> {
    const { digestOf, Outgoing } = await import("./outgoing");
    const sha256 = await digestOf(file);
    const about = { filename: file.name, size: file.size, ...(file.type === "" ? {} : { filetype: file.type }) };
    const digest = sha256 === null ? {} : { sha256 };
    const { offer, keep } = await this.line.request("file_offer", { to, to_id: id, ...about, ...digest });
    const made = this.make(offer, this.me()?.name ?? "", to, file.name, file.size, true, file.type, sha256);
    made.outgoing = new Outgoing(this.line, made, file, digest);
    if (keep) made.state = "running"; // they went away: the server takes it
    return made;
  }

  async accept(offer: LiveOffer): Promise<void> {
    const resumes = offer.sha256 !== null && (offer.incoming?.provable ?? false);
    if (!resumes) {
      const begun = await (await import("./incoming")).Incoming.begin(offer);
      offer.incoming?.drop();
      offer.incoming = begun;
    }
    const { incoming } = offer;
    if (incoming === null) return; // no place for it was chosen
    offer.accepted = true;
    offer.error = offer.reason = null;
    try {
      await this.line.request("file_accept", { offer: offer.id, offset: incoming.arrived });
    } catch (error) {
      offer.accepted = false;
      throw error;
    }
  }

  take(arrival: Arrival): void {
    switch (arrival.name) {
      case "file_offer":
        this.offered(arrival.data);
        break;
      case "file_upload":
        this.with(arrival.data.offer)?.outgoing?.start(arrival.data.offset ?? 0, arrival.data.window ?? 0);
        break;
      case "file_progress":
        this.with(arrival.data.offer)?.outgoing?.taken(arrival.data.offset);
        break;
      case "file_download": {
        const offer = this.with(arrival.data.offer);
        if (offer === undefined) break;
        offer.state = "running";
        offer.incoming?.goOn(arrival.data.offset ?? 0);
        if (offer.size === 0) void this.whole(offer);
        break;
      }
      case "file_done":
        void this.done(arrival.data);
        break;
      case "file_accepted":
        this.takenElsewhere(arrival.data.offer);
        break;
      case "file_decline":
        this.declined(arrival.data.offer);
        break;
      case "file_failed":
        this.failed(arrival.data);
        break;
    }
  }

  chunk(chunk: Chunk): void {
    const offer = this.with(chunk.offer);
    const arrived = offer?.incoming?.take(chunk);
    if (offer === undefined || arrived === undefined) return;
    offer.progress(arrived);
    if (arrived === offer.size) void this.whole(offer);
  }

  /** What was not accepted here is not known to stand: what does is told again after the login. */
  dropped(): void {
    for (const offer of this.all) {
      offer.outgoing?.stop();
      if (offer.state === "running") offer.state = "interrupted";
      this.letGoUnlessTaken(offer);
    }
  }

  /** There is a line again: offer anew what was offered. What was offered to us is told again by itself. */
  resume(): void {
    for (const offer of this.all) {
      if (!offer.own || offer.over || offer.outgoing === null) continue;
      offer.outgoing.offerAgain().catch((error: Error) => {
        if (this.line.online) offer.end("failed", error.message);
      });
    }
  }

  remove(offer: LiveOffer): void {
    this.all = this.all.filter((one) => one !== offer);
  }

  clear(): void {
    for (const offer of this.all) offer.letGo();
    this.all = [];
  }

  private with(id: string): LiveOffer | undefined {
    return this.all.find((one) => one.id === id);
  }

  private make(...about: [string, string, string, string, number, boolean, string, string | null]): LiveOffer {
    const made = new LiveOffer(...about, this);
    const known = this.all.filter((one) => one.id !== made.id);
    const surplus = known.length >= MOST ? known.find((one) => one.over || !one.own) : undefined;
    this.all = [...known.filter((one) => one !== surplus), made];
    return made;
  }

  private offered(event: Events["file_offer"]): void {
    const known = this.with(event.offer);
    if (known === undefined || known.over) {
      const { offer, from, to, filename, size } = event;
      this.make(offer, from, to, filename, size, false, event.filetype ?? "", event.sha256 ?? null);
      return;
    }
    if (known.own) return;
    if (known.accepted) this.accept(known).catch((error: Error) => (known.error = error.message));
    else known.state = "offered";
  }

  /** All bytes are here. Where they came in parts, only the receiver can say what the whole is. */
  private async whole(offer: LiveOffer): Promise<void> {
    const { incoming } = offer;
    if (incoming === null || !incoming.inParts) return;
    const { digestOf } = await import("./outgoing");
    const sha256 = await digestOf(await incoming.blob());
    if (sha256 !== null) await this.line.request("file_finish", { offer: offer.id, sha256 }).catch(() => {});
  }

  private async done({ offer: id, sha256 }: Events["file_done"]): Promise<void> {
    const offer = this.with(id);
    if (offer === undefined || offer.over) return;
    const { incoming } = offer;
    if (!offer.own && incoming !== null) {
      if (incoming.arrived !== offer.size || (offer.sha256 !== null && offer.sha256 !== sha256)) offer.reason = "digest";
      else {
        offer.incoming = null; // from here on it is whole: nothing that happens takes it away
        if (!(await incoming.finish())) offer.reason = "storage";
      }
      if (offer.reason !== null) return offer.end("failed", "It could not be saved.");
    }
    offer.end("done", null);
  }

  /** By this person, on another device. */
  private takenElsewhere(id: string): void {
    const offer = this.with(id);
    if (offer !== undefined) this.letGoUnlessTaken(offer);
  }

  private letGoUnlessTaken(offer: LiveOffer): void {
    if (!offer.own && !offer.accepted && !offer.over) this.remove(offer);
  }

  private declined(id: string): void {
    const offer = this.with(id);
    if (offer?.own) offer.end("declined", null);
    else if (offer !== undefined) this.remove(offer); // by this person, on another device
  }

  private failed({ offer: id, reason, message, again }: Events["file_failed"]): void {
    const offer = this.with(id);
    if (offer === undefined || offer.over) return;
    offer.outgoing?.stop();
    offer.reason = reason;
    if (!again) return offer.end("failed", message);
    offer.state = "interrupted";
    offer.error = message;
  }
}
