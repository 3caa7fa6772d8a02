"""The page to try the WebSocket by hand, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from serving import Server, serving

pytestmark = pytest.mark.browser

# Nothing may be asked of another host, the browser's own habits included.
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    """Open the page; that nothing fails in it, and that it asks nobody else, is part of each test."""
    faults: list[str] = []
    asked: set[str] = set()

    def open_page(**options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: asked.add(request.url.split("/")[2]))
        page.on("websocket", lambda socket: asked.add(socket.url.split("/")[2]))
        page.goto(f"http://127.0.0.1:{server.port}/tester.html")
        expect(page.locator("#state")).to_have_text("connected")
        return page

    yield open_page
    for context in browser.contexts:
        context.close()
    assert faults == []
    assert asked == {f"127.0.0.1:{server.port}"}


def log_in(page: Page, name: str) -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#state")).to_have_text(f"connected as {name}")


def say(page: Page, text: str, to: str = "") -> None:
    page.get_by_label("To", exact=True).fill(to)
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def test_two_people_talk(visit: Visit) -> None:
    alice, bob = visit(), visit()
    log_in(alice, "Alice")
    log_in(bob, "Bob")
    expect(alice.locator("#chat")).to_contain_text("Bob came into lobby")
    say(alice, "hello Bob")
    for page in (alice, bob):
        expect(page.locator("#chat .message")).to_have_text("Alice: hello Bob")
    say(bob, "only you", to="Alice")
    expect(alice.locator("#chat .private")).to_have_text("Bob → Alice: only you")
    alice.get_by_role("button", name="Who is there").click()
    expect(alice.locator("#chat")).to_contain_text("Online: Alice, Bob")
    say(bob, "and you?", to="Carol")
    expect(bob.locator("#chat .refused")).to_contain_text("Carol")


def test_a_room_of_ones_own(visit: Visit) -> None:
    alice, bob = visit(), visit()
    log_in(alice, "Alice")
    log_in(bob, "Bob")
    for page in (alice, bob):
        page.get_by_label("Room").fill("den")
        page.get_by_role("button", name="Join").click()
        expect(page.locator("#chat")).to_contain_text("You are in den now")
    say(bob, "in here")
    expect(alice.locator("#chat .message")).to_have_text("Bob: in here")


def test_markup_stays_text(visit: Visit) -> None:
    alice, bob = visit(), visit()
    log_in(alice, "Alice")
    log_in(bob, "Bob")
    markup = "<img src=x onerror=alert(1)><b>bold</b>"
    say(alice, markup)
    expect(bob.locator("#chat .message")).to_have_text(f"Alice: {markup}")
    for page in (alice, bob):
        assert page.locator("#chat img, #log img, #log b").count() == 0


def test_gateway_and_raw_frames(visit: Visit) -> None:
    one, two = visit(), visit()
    counted = one.locator("#counted")
    one.get_by_role("button", name="Count connections").click()
    expect(counted).to_have_text("2 connected")
    one.get_by_label("Payload, any JSON").fill('{"a": [1, "é"]}')
    one.get_by_role("button", name="Echo").click()
    expect(counted).to_have_text('Echo: {"a":[1,"é"]}')
    one.get_by_role("button", name="Broadcast").click()
    expect(counted).to_have_text("Sent to 2")
    for page in (one, two):
        told = page.locator("#log .received", has_text='"event":"broadcast"')
        expect(told).to_contain_text('"data":{"a":[1,"é"]}')
    one.get_by_label("Payload, any JSON").fill("{broken")
    one.get_by_role("button", name="Echo").click()
    expect(counted).to_contain_text("Not JSON")

    one.get_by_label("A frame as it goes out").fill('{"id": "x1", "type": "request", "action": "fly"}')
    one.get_by_label("A frame as it goes out").press("Control+Enter")
    expect(one.locator("#log .sent").last).to_contain_text('"action": "fly"')
    expect(one.locator("#log .received").last).to_contain_text("unknown action")
    one.get_by_role("button", name="Clear").click()
    expect(one.locator("#log p")).to_have_count(0)


def test_disconnect_and_come_back_by_the_keyboard(visit: Visit, server: Server) -> None:
    page = visit()
    log_in(page, "Alice")
    page.get_by_role("button", name="Disconnect").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#state")).to_have_text("not connected")
    say(page, "anybody?")
    expect(page.locator("#chat .refused")).to_have_text("not connected")
    page.get_by_role("button", name="Connect", exact=True).focus()
    page.keyboard.press("Space")
    expect(page.locator("#state")).to_have_text("connected")


def test_a_lost_connection_can_be_taken_up_again(visit: Visit, server: Server) -> None:
    page = visit()
    log_in(page, "Alice")
    page.get_by_label("Room").fill("den")
    page.get_by_role("button", name="Join").click()
    expect(page.locator("#chat")).to_contain_text("You are in den now")
    page.evaluate("socket.close(4000)")
    expect(page.locator("#state")).to_contain_text("connection lost")
    page.get_by_role("button", name="Reconnect").click()
    expect(page.locator("#state")).to_have_text("connected as Alice")
    say(page, "back again")
    expect(page.locator("#chat .message")).to_have_text("Alice: back again")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_in_either_light(visit: Visit, scheme: str) -> None:
    page = visit(viewport={"width": 320, "height": 640}, color_scheme=scheme)
    log_in(page, "Alice")
    say(page, "w" * 300)
    expect(page.locator("#chat .message")).to_have_count(1)
    for part in ("html", "#chat", "#log"):
        assert page.locator(part).evaluate("(element) => element.scrollWidth <= element.clientWidth"), part
    text, ground = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
        ".map((colour) => Number(colour.match(/[0-9]+/g)[1]))"
    )
    assert (text < ground) == (scheme == "light")


def test_everything_has_a_name_for_those_who_do_not_see_it(visit: Visit) -> None:
    page = visit()
    nameless = page.evaluate(
        """[...document.querySelectorAll("input, textarea, button")].filter((element) =>
            !element.textContent.trim() && !element.labels?.length && !element.ariaLabel).map((e) => e.id)"""
    )
    assert nameless == []
    assert page.get_by_role("log").count() == 2
    assert page.locator("#log").get_attribute("aria-live") == "polite"
