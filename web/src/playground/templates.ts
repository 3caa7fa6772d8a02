// A request for each action of the protocol, to begin with. The type checker holds them to the server's types.

import type { Actions } from "../wire/types";

export type Group = "gateway" | "account" | "talk" | "rooms" | "read" | "files";

type Template = { [Action in keyof Actions]: { readonly group: Group; readonly payload: Actions[Action]["payload"] } };

const OFFER = "7d44a1c09b3e4f6a8c2510e6f1d0b39a";
const SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; // of nothing

const templates: Template = {
  echo: { group: "gateway", payload: { text: "hello" } },
  broadcast: { group: "gateway", payload: { text: "hello" } },
  send_to: { group: "gateway", payload: { connection_ids: ["{{connection}}"], payload: { text: "hello" } } },
  get_connections: { group: "gateway", payload: {} },
  ping: { group: "gateway", payload: {} },

  login: { group: "account", payload: { username: "Alice" } },
  register: { group: "account", payload: { username: "Alice", password: "correct horse" } },
  refresh: { group: "account", payload: { refresh_token: "" } },
  logout: { group: "account", payload: {} },
  password: { group: "account", payload: { old: "correct horse", new: "battery staple" } },
  sessions: { group: "account", payload: {} },
  presence: { group: "account", payload: { status: "away" } },

  publish: { group: "talk", payload: { room: "lobby", content: "hello" } },
  whisper: { group: "talk", payload: { to: "Bob", content: "only you" } },
  edit: { group: "talk", payload: { content: "hello again" } },
  delete: { group: "talk", payload: {} },
  react: { group: "talk", payload: { emoji: "👍" } },
  typing: { group: "talk", payload: { room: "lobby" } },

  list: { group: "rooms", payload: {} },
  rooms: { group: "rooms", payload: {} },
  members: { group: "rooms", payload: { room: "lobby" } },
  create: { group: "rooms", payload: { room: "den", private: false } },
  join: { group: "rooms", payload: { room: "den" } },
  leave: { group: "rooms", payload: { room: "den" } },
  topic: { group: "rooms", payload: { room: "den", topic: "Tea at five" } },
  invite: { group: "rooms", payload: { to: "Bob", room: "den" } },
  role: { group: "rooms", payload: { user: "Bob", role: "moderator", room: "den" } },
  room_settings: { group: "rooms", payload: { room: "den" } },

  history: { group: "read", payload: { room: "lobby", limit: 20 } },
  search: { group: "read", payload: { query: "tea" } },
  read: { group: "read", payload: { stream: "room:2", offset: 1 } },
  unread: { group: "read", payload: {} },
  resume: { group: "read", payload: { positions: { "room:2": { epoch: "", offset: 0 } } } },

  file_offer: { group: "files", payload: { filename: "cat.png", size: 4, to: "Bob" } },
  file_accept: { group: "files", payload: { offer: OFFER } },
  file_decline: { group: "files", payload: { offer: OFFER } },
  file_cancel: { group: "files", payload: { offer: OFFER } },
  file_start: { group: "files", payload: { offer: OFFER } },
  file_finish: { group: "files", payload: { offer: OFFER, sha256: SHA256 } },
  files: { group: "files", payload: { room: "lobby" } },
  file_get: { group: "files", payload: { filename: "cat.png", room: "lobby" } },
};

export const groups: readonly Group[] = ["gateway", "account", "talk", "rooms", "read", "files"];

/** The actions of a group, in the order of the table. */
export function actionsOf(group: Group): readonly (keyof Actions)[] {
  return (Object.keys(templates) as (keyof Actions)[]).filter((action) => templates[action].group === group);
}

/** The request as a text for the editor. */
export function templateText(action: keyof Actions): string {
  return JSON.stringify({ id: "{{id}}", type: "request", action, payload: templates[action].payload }, null, 2);
}
