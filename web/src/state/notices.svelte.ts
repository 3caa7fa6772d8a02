// One's own notices: who called one's name, and who lets one into a private room. An account's are kept on a
// stream of its own; its cursor moves over what was dealt with.

import type { Mentioned, RoomInvitation } from "../wire/types";
import type { Conversation, Invitation } from "./contract";

type Notice =
  | { readonly name: "mention"; readonly event: Mentioned }
  | { readonly name: "invitation"; readonly event: RoomInvitation };

const MOST = 1000; // that are not dealt with

export class Notices {
  invitations = $state.raw<readonly Invitation[]>([]);

  private readonly open = new Map<number, Notice>();
  private stream = "";
  private heard = 0; // the last offset
  private read = 0; // where the cursor stands

  constructor(
    private readonly join: (room: string) => Promise<Conversation>,
    private readonly moveCursor: (stream: string, offset: number) => void,
  ) {}

  /** The server says where the stream is, and its cursor. */
  told(stream: string, read: number): void {
    this.stream = stream;
    this.read = Math.max(this.read, read);
    this.moved(stream, this.read);
  }

  arrived(notice: Notice): void {
    const { stream, offset } = notice.event;
    this.stream = stream;
    this.heard = Math.max(this.heard, offset);
    if (offset <= this.read || this.open.size >= MOST) return;
    this.open.set(offset, notice);
    if (notice.name === "invitation") this.show();
  }

  /** How often one is called in a room, and has not read it. */
  mentions(roomStream: string): number {
    let count = 0;
    for (const one of this.open.values()) {
      if (one.name === "mention" && one.event.room_stream === roomStream) count += 1;
    }
    return count;
  }

  /** All that was said in a room is read. */
  readRoom(roomStream: string): void {
    this.settle((one) => one.name === "mention" && one.event.room_stream === roomStream);
  }

  /** One is in that room. */
  entered(room: string): void {
    this.settle((one) => one.name === "invitation" && one.event.room === room);
  }

  /** The cursor moved on another device. */
  moved(stream: string, offset: number): void {
    if (stream !== this.stream) return;
    this.read = Math.max(this.read, offset);
    for (const at of this.open.keys()) if (at <= offset) this.open.delete(at);
    this.show();
  }

  clear(): void {
    this.open.clear();
    this.stream = "";
    this.heard = this.read = 0;
    this.invitations = [];
  }

  private settle(which: (notice: Notice) => boolean): void {
    let some = false;
    for (const [offset, one] of this.open) {
      if (!which(one)) continue;
      this.open.delete(offset);
      some = true;
    }
    if (!some) return;
    this.show();
    const upTo = this.open.size === 0 ? this.heard : Math.min(...this.open.keys()) - 1;
    if (upTo <= this.read) return;
    this.read = upTo;
    this.moveCursor(this.stream, upTo);
  }

  private show(): void {
    const last = new Map<string, RoomInvitation>();
    for (const one of this.open.values()) if (one.name === "invitation") last.set(one.event.room, one.event);
    if (last.size === 0 && this.invitations.length === 0) return;
    this.invitations = [...last.values()].map((event) => ({
      room: event.room,
      from: event.from,
      at: Date.parse(event.at),
      accept: () => this.join(event.room),
      dismiss: () => this.entered(event.room),
    }));
  }
}
