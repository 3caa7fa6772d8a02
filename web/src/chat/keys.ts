// Enter sends, but never while a word is being put together by an input method.

const settling = 50; // milliseconds

/** Watches one text field. */
export class Composition {
  private under = false;
  private ended = Number.NEGATIVE_INFINITY;

  begin(): void {
    this.under = true;
  }

  end(at: number): void {
    this.under = false;
    this.ended = at;
  }

  /** Another key was let go, or something was written: what comes next is no part of it. */
  past(): void {
    this.ended = Number.NEGATIVE_INFINITY;
  }

  /**
   * Whether a key belongs to the input method. 229 is what browsers say of such a key (UI Events §7.3.1); Safari
   * ends the composition first, and then tells of the Enter that ended it.
   */
  has(event: KeyboardEvent): boolean {
    return event.isComposing || event.keyCode === 229 || this.under || event.timeStamp - this.ended < settling;
  }
}
