"""What a journey needs: two browsers, a server that can be killed, and people who come in."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from journeys.browsers import Driven, Size, chromium_started, firefox_is_here, firefox_started
from journeys.person import Person
from serving import PATIENCE, Server

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


class House:
    """A server with its log on disk, that comes back on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self.start()
        self.port = self.server.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        listen = [f"127.0.0.1:{self.port}"]
        self.server = Server("--data", str(self.folder), "--limits", "off", listen=listen)

    def kill(self) -> None:
        """As by a power cut."""
        self.server.signal(signal.SIGKILL)
        self.server.process.wait(PATIENCE)
        for pipe in (self.server.process.stdout, self.server.process.stderr):
            if pipe is not None:
                pipe.close()

    def history(self, room: str = "lobby") -> list[str]:
        """All that was said in a room, as another client reads it (500 messages at most)."""
        with self.server.websocket("Reader") as reader:
            page: dict[str, Any] = reader.ask("history", room=room, after=0, limit=500)["data"]
        return [f"{one['from']}: {one['content']}" for one in page["messages"]]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "data")
    yield house
    assert house.server.stop() == 0, house.server.log
    assert "Traceback" not in house.server.log, house.server.log


@pytest.fixture
def pictures(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Where they go: HUBBUB_PICTURES names a folder to look at them."""
    named = os.environ.get("HUBBUB_PICTURES")
    folder = tmp_path / "pictures" if named is None else Path(named) / request.node.name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Company:
    """Those who take part in one journey."""

    def __init__(self, driven: Driven, house: House, language: str, size: Size, pictures: Path) -> None:
        self.house = house
        self.language = language
        self.pictures = pictures
        self._driven = driven
        self._size = size
        self.people: list[Person] = []

    def meet(self, name: str, password: str | None = None, way: str = "register") -> Person:
        """Somebody who comes in, and reads in the language of this journey: Chinese in the dark."""
        person = self.opens_page(name)
        person.comes_in(password, way)
        if self.language == "zh":
            person.prefers("dark")
            person.reads("zh")
        return person

    def opens_page(self, name: str) -> Person:
        person = Person(self._driven, self.house.url + "/", self._size, name, self.pictures)
        self.people.append(person)
        return person


@pytest.fixture
def company(request: pytest.FixtureRequest, house: House, pictures: Path) -> Iterator[Company]:
    """Those of a way through (`walked`). No page fails, and none asks anybody else for anything."""
    browser, language, size = request.param
    which = {("chromium", False): "chromium_driven", ("chromium", True): "chromium_driven"}
    which |= {("firefox", False): "firefox_at_desk", ("firefox", True): "firefox_in_hand"}
    driven: Driven = request.getfixturevalue(which[browser, size.touch])
    company = Company(driven, house, language, size, pictures)
    yield company
    try:
        for place, person in enumerate(company.people):
            person.tab.picture(pictures / f"{place} {person.name} at the end.png")
        seen = [person.tab.seen() for person in company.people]
    finally:
        driven.close_tabs()
    for faults, asked in seen:
        bad = [one for one in faults if not _refusal(one)]
        assert bad == [], bad
        assert asked <= {house.url}, asked


def _refusal(fault: str) -> bool:
    """What the browsers write down themselves: an answer that is a refusal, a line that is cut."""
    own = ("status of 40", "WebSocket connection to", "ERR_CONNECTION_REFUSED", "establish a connection to")
    return any(part in fault for part in (*own, "was interrupted while the page was loading"))


def walked(*ways: tuple[str, str, Size]) -> pytest.MarkDecorator:
    """Which ways a journey is walked: browser, language, size. All but the first are `long`."""
    names = [
        f"{browser}-{language}-{'phone' if size.touch else 'desktop'}" for browser, language, size in ways
    ]
    further = [pytest.param(way, marks=pytest.mark.long) for way in ways[1:]]
    return pytest.mark.parametrize("company", [ways[0], *further], indirect=True, ids=names)
