// What comes from the server without being asked for, and where it belongs.

import type { Events } from "../wire/types";
import type { Me } from "./contract";
import type { LiveConversation } from "./conversation.svelte";
import type { Conversations } from "./conversations.svelte";
import type { Exchange } from "./exchange.svelte";
import type { Notices } from "./notices.svelte";
import type { People } from "./people.svelte";
import type { Placed, Positions } from "./positions";

export type Arrival = { [N in keyof Events]: { readonly name: N; readonly data: Events[N] } }[keyof Events];
/** An event that is kept: it has a position. */
export type Kept = Placed & { readonly arrival: Arrival };

/** What has to be asked for, or decided, after something arrived. */
export interface Follows {
  /** One is in a room, by another device. */
  enteredElsewhere(room: string): void;
  /** A stream is told of that belongs to no conversation that is known. */
  unknownStream(): void;
  /** Somebody is gone, with whom there is a talk: the server knows whether for good. */
  peerLeft(): void;
  /** One of a talk is here, or somebody of that name. */
  peerCame(): void;
  /** Something of that stream was left out: how much of it is unread is not known here any more. */
  missed(stream: string): void;
  posted(conversation: LiveConversation, arrival: Arrival): void;
  roomsChanged(): void;
}

export class Arrivals {
  constructor(
    private readonly positions: Positions<Kept>,
    private readonly conversations: Conversations,
    private readonly people: People,
    private readonly notices: Notices,
    private readonly offers: Exchange,
    private readonly me: () => Me | null,
    private readonly follows: Follows,
  ) {}

  /** Take one in, in the order in which they came. */
  take(arrival: Arrival): void {
    switch (arrival.name) {
      case "message":
      case "private":
      case "edited":
      case "deleted":
      case "erased":
      case "reaction":
      case "topic":
      case "room_changed":
      case "role":
        this.kept(arrival.data, arrival);
        break;
      case "mention":
      case "invitation":
        this.noticed(arrival);
        break;
      case "gap":
        this.gap(arrival.data);
        break;
      case "read":
        this.conversations.ofStream(arrival.data.stream)?.cursorMoved(arrival.data.offset);
        this.notices.moved(arrival.data.stream, arrival.data.offset);
        break;
      case "joined":
        this.joined(arrival.data);
        break;
      case "left":
        this.left(arrival.data);
        break;
      case "status":
        this.people.status(arrival.data.user_id, arrival.data.username, arrival.data.status);
        if (arrival.data.status !== "offline") this.met(arrival.data);
        break;
      case "typing": {
        const { room, username, user_id } = arrival.data;
        if (user_id !== this.me()?.id) this.conversations.named("room", room)?.typists.heard(username);
        break;
      }
      default:
        this.offers.take(arrival);
    }
  }

  /** Streams of which something was missed: what is shown of them is loaded anew. */
  reload(streams: readonly string[]): void {
    for (const stream of streams) void this.conversations.ofStream(stream)?.timeline.reload();
  }

  private kept(place: Placed, arrival: Arrival): void {
    const { stream, epoch, offset } = place;
    const taken = this.positions.take({ stream, epoch, offset, arrival });
    if ("gap" in taken) {
      this.apply(arrival, offset);
      this.reload([stream]);
      this.follows.missed(stream);
      return;
    }
    for (const one of taken.apply) this.apply(one.arrival, one.offset);
  }

  private apply(arrival: Arrival, offset: number): void {
    const conversation = this.place(arrival);
    if (conversation === undefined) return;
    switch (arrival.name) {
      case "message":
      case "private":
        conversation.arrived(arrival.data);
        this.follows.posted(conversation, arrival);
        return;
      case "edited":
      case "deleted":
      case "reaction":
        conversation.modified(arrival.name, arrival.data);
        return;
      case "topic":
        conversation.topic = arrival.data.topic;
        break;
      case "room_changed":
        conversation.private = arrival.data.private;
        break;
      case "role":
        conversation.memberships++;
        if (arrival.data.user_id === this.me()?.id) conversation.role = arrival.data.role;
        break;
    }
    conversation.changed(offset);
  }

  /** The conversation that an event is of; made, where it is the first that is heard of it. */
  private place(arrival: Arrival): LiveConversation | undefined {
    const { data } = arrival as Extract<Arrival, { data: Placed }>;
    const known = this.conversations.ofStream(data.stream);
    if (known !== undefined) return known;
    if (arrival.name === "private") {
      const { from, from_id, to } = arrival.data;
      return this.conversations.talk(from_id === this.me()?.id ? to : from, data.stream);
    }
    if (arrival.name === "message") return this.conversations.room(arrival.data.room, data.stream);
    this.follows.unknownStream();
    return undefined;
  }

  private noticed(arrival: Extract<Arrival, { name: "mention" | "invitation" }>): void {
    this.notices.arrived(
      arrival.name === "mention"
        ? { name: "mention", event: arrival.data }
        : { name: "invitation", event: arrival.data },
    );
    const { stream, epoch, offset, room, room_stream } = arrival.data;
    this.positions.gap(stream, { epoch, offset: Math.max(offset, this.positions.of(stream)?.offset ?? 0) });
    const conversation = this.conversations.ofStream(room_stream);
    if (arrival.name === "invitation") {
      if (conversation !== undefined) this.notices.entered(room);
    } else if (conversation !== undefined) {
      conversation.recount(); // its message may have come just before, and is not shown yet
      if (conversation.unread === 0 && conversation.looking) this.notices.readRoom(room_stream);
      conversation.recount();
    }
  }

  private gap(place: Placed): void {
    this.positions.gap(place.stream, place);
    if (place.epoch !== "") this.follows.missed(place.stream);
    const conversation = this.conversations.ofStream(place.stream);
    if (conversation === undefined) return;
    if (place.epoch !== "") {
      conversation.changed(place.offset);
      void conversation.timeline.reload();
    } else if (conversation.kind === "room") {
      this.conversations.remove(conversation);
      this.follows.roomsChanged();
    } else {
      this.conversations.settle(conversation, "");
      conversation.timeline.unload();
    }
  }

  private joined({ user_id, username, room }: Events["joined"]): void {
    if (user_id === this.me()?.id) this.follows.enteredElsewhere(room);
    else {
      this.people.came(user_id, username);
      this.met({ user_id, username });
      const conversation = this.conversations.named("room", room);
      if (conversation !== undefined) conversation.memberships++;
    }
  }

  private met({ user_id: id, username: name }: { user_id: number; username: string }): void {
    this.conversations.met({ id, name });
    this.follows.peerCame();
  }

  private left({ user_id, username, room }: Events["left"]): void {
    if (user_id === this.me()?.id) {
      const conversation = room == null ? undefined : this.conversations.named("room", room);
      if (conversation === undefined) return;
      this.positions.forget(conversation.stream);
      this.conversations.remove(conversation);
      this.follows.roomsChanged();
      return;
    }
    if (room == null) {
      this.people.left(user_id);
      if (this.conversations.ofPeer(user_id) !== undefined) this.follows.peerLeft();
    }
    for (const one of this.conversations) {
      if (one.kind !== "room" || (room != null && one.name !== room)) continue;
      one.typists.done(username);
      one.memberships++;
    }
  }
}
