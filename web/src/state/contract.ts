// What the parts of the page know of each other: the state of the chat, as components see it.
//
// All members are reactive (runes, in `*.svelte.ts`): a component reads them, and calls the methods. A method
// that returns a promise rejects with a `Refusal` when the server says no; its `message` is for people.

import type { FileView, Reaction } from "../wire/types";

export type Status = "online" | "away" | "busy" | "offline";
export type RoomRole = "owner" | "moderator" | "member" | "none";

/** A refusal of the server, or of the line (`code` "offline", "timeout"). */
export interface Refused extends Error {
  readonly code: string;
  readonly field: string | undefined;
  readonly limit: string | undefined;
  readonly retryAfter: number | undefined; // seconds
}

export interface Me {
  readonly id: number;
  readonly name: string;
  readonly role: "guest" | "member" | "admin";
  readonly status: Status;
}

export interface Person {
  readonly id: number;
  readonly name: string;
  readonly status: Status;
}

/** Somebody in a room, with what was given to them there; null: nothing, as to guests. */
export interface Member extends Person {
  readonly role: RoomRole | null;
}

export interface Message {
  /** Stable for as long as the message is on the page, from the first moment of sending on. */
  readonly key: string;
  readonly id: string;
  readonly stream: string;
  readonly offset: number; // 0: not kept yet
  readonly at: number; // milliseconds since 1970; of an unsent one, when it was written
  readonly from: string;
  readonly fromId: number;
  readonly own: boolean;
  readonly content: string;
  readonly replyTo: number | null;
  readonly edited: boolean;
  readonly deleted: boolean;
  readonly reactions: readonly Reaction[];
  readonly file: FileView | null;
  readonly mentionsMe: boolean;
  readonly state: "sent" | "sending" | "failed";
  readonly error: string | null; // why it failed
}

/** What is loaded of a conversation: one run of messages without a hole, oldest first. */
export interface Timeline {
  readonly messages: readonly Message[];
  readonly hasOlder: boolean;
  /** Whether there are newer ones that are not loaded, after a jump into the past. */
  readonly hasNewer: boolean;
  readonly loading: "none" | "first" | "older" | "newer";
  readonly error: string | null;
  /** The unread divider stands behind the message of this offset; fixed when the conversation is opened. */
  readonly dividerAfter: number | null;
  /** Told by the component: whether the end is in view. While it is not, nothing older is let go of. */
  atEnd: boolean;
  loadOlder(): Promise<void>;
  loadNewer(): Promise<void>;
  /** Load the surroundings of that message, and tell whether it is there. */
  goTo(offset: number): Promise<boolean>;
  goToEnd(): Promise<void>;
  at(offset: number): Message | undefined;
  /** One message, loaded for a quotation; null: there is none. */
  quoted(offset: number): Promise<Message | null>;
}

/** A room, or a private talk. */
export interface Conversation {
  /** "room:12" or "talk:3:4", the stream; "with:NAME…" for a talk in which nothing was said yet. */
  readonly key: string;
  readonly kind: "room" | "talk";
  readonly name: string; // of the room, or of the other person
  readonly topic: string;
  readonly private: boolean;
  readonly members: number;
  readonly role: RoomRole | null; // one's own, once room settings were asked for
  readonly memberships: number; // how often somebody has come, gone or got another role, as far as was heard
  readonly unread: number;
  readonly mentions: number;
  readonly readUpTo: number;
  readonly head: number;
  readonly muted: boolean;
  readonly typing: readonly string[]; // names; they expire
  readonly peer: Person | null; // of a talk, while that person is here
  readonly peerId: number; // of a talk: whose it is, whoever has the name by now; 0: not known yet
  /** Of a talk: the other one was a guest, and is gone. What one writes reaches nobody, or is for somebody else. */
  readonly gone: boolean;
  /** Of a talk: there is nobody of that name. It stands in no list. */
  readonly nobody: boolean;
  readonly lastAt: number;
  readonly timeline: Timeline;
  /** What is being written, and what it answers; both survive a reload. */
  draft: string;
  replyTo: Message | null;
  editing: Message | null;
  /** What that one shall say; survives a reload, too. */
  rewritten: string;
  /** To be said where one writes: the message that was answered, or edited, is gone; too many wait to be sent; or
      this browser keeps none of them. */
  readonly notice: "goneReply" | "goneEdit" | "full" | "unkept" | null;

  /** The draft is empty afterwards, and `notice` may say why it is not. */
  send(content: string): void;
  retry(message: Message): void;
  discard(message: Message): void;
  edit(message: Message, content: string): Promise<void>;
  remove(message: Message): Promise<void>;
  react(message: Message, emoji: string): Promise<void>; // again: takes it back
  sayTyping(): void; // often is fine
  /** The person has seen up to here; nothing happens while the page is hidden. */
  seen(offset: number): void;
  mute(on: boolean): void;
  listMembers(): Promise<readonly Member[]>;
  leave(): Promise<void>;
  setTopic(topic: string): Promise<void>;
  invite(name: string): Promise<void>;
  setRole(name: string, role: RoomRole): Promise<void>;
  settings(): Promise<RoomSettings>;
  configure(change: { private?: boolean; retain_days?: number }): Promise<RoomSettings>;
}

export interface RoomSettings {
  readonly private: boolean;
  readonly retain_days: number;
  readonly topic: string;
  readonly owner: string | null;
  readonly role: RoomRole | null;
}

/** A file that somebody offers to this person, or this page to somebody, live. */
export interface Offer {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly filename: string;
  readonly size: number;
  readonly filetype: string; // its media type; empty: nobody said
  readonly own: boolean;
  readonly state: "offered" | "running" | "interrupted" | "done" | "failed" | "declined";
  readonly moved: number; // bytes
  readonly error: string | null;
  readonly reason: string | null; // the server's word for it: "cancelled", "lost", …
  accept(): Promise<void>;
  decline(): Promise<void>;
  cancel(): Promise<void>; // and take it out of the list
}

/** Somebody lets this person into a private room. */
export interface Invitation {
  readonly room: string;
  readonly from: string;
  readonly at: number;
  accept(): Promise<Conversation>;
  dismiss(): void;
}

/** What was refused, or was being written, in a room that one is not in any more: it stays until it is discarded, or one is in there again. */
export interface Stranded {
  readonly id: string;
  readonly room: string | null;
  readonly content: string;
  readonly failed: string | null; // the server's refusal; null: it was being written
}

/** A room that one is not in any more. */
export interface Lost {
  readonly name: string;
  readonly removed: boolean; // by somebody else; if not, it may have ended, or was left on another device
}

export interface FoundMessages {
  readonly messages: readonly Message[];
  readonly more: boolean;
}

export interface LoginSession {
  readonly id: string;
  readonly since: string;
  readonly seen: string;
  readonly current: boolean;
}

export interface PublicRoom {
  readonly room: string;
  readonly topic: string;
  readonly members: number;
  readonly private: boolean;
}

export interface Chat {
  /** starting: not known yet. signed-out: the sign-in form. here: signed in, whatever the line does.
      ended: elsewhere, or for good; `ending` says why, and nothing is tried until `retryNow`. */
  readonly phase: "starting" | "signed-out" | "here" | "ended";
  readonly line: "online" | "connecting" | "waiting";
  /** While waiting: when it is tried again (milliseconds since 1970). */
  readonly nextTry: number;
  readonly ending: string | null; // "replaced", "policy", …
  readonly server: string; // its name
  readonly updated: boolean; // the server serves a newer page than this one
  /** Whether what was missed is told, so that what is shown is what is: false while coming back. */
  readonly settled: boolean;
  readonly me: Me | null;
  readonly conversations: readonly Conversation[]; // rooms by name, then talks, the newest first
  readonly current: Conversation | null;
  /** The room that the address named last, where there is none of that name, or none that one may see. */
  readonly missing: string | null;
  /** Why the room that the address named last could not be looked for, or entered. */
  readonly refused: Refused | null;
  /** The room that was open, where one is not in it any more and has not left it here. */
  readonly lost: Lost | null;
  readonly people: readonly Person[]; // who is here, by name
  readonly offers: readonly Offer[];
  readonly invitations: readonly Invitation[];
  readonly stranded: readonly Stranded[];
  readonly unread: number; // of all that are not muted
  readonly mentions: number;

  start(): Promise<void>;
  signIn(name: string, password: string | null): Promise<void>; // null: as a guest
  register(name: string, password: string): Promise<void>;
  /** How many messages are not known to be kept: signing out loses them. */
  unsent(): number;
  /** Throw a message away that could not be sent, by its id. */
  discard(id: string): void;
  signOut(): Promise<void>;
  retryNow(): void;
  open(key: string): void;
  openRoom(name: string): Promise<Conversation>; // joins it, if need be
  openTalk(name: string, id?: number): Conversation; // without an id, with whoever has the name now
  openAt(stream: string, offset: number): Promise<boolean>; // jump to a message
  close(): void; // back to the list (on a phone)
  nextUnread(direction: 1 | -1): void;
  rooms(): Promise<readonly PublicRoom[]>;
  createRoom(name: string, isPrivate: boolean): Promise<Conversation>;
  /** The newest; or what is older than the last of those, of which some may be found once more. */
  search(query: string, within: Conversation | null, last?: Message): Promise<FoundMessages>;
  setStatus(status: Status): Promise<void>;
  changePassword(old: string, next: string): Promise<void>;
  sessions(): Promise<readonly LoginSession[]>;
  endSession(id: string): Promise<void>;
  offerFile(to: Pick<Person, "id" | "name">, file: File): Promise<Offer>; // live, to a person who is here
}
