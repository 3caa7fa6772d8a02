// The cursor of one conversation: up to where it was read, and how much lies behind it.
//
// The server counts at the login; from then on what arrives is counted here, by its offset, so that a cursor
// that moves on another device leaves the right number.

const MOST = 2000; // arrivals that are remembered one by one

export class Reading {
  readUpTo = 0;
  private counted = 0; // unread ones up to `base`, as the server said or as they were folded
  private base = 0;
  private recent: number[] = []; // offsets behind `base`, in order

  get unread(): number {
    return this.counted + this.recent.length;
  }

  /** What the server says: `unread` behind `read`, when the stream ended at `head`. */
  told(head: number, read: number, unread: number): void {
    this.readUpTo = Math.max(this.readUpTo, read);
    this.recent = this.recent.filter((offset) => offset > head && offset > this.readUpTo);
    this.base = head;
    this.counted = this.readUpTo >= head ? 0 : Math.min(unread, head - this.readUpTo);
  }

  /** Somebody else said something. */
  arrived(offset: number): void {
    if (offset <= this.readUpTo || offset <= this.base) return;
    this.recent.push(offset);
    if (this.recent.length <= MOST) return;
    this.base = this.recent[MOST / 2 - 1]!;
    this.counted += MOST / 2;
    this.recent = this.recent.slice(MOST / 2);
  }

  /** What was said there is deleted, and nobody will read it. `others`: it was seen to be somebody else's. */
  deleted(offset: number, others: boolean): void {
    if (offset > this.base) this.recent = this.recent.filter((one) => one !== offset);
    else if (others && offset > this.readUpTo) this.counted = Math.max(0, this.counted - 1);
  }

  /** The cursor moved; false: it was there, or further. */
  moved(offset: number): boolean {
    if (offset <= this.readUpTo) return false;
    const before = this.readUpTo;
    this.readUpTo = offset;
    this.recent = this.recent.filter((one) => one > offset);
    if (offset >= this.base) this.counted = 0;
    else this.counted = Math.min(this.counted - Math.min(this.counted, offset - before), this.base - offset);
    return true;
  }
}
