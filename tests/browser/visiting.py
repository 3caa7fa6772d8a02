"""The web client in a real browser: pages of people, what they may not do wrong, and axe (axe-core) on it."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from browser.starting import FLAGS
from serving import PATIENCE, Server

AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP = {"width": 1200, "height": 760}
PHONE = {"width": 390, "height": 844}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

STILL = """Promise.all(document.getAnimations()
    .filter((one) => one.effect.getComputedTiming().endTime < Infinity)
    .map((one) => one.finished.catch(() => 0)))"""
"""What fades in is faint until it is there."""

Visit = Callable[..., Page]


@contextmanager
def browsing(chromium: Path) -> Iterator[Browser]:
    """One browser for a module's tests."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield started
        started.close()


@contextmanager
def visiting(browser: Browser, server: Server, *forgiven: str) -> Iterator[Visit]:
    """Open pages, each of a person of its own. No fault in any of them, and no request to anybody else.

    `forgiven`: parts of what the console may say, where a test breaks something on purpose.
    """
    faults: list[str] = []
    asked: set[str] = set()

    def visit(path: str = "/", **options: Any) -> Page:
        options = {"viewport": DESKTOP, "locale": "en-GB", **options}
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(f"{error}\n{error.stack}"))
        page.on("request", lambda request: asked.add(request.url.split("/")[2]))
        page.on("websocket", lambda socket: asked.add(socket.url.split("/")[2]))
        page.goto(f"http://127.0.0.1:{server.port}{path}")
        return page

    try:
        yield visit
    finally:
        for context in browser.contexts:
            context.close()
    refused = ("status of 400", "status of 401", "status of 403", "status of 404", "status of 409")
    known = (*refused, *forgiven)  # the browser itself writes down each answer that is a refusal
    bad = [fault for fault in faults if not any(part in fault for part in known)]
    assert bad == [], bad
    assert asked <= {f"127.0.0.1:{server.port}"}, asked


def log_in(page: Page, name: str, password: str | None = None) -> Page:
    """By the form; without a password as a guest. Until the list is there."""
    if password is None:
        page.get_by_role("tab").nth(1).click()
    page.locator("input[name=username]").fill(name)
    if password is not None:
        page.locator("input[name=password]").fill(password)
    page.locator("form button[type=submit]").click()
    expect(page.get_by_role("navigation")).to_be_visible()
    return page


def entry(page: Page, name: str) -> Any:
    """A room or talk in the list."""
    return page.get_by_role("navigation").get_by_role("link", name=re.compile(rf"^{re.escape(name)}( |$)"))


def own_menu(page: Page, item: str) -> None:
    """Choose something of the menu at one's own name."""
    page.get_by_role("navigation").get_by_role("button", name="You: ").click()
    page.get_by_role("menu").get_by_text(item, exact=True).click()


def say(page: Page, text: str) -> None:
    """In the conversation that is open."""
    page.get_by_role("textbox", name="Message to").fill(text)
    page.keyboard.press("Enter")
    expect(page.get_by_role("log").get_by_text(text)).to_be_visible()


def add_account(data: Path, name: str, password: str, role: str = "member") -> None:
    """Make an account of a running server, by its control socket."""
    subprocess.run(
        [sys.executable, "-m", "hubbub", "user", "add", name, "--role", role, "--data", str(data)],
        input=password + "\n",
        text=True,
        check=True,
        timeout=30,
        capture_output=True,
    )


def register(server: Server, name: str, password: str) -> None:
    """Make an account, as anybody on this machine may."""
    status, told = ask(server, "POST", "/api/v1/register", {"username": name, "password": password})
    assert status == 200, told


def ask(
    server: Server, method: str, path: str, body: object = None, token: str | None = None
) -> tuple[int, dict[str, Any]]:
    """A request of the API."""
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)) as connection:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


@cache
def _axe() -> str:
    return AXE.read_text("utf-8")


def check_axe(page: Page, what: str) -> None:
    """No violation of axe's rules in what is shown now. It comes in by DevTools: the page's policy holds."""
    page.evaluate(STILL)
    page.evaluate(_axe() + "; 0")
    found = page.evaluate(
        "(values) => axe.run(document, {runOnly: {type: 'tag', values}, resultTypes: ['violations']})", RULES
    )
    told = [
        f"{what}: {one['id']}: {node['failureSummary']} {node['html'][:200]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
    assert told == [], "\n".join(told)


def check_width(page: Page, what: str) -> None:
    """Nothing sticks out at the side. A phone's browser makes the page itself wider where something does."""
    size = page.viewport_size
    assert size is not None
    wide = page.evaluate("Math.max(document.documentElement.scrollWidth, innerWidth)")
    assert wide <= size["width"], f"{what}: {wide} pixels in {size['width']}"
