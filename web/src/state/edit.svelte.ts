// What a message shall say instead, while that is being written. It survives a reload as a draft does, with the
// message that it is of: by its offset and its time, since a room that began anew has others.

import type { Conversation, Message } from "./contract";
import type { Drafts } from "./drafts";

export class Edit {
  private of = $state.raw<Message | null>(null);
  private words = $state("");

  constructor(
    private readonly drafts: Drafts,
    private readonly key: () => string,
  ) {}

  get message(): Message | null {
    return this.of;
  }

  /** Begin with another one; null: with none. */
  set message(message: Message | null) {
    if (message?.key === this.of?.key) return;
    this.of = message;
    this.text = message?.content ?? "";
  }

  get text(): string {
    return this.words;
  }

  set text(text: string) {
    this.words = text;
    const { of } = this;
    this.drafts.set(this.key(), of === null || text === of.content ? "" : `${of.offset} ${of.at} ${text}`);
  }

  /** Go on with what was under way when the page went. Where its message is gone, the words become the draft. */
  async resume(within: Conversation): Promise<void> {
    const [, offset, at, text] = /^(\d+) (\d+) ([^]*)$/.exec(this.drafts.of(this.key())) ?? [];
    if (this.of !== null || text === undefined) return;
    const { draft } = within;
    const found = await within.timeline.quoted(Number(offset));
    if (this.of !== null || within.replyTo !== null || within.draft !== draft) return; // one writes something else
    if (found?.own && !found.deleted && found.at === Number(at)) {
      this.message = found;
      this.text = text;
    } else {
      this.drafts.set(this.key(), "");
      within.draft = draft === "" ? text : `${draft}\n\n${text}`;
    }
  }
}
