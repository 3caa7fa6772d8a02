"""What a person is told who looks elsewhere: a notification, once, and none of what is before their eyes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from browser.visiting import Visit, entry, log_in, register
from serving import Server, serving

pytestmark = pytest.mark.browser

# Without a display there is nobody to show them to: what is asked for is noted in their place.
RECORD = """
window.told = [];
window.Notification = class {
    static permission = 'granted';
    constructor(title, { body, tag }) { window.told.push([title, body]); this.tag = tag; window.last = this; }
    close() { window.putAway = true; }
};"""
HIDE = """(on) => {
    for (const [name, value] of [['visibilityState', on ? 'hidden' : 'visible'], ['hidden', on]]) {
        Object.defineProperty(document, name, { value, configurable: true });
    }
    document.hasFocus = () => !on;
    document.dispatchEvent(new Event('visibilitychange'));
    window.dispatchEvent(new Event(on ? 'blur' : 'focus'));
}"""
"""A background page of headless Chromium is visible all the same: what it says of itself is replaced."""


@pytest.fixture
def server() -> Iterator[Server]:
    with serving("--limits", "off") as started:
        yield started


def test_a_mention_is_told_unless_one_looks_at_it(server: Server, visit: Visit) -> None:
    page = visit()
    page.context.add_init_script(RECORD)
    page.reload()
    log_in(page, "alice")
    bob = server.websocket("bob")
    log = page.get_by_role("log")

    bob.ask("publish", id="1", room="lobby", content="@alice look at me")
    expect(log.get_by_text("look at me")).to_be_visible()
    bob.ask("publish", id="2", room="lobby", content="nothing for anybody")
    expect(log.get_by_text("nothing for anybody")).to_be_visible()
    assert page.evaluate("told") == []  # the room that is before her eyes
    expect(page).to_have_title("Hubbub")

    page.evaluate(HIDE, True)
    bob.ask("publish", id="3", room="lobby", content="still nothing for anybody")
    expect(page).to_have_title("• Hubbub")
    bob.ask("publish", id="4", room="lobby", content="@alice are you there")
    expect(page).to_have_title("(1) Hubbub")
    bob.ask("whisper", id="5", to="alice", content="psst")
    expect(page).to_have_title("(2) Hubbub")
    page.wait_for_function("told.length === 2")
    assert page.evaluate("told.map(([title, body]) => `${title} | ${body}`.includes('psst'))") == [
        False,
        True,
    ]
    assert "are you there" in page.evaluate("told[0].join(' ')")

    page.evaluate("last.onclick()")  # it leads to what it tells of
    expect(entry(page, "bob")).to_have_attribute("aria-current", "page")
    assert page.evaluate("putAway") is True
    page.evaluate(HIDE, False)
    expect(page).to_have_title("(1) Hubbub")
    entry(page, "lobby").click()
    expect(page).to_have_title("Hubbub")
    assert page.evaluate("told.length") == 2


def test_of_several_tabs_one_tells_and_none_of_what_another_shows(server: Server, visit: Visit) -> None:
    register(server, "alice", "correct horse")
    page = visit()
    page.context.add_init_script(RECORD)
    page.reload()
    log_in(page, "alice", "correct horse")
    hidden = [page.context.new_page() for _ in range(2)]
    for one in hidden:
        one.goto(page.url)
        expect(entry(one, "lobby")).to_have_attribute("aria-current", "page")
        one.evaluate(HIDE, True)
    bob = server.websocket("bob")

    def told(words: str) -> int:
        """How much all tabs have told, once they have taken that in."""
        for one in (page, *hidden):
            expect(one.get_by_text(words)).not_to_have_count(0)
            one.evaluate("navigator.locks.request('last', () => navigator.locks.query())")  # in its turn
        return sum(one.evaluate("told.length") for one in (page, *hidden))

    bob.ask("publish", id="1", room="lobby", content="@alice here I am")
    assert told("here I am") == 0
    page.evaluate(HIDE, True)
    bob.ask("publish", id="2", room="lobby", content="@alice and here")
    assert told("and here") == 1
    page.evaluate(HIDE, False)  # she looks again, but not there
    bob.ask("whisper", id="3", to="alice", content="psst")
    for one in (page, *hidden):
        expect(entry(one, "bob")).to_be_visible()
    assert told("bob") == 2
