// What those who hear the page are told: what arrives while they are here. The list itself is not read out,
// since rows come and go in it as somebody scrolls.

import type { Message } from "../state/contract";
import { t } from "../text/chat";
import { harmless } from "../text/harmless";
import { lineOf } from "./content";

const pause = 1_000; // milliseconds; what comes within them is told together
const most = 3; // messages; beyond, their number is told

export class Announcer {
  words = $state("");

  private waiting: Message[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  tell(messages: readonly Message[]): void {
    for (const message of messages) if (!message.own && !message.deleted) this.waiting.push(message);
    if (this.waiting.length > 0) this.timer ??= setTimeout(() => this.say(), pause);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private say(): void {
    this.timer = undefined;
    this.words =
      this.waiting.length > most
        ? t("announceMany", { n: this.waiting.length })
        : this.waiting.map((one) => t("announce", { name: harmless(one.from), text: lineOf(one.content) })).join("\n");
    this.waiting = [];
  }
}
