// From what the wire says to the messages that components show, and what edits and reactions do to them.

import type { MessagePosted, MessageView, Reaction, ReactionChanged, WhisperPosted } from "../wire/types";
import type { Message } from "./contract";

/** Names that a reaction lists at most; beyond, they are only counted. */
const NAMED = 10;

export interface Reader {
  readonly id: number;
  readonly name: string;
}

/** The key of a message that was not written on this page. */
export function keyOf(stream: string, offset: number): string {
  return `${stream}/${offset}`;
}

/** The key of a message that was written here, from the first moment on. */
export function ownKey(id: string): string {
  return `~${id}`;
}

export function messageOf(
  told: MessageView | MessagePosted | WhisperPosted,
  me: Reader,
  key = keyOf(told.stream, told.offset),
): Message {
  const view = told as Partial<MessageView> & Partial<MessagePosted>;
  const own = told.from_id === me.id;
  return {
    key,
    id: told.id,
    stream: told.stream,
    offset: told.offset,
    at: Date.parse(told.at),
    from: told.from,
    fromId: told.from_id,
    own,
    content: told.content,
    replyTo: told.reply_to ?? null,
    edited: view.edited_at != null,
    deleted: view.deleted ?? false,
    reactions: view.reactions ?? [],
    file: told.file ?? null,
    mentionsMe: !own && view.room != null && calls(told.content, view.mentions, me),
    state: "sent",
    error: null,
  };
}

export function edited(message: Message, content: string, me: Reader): Message {
  if (message.deleted) return message;
  const mentionsMe = message.mentionsMe || (!message.own && calls(content, undefined, me));
  return { ...message, content, edited: true, mentionsMe };
}

export function deleted(message: Message): Message {
  return { ...message, content: "", deleted: true, reactions: [], file: null, mentionsMe: false };
}

/** The message with the reaction; null: what is known of it does not say what it is then. */
export function reacted(message: Message, event: ReactionChanged): Message | null {
  if (message.deleted) return message;
  const known = message.reactions.find((one) => one.emoji === event.emoji);
  const others = known?.users.filter((name) => name !== event.from) ?? [];
  const count = (known?.count ?? 0) + (event.removed ? -1 : 1);
  if (event.removed && (known === undefined || (others.length === 0 && count > 0))) return null;
  if (!event.removed && known !== undefined && others.length !== known.users.length) return null;
  const users = event.removed || others.length >= NAMED ? others : [...others, event.from];
  const changed: Reaction = { emoji: event.emoji, count, users };
  const reactions = known
    ? message.reactions.flatMap((one) => (one !== known ? [one] : count > 0 ? [changed] : []))
    : [...message.reactions, changed];
  return { ...message, reactions };
}

/** Whether `@name` stands in it, and is not in the middle of a word. */
export function calls(content: string, mentions: readonly string[] | undefined, me: Reader): boolean {
  if (mentions?.includes(me.name)) return true;
  if (!content.includes("@")) return false;
  const name = me.name.toLowerCase();
  for (const [, called] of content.matchAll(/(?<![\p{L}\p{N}_.@-])@([\p{L}\p{N}\p{M}_.-]{1,64})/gu)) {
    const normal = called!.normalize("NFKC").toLowerCase();
    if (normal === name || normal.replace(/[-_.]+$/, "") === name) return true;
  }
  return false;
}
