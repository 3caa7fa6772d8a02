// Addresses behind the #, as far as the shell gives them. Which conversation is open, the engine follows by itself.

import type { Conversation } from "../state/contract";
import { writeRoute } from "../state/route";

export const accountPages = ["profile", "password", "sessions", "settings", "notifications"] as const;
export type AccountPage = (typeof accountPages)[number];

/** The page of one's account that an address means, such as `#/settings`; null: none. */
export function accountPage(hash: string): AccountPage | null {
  return accountPages.find((page) => hash === `#/${page}`) ?? null;
}

export function addressOf(conversation: Conversation): string {
  return writeRoute(conversation);
}
