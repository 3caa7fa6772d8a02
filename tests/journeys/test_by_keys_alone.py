"""From the form to a message that was sent, edited and marked, and through rooms and settings: by keys alone.

Where the focus is, is seen at each step: an outline or a shadow, on it or on what it stands in.
"""

from __future__ import annotations

import json

import pytest

from journeys.browsers import DESKTOP
from journeys.company import Company, walked
from journeys.company import chromium_driven as chromium_driven
from journeys.company import company as company
from journeys.company import firefox_at_desk as firefox_at_desk
from journeys.company import firefox_in_hand as firefox_in_hand
from journeys.company import house as house
from journeys.company import pictures as pictures
from journeys.person import Person

pytestmark = pytest.mark.browser

FOCUS = """(() => {
    const one = document.activeElement;
    if (one === null || one === document.body) return null;
    const shows = (it) => {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(it);
        return (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1) || boxShadow !== 'none';
    };
    const around = [one, one.nextElementSibling, one.parentElement, one.closest('.field')];
    const text = one.getAttribute('aria-label') ?? one.labels?.[0]?.innerText ?? one.innerText ?? '';
    return {
        name: text.replace(/\\s+/g, ' ').trim(),
        seen: around.some((it) => it !== null && shows(it)),
        what: one.outerHTML.slice(0, 120),
    };
})()"""


class Keys:
    """One who has no mouse."""

    def __init__(self, person: Person) -> None:
        self.person = person

    def presses(self, *keys: str) -> None:
        for key in keys:
            self.person.tab.press(key)

    def is_at(self, name: str) -> None:
        """The focus is at that, or comes to be, and can be seen there."""
        at = f"({FOCUS})?.name.includes({json.dumps(name)})"
        self.person.waits(at)
        focus = self.person.tab.run(FOCUS)
        assert focus["seen"], focus

    def tabs_to(self, name: str, back: bool = False) -> None:
        """By the tabulator; each step on the way can be seen."""
        for _ in range(40):
            self.person.tab.press("Shift+Tab" if back else "Tab")
            focus = self.person.tab.run(FOCUS)
            assert focus is None or focus["seen"], focus
            if focus is not None and name in focus["name"]:
                return
        raise AssertionError(f"{name} is not reached")


@walked(("chromium", "en", DESKTOP), ("firefox", "en", DESKTOP))
def test_by_keys_alone(company: Company) -> None:
    alice = company.opens_page("alice")
    keys, t = Keys(alice), alice.words
    alice.sees("textbox", t("entrance.yourName"))
    keys.is_at(t("entrance.yourName"))
    alice.sees("tab", t("entrance.guestWay"))
    keys.tabs_to(t("entrance.login"), back=True)
    keys.presses("ArrowRight")
    keys.is_at(t("entrance.guestWay"))
    keys.tabs_to(t("entrance.yourName"))
    alice.tab.type("alice")
    keys.presses("Enter")
    alice.is_in()
    keys.is_at(t("chat.write", name="lobby"))
    alice.tab.type("helo")
    keys.presses("Enter")
    alice.reads_message("helo")
    alice.waits("document.querySelector('article.sent') !== null")
    keys.presses("ArrowUp")
    alice.sees("text", t("chat.editing"))
    keys.presses("Control+a")
    alice.tab.type("hello")
    keys.presses("Enter")
    alice.sees("text", f"({t('chat.edited')})")
    keys.presses("Alt+ArrowUp")
    keys.is_at("alice, ")  # the message
    keys.presses("Enter")
    keys.is_at(t("deeds.react"))
    keys.presses("Enter")
    keys.is_at(t("deeds.emojiSearch"))
    alice.tab.type("tada")
    keys.presses("Enter")
    alice.sees("button", t("chat.reactionBy", emoji="🎉", n=1, names="alice"))
    keys.presses("Escape")
    keys.is_at(t("chat.write", name="lobby"))

    server = company.house.server
    bob = server.websocket("bob")
    bob.ask("whisper", id="1", to="alice", content="psst")
    alice.sees("link", has="bob", within="nav")
    keys.presses("Alt+Shift+ArrowDown")
    alice.sees("heading", "bob", within="main")
    keys.is_at(t("chat.write", name="bob"))
    keys.presses("Control+k")
    keys.is_at(t("panes.switcher"))
    alice.tab.type("lob")
    keys.presses("Enter")
    alice.sees("heading", "lobby", within="main")
    keys.is_at(t("chat.write", name="lobby"))

    keys.tabs_to(t("shell.settings"), back=True)
    keys.presses("Enter")
    alice.sees("dialog", t("account.account"))
    keys.tabs_to(t("account.settings"))
    keys.tabs_to(t("account.system"))
    keys.presses("ArrowRight", "ArrowRight")
    keys.is_at(t("account.dark"))
    assert alice.tab.run("getComputedStyle(document.body).colorScheme") == "dark"
    keys.presses("Escape")
    alice.lacks("dialog")
    keys.is_at(t("shell.settings"))
    alice.looks("after all")
