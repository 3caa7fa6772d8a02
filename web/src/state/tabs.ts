// The other tabs of this browser: they share the cookie, and what is kept. Who signs out in one is out in all.

type Told =
  | { readonly kind: "signed-in"; readonly id: number }
  | { readonly kind: "signed-out" };

export class Tabs {
  private readonly channel: BroadcastChannel | null;

  constructor(heard: (told: Told) => void) {
    this.channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("hubbub");
    if (this.channel !== null) this.channel.onmessage = (message: MessageEvent<Told>) => heard(message.data);
  }

  tell(told: Told): void {
    this.channel?.postMessage(told);
  }
}

/** What is before somebody's eyes in this tab, for the others to know. */
export class Eyes {
  private place = "";
  private leave = (): void => {};

  on(place: string): void {
    if (place === this.place) return;
    this.place = place;
    this.leave();
    if (place === "" || !("locks" in navigator)) return;
    const left = new Promise<void>((resolve) => (this.leave = resolve));
    navigator.locks.request(seen(place), { mode: "shared" }, () => left).catch(() => {}); // denied, as storage may be
  }
}

/** The lock of whoever has that place before their eyes. */
export function seen(place: string): string {
  return `hubbub.seen.${place}`;
}

/** Hold a name for as long as this tab lives. Without Web Locks (a page that is not secure) nobody does. */
export function hold(name: string): void {
  if (!("locks" in navigator)) return;
  navigator.locks.request(`hubbub.${name}`, () => new Promise(() => {})).catch(() => {}); // denied: nobody can tell
}

/** Be called once whoever holds that name is gone, or (not `patient`) only if nobody has it now; at once where nobody
    can tell. */
export function whenGone(name: string, gone: () => void, patient = true): void {
  if (!("locks" in navigator)) {
    gone();
    return;
  }
  let told = false;
  const tell = (lock: Lock | null): void => {
    told = true;
    if (lock !== null) gone();
  };
  navigator.locks.request(`hubbub.${name}`, { ifAvailable: !patient }, tell).catch((error: unknown) => {
    if (told) throw error;
    gone(); // denied
  });
}
