// With a finger: a long press on a message, or a stroke to the side, opens what can be done with it.

const long = 450; // milliseconds
const still = 10; // pixels that a resting finger may move
const stroke = 48; // pixels to the side, and not half as many up or down

export class Touch {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private from: { x: number; y: number; row: HTMLElement } | null = null;
  private readonly aborter = new AbortController();

  constructor(
    scroller: HTMLElement,
    private readonly opened: (row: HTMLElement) => void,
  ) {
    const { signal } = this.aborter;
    scroller.addEventListener("pointerdown", (event) => this.down(event), { signal });
    scroller.addEventListener("pointermove", (event) => this.move(event), { signal });
    for (const end of ["pointerup", "pointercancel"] as const) {
      scroller.addEventListener(end, () => this.release(), { signal });
    }
    scroller.addEventListener("contextmenu", (event) => this.menu(event), { signal });
  }

  stop(): void {
    this.release();
    this.aborter.abort();
  }

  private down(event: PointerEvent): void {
    this.release();
    const target = event.target as HTMLElement;
    const row = target.closest<HTMLElement>("article");
    if (event.pointerType !== "touch" || row === null || target.closest("button, pre") !== null) return;
    this.from = { x: event.clientX, y: event.clientY, row };
    this.timer = setTimeout(() => this.open(), long);
  }

  private move(event: PointerEvent): void {
    if (this.from === null) return;
    const [x, y] = [Math.abs(event.clientX - this.from.x), Math.abs(event.clientY - this.from.y)];
    if (x >= stroke && y < stroke / 2) this.open();
    else if (Math.max(x, y) > still) clearTimeout(this.timer);
  }

  private open(): void {
    const row = this.from?.row;
    this.release();
    if (row) this.opened(row);
  }

  private release(): void {
    clearTimeout(this.timer);
    this.from = null;
  }

  /** The browser's own menu of a long press would lie above. */
  private menu(event: Event): void {
    if ((event as PointerEvent).pointerType === "touch" && !(event.target as HTMLElement).closest("a, pre")) {
      event.preventDefault();
    }
  }
}
