"""The line: what is told while it is down, covering nothing; ends for good; parts that are gone."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from playwright.sync_api import Browser, expect

from browser.visiting import Visit, ask, check_axe, entry, log_in, register, visiting
from impaired import Impaired, Plan
from serving import Server, serving

pytestmark = pytest.mark.browser

PASSWORD = "correct horse"
LONG = re.compile(r"Trying again in (9|1\d) s")
"""Time enough to start a server in."""
PLACES = """() => JSON.stringify([...document.querySelectorAll("nav, main, textarea")]
    .map((one) => one.getBoundingClientRect()))"""


@pytest.mark.long
def test_a_line_that_is_down_is_told_above_the_page(browser: Browser, tmp_path: Path) -> None:
    server = Server("--data", str(tmp_path / "data"))
    register(server, "Alice", PASSWORD)
    with visiting(browser, server, "ERR_CONNECTION_REFUSED", "WebSocket connection", "ERR_INTERNET") as visit:
        page = log_in(visit(), "Alice", PASSWORD)
        expect(entry(page, "lobby")).to_have_attribute("aria-current", "page")
        before = json.loads(page.evaluate(PLACES))
        expect(page.get_by_role("button", name="You: Alice Online")).to_be_visible()
        server.signal(signal.SIGKILL)
        server.process.communicate()
        told = page.get_by_role("status").filter(has_text="The line is down.")
        expect(told).to_be_visible()
        expect(told.get_by_text(LONG)).to_be_visible(timeout=60_000)
        nav, main, box = json.loads(page.evaluate(PLACES))
        height = told.evaluate("one => one.offsetHeight")
        assert nav["top"] == main["top"] == height > 0  # and covers nothing
        assert (nav["bottom"], box) == (before[0]["bottom"], before[2])
        expect(page.get_by_role("button", name="You: Alice Status not known")).to_be_visible()
        check_axe(page, "no line")
        page.context.set_offline(True)
        expect(page.get_by_text("This device is offline. What you write is kept.")).to_be_visible()
        expect(page.get_by_text("Trying again in")).to_have_count(0)
        page.context.set_offline(False)
        expect(told.get_by_text(LONG)).to_be_visible(timeout=60_000)
        again = Server("--data", str(tmp_path / "data"), listen=(f"127.0.0.1:{server.port}",))
        try:
            told.get_by_role("button", name="Try now").click()
            expect(page.get_by_text("The line is down.")).to_have_count(0)
            page.get_by_role("textbox", name="Message to").fill("back again")
            page.keyboard.press("Enter")
            expect(page.get_by_role("log")).to_contain_text("back again")
            expect(page.get_by_role("button", name="You: Alice Online")).to_be_visible()
            assert json.loads(page.evaluate(PLACES)) == before
        finally:
            page.context.close()
            assert again.stop() == 0


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    # Without the worker, which has all parts; and the browser of these tests has none to ask then.
    with visiting(browser, server, "ERR_FAILED", "dynamically imported", "reading 'waiting'") as opened:
        yield opened


def test_a_login_that_was_ended_says_why_and_leads_back(visit: Visit, server: Server) -> None:
    register(server, "Zoe", PASSWORD)
    page = log_in(visit(), "Zoe", PASSWORD)
    _, told = ask(server, "POST", "/api/v1/login", {"username": "Zoe", "password": PASSWORD})
    _, sessions = ask(server, "POST", "/api/v1/sessions", {}, told["token"])
    for session in sessions["sessions"]:
        if not session["current"]:
            ask(server, "POST", "/api/v1/sessions", {"end": session["id"]}, told["token"])
    back = page.get_by_role("button", name="Log in again").or_(page.get_by_label("Your name"))
    expect(back).to_be_visible()
    check_axe(page, "a login that was ended")
    if page.get_by_label("Your name").count() == 0:
        page.get_by_role("button", name="Log in again").click()
    expect(page.get_by_label("Your name")).to_be_visible()


def test_a_part_that_cannot_be_had_is_told_and_nothing_else_is_lost(visit: Visit) -> None:
    page = log_in(visit(service_workers="block"), "Alice")
    page.route("**/assets/Keys-*.js", lambda route: route.abort())
    page.get_by_role("textbox", name="Message to").fill("half a word")
    page.keyboard.press("Control+/")
    toast = page.get_by_role("status").filter(has_text="A part of the page could not be loaded")
    expect(toast.get_by_role("button", name="Reload")).to_be_visible()
    expect(page.get_by_role("textbox", name="Message to")).to_have_value("half a word")
    # What would have been opened is closed again, and opens once it can be had.
    page.unroute("**/assets/Keys-*.js")
    page.keyboard.press("Control+/")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    page.route("**/assets/*-*.js", lambda route: route.abort())
    pick = page.get_by_role("button", name="Emoji")
    search = page.get_by_role("main").get_by_role("button", name="Search")
    toast.get_by_role("button", name="Close").click()
    pick.click()
    expect(toast).to_be_visible()
    expect(pick).to_have_attribute("aria-expanded", "false")
    toast.get_by_role("button", name="Close").click()
    search.click()
    expect(toast).to_be_visible()
    expect(search).to_have_attribute("aria-pressed", "false")
    page.unroute("**/assets/*-*.js")
    search.click()
    expect(page.get_by_placeholder("Words to look for")).to_be_focused()
    pick.click()
    expect(page.get_by_role("dialog", name="Emoji")).to_be_visible()


def test_a_part_that_could_not_be_had_comes_with_the_line(browser: Browser, server: Server) -> None:
    with (
        Impaired(server.port, 1, Plan()) as line,
        visiting(browser, cast("Server", line), "net::", "WebSocket") as visit,
    ):
        page = log_in(visit(service_workers="block"), "Alice")
        page.route("**/assets/Gone-*.js", lambda route: route.abort())
        with server.websocket("Hans") as hans:
            hans.ask("whisper", to="Alice", content="hi")
            entry(page, "Hans").click()
        expect(page.get_by_text("A part of the page could not be loaded")).to_be_visible()
        page.unroute("**/assets/Gone-*.js")
        line.cut()
        expect(page.get_by_text("Hans was a guest and is gone.").first).to_be_visible()


def test_a_whole_page_that_cannot_be_had_says_so(visit: Visit) -> None:
    page = log_in(visit(service_workers="block"), "Alice")
    page.route("**/assets/Admin-*.js", lambda route: route.abort())
    page.goto(page.url.split("#")[0] + "admin")
    expect(page.get_by_role("heading", name="A part of the page could not be loaded")).to_be_visible()
    expect(page.get_by_role("button", name="Reload")).to_be_visible()
