"""The web client in Chromium, and what is measured in it."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

from bench.ends import NotMeasuredError

PATIENCE = 60_000.0
"""Milliseconds."""
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
TASKS = ["toplevel", "disabled-by-default-lighthouse", "__metadata"]
"""What of a trace holds the tasks of threads."""
PASSWORD = "a password for the bench"
COMPOSER = "textarea"
NAME = "input[name=username]"

ANSWERS = """(() => {
  const look = () => {
    const field = document.querySelector(%s);
    if (field === null || field.disabled) return;
    seen.disconnect();
    field.addEventListener("input", () => requestAnimationFrame(() => setTimeout(() => {
      window.answered = performance.now();
    })), { once: true });
    field.focus();
    window.typable = performance.now();
  };
  const seen = new MutationObserver(look);
  seen.observe(document, { childList: true, subtree: true });
})()"""
"""Run before the page: notes when a field takes a key, and when that is painted."""

AT_FIRST = """() => performance.getEntriesByType("resource")
  .filter(({ name, responseEnd }) => new URL(name).pathname.endsWith(".js") && responseEnd <= window.typable)
  .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)"""
"""The bytes of scripts that were there when the field was."""

OPENING = """(end) => {
  window.opened = null;
  addEventListener("click", ({ timeStamp }) => {
    const look = () => {
      const log = document.querySelector("[role=log].ready");
      const last = [...log?.querySelectorAll("article") ?? []].at(-1);
      const there = last !== undefined && Number(last.dataset.offset) === end
        && last.getBoundingClientRect().bottom <= log.getBoundingClientRect().bottom + 1;
      if (!there) requestAnimationFrame(look);
      else setTimeout(() => { window.opened = performance.now() - timeStamp; });
    };
    requestAnimationFrame(look);
  }, { capture: true, once: true });
}"""
"""From the next click until the message of that offset is painted at the end of the list."""

SCROLLING = """async ({ rows, step, most }) => {
  const log = document.querySelector("[role=log]");
  const articles = log.getElementsByTagName("article");
  const seen = new Set();
  const frames = [];
  const nodes = { most: 0 };
  const start = Number(articles[articles.length - 1].dataset.offset);
  let lowest = start;
  const began = performance.now();
  await new Promise((done) => {
    let before = null;
    requestAnimationFrame(function turn(now) {
      if (before !== null) frames.push(now - before);
      before = now;
      nodes.most = Math.max(nodes.most, articles.length);
      for (const one of articles) {
        const offset = Number(one.dataset.offset);
        seen.add(offset);
        if (offset < lowest) lowest = offset;
      }
      if (start - lowest >= rows || now - began > most) return done();
      log.scrollTop -= step;
      requestAnimationFrame(turn);
    });
  });
  let holes = 0;
  for (let offset = lowest; offset <= start; offset++) if (!seen.has(offset)) holes++;
  const seconds = (performance.now() - began) / 1000;
  return { frames, nodes: nodes.most, passed: start - lowest, holes, seconds };
}"""
"""A step of pixels up in each frame, until so many messages went by."""

EMPTY = """async (seconds) => {
  const frames = [];
  const end = performance.now() + seconds * 1000;
  await new Promise((done) => {
    let before = null;
    requestAnimationFrame(function turn(now) {
      if (before !== null) frames.push(now - before);
      before = now;
      document.body.style.background = frames.length % 2 ? "white" : "whitesmoke";
      if (now > end) done();
      else requestAnimationFrame(turn);
    });
  });
  return frames;
}"""
"""The frames of a page with nothing on it, that is painted anew each time."""

TYPING = """() => {
  window.keys = { painted: [], timing: [] };
  document.querySelector("textarea").addEventListener("keydown", ({ timeStamp }) => {
    requestAnimationFrame(() => setTimeout(() => window.keys.painted.push(performance.now() - timeStamp)));
  });
  new PerformanceObserver((list) => {
    const downs = list.getEntries().filter(({ name }) => name === "keydown");
    window.keys.timing.push(...downs.map(({ duration }) => duration));
  }).observe({ type: "event", durationThreshold: 16 });
}"""


@dataclass(slots=True)
class Scrolled:
    """What scrolling came to. Milliseconds."""

    frames: list[float]
    nodes: int
    passed: int
    holes: int
    seconds: float
    worked: float = 0.0
    """The main thread's longest task, by its own processor time: others may have the processor in between."""


@dataclass(slots=True)
class Loaded:
    """Scripts that came over the line: bytes of their bodies, coded as they were sent."""

    bytes: int = 0
    coded: set[str] = field(default_factory=set)
    """Their content codings."""


@dataclass(frozen=True, slots=True)
class Start:
    """How a page started: seconds from the navigation until a key shows; bytes of scripts."""

    seconds: float
    at_first: int
    """What was there when the field was, and so what it took."""
    coded: set[str]


def nearest(figures: list[float], share: float) -> float:
    """The nearest rank."""
    ordered = sorted(figures)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that asks nobody else for anything."""
    names = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise NotMeasuredError("Chromium is missing")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=Path(found), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """Somebody with a browser profile of their own, and no service worker."""

    def __init__(self, browser: Browser, port: int) -> None:
        self._origin = f"http://127.0.0.1:{port}"
        self.context: BrowserContext = browser.new_context(
            viewport={"width": 1280, "height": 800}, locale="en-GB", service_workers="block"
        )
        self.context.set_default_timeout(PATIENCE)

    def ask(self, action: str, **payload: object) -> dict[str, Any]:
        """A request of the API, with the visitor's cookie."""
        response = self.context.request.post(
            f"{self._origin}/api/v1/{action}",
            data=json.dumps(payload),
            headers={"Content-Type": "application/json", "Origin": self._origin},
        )
        if not response.ok:
            raise NotMeasuredError(f"hubbub refused {action}: {response.text()}")
        answer: dict[str, Any] = response.json()
        return answer

    def register(self, name: str) -> None:
        """An account, and its cookie."""
        self.ask("register", username=name, password=PASSWORD, cookie=True)

    def open(self, path: str = "/") -> Page:
        """A page, as far as its conversation or its form."""
        page = self.context.new_page()
        page.goto(f"{self._origin}{path}")
        page.wait_for_selector(f"{COMPOSER}, {NAME}")
        return page

    def forget(self, page: Page) -> None:
        """What the browser has of the page already."""
        session = self.context.new_cdp_session(page)
        session.send("Network.clearBrowserCache")
        session.detach()

    def interactive(self, selector: str, slower: int, before: bool) -> Start:
        """How a page starts; `before`: it is in the browser's cache."""
        page = self.context.new_page()
        if before:
            page.goto(f"{self._origin}/")
            page.wait_for_selector(selector)
            page.wait_for_load_state("networkidle")
        page.add_init_script(ANSWERS % json.dumps(selector))
        session = self.context.new_cdp_session(page)
        loaded = watch_scripts(session)
        if not before:
            session.send("Network.clearBrowserCache")
        session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
        if before:
            page.reload(wait_until="commit")
        else:
            page.goto(f"{self._origin}/", wait_until="commit")
        page.wait_for_function("() => window.typable !== undefined")
        at_first = int(page.evaluate(AT_FIRST))
        page.keyboard.press("x")
        answered = page.wait_for_function("() => window.answered").json_value()
        page.close()
        return Start(float(answered) / 1000, at_first, loaded.coded)

    def by_itself(self, selector: str) -> int:
        """Bytes of the scripts that a page fetches while nobody does anything; nothing was cached."""
        page = self.context.new_page()
        session = self.context.new_cdp_session(page)
        loaded = watch_scripts(session)
        session.send("Network.clearBrowserCache")
        page.goto(f"{self._origin}/")
        page.wait_for_selector(selector)
        page.wait_for_load_state("networkidle")
        page.close()
        return loaded.bytes

    def close(self) -> None:
        """Leave."""
        self.context.close()


def watch_scripts(session: CDPSession) -> Loaded:
    """Count what comes, as a browser has it that takes gzip alone."""
    loaded = Loaded()
    heads: dict[str, int] = {}

    def responded(event: dict[str, Any]) -> None:
        response = event["response"]
        if event["type"] != "Script" or response.get("fromDiskCache"):
            return
        names = {name.lower(): value for name, value in response["headers"].items()}
        heads[event["requestId"]] = int(response["encodedDataLength"])
        loaded.coded.add(names.get("content-encoding", "none"))

    def finished(event: dict[str, Any]) -> None:
        head = heads.pop(event["requestId"], None)
        if head is not None:
            loaded.bytes += int(event["encodedDataLength"]) - head

    session.on("Network.responseReceived", responded)
    session.on("Network.loadingFinished", finished)
    session.send("Network.enable")
    session.send("Network.setExtraHTTPHeaders", {"headers": {"Accept-Encoding": "gzip"}})
    return loaded


def open_room(page: Page, name: str, end: int) -> float:
    """Click on it in the list; milliseconds until its last message is painted."""
    page.evaluate(OPENING, end)
    page.get_by_role("navigation").get_by_role("link", name=name).click()
    return float(page.wait_for_function("() => window.opened").json_value())


def scroll_up(page: Page, rows: int, step: int = 400) -> Scrolled:
    """Past so many messages."""
    return Scrolled(**page.evaluate(SCROLLING, {"rows": rows, "step": step, "most": 300_000}))


def traced_scroll(browser: Browser, page: Page, rows: int) -> Scrolled:
    """The same, with what the main thread worked at a time."""
    browser.start_tracing(page=page, categories=TASKS)
    try:
        scrolled = scroll_up(page, rows)
    finally:
        trace = json.loads(browser.stop_tracing())
    scrolled.worked = _longest_task(trace["traceEvents"])
    return scrolled


def _longest_task(events: list[dict[str, Any]]) -> float:
    """Of the busiest renderer's main thread, milliseconds of its processor time."""
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks: dict[tuple[int, int], list[int]] = {}
    for event in events:
        thread = event["pid"], event["tid"]
        if thread in mains and event["name"].endswith("RunTask") and "tdur" in event:
            tasks.setdefault(thread, []).append(event["tdur"])
    if not tasks:
        raise NotMeasuredError("the browser's trace tells of no tasks")
    return max(max(tasks.values(), key=sum)) / 1000


def empty_frames(browser: Browser, seconds: float) -> list[float]:
    """Milliseconds between the frames of a page with nothing on it."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    try:
        page.goto("about:blank")
        frames: list[float] = page.evaluate(EMPTY, seconds)
        return frames
    finally:
        page.close()


class Busy:
    """How much of the time the main thread was in tasks: by the clock, or by its own processor time."""

    def __init__(self, page: Page, domain: Literal["timeTicks", "threadTicks"]) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": domain})
        self._began = time.monotonic()
        self._before = self._look()

    def share(self) -> float:
        """Of the time since it was made."""
        return (self._look() - self._before) / (time.monotonic() - self._began)

    def _look(self) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")
