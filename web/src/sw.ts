// The service worker: the page of one build, kept by the browser, so that it opens without a network.
//
// It answers for the page itself (from the network first) and for the files of its build (which never
// change), and looks at nothing else: what is said, files and the API go past it.

export {}; // its names are its own

interface Lasting extends Event {
  waitUntil(done: Promise<unknown>): void;
}
interface Fetching extends Lasting {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
// TypeScript's own types of a worker do not go together with those of a page.
declare const self: {
  readonly location: Location;
  readonly clients: {
    claim(): Promise<void>;
    matchAll(): Promise<readonly { postMessage(message: unknown): void }[]>;
  };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: Lasting) => void): void;
  addEventListener(type: "fetch", listener: (event: Fetching) => void): void;
};
declare const __SHELL__: readonly string[]; // see plugins/worker.js
declare const __PARTS__: readonly string[];

const build = import.meta.env.VITE_BUILD as string;
const prefix = "hubbub-";
const cacheName = prefix + build;
const pages: readonly string[] = ["/", "/dashboard", "/admin", "/playground"];
const shell = __SHELL__;
const parts = __PARTS__;
const files: ReadonlySet<string> = new Set([...shell, ...parts].filter((path) => path !== "/"));
const patience = 4000; // milliseconds that the network has before the kept page is shown

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(begin()));
self.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== self.location.origin) return;
  if (mode === "navigate" && pages.includes(pathname)) event.respondWith(page(event.request));
  else if (files.has(pathname) || pathname.startsWith("/assets/")) event.respondWith(file(event.request));
});

/** Keep the shell, all of this build or nothing; then what can be had of the rest. */
async function keep(): Promise<void> {
  const cache = await caches.open(cacheName);
  const own = await fetch("/", { cache: "no-cache" });
  if (!own.ok || !(await own.clone().text()).includes(`content="${build}"`)) {
    await caches.delete(cacheName);
    throw new Error("the server has another build by now");
  }
  await cache.addAll(shell.filter((path) => path !== "/"));
  await cache.put("/", own);
  await Promise.allSettled(parts.map((path) => cache.add(path)));
  await self.skipWaiting();
}

/**
 * Take over at once, and tell the pages. That harms none of an older build: whatever it may still load is kept,
 * as long as the build before is; and a page of this build is of one piece with its worker.
 */
async function begin(): Promise<void> {
  const kept = (await caches.keys()).filter((name) => name.startsWith(prefix) && name !== cacheName);
  await Promise.all(kept.slice(0, -1).map((name) => caches.delete(name)));
  await self.clients.claim();
  for (const page of await self.clients.matchAll()) page.postMessage({ build });
}

async function page(request: Request): Promise<Response> {
  const asked = fetch(request);
  const late = new Promise<null>((resolve) => setTimeout(resolve, patience, null));
  const found = await Promise.race([asked.catch(() => null), late]);
  if (found !== null && found.status < 500) return found;
  const kept = await match("/", cacheName);
  return kept ?? found ?? asked;
}

async function file(request: Request): Promise<Response> {
  return (await match(request)) ?? fetch(request);
}

/** What is kept, of this build first; nothing where the browser cannot read its storage. */
async function match(request: Request | string, name?: string): Promise<Response | undefined> {
  try {
    const own = await (await caches.open(cacheName)).match(request, { ignoreVary: true });
    return own ?? (name === undefined ? await caches.match(request, { ignoreVary: true }) : undefined);
  } catch {
    return undefined;
  }
}
