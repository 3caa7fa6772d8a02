// The page as an app: its service worker, which keeps it for when there is no network.
//
// Without one (plain HTTP from another machine, storage denied) everything else works the same.

const hourly = 3_600_000;

let registration: ServiceWorkerRegistration | undefined;

/** The digest of what this page was built from; `GET /version` tells the server's as `client`. */
export const build = document.querySelector<HTMLMetaElement>('meta[name="build"]')?.content ?? "";

/**
 * Have the page kept, once it is loaded. That the server serves a newer build, the session notices: it comes with
 * a restart, and so with another line.
 */
export async function registerWorker(): Promise<void> {
  if (import.meta.env.DEV || !("serviceWorker" in navigator)) return;
  if (document.readyState !== "complete") await new Promise((done) => addEventListener("load", done, { once: true }));
  try {
    registration = await navigator.serviceWorker.register(script(), { updateViaCache: "none" });
  } catch {
    return; // not for this origin, or not with this browser's settings
  }
  setInterval(() => void lookForUpdate(), hourly);
}

/** Ask the server for a newer build. */
async function lookForUpdate(): Promise<void> {
  try {
    await registration?.update();
  } catch {
    // no network: another time
  }
}

interface Policies {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/** The worker's address, as browsers with Trusted Types want it: no other may become a script's. */
function script(): string {
  const types = (window as { trustedTypes?: Policies }).trustedTypes;
  return types?.createPolicy("hubbub-worker", { createScriptURL: () => "/sw.js" }).createScriptURL("") ?? "/sw.js";
}
