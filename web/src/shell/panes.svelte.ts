// What lies over, or beside, the conversation. Any part of the page may ask for it.

import type { Conversation } from "../state/contract";
import type { AccountPage } from "./address";

export type Pane =
  | { readonly kind: "person"; readonly name: string; readonly id: number }
  | { readonly kind: "room"; readonly conversation: Conversation }
  | { readonly kind: "invite"; readonly conversation: Conversation }
  | { readonly kind: "leave"; readonly conversation: Conversation }
  | { readonly kind: "account"; readonly page: AccountPage }
  | { readonly kind: "new-room" | "browse" | "new-talk" | "keys" | "switcher" | "keep-name" | "sign-out" };

const kept = "hubbub.members";

let pane = $state.raw<Pane | null>(null);
let ahead = ""; // typed while the switcher was being fetched
let members = $state(remembered());

export const panes = {
  /** The dialog that is open. */
  get pane(): Pane | null {
    return pane;
  },
  show(next: Pane): void {
    ahead = "";
    pane = next;
  },
  hide(): void {
    pane = null;
  },
  /** Keep what is typed for a pane that is not there yet. */
  typedAhead(text: string): void {
    ahead += text;
  },
  takeAhead(): string {
    const taken = ahead;
    ahead = "";
    return taken;
  },
  /** Whether the members of the room stand beside it. */
  get members(): boolean {
    return members;
  },
  toggleMembers(): void {
    members = !members;
    try {
      localStorage.setItem(kept, members ? "shown" : "hidden");
    } catch {
      // no storage: it holds until the page is closed
    }
  },
};

function remembered(): boolean {
  try {
    return localStorage.getItem(kept) === "shown";
  } catch {
    return false;
  }
}
