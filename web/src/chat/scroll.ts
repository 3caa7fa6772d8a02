// Where somebody is in a list that grows at both ends. No component, so that its rules stand in one place:
// the end is left only when the offset decreases, and while it is not left, it is kept in view.

const rounding = 1.5; // pixels; offsets are fractions, heights are not

export class Place {
  private last = 0;

  constructor(
    private readonly scroller: HTMLElement,
    /** Whether the list ends where the conversation does; else there is no end to stay at. */
    private readonly ends: () => boolean,
  ) {}

  /** Whether the end is in view. */
  atEnd = true;

  /** How far the end is below the view. */
  get gap(): number {
    return this.scroller.scrollHeight - this.scroller.clientHeight - this.scroller.scrollTop;
  }

  /** It was scrolled, by whomever. */
  moved(): void {
    const now = this.scroller.scrollTop;
    const { gap } = this;
    if (gap <= rounding) this.atEnd = this.ends();
    else if (now < this.last - 0.5) this.atEnd = false;
    else if (this.atEnd) this.stick();
    this.last = this.scroller.scrollTop;
  }

  /**
   * Something grew or shrank. What shrank took the view up with it, and the scroll event that tells of it comes a frame
   * later, when the end may be further down: nobody has left it by that.
   */
  resized(): void {
    if (!this.atEnd) return;
    if (this.gap > 0.5) this.stick();
    else this.last = this.scroller.scrollTop;
  }

  /** To the very end. The list hears of it at once, so that the rows there are made before anything is painted. */
  stick(): void {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.last = this.scroller.scrollTop;
    this.scroller.dispatchEvent(new Event("scroll"));
  }
}
