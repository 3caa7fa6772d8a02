// What of a conversation is before somebody's eyes, and how that stays where it is while messages come at the
// end, at the beginning, and both at once.
//
// The list is told of one change at a time, since it can keep its place through either: what changed at the
// start (`shift`), or at the end. While it settles after the former, the latter waits.

import { tick } from "svelte";
import type { Conversation, Message, Timeline } from "../state/contract";
import { Announcer } from "./announcer.svelte";
import { jump } from "./jump.svelte";
import type { ListHandle } from "./list";
import { change, countBehind, firstUnread } from "./rows";
import { Place } from "./scroll";

const calm = 200; // milliseconds after older messages came in, until the list is as it will be
const pouring = 100; // between two updates while messages pour in
const reading = 250; // between two notes of how far somebody has read
const ahead = 1.5; // views; so near to what is loaded the next page is asked for
const frames = 12; // until a new list is shown, whatever its rows do
const margin = 56; // pixels above the first unread

export class View {
  readonly announcer = new Announcer();
  shown = $state.raw<readonly Message[]>([]);
  shift = $state(false);
  /** Of lists: another one begins where nothing of the old is left. */
  generation = $state(0);
  /** It is where it shall be, and can be seen. */
  ready = $state(false);
  atEnd = $state(true);
  /** Messages that came since the end was left. */
  behind = $state(0);
  /** The message that somebody jumped to, by its key. */
  lit = $state<string | null>(null);
  /** The unread divider was seen, or waved away. */
  passed = $state(false);
  list = $state<ListHandle>();
  readonly divider: number;
  readonly unreadAbove: boolean;

  private readonly timeline: Timeline;
  private top = $state(0); // index of the first row in view
  private leftAt = 0;
  private heardTo = 0; // the end of the stream, when something was added last
  private taken = 0; // when the last update was
  private pacing: ReturnType<typeof setTimeout> | undefined;
  private calming: ReturnType<typeof setTimeout> | undefined;
  private noted: ReturnType<typeof setTimeout> | undefined;
  private scroller!: HTMLElement;
  private place!: Place;

  constructor(private readonly conversation: Conversation) {
    this.timeline = conversation.timeline;
    this.divider = $derived(firstUnread(this.shown, this.timeline.dividerAfter, this.timeline.hasOlder));
    this.unreadAbove = $derived(this.isUnreadAbove());
  }

  start(scroller: HTMLElement): void {
    this.scroller = scroller;
    this.place = new Place(scroller, () => !this.timeline.hasNewer);
  }

  stop(): void {
    for (const timer of [this.pacing, this.calming, this.noted]) clearTimeout(timer);
    this.announcer.stop();
  }

  indexOf(key: string | null | undefined): number {
    return key == null ? -1 : this.shown.findLastIndex((one) => one.key === key);
  }

  row(key: string | undefined): HTMLElement | undefined {
    return [...this.scroller.querySelectorAll<HTMLElement>("article")].find((one) => one.dataset["key"] === key);
  }

  // ---- what is shown ----------------------------------------------------------------------------------------

  /** The messages are others. Where they pour in, ten times a second: nobody reads faster, and typing stays quick. */
  changed(): void {
    const { messages } = this.timeline;
    const now = performance.now();
    const early = this.taken + pouring - now;
    const grown = messages.length > this.shown.length && messages[0]?.key === this.shown[0]?.key;
    if (grown && early > 0 && messages.at(-1)?.state !== "sending") {
      this.pacing ??= setTimeout(() => void this.take(), early);
      return;
    }
    void this.take();
  }

  private async take(): Promise<void> {
    clearTimeout(this.pacing);
    this.pacing = undefined;
    this.taken = performance.now();
    const was = this.shown;
    const next = this.timeline.messages;
    const what = change(was, next);
    switch (what.kind) {
      case "other":
        this.shift = false;
        this.shown = next;
        this.generation++;
        await this.begin();
        return;
      case "start":
        this.fromStart(next);
        return;
      case "both":
        this.fromStart(what.first);
        if (!this.atEnd) return;
        await tick(); // whoever is at the end stays there: nothing has to wait
        this.place.resized();
        await this.take();
        return;
      case "same":
        this.shown = next;
        return;
      case "end":
        if (this.calming !== undefined && !this.atEnd) return;
        this.shift = false;
        this.shown = next;
        await this.arrived(next.slice(was.length));
    }
  }

  private fromStart(next: readonly Message[]): void {
    this.shift = true;
    this.shown = next;
    this.settle();
  }

  private settle(): void {
    clearTimeout(this.calming);
    this.calming = setTimeout(() => this.settled(), calm);
  }

  /** It has its place after a change at the start: what waited meanwhile may come. */
  settled(): void {
    if (this.calming === undefined) return;
    clearTimeout(this.calming);
    this.calming = undefined;
    void this.take();
    this.look();
  }

  private async arrived(added: readonly Message[]): Promise<void> {
    if (this.ready) this.announcer.tell(added.filter((one) => one.offset > this.heardTo)); // not what is loaded
    this.heardTo = this.conversation.head;
    if (!this.atEnd) this.behind = countBehind(this.shown, this.leftAt);
    await tick();
    if (this.atEnd) this.place.stick();
    if (added.some((one) => one.state === "sending")) void this.toEnd();
    this.read();
  }

  /** A new list: it begins at the message that somebody wants to see, at what is new, or at the end. */
  private async begin(): Promise<void> {
    const opened = this.generation;
    this.ready = this.passed = false;
    this.heardTo = this.conversation.head;
    if (this.shown.length === 0) {
      this.ready = true;
      return;
    }
    this.atEnd = this.place.atEnd = true;
    await tick();
    await inView();
    if (opened !== this.generation) return;
    const wanted = jump.target?.stream === this.conversation.key ? jump.target : null;
    const unread = wanted === null ? this.divider : -1;
    let aim = wanted === null ? unread : this.shown.findIndex((one) => one.offset === wanted.offset);
    // What was loaded around a message, and nobody says which: it is in the middle.
    if (aim === -1 && this.timeline.hasNewer) aim = this.shown.length >> 1;
    if (aim !== -1) {
      this.leave();
      this.list?.scrollToIndex(aim, unread !== -1 ? { align: "start", offset: -margin } : { align: "center" });
    }
    await this.steady(opened, this.shown.at(aim)!);
    if (opened !== this.generation) return;
    this.ready = true;
    this.place.moved(); // where all of it is in view, nothing was scrolled that would tell of the end
    const reached = this.shown[aim];
    if (wanted !== null && reached?.offset === wanted.offset) {
      jump.done(wanted);
      this.lit = reached.key;
    }
    this.look();
  }

  /** Until rows have their heights, some frames pass. */
  private async steady(opened: number, goal: Message): Promise<void> {
    let last = -1;
    for (let frame = 0; frame < frames && opened === this.generation; frame++) {
      await nextFrame();
      if (this.place.atEnd) this.place.resized();
      const now = this.scroller.scrollTop;
      if (now === last && this.row(goal.key) !== undefined) return;
      last = now;
    }
  }

  // ---- where somebody is --------------------------------------------------------------------------------------

  scrolled(): void {
    if (!this.ready) return;
    this.place.moved();
    if (this.calming !== undefined) this.settle();
    this.look();
  }

  resized(): void {
    void tick().then(() => this.place.resized()); // the list moves its rows first
  }

  /** The end is not what somebody looks at any more. */
  leave(): void {
    this.place.atEnd = false;
    this.noteEnd();
  }

  private noteEnd(): void {
    if (this.place.atEnd !== this.atEnd) {
      this.atEnd = this.place.atEnd;
      // In the middle of a history, what is loaded later is not new.
      if (!this.atEnd && this.timeline.hasNewer) this.leftAt = this.conversation.head;
      else if (!this.atEnd) this.leftAt = this.shown.findLast((one) => one.offset > 0)?.offset ?? 0;
    }
    this.timeline.atEnd = this.atEnd;
    if (this.atEnd) this.behind = 0;
  }

  /** See what is in view, load what comes next, and note what was read. */
  private look(): void {
    const { list, timeline } = this;
    if (list == null || !this.ready) return; // null: it is gone
    this.noteEnd();
    const offset = this.scroller.scrollTop; // the list hears of a scroll behind us
    const view = list.getViewportSize();
    this.top = list.findItemIndex(offset + 40);
    const bottom = list.findItemIndex(offset + view - 20);
    if (this.divider !== -1 && this.divider >= this.top && this.divider <= bottom) this.passed = true;
    if (timeline.loading === "none" && timeline.error === null) {
      if (timeline.hasOlder && offset < ahead * view) void timeline.loadOlder();
      else if (timeline.hasNewer && this.place.gap < ahead * view) void timeline.loadNewer();
    }
    this.read();
  }

  /** Note how far somebody has read. */
  read(): void {
    this.noted ??= setTimeout(() => {
      this.noted = undefined;
      const { list } = this;
      if (list == null || !this.ready) return; // null: it is gone
      let index = list.findItemIndex(list.getScrollOffset() + list.getViewportSize() - 12);
      while (index >= 0 && (this.shown[index]?.offset ?? 0) === 0) index--;
      const message = this.shown[index];
      if (message !== undefined) this.conversation.seen(message.offset);
    }, reading);
  }

  private isUnreadAbove(): boolean {
    const { dividerAfter, hasOlder } = this.timeline;
    const first = this.shown[0];
    if (this.passed || dividerAfter === null || first === undefined) return false;
    return this.divider === -1 ? hasOlder && first.offset > dividerAfter + 1 : this.divider < this.top;
  }

  // ---- where somebody wants to be -----------------------------------------------------------------------------

  async toEnd(): Promise<void> {
    if (this.timeline.hasNewer) {
      await this.timeline.goToEnd();
      await tick();
    }
    clearTimeout(this.calming);
    this.calming = undefined;
    this.place.atEnd = true;
    this.noteEnd();
    await this.take();
    this.place.stick();
    await nextFrame();
    this.place.resized();
    this.look();
  }

  async toUnread(): Promise<void> {
    const after = this.timeline.dividerAfter;
    this.passed = true;
    if (after === null) return;
    if (this.divider === -1) {
      await this.timeline.goTo(after);
      await this.shownAgain();
    }
    const index = this.divider !== -1 ? this.divider : this.shown.findIndex((one) => one.offset > after);
    if (index === -1) return;
    this.leave();
    this.list?.scrollToIndex(index, { align: "start", offset: -margin });
  }

  /** To a message, loaded or not; null: it is not there. */
  async toMessage(offset: number): Promise<Message | null> {
    if (!this.shown.some((one) => one.offset === offset)) {
      if (!(await this.timeline.goTo(offset))) return null;
      await this.shownAgain();
    }
    const index = this.shown.findIndex((one) => one.offset === offset);
    const message = this.shown[index];
    if (message === undefined) return null;
    this.leave();
    this.list?.scrollToIndex(index, { align: "center" });
    this.lit = message.key;
    return message;
  }

  private async shownAgain(): Promise<void> {
    await tick();
    while (!this.ready) await nextFrame();
  }
}

/** In a hidden page it comes once that is seen. */
function nextFrame(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => resolve()));
}

/** Until the page can be seen: a hidden one measures no rows, so a place that is sought there is none. */
async function inView(): Promise<void> {
  while (document.hidden) {
    await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  }
}
