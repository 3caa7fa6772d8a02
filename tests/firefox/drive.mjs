// Debian's Firefox, driven by WebDriver BiDi: an order is a line of JSON on the standard input, and so is each
// answer, in turn. Playwright's Firefox would be another program than the one that people have.
//
//   node drive.mjs /usr/bin/firefox-esr FOLDER-FOR-DOWNLOADS [touch]
//
// It ends with its input, and the browser with it.

import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

const PATIENCE = 30_000; // milliseconds of one order

// Without a display it has neither a mouse nor a finger, by its own account.
const pointer = process.argv[4] === "touch" ? 1 : 2 | 4; // coarse; fine, and it hovers

const browser = await puppeteer.launch({
  browser: "firefox",
  protocol: "webDriverBiDi",
  executablePath: process.argv[2],
  headless: true,
  extraPrefsFirefox: {
    "intl.accept_languages": "en-GB, en",
    "ui.systemUsesDarkTheme": 0,
    "ui.primaryPointerCapabilities": pointer,
    "ui.allPointerCapabilities": pointer,
    "dom.w3c_touch_events.enabled": pointer === 1 ? 1 : 0,
    "network.captive-portal-service.enabled": false,
    "network.connectivity-service.enabled": false,
    "browser.download.alwaysOpenPanel": false,
    "browser.download.folderList": 2,
    "browser.download.dir": process.argv[3],
  },
});

const pages = new Map();

async function open({ page: id, url, width, height, touch }) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage({ type: "window" }); // a tab behind another is hidden
  const made = { page, context, faults: [], asked: new Set(), finger: null };
  pages.set(id, made);
  page.on("console", (line) => line.type() === "error" && made.faults.push(line.text()));
  page.on("pageerror", (error) => made.faults.push(`${error.message}\n${error.stack}`));
  page.on("request", (request) => made.asked.add(new URL(request.url()).origin));
  await page.setViewport({ width, height, hasTouch: touch });
  await page.goto(url);
}

async function element({ page }, source) {
  const handle = await page.evaluateHandle(source);
  const found = handle.asElement();
  if (found === null) throw new Error("that is no element");
  return found;
}

async function middle(found) {
  await found.scrollIntoView();
  const box = await found.boundingBox();
  return [box.x + box.width / 2, box.y + box.height / 2];
}

const orders = {
  open,
  goto: ({ url }, { page }) => page.goto(url),
  reload: (_, { page }) => page.reload(),
  run: ({ source }, { page }) => page.evaluate(source),
  click: async ({ source }, made) => (await element(made, source)).click(),
  tap: async ({ source }, made) => (await element(made, source)).tap(),
  hover: async ({ source }, made) => (await element(made, source)).hover(),
  hold: async ({ source, until }, made) => {
    const touch = await made.page.touchscreen.touchStart(...(await middle(await element(made, source))));
    await made.page.evaluate(until);
    await touch.end();
  },
  wheel: ({ pixels }, { page }) => page.mouse.wheel({ deltaY: pixels }),
  type: ({ text }, { page }) => page.keyboard.type(text),
  press: async ({ keys }, { page }) => {
    const all = keys.split("+");
    for (const key of all.slice(0, -1)) await page.keyboard.down(key);
    await page.keyboard.press(all.at(-1));
    for (const key of all.slice(0, -1).reverse()) await page.keyboard.up(key);
  },
  files: async ({ source, paths }, made) => (await element(made, source)).uploadFile(...paths),
  picture: ({ path }, { page }) => page.screenshot({ path }),
  front: (_, { page }) => page.bringToFront(),
  hide: async (_, { context }) => (await context.newPage({ type: "tab" })).bringToFront(),
  seen: (_, { faults, asked }) => ({ faults, asked: [...asked] }),
  close: async ({ page: id }, { context }) => {
    pages.delete(id);
    await context.close();
  },
};

function late() {
  return new Promise((_, failed) => setTimeout(() => failed(new Error("it took too long")), PATIENCE).unref());
}

console.log(JSON.stringify({ value: await browser.version() }));
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  let answer;
  try {
    const done = orders[order.do](order, pages.get(order.page));
    answer = { value: (await Promise.race([done, late()])) ?? null };
  } catch (error) {
    answer = { error: `${error.message}` };
  }
  if (["goto", "reload", "click", "tap", "open"].includes(order.do) && answer.error === undefined) answer.value = null;
  console.log(JSON.stringify(answer));
}
await browser.close();
