"""What the window knows again at the next start: its place, its servers, and the port of its own one.

One file for its owner's eyes alone, which no page can reach. One that is damaged counts as none.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec

from hubbub.client.desktop.address import LONGEST_ADDRESS, read_address
from hubbub.client.desktop.errors import AddressError
from hubbub.client.state import Note

SERVERS: Final = 5
"""Servers that are offered again in the menu, the last one first."""
SIZE: Final = (1100, 760)
"""What a window is at its first start, in pixels."""
LEAST: Final = (380, 480)
"""Smaller than a phone, the page is of no use."""
_MOST: Final = 16_384  # pixels, which X has at most
_IN_SIGHT: Final = 80  # pixels of a window that must be on a screen, so that it can be taken hold of

_Server = Annotated[str, msgspec.Meta(max_length=LONGEST_ADDRESS)]
_Pixels = Annotated[int, msgspec.Meta(ge=-_MOST, le=_MOST)]


class Box(NamedTuple):
    """A window's or a screen's place, in pixels."""

    x: int
    y: int
    width: int
    height: int


class Place(msgspec.Struct, frozen=True):
    """Where the window was."""

    x: _Pixels
    y: _Pixels
    width: _Pixels
    height: _Pixels
    maximized: bool = False


class Remembered(msgspec.Struct, frozen=True, omit_defaults=True):
    """All of it. `port`: where its own server was, which cookies and settings of the page hang on."""

    place: Place | None = None
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 0
    servers: Annotated[tuple[_Server, ...], msgspec.Meta(max_length=SERVERS)] = ()

    def with_server(self, server: str) -> Remembered:
        """Return it with this server as the last one."""
        servers = (server, *(one for one in self.servers if one != server))[:SERVERS]
        return msgspec.structs.replace(self, servers=servers)


class Memory:
    """The file. While it is open, no other window of this person can be (`Note` has a lock)."""

    def __init__(self, directory: Path) -> None:
        """Raises BusyError where another window has it, OSError."""
        self._note = Note(directory, "desktop", ("window",))
        self.now = self._note.read(Remembered) or Remembered()

    def keep(self, now: Remembered) -> None:
        """Put this in its place. Raises OSError."""
        if now != self.now:
            self._note.write(now)
            self.now = now

    def close(self) -> None:
        """Let others have it."""
        self._note.close()


def known_servers(remembered: Remembered) -> list[str]:
    """Those that are addresses: the file may have been written by hand."""
    found = []
    for server in remembered.servers:
        try:
            found.append(str(read_address(server)))
        except AddressError:
            continue
    return found


def fitted(place: Place | None, screens: Iterable[Box]) -> tuple[Box | None, tuple[int, int]]:
    """Return where a window goes, and its size. No place: where the system puts it.

    A screen may be gone since, or be smaller.
    """
    screens = list(screens)
    if place is None:
        largest = max(screens, key=lambda one: one.width * one.height, default=Box(0, 0, *SIZE))
        return None, _sized(*SIZE, largest)
    for screen in screens:
        width, height = _sized(place.width, place.height, screen)
        across = screen.x - width + _IN_SIGHT <= place.x <= screen.x + screen.width - _IN_SIGHT
        if across and screen.y <= place.y <= screen.y + screen.height - _IN_SIGHT:
            return Box(place.x, place.y, width, height), (width, height)
    largest = max(screens, key=lambda one: one.width * one.height, default=Box(0, 0, *SIZE))
    return None, _sized(place.width, place.height, largest)


def _sized(width: int, height: int, screen: Box) -> tuple[int, int]:
    return min(max(width, LEAST[0]), screen.width), min(max(height, LEAST[1]), screen.height)
