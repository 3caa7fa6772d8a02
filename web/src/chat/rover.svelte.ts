// Which message has the focus, which is pointed at: one of them is reached by the Tab key, arrows go on from there.

import { tick } from "svelte";
import { mayEdit, type Deeds } from "./deeds";
import type { View } from "./view.svelte";

const FRAMES = 60; // in which a row takes the focus, or does not any more

export class Rover {
  /** Key of the message that the Tab key reaches. */
  focused = $state<string | null>(null);
  hovered = $state<string | null>(null);
  /** A menu of it is open. */
  held = $state<string | null>(null);
  /** The message that shows what can be done with it. */
  readonly active: string | null;
  readonly reachable: string | undefined;
  /** Rows that stay, also out of view: a focus would be lost with its row. */
  readonly kept: readonly number[];

  private pointer = { x: -1, y: -1 };
  private within = $state(false); // whether the focus is in the list

  constructor(
    private readonly view: View,
    private readonly deeds: Deeds,
    private readonly leave: () => void,
  ) {
    this.active = $derived(this.held ?? this.hovered ?? (this.within ? this.focused : null));
    this.reachable = $derived(this.focused ?? this.view.shown.at(-1)?.key);
    this.kept = $derived.by(() => {
      const index = this.within || this.held !== null ? this.view.indexOf(this.held ?? this.focused) : -1;
      return index === -1 ? [] : [index];
    });
  }

  async focusOn(index: number): Promise<void> {
    const { view } = this;
    const message = view.shown[index];
    if (message === undefined) return;
    this.focused = message.key;
    if (index < view.shown.length - 1) view.leave();
    view.list?.scrollToIndex(index, { align: "nearest" });
    await tick();
    // A row that is new is hidden until it is measured, and takes no focus before.
    for (let frame = 0; frame < FRAMES && this.focused === message.key; frame++) {
      const row = view.row(message.key);
      row?.focus({ preventScroll: true });
      if (row !== undefined && document.activeElement === row) return;
      await new Promise(requestAnimationFrame);
    }
  }

  /** The focus, where the row has it still. */
  again(key: string | undefined): void {
    this.held = null;
    this.view.row(key)?.focus({ preventScroll: true });
  }

  keydown(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as HTMLElement;
    const article = target.closest<HTMLElement>("article");
    if (event.key === "Escape") {
      if (target === article || article === null) this.leave();
      else article.focus();
    } else if (article === null || target !== article || !this.heed(event.key, article)) return;
    event.preventDefault();
  }

  private heed(key: string, article: HTMLElement): boolean {
    const { view, deeds } = this;
    const index = view.indexOf(article.dataset["key"]);
    const message = view.shown[index];
    if (message === undefined) return false;
    this.hovered = null;
    if (key === "ArrowUp") void this.focusOn(Math.max(0, index - 1));
    else if (key === "ArrowDown") void this.focusOn(index + 1);
    else if (key === "Home") void this.focusOn(0);
    else if (key === "End") void view.toEnd().then(() => this.focusOn(view.shown.length - 1));
    else if (key === "Enter") void tick().then(() => article.querySelector<HTMLElement>("[role=toolbar] button")?.focus());
    else if (key === "r" && message.offset > 0 && !message.deleted) deeds.reply(message);
    else if (key === "e" && mayEdit(message)) deeds.edit(message);
    else return false;
    return true;
  }

  pointerover(event: PointerEvent): void {
    const { clientX: x, clientY: y } = event;
    // Rows that pass below a pointer at rest are not pointed at.
    const moved = x !== this.pointer.x || y !== this.pointer.y;
    this.pointer = { x, y };
    if (moved && event.pointerType === "mouse" && hovers.matches && this.held === null) {
      this.hovered = keyAt(event.target) ?? null;
    }
  }

  pointerleave(): void {
    if (this.held === null) this.hovered = null;
  }

  focusin(event: FocusEvent): void {
    const key = keyAt(event.target);
    if (key === undefined) return;
    this.within = true;
    this.focused = key;
  }

  focusout(event: FocusEvent, scroller: HTMLElement): void {
    // Without a next element either somebody pressed elsewhere, which `pressed` hears, or the list moved the row.
    if (event.relatedTarget instanceof Node) this.within = scroller.contains(event.relatedTarget);
  }

  pressed(event: PointerEvent, scroller: HTMLElement): void {
    const target = event.target instanceof Node ? event.target : null;
    if (!scroller.contains(target) || keyAt(target) === undefined) this.within = false;
  }

  /** Watch the rows: one that the list moves loses the focus, and gets it again. */
  watch(scroller: HTMLElement): () => void {
    const observer = new MutationObserver(() => {
      if (this.focused === null || !this.within || document.activeElement !== document.body) return;
      this.view.row(this.focused)?.focus({ preventScroll: true });
    });
    observer.observe(scroller, { childList: true, subtree: true });
    return () => observer.disconnect();
  }
}

const hovers = window.matchMedia("(hover: hover)"); // after a tap, browsers tell of a mouse that is none

/** The key of the message that an element is part of. */
export function keyAt(target: EventTarget | null): string | undefined {
  return target instanceof Element ? target.closest<HTMLElement>("article")?.dataset["key"] : undefined;
}
