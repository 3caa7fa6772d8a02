// The engine of the virtual list, as far as it is used here. It comes without types: these are what it does.

import * as engine from "virtua/unstable_core";

export interface ScrollOptions {
  align?: "start" | "center" | "end" | "nearest";
  offset?: number; // pixels beside that place
}

/** What those who show a list may ask it. */
export interface ListHandle {
  getScrollOffset(): number;
  getViewportSize(): number;
  findItemIndex(offset: number): number;
  scrollToIndex(index: number, options?: ScrollOptions): void;
}

/** How large each row is: measured, or as large as those that were. */
interface Layout {
  $getLength(): number;
  $findIndex(offset: number): number;
  /** Whether it was not measured yet. */
  $isSizeEqual(index: number): boolean;
}

/** Where the view is, and which rows that makes. */
interface Store {
  $subscribe(what: number, heard: () => void): void;
  $getStateVersion(): number;
  $getRange(beyond: number): readonly [first: number, last: number];
  $getTotalSize(): number;
  $getScrollOffset(): number;
  $getViewportSize(): number;
  $getItemOffset(index: number): number;
  $update(what: number, value: number, shift?: boolean): void;
  $dispose(): void;
}

/** What listens to the element that scrolls, and to the sizes of the rows. */
interface Driver {
  $observe(rows: HTMLElement): void;
  $observeItem(row: HTMLElement, index: number): () => void;
  /** The rows stand where they shall: scroll, where that moved what is in view. */
  $effect(): void;
  $scroll(index: number, options?: ScrollOptions): void;
  $dispose(): void;
}

interface Engine {
  layout: Layout;
  store: Store;
  driver: Driver;
}

export const CHANGED = engine.UPDATE_VIRTUAL_STATE as number;
export const RESIZED = engine.UPDATE_SIZE_EVENT as number;
export const STOPPED = engine.UPDATE_SCROLL_END_EVENT as number;
export const LENGTH = engine.ACTION_ITEMS_LENGTH_CHANGE as number;

export function begin(length: number): Engine {
  const layout = engine.createListLayout(length) as Layout;
  const store = engine.createVirtualStore(layout) as Store;
  return { layout, store, driver: engine.createContainerDriver(store, layout) as Driver };
}
