// What lies over, or beside, the conversation. Any part of the page may ask for it.

import type { Conversation } from "../state/contract";
import { keep, kept } from "../state/storage";
import type { AccountPage } from "./address";

export type Pane =
  | { readonly kind: "person"; readonly name: string; readonly id: number }
  | { readonly kind: "room"; readonly conversation: Conversation }
  | { readonly kind: "invite"; readonly conversation: Conversation }
  | { readonly kind: "leave"; readonly conversation: Conversation }
  | { readonly kind: "account"; readonly page: AccountPage }
  | { readonly kind: "new-room" | "browse" | "new-talk" | "keys" | "switcher" | "keep-name" | "sign-out" };

const KEPT_AS = "members"; // in the storage
const OVER = "hubbub.members"; // as what the history says of the page: the way back leads from them

let pane = $state.raw<Pane | null>(null);
let ahead = ""; // typed while the switcher was being fetched
const narrow = matchMedia("(max-width: 1000px)"); // where the members lie over the conversation
let members = $state(!narrow.matches && kept(KEPT_AS) === "shown");

// There it is they that one comes back from.
addEventListener("popstate", () => {
  if (narrow.matches) members = history.state === OVER;
});

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
    if (narrow.matches && members && history.state === OVER) return history.back();
    members = !members;
    if (narrow.matches) {
      if (members) history.pushState(OVER, "");
    } else keep(KEPT_AS, members ? "shown" : "hidden");
  },
};
