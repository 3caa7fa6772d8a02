"""The ends of the list of messages in a real browser: where few of them stand, and what counts as new."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.visiting import DESKTOP, PHONE, Visit, entry, log_in, say
from serving import Server, serving, until

pytestmark = pytest.mark.browser

BELOW = """() => {
    const log = document.querySelector('[role=log]');
    const last = [...log.querySelectorAll('article')].at(-1);
    return log.getBoundingClientRect().bottom - last.getBoundingClientRect().bottom;
}"""
"""Pixels between the last message and the end of the view."""

LISTEN = """() => {
    const live = document.querySelector('main [aria-live=polite]:not([role])');
    window.heard = [];
    new MutationObserver(() => window.heard.push(live.textContent)).observe(
        live, {childList: true, characterData: true, subtree: true});
}"""
"""From now on, keep what is read out."""


@pytest.fixture
def server() -> Iterator[Server]:
    with serving("--limits", "off") as started:
        yield started


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_few_messages_stand_above_the_box(server: Server, visit: Visit, size: dict[str, int]) -> None:
    line = server.websocket("bob")
    line.ask("publish", id="m1", content="the first", room="lobby")
    page = log_in(visit(viewport=size), "alice")
    if size == PHONE:
        entry(page, "lobby").click()
    expect(page.get_by_text("This is where lobby begins.")).to_be_visible()
    assert below(page, "the first") < 40
    say(page, "the second")
    assert below(page, "the second") < 40
    line.ask("publish", id="m2", content="the third", room="lobby")
    assert below(page, "the third") < 40
    for number in range(40):
        line.ask("publish", id=f"n{number}", content=f"line {number}", room="lobby")
    assert below(page, "line 39") < 40  # now that they are more than fit
    page.get_by_role("log").hover(position={"x": 200, "y": 200})
    page.mouse.wheel(0, -20_000)
    expect(page.get_by_text("the first")).to_be_in_viewport()


def test_what_is_loaded_later_is_not_new(server: Server, visit: Visit) -> None:
    line = server.websocket("bob")
    line.ask("join", room="den")
    for number in range(300):
        content = "a rare pangolin" if number == 10 else f"message {number}"
        line.ask("publish", id=f"m{number}", content=content, room="den")
    page = log_in(visit("/#/room/den"), "alice")  # a room that the login does not tell of
    expect(page.get_by_text("message 299")).to_be_in_viewport()
    page.evaluate(LISTEN)
    page.keyboard.press("Control+f")
    page.get_by_role("searchbox", name="Words to look for").fill("pangolin")
    page.get_by_role("region", name="Search", exact=True).get_by_role("listitem").get_by_role(
        "button"
    ).click()
    log = page.get_by_role("log")
    expect(log.get_by_text("a rare pangolin")).to_be_in_viewport()
    newest = page.get_by_role("button", name=re.compile("jump to the newest", re.I))
    log.hover(position={"x": 200, "y": 200})
    later = log.get_by_text("message 150", exact=True)  # more than was loaded first

    def scrolled() -> bool:
        page.mouse.wheel(0, 800)
        return later.count() > 0

    until(scrolled)
    expect(newest).to_have_accessible_name("Jump to the newest")
    line.ask("publish", id="new", content="this one is new", room="den")
    expect(newest).to_have_accessible_name("One new message: jump to the newest")
    newest.click()
    expect(log.get_by_text("this one is new")).to_be_in_viewport()
    expect(newest).to_have_count(0)
    line.ask("publish", id="next", content="and so is this", room="den")
    expect(page.locator("main [aria-live=polite]:not([role])")).to_have_text("bob: and so is this")
    assert page.evaluate("window.heard") == ["bob: and so is this"]  # and nothing of what was loaded


def below(page: Page, words: str) -> float:
    """Where the last message ends, once it is this one and stands still."""
    expect(page.get_by_role("log").get_by_role("article").last).to_contain_text(words)
    expect(page.get_by_role("log").get_by_text(words, exact=True)).to_be_in_viewport()
    pixels: float = page.evaluate(BELOW)
    return pixels
