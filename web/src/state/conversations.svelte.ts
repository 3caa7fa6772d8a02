// All rooms and private talks that one has: by stream, by name, and in the order in which they are shown.

import { LiveConversation, type Surroundings } from "./conversation.svelte";

const byName = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });
const KEPT_LOADED = 8; // conversations that keep their messages; others ask for them when they are opened

export class Conversations {
  private known = $state.raw<readonly LiveConversation[]>([]);
  private readonly streams = new Map<string, LiveConversation>();
  private readonly opened: LiveConversation[] = [];

  /** Rooms by name, then talks, the newest first. */
  readonly all: readonly LiveConversation[] = $derived.by(() => {
    const rooms = this.known.filter((one) => one.kind === "room");
    const talks = this.known.filter((one) => one.kind === "talk");
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

  /** A talk; without a stream until something is said there. */
  talk(name: string, stream: string): LiveConversation {
    const known = stream === "" ? this.named("talk", name) : this.streams.get(stream);
    if (known !== undefined) return known;
    // One that was begun here; what was sent may have told it its stream before anything came.
    const mine = (one: LiveConversation): boolean => one.stream === "" || one.stream === stream;
    const begun = this.known.find((one) => one.kind === "talk" && one.name === name && mine(one));
    return this.settle(begun ?? this.add("talk", name, ""), stream);
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

  private add(kind: "room" | "talk", name: string, stream: string): LiveConversation {
    const conversation = new LiveConversation(kind, name, stream, this.chat);
    this.known = [...this.known, conversation];
    return conversation;
  }
}
