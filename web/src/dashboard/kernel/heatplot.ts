// The heat map, drawn by the library of the other charts: so it has their time, their cursor and their zoom.

import type uPlot from "uplot";
import { colours } from "../colours.svelte";
import { FONT, moveCursor, type Plot, Pointer, timeAxis, type Told } from "../plot";
import type { Window } from "../view.svelte";
import { type Heat, ROWS, warmth } from "./heat";
import type { HeatKind } from "./shapes";
import { edgeText } from "./words";

export const HEIGHT = 264;
const STOPS = ["--heat-1", "--heat-2", "--heat-3", "--heat-4", "--heat-5"] as const;
/** Colours that cells may have. */
const SHADES = 64;

/** Where the pointer is, in pixels of the host, and the row that it is on. */
export interface Place {
  readonly row: number;
  readonly left: number;
  readonly top: number;
  readonly width: number; // of the host
}

export interface HeatTold extends Told {
  /** Null: the pointer has left. */
  onpoint(place: Place | null): void;
}

export class HeatDrawing {
  readonly #plot: uPlot;
  readonly #host: HTMLElement;
  readonly #heat: Heat;
  readonly #pointer: Pointer;
  #kind: HeatKind;
  #shades: readonly string[] = [];
  #text = "";
  #grid = "";
  #peak = 0;
  #first = 0; // column of the hour that is the first of what is drawn
  #marked: { readonly column: number; readonly row: number } | null = null;
  readonly #told: HeatTold;
  readonly #onmove = (event: PointerEvent): void => {
    const { width, height } = this.#plot.over.getBoundingClientRect();
    const row = Math.min(Math.max(Math.floor((1 - event.offsetY / height) * ROWS), 0), ROWS - 1);
    if (event.offsetX >= 0 && event.offsetX < width) this.#point(row, event.offsetX, event.offsetY);
  };
  readonly #onleave = (): void => this.#told.onpoint(null);

  constructor(library: Plot, host: HTMLElement, heat: Heat, kind: HeatKind, told: HeatTold) {
    this.#host = host;
    this.#heat = heat;
    this.#kind = kind;
    this.#told = told;
    this.#pointer = new Pointer(told);
    this.#readColours();
    const text = (): string => this.#text;
    const line = { stroke: () => this.#grid, width: 1 };
    this.#plot = new library(
      {
        width: Math.max(host.clientWidth, 50),
        height: HEIGHT,
        ms: 1,
        legend: { show: false },
        padding: [8, 6, 0, 0],
        scales: { x: { time: true }, y: { range: [0, ROWS] } },
        axes: [
          timeAxis(text, line),
          {
            stroke: text,
            font: FONT,
            ticks: { show: false },
            grid: line,
            gap: 4,
            size: (_, values) => 14 + 6.4 * Math.max(3, ...(values ?? []).map((value) => value.length)),
            splits: () => [...this.#heat.marks(this.#kind)],
            values: (_, splits) => splits.map((row) => edgeText(this.#heat, this.#kind, row)),
          },
        ],
        series: [{}, { paths: () => null, points: { show: false } }],
        cursor: { ...this.#pointer.cursor, points: { show: false } },
        hooks: {
          setCursor: [(plot) => told.onrow(plot.cursor.idx ?? null)],
          setSelect: [(plot) => this.#pointer.selected(plot)],
          draw: [(plot) => this.#cells(plot)],
        },
      },
      [[], []],
      host,
    );
    this.#pointer.attach(this.#plot);
    this.#plot.over.addEventListener("pointermove", this.#onmove);
    this.#plot.over.addEventListener("pointerleave", this.#onleave);
  }

  /** The count that is the hottest of what is drawn. */
  get peak(): number {
    return this.#peak;
  }

  /** The column of the hour that a row of the library's is. */
  columnOf(index: number): number {
    return this.#first + index;
  }

  draw(kind: HeatKind, { from, to }: Window): void {
    this.#kind = kind;
    const [first, last] = this.#heat.range(from, to);
    this.#first = first;
    this.#peak = this.#heat.peak(kind, first, last);
    const middles = this.#heat.times.slice(first, last + 1).map((at) => at + this.#heat.width / 2);
    this.#plot.batch(() => {
      this.#plot.setData([middles, middles.map(() => null)], false);
      this.#plot.setScale("x", { min: from, max: to });
    });
    this.#plot.redraw(false, true); // the words at the side are of this kind
  }

  /** Take the colours, and the language, of the page as they are now. */
  renew(): void {
    this.#readColours();
    this.#plot.redraw(false, true);
  }

  resize(): void {
    const width = this.#host.clientWidth;
    if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT });
  }

  /** Move the cursor by so many columns, here and in the other charts; the library's row that it is on then. */
  moveCursor(columns: number): number | null {
    const { min, max } = this.#plot.scales["x"] ?? {};
    if (min == null || max == null || max <= min) return null;
    return moveCursor(this.#plot, (columns * this.#heat.width) / (max - min));
  }

  /** Put a frame around a cell: the one that the keyboard is on. */
  mark(cell: { readonly column: number; readonly row: number } | null): void {
    this.#marked = cell;
    this.#plot.redraw(false);
  }

  end(): void {
    this.#plot.over.removeEventListener("pointermove", this.#onmove);
    this.#plot.over.removeEventListener("pointerleave", this.#onleave);
    this.#pointer.detach(this.#plot);
    this.#plot.destroy();
  }

  #point(row: number, left: number, top: number): void {
    const { offsetLeft, offsetTop } = this.#plot.over;
    this.#told.onpoint({ row, left: left + offsetLeft, top: top + offsetTop, width: this.#host.clientWidth });
  }

  #cells(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const columns = this.#heat.columns(this.#kind);
    const step = bbox.height / ROWS;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (let index = 0; index < plot.data[0].length; index++) {
      const [left, right] = this.#sides(plot, this.#first + index);
      columns[this.#first + index]?.forEach((count, row) => {
        if (count === 0) return;
        ctx.fillStyle = this.#shades[Math.round(warmth(count, this.#peak) * (SHADES - 1))]!;
        const top = Math.round(bbox.top + (ROWS - 1 - row) * step);
        const bottom = Math.round(bbox.top + (ROWS - row) * step);
        ctx.fillRect(left, top, Math.max(right - left, 1), bottom - top);
      });
    }
    if (this.#marked !== null) {
      const [left, right] = this.#sides(plot, this.#marked.column);
      ctx.strokeStyle = this.#text;
      ctx.lineWidth = 2 * devicePixelRatio;
      ctx.strokeRect(left, bbox.top + (ROWS - 1 - this.#marked.row) * step, Math.max(right - left, 3), step);
    }
    ctx.restore();
  }

  #sides(plot: uPlot, column: number): readonly [number, number] {
    const at = this.#heat.times[column] ?? 0;
    return [Math.round(plot.valToPos(at, "x", true)), Math.round(plot.valToPos(at + this.#heat.width, "x", true))];
  }

  #readColours(): void {
    const [text, grid, ...stops] = colours(this.#host, ["--dim", "--grid", ...STOPS]);
    this.#text = text!;
    this.#grid = grid!;
    const parts = stops.map((stop) => stop.match(/[\d.]+/g)!.slice(0, 3).map(Number));
    this.#shades = Array.from({ length: SHADES }, (_, n) => {
      const at = (n / (SHADES - 1)) * (parts.length - 1);
      const before = Math.min(Math.floor(at), parts.length - 2);
      const mixed = parts[before]!.map((part, k) => Math.round(part + (parts[before + 1]![k]! - part) * (at - before)));
      return `rgb(${mixed.join(" ")})`;
    });
  }
}
