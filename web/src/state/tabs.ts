// The other tabs of this browser: they share the cookie, and what is kept. Who signs out in one is out in all.

type Told =
  | { readonly kind: "signed-in"; readonly id: number }
  | { readonly kind: "signed-out" }
  | { readonly kind: "took-offer"; readonly offer: string };

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

/** Hold a name for as long as this tab lives. Without Web Locks (a page that is not secure) nobody does. */
export function hold(name: string): void {
  if (!("locks" in navigator)) return;
  void navigator.locks.request(`hubbub.${name}`, () => new Promise(() => {}));
}

/** Be called once whoever holds that name is gone; at once where nobody can tell. */
export function whenGone(name: string, gone: () => void): void {
  if (!("locks" in navigator)) {
    gone();
    return;
  }
  void navigator.locks.request(`hubbub.${name}`, () => gone());
}
