// A chart of uPlot from a panel: the axes, the lines, what the pointer does. Loaded by need.

import type uPlot from "uplot";
import { clock } from "../text/figures";
import { colours } from "./colours.svelte";
import type { Hour, Value } from "./hour";
import type { Panel } from "./panels";
import type { Window } from "./view.svelte";

export type Plot = typeof uPlot;

/** All charts with this key have one cursor. */
const SYNC = "hubbub";
export const HEIGHT = 168;
export const FONT = "11px system-ui, sans-serif";
const LEAST_DRAG = 6; // pixels; less is a click

const binary = Array.from({ length: 50 }, (_, power) => 2 ** power);

/** Load the library. It makes a number format of the browser's language, which throws where that is none ("C"). */
export async function loadPlot(): Promise<Plot> {
  let odd = false;
  try {
    new Intl.NumberFormat(navigator.language);
  } catch {
    odd = true;
    Object.defineProperty(navigator, "language", { value: "en", configurable: true });
  }
  try {
    const [{ default: plot }] = await Promise.all([import("uplot"), import("uplot/dist/uPlot.min.css")]);
    return plot;
  } finally {
    if (odd) Reflect.deleteProperty(navigator, "language");
  }
}

/** The last argument has the other charts follow; the library's types do not know it. */
type Published = (place: { left: number; top: number }, fire: boolean, publish: boolean) => void;

export interface Told {
  /** A row of what is drawn is under the cursor; null: none. */
  onrow(row: number | null): void;
  /** Somebody dragged over that part. */
  onselect(from: number, to: number): void;
  onreset(): void;
}

/** What the pointer does in every chart: one cursor for all, a drag shows that part, a double click resets. */
export class Pointer {
  readonly cursor: uPlot.Cursor;
  readonly #told: Told;
  #pressed = false; // the pointer went down in this chart, not in one whose cursor is the same
  readonly #onpress = (): void => {
    this.#pressed = true;
  };

  constructor(told: Told) {
    this.#told = told;
    this.cursor = {
      y: false,
      sync: { key: SYNC, scales: ["x", null] as [string, null] },
      drag: { x: true, y: false, setScale: false, dist: LEAST_DRAG },
      points: { size: 7 },
      bind: {
        dblclick: () => () => {
          told.onreset();
          return null;
        },
      },
    };
  }

  attach(plot: uPlot): void {
    plot.over.addEventListener("pointerdown", this.#onpress);
  }

  detach(plot: uPlot): void {
    plot.over.removeEventListener("pointerdown", this.#onpress);
  }

  /** Something was selected: the hook `setSelect`. */
  selected(plot: uPlot): void {
    const { left, width } = plot.select;
    const own = this.#pressed;
    this.#pressed = false;
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (own && width >= LEAST_DRAG) this.#told.onselect(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
  }
}

/** Move the cursor by a part of the width, here and in the other charts; the row that it is on then. */
export function moveCursor(plot: uPlot, part: number): number | null {
  const { width, height } = plot.over.getBoundingClientRect();
  const now = plot.cursor.left ?? -1;
  const left = Math.min(Math.max((now < 0 ? (part < 0 ? width : 0) : now) + part * width, 0), width - 1);
  (plot.setCursor as Published)({ left, top: height / 2 }, true, true);
  return plot.cursor.idx ?? null;
}

/** The axis of time. */
export function timeAxis(stroke: () => string, grid: uPlot.Axis.Grid): uPlot.Axis {
  return {
    stroke,
    font: FONT,
    ticks: { show: false },
    grid,
    space: 70,
    size: 24,
    gap: 6,
    values: (_, splits, __, ___, step) => splits.map((at) => timeText(at, step)),
  };
}

/** One chart on the page. What is drawn is a copy of the rows in sight: the hour goes on meanwhile. */
export class Drawing {
  readonly #plot: uPlot;
  readonly #panel: Panel;
  readonly #host: HTMLElement;
  #colours: readonly string[] = [];
  #shaded: readonly Value[] = [];
  readonly #pointer: Pointer;

  constructor(library: Plot, host: HTMLElement, panel: Panel, told: Told) {
    this.#panel = panel;
    this.#host = host;
    this.#pointer = new Pointer(told);
    this.#readColours();
    const colour = (at: number): (() => string) => () => this.#colours[at]!;
    const text = colour(8);
    const line = { stroke: colour(9), width: 1 };
    const unit = panel.unit;
    const scale = unit.axis ?? unit.text;
    this.#plot = new library(
      {
        width: Math.max(host.clientWidth, 50),
        height: HEIGHT,
        ms: 1,
        legend: { show: false },
        padding: [8, 6, 0, 0],
        scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(unit.least, (max ?? 0) * 1.08)] } },
        axes: [
          timeAxis(text, line),
          {
            stroke: text,
            font: FONT,
            ticks: { show: false },
            grid: line,
            space: 34,
            gap: 4,
            size: (_, values) => 14 + 6.4 * Math.max(3, ...(values ?? []).map((value) => value.length)),
            values: (_, splits) => splits.map(scale),
            ...(unit.binary ? { incrs: binary } : {}),
            ...(unit.whole ? { incrs: wholeSteps() } : {}),
          },
        ],
        series: [
          {},
          ...panel.series.map((one) => ({
            label: one.name,
            stroke: colour(one.colour - 1),
            width: 1.5,
            ...(one.filled ? { fill: () => faded(this.#colours[one.colour - 1]!) } : {}),
            points: { show: false, filter: lonely, size: 4 },
          })),
        ],
        cursor: this.#pointer.cursor,
        hooks: {
          setCursor: [(plot) => told.onrow(plot.cursor.idx ?? null)],
          setSelect: [(plot) => this.#pointer.selected(plot)],
          drawClear: [(plot) => this.#shade(plot)],
        },
      },
      [[], ...panel.series.map(() => [])],
      host,
    );
    this.#pointer.attach(this.#plot);
  }

  /** The rows that are drawn: times, then a column for each series. */
  get data(): uPlot.AlignedData {
    return this.#plot.data;
  }

  draw(hour: Hour, { from, to }: Window): void {
    const [first, last] = hour.rows(from, to);
    const part = <T>(column: readonly T[]): T[] => column.slice(Math.max(0, first - 1), last + 2); // lines go on at the edges
    const shaded = this.#panel.shaded;
    this.#shaded = shaded === undefined ? [] : part(hour.column(shaded.name));
    const data: uPlot.AlignedData = [part(hour.times), ...this.#panel.series.map(({ name }) => part(hour.column(name)))];
    this.#plot.batch(() => {
      this.#plot.setData(data, false);
      this.#plot.setScale("x", { min: from, max: to });
    });
  }

  /** Take the colours, and the language, of the page as they are now: the axes may be of another width. */
  renew(): void {
    this.#readColours();
    this.#plot.redraw(false, true);
  }

  resize(): void {
    const width = this.#host.clientWidth;
    if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT });
  }

  /** See `moveCursor`. */
  moveCursor(part: number): number | null {
    return moveCursor(this.#plot, part);
  }

  end(): void {
    this.#pointer.detach(this.#plot);
    this.#plot.destroy();
  }

  #readColours(): void {
    const series = Array.from({ length: 8 }, (_, n) => `--series-${n + 1}`);
    this.#colours = colours(this.#host, [...series, "--dim", "--grid", "--shade"]);
  }

  #shade(plot: uPlot): void {
    const times = plot.data[0];
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.fillStyle = this.#colours[10]!;
    for (let row = 0; row < times.length; row++) {
      if (!this.#shaded[row]) continue;
      const first = row;
      while (this.#shaded[row + 1]) row++;
      const left = Math.max(plot.valToPos(times[first]! - 1000, "x", true), bbox.left);
      const right = Math.min(plot.valToPos(times[row]!, "x", true), bbox.left + bbox.width);
      if (right > left) ctx.fillRect(left, bbox.top, Math.max(right - left, 2), bbox.height);
    }
    ctx.restore();
  }
}

/** Values with nothing on either side: no line shows them, so they get a point. */
function lonely(plot: uPlot, series: number, show: boolean): number[] | null {
  if (show) return null;
  const column = plot.data[series]!;
  const [first, last] = plot.series[0]!.idxs ?? [0, column.length - 1];
  const found: number[] = [];
  for (let row = first; row <= last; row++) {
    if (column[row] != null && column[row - 1] == null && column[row + 1] == null) found.push(row);
  }
  return found;
}

function wholeSteps(): number[] {
  return Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();
}

function timeText(at: number, step: number): string {
  const text = clock(at);
  return step < 60_000 ? text : text.slice(0, 5);
}

/** The same colour, nearly clear, for the ground below a line. */
function faded(colour: string): string {
  return colour.replace(/^rgb\((.*)\)$/, "rgba($1, 0.14)");
}
