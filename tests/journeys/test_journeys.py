"""The main journeys, in both browsers, against a started server with its log on disk.

Each is walked twice: in Chromium and in Firefox, in English and in Chinese, at a desk and with a phone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from journeys.browsers import (
    DESKTOP,
    PHONE,
    Driven,
    Size,
    chromium_started,
    firefox_is_here,
    firefox_started,
)
from journeys.person import Person
from serving import Server, serving

pytestmark = pytest.mark.browser

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def chromium_driven(chromium: Path) -> Iterator[Driven]:
    with chromium_started(chromium) as started:
        yield started


@pytest.fixture(scope="module")
def firefox_at_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driven]:
    yield from _firefox(tmp_path_factory, touch=False)


@pytest.fixture(scope="module")
def firefox_in_hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driven]:
    yield from _firefox(tmp_path_factory, touch=True)


def _firefox(tmp_path_factory: pytest.TempPathFactory, *, touch: bool) -> Iterator[Driven]:
    if not firefox_is_here():
        pytest.skip("firefox-esr (needs it, Node, and `npm ci` in tests/firefox)")
    with firefox_started(tmp_path_factory.mktemp("downloads"), touch=touch) as started:
        yield started


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving("--data", str(tmp_path / "data"), "--limits", "off") as started:
        yield started


@pytest.fixture
def pictures(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Where they go: HUBBUB_PICTURES names a folder to look at them."""
    named = os.environ.get("HUBBUB_PICTURES")
    folder = tmp_path / "pictures" if named is None else Path(named) / request.node.name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Company:
    """Those who take part in one journey."""

    def __init__(self, driven: Driven, server: Server, language: str, size: Size, pictures: Path) -> None:
        self.server = server
        self.language = language
        self.pictures = pictures
        self._driven = driven
        self._size = size
        self.people: list[Person] = []

    def meet(self, name: str, password: str | None = None, way: str = "register") -> Person:
        """Somebody who comes in, and reads in the language of this journey."""
        url = f"http://127.0.0.1:{self.server.port}/"
        person = Person(self._driven, url, self._size, name, self.pictures)
        self.people.append(person)
        person.comes_in(password, way)
        person.reads(self.language)
        return person


@pytest.fixture
def company(request: pytest.FixtureRequest, server: Server, pictures: Path) -> Iterator[Company]:
    browser, language, size = request.param
    if browser == "firefox":
        browser = "firefox_in_hand" if size.touch else "firefox_at_desk"
    driven: Driven = request.getfixturevalue(browser if browser.startswith("firefox") else "chromium_driven")
    company = Company(driven, server, language, size, pictures)
    yield company
    for person in company.people:
        person.tab.picture(pictures / f"{person.name} at the end.png")
    seen = [person.tab.seen() for person in company.people]
    driven.close_tabs()
    for faults, asked in seen:
        assert [one for one in faults if not _refusal(one)] == []
        assert asked <= {f"http://127.0.0.1:{server.port}"}


def _refusal(fault: str) -> bool:
    """What the browsers write down themselves: an answer that is a refusal, a line that is cut."""
    return any(
        part in fault for part in ("status of 40", "WebSocket connection to", "ERR_CONNECTION_REFUSED")
    )


def walked(*ways: tuple[str, str, Size]) -> pytest.MarkDecorator:
    names = [
        f"{browser}-{language}-{'phone' if size.touch else 'desktop'}" for browser, language, size in ways
    ]
    return pytest.mark.parametrize("company", ways, indirect=True, ids=names)


@walked(("chromium", "zh", PHONE), ("firefox", "en", DESKTOP))
def test_two_guests_talk(company: Company) -> None:
    alice = company.meet("alice")
    t = alice.words
    alice.goes_to("lobby")
    alice.sees("text", t("chat.emptyRoom"))
    alice.looks("empty room")
    alice.says("lobby", "good morning")
    bob = company.meet("bob")
    bob.goes_to("lobby")
    bob.reads_message("good morning")
    alice.to_list()
    alice.clicks("button", t("shell.newRoom"))
    alice.fills(t("panes.roomName"), "den")
    alice.clicks("button", t("panes.createRoom"))
    alice.sees("heading", "den", within="main")
    alice.to_list()
    bob.says("lobby", "@alice and to you")
    alice.sees("link", has=t("shell.mentionsCount", n=1), within="nav")
    alice.looks("mention")
    alice.goes_to("lobby")
    alice.reads_message("@alice and to you")
    alice.acts("and to you", "reply")
    alice.sees("text", t("chat.replyingTo", name="bob"))
    alice.says("lobby", "slept wel?")
    bob.reads_message("slept wel?")
    bob.sees("button", has="and to you", within="article")  # the quote
    alice.acts("slept wel?", "edit")
    alice.fills(t("chat.write", name="lobby"), "slept well?")
    alice.tab.press("Enter")
    bob.reads_message("slept well?")
    bob.sees("text", f"({t('chat.edited')})")
    bob.acts("slept well?", "react")
    bob.fills(t("chat.emojiSearch"), "tada")
    bob.tab.press("Enter")
    alice.sees("button", t("chat.reactionBy", emoji="🎉", n=1, names="bob"))
    bob.says("lobby", "oops")
    bob.acts("oops", "delete")
    bob.sees("text", t("chat.deleteTitle"))
    bob.clicks("button", t("chat.deleteNow"))
    alice.sees("article", has=t("chat.deleted"))
    alice.looks("conversation")
    alice.own_menu(t("shell.signOut"))
    alice.sees("dialog", t("account.signOut"))  # a guest is asked
    alice.looks("leaving")
    alice.clicks("button", t("account.signOut"))
    alice.sees("textbox", t("entrance.yourName"))
