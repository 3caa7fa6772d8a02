// All rooms and private talks that one has: by stream, by name, and in the order in which they are shown.

import type { Person } from "./contract";
import { LiveConversation, type Surroundings } from "./conversation.svelte";
import { peerOf, talkOf } from "./peers";

const byName = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });
const KEPT_LOADED = 8; // conversations that keep their messages; others ask for them when they are opened

export class Conversations {
  private known = $state.raw<readonly LiveConversation[]>([]);
  private readonly streams = new Map<string, LiveConversation>();
  private readonly opened: LiveConversation[] = [];

  /** Rooms by name, then talks, the newest first. */
  readonly all: readonly LiveConversation[] = $derived.by(() => {
    const rooms = this.known.filter((one) => one.kind === "room");
    const talks = this.known.filter((one) => one.kind === "talk" && !one.nobody);
    rooms.sort((a, b) => byName.compare(a.name, b.name));
    talks.sort((a, b) => b.lastAt - a.lastAt || byName.compare(a.name, b.name));
    return [...rooms, ...talks];
  });

  constructor(private readonly chat: Surroundings) {}

  [Symbol.iterator](): Iterator<LiveConversation> {
    return this.known.values();
  }

  ofStream(stream: string): LiveConversation | undefined {
    return this.streams.get(stream);
  }

  ofKey(key: string): LiveConversation | undefined {
    return this.streams.get(key) ?? this.known.find((one) => one.key === key);
  }

  named(kind: "room" | "talk", name: string): LiveConversation | undefined {
    const wanted = name.toLowerCase();
    const found = this.known.filter((one) => one.kind === kind && one.name.toLowerCase() === wanted);
    return found.find((one) => !one.gone) ?? found[0];
  }

  room(name: string, stream: string): LiveConversation {
    return this.streams.get(stream) ?? this.settle(this.named("room", name) ?? this.add("room", name, ""), stream);
  }

  /** The talk of that stream. */
  talk(name: string, stream: string): LiveConversation {
    const known = this.streams.get(stream);
    if (known !== undefined) return known;
    const id = peerOf(stream, this.me);
    // One that was begun here; what was sent may have told it its stream before anything came.
    const begun = this.begun(name, id, stream) ?? this.begun(name, 0, stream);
    begun?.knownAs(id, name); // as the server spells it
    return this.settle(begun ?? this.add("talk", name, "", id), stream);
  }

  /** The talk with a person: of that id, or (0) of that name. Without a stream until something is said there. */
  with(name: string, id: number): LiveConversation {
    if (id === 0) return this.named("talk", name) ?? this.add("talk", name, "");
    const stream = talkOf(this.me, id);
    const known = this.streams.get(stream) ?? this.begun(name, id, stream);
    if (known !== undefined) return known;
    const begun = this.begun(name, 0, "");
    begun?.knownAs(id, name);
    return begun ?? this.add("talk", name, "", id);
  }

  /** The talk with whoever has that name now. */
  withNamed(name: string): LiveConversation {
    const person = this.chat.person(0, name);
    return this.with(person?.name ?? name, person?.id ?? 0);
  }

  /** The talk that an address names by its stream. While it is not known whose it is, it takes no words. */
  unheard(name: string, key: string): LiveConversation | undefined {
    const known = this.ofKey(key);
    if (known !== undefined || peerOf(key, this.me) === 0) return known;
    const talk = this.talk(name, key);
    talk.gone = this.chat.person(talk.peerId, name)?.name.toLowerCase() !== name.toLowerCase();
    return talk;
  }

  /** Somebody is here: talks of that name are with them, or with somebody who is gone. */
  met(person: Pick<Person, "id" | "name">): void {
    for (const one of this.known) one.met(person);
  }

  ofPeer(id: number): LiveConversation | undefined {
    return this.known.find((one) => one.kind === "talk" && one.peerId === id);
  }

  /** Whether a guest had that name with whom there is a talk: what is for the name alone may be meant for that one. */
  wasSomebodys(name: string): boolean {
    return this.known.some((one) => one.gone && one.name.toLowerCase() === name.toLowerCase());
  }

  private begun(name: string, id: number, stream: string): LiveConversation | undefined {
    const mine = (one: LiveConversation): boolean => one.stream === "" || one.stream === stream;
    const named = (one: LiveConversation): boolean => id !== 0 || one.name.toLowerCase() === name.toLowerCase();
    return this.known.find((one) => one.kind === "talk" && one.peerId === id && named(one) && mine(one));
  }

  private get me(): number {
    return this.chat.me?.id ?? 0;
  }

  remove(conversation: LiveConversation): void {
    this.known = this.known.filter((one) => one !== conversation);
    this.streams.delete(conversation.stream);
    const at = this.opened.indexOf(conversation);
    if (at >= 0) this.opened.splice(at, 1);
    conversation.timeline.unload();
  }

  /** It is looked at now: the one that was not looked at for longest lets go of its messages. */
  open(conversation: LiveConversation): void {
    const at = this.opened.indexOf(conversation);
    if (at >= 0) this.opened.splice(at, 1);
    this.opened.push(conversation);
    if (this.opened.length > KEPT_LOADED) this.opened.shift()?.timeline.unload();
    conversation.opened();
  }

  clear(): void {
    this.known = [];
    this.streams.clear();
    this.opened.length = 0;
  }

  /** A talk that had no stream has one, or a room another than before. */
  settle(conversation: LiveConversation, stream: string): LiveConversation {
    if (conversation.stream !== stream) {
      this.streams.delete(conversation.stream);
      conversation.become(stream);
    }
    if (stream !== "") this.streams.set(stream, conversation);
    return conversation;
  }

  private add(kind: "room" | "talk", name: string, stream: string, peerId = 0): LiveConversation {
    const conversation = new LiveConversation(kind, name, stream, this.chat, peerId);
    this.known = [...this.known, conversation];
    return conversation;
  }
}
