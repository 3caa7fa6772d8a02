// Which conversation is open: the address says it, so that a reload, a link and the way back find it.

import { Refusal } from "../wire/refusal";
import type { Lost } from "./contract";
import type { LiveConversation } from "./conversation.svelte";
import type { Conversations } from "./conversations.svelte";
import { elsewhere, readRoute, writeRoute, type Route } from "./route";
import { keep, kept } from "./storage";
import { Eyes } from "./tabs";

const WIDE = "(min-width: 45rem)"; // where the list stands beside a conversation, one is opened by itself

export class Whereabouts {
  current = $state.raw<LiveConversation | null>(null);
  /** The room that the address named, where there is none of that name. */
  missing = $state<string | null>(null);
  /** Why the room that the address named could not be looked for, or entered. */
  refused = $state.raw<Refusal | null>(null);
  /** The room that was open, where one is not in it any more and has not left it here. */
  lost = $state.raw<Lost | null>(null);
  private account = ""; // "": nobody is signed in
  private readonly eyes = new Eyes();

  /** `findRoom` gives a room that one is not in yet, if it exists; `hears`: whether there is a line. */
  constructor(
    private readonly known: Conversations,
    private readonly findRoom: (name: string) => Promise<LiveConversation | null>,
    private readonly hears: () => boolean,
  ) {
    addEventListener("hashchange", () => {
      this.follow();
      this.look();
    });
    document.addEventListener("visibilitychange", () => this.look());
    addEventListener("pagehide", () => this.current?.tellCursor());
  }

  isAt(conversation: unknown): boolean {
    return this.current === conversation && !elsewhere(location.hash);
  }

  /** `replace`: the address says so, in another way; from there, too, the way back leads to what was before. */
  open(conversation: LiveConversation, replace = false): void {
    const hash = writeRoute(conversation);
    keep(`last.${this.account}`, hash);
    go(hash, replace || location.hash.toLowerCase() === hash.toLowerCase()); // as it is spelt
    if (this.current === conversation) return;
    this.current?.tellCursor();
    this.current = conversation;
    this.lost = null;
    this.known.open(conversation);
    this.look();
  }

  close(replace = false): void {
    this.away();
    if (location.hash.length > 1) go("#/", replace);
  }

  /** After a login: where the address says, or where that account was, or in the first room. */
  arrive(account: string): void {
    this.account = account;
    if (this.current !== null || elsewhere(location.hash)) return;
    if (readRoute(location.hash) === null) {
      if (!matchMedia(WIDE).matches) return;
      const last = readRoute(kept(`last.${account}`) ?? "");
      const known = last && this.at(last);
      const first = known ?? this.known.all[0];
      if (first !== undefined) history.replaceState(null, "", writeRoute(first));
    }
    this.follow();
  }

  /** Nobody is signed in any more. */
  leave(): void {
    this.current = this.lost = null;
    this.account = "";
    this.look();
  }

  /** Whoever comes next does not learn where that account was. */
  forget(account: string): void {
    keep(`last.${account}`, "");
    if (readRoute(location.hash) !== null) history.replaceState(null, "", "#/");
  }

  /** A room was left, or began anew as another one. */
  check(): void {
    const { current } = this;
    if (current === null || [...this.known].includes(current)) return;
    const again = current.kind === "room" ? this.known.named("room", current.name) : undefined;
    this.current = null;
    if (again !== undefined) return this.open(again);
    if (current.kind === "room" && !current.leaving) this.lost = { name: current.name, removed: current.role === "none" };
    this.close();
  }

  /** Two talks may have one name from now on: the address says which of them it is. */
  respell(): void {
    const { current } = this;
    if (current === null || !this.isAt(current) || location.hash === writeRoute(current)) return;
    history.replaceState(null, "", writeRoute(current));
    keep(`last.${this.account}`, location.hash);
    this.look();
  }

  private at({ kind, name, key }: Route): LiveConversation | undefined {
    return key !== undefined ? this.known.ofKey(key) : this.known.named(kind, name);
  }

  private away(): void {
    this.current?.tellCursor();
    this.current = null;
    this.look();
  }

  /** It may be another conversation that is before somebody's eyes; or none, where nothing new would be seen. */
  look(): void {
    const { current } = this;
    this.eyes.on(current?.looking && this.hears() ? writeRoute(current) : "");
    current?.readOn();
  }

  /** Go where the address says. */
  private follow(): void {
    const { hash } = location;
    if (this.account === "" || elsewhere(hash)) return;
    const route = readRoute(hash);
    if (route === null) return this.away();
    this.missing = null;
    const { kind, name, key } = route;
    const talk = kind === "room" ? null : key === undefined ? this.known.withNamed(name) : this.known.unheard(name, key);
    const known = talk ?? this.at(route);
    if (known !== undefined) return this.open(known, true);
    if (kind === "talk") return this.close(true);
    const stay = (): void => {
      if (location.hash === hash) this.close(true);
    };
    this.findRoom(route.name).then(
      (room) => {
        if (location.hash !== hash) return;
        if (room !== null) return this.open(room, true);
        this.missing = route.name;
        stay();
      },
      (error: unknown) => {
        stay();
        if (error instanceof Refusal && error.code !== "offline") this.refused = error;
      },
    );
  }
}

function go(hash: string, replace: boolean): void {
  if (replace) history.replaceState(null, "", hash);
  else location.hash = hash;
}
