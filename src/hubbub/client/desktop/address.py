"""Addresses: of the server that the window shows, and of what a page wants to open. Pure.

The page is treated as hostile: a server may be somebody else's, and a page may have a hole. So it gets what a
browser's tab gets, and nothing leads out of its own origin but into the system's browser.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

from hubbub.client.desktop.errors import AddressError

LONGEST_ADDRESS: Final = 2048
"""Characters of an address that is opened, here or elsewhere; longer ones are refused."""
OPENED: Final = 5
"""Addresses that a page may have the system open within `OPENED_WITHIN`: a person clicks no faster."""
OPENED_WITHIN: Final = 10.0
"""Seconds."""

_PORTS: Final = {"http": 80, "https": 443}
_OUTSIDE: Final = ("http", "https", "mailto")

Verdict = Literal["stay", "outside", "refuse"]
"""Where an address goes: into the view, to the system's browser, nowhere."""


class Origin(NamedTuple):
    """Whose page it is (RFC 6454)."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """Host and port, as people and browsers write it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def cookie(self) -> str:
        """What the cookie is called by which this server signs a browser in."""
        return f"hubbub_{self.port}"


def read_address(text: str) -> Origin:
    """Read what a person gave: `http://host:port`, or `host:port`. Raises AddressError.

    Its sentence does not repeat what was given, of which something may be a password.
    """
    given = text.strip()
    if "://" not in given:
        given = f"http://{given}"
    try:
        if len(given) > LONGEST_ADDRESS or not given.isprintable() or " " in given:
            raise ValueError
        parts = urlsplit(given)
        origin = _origin(parts)
        if origin is None or parts.username is not None or parts.password is not None:
            raise ValueError
    except ValueError:
        raise AddressError("This is not the address of a server, such as http://host:8080.") from None
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise AddressError(f"This names a page: give the server alone, such as {origin}.")
    return origin


def origin_of(url: str) -> Origin | None:
    """Return whose page an address is; None: of nobody that has one."""
    try:
        return _origin(urlsplit(url.removeprefix("blob:")))
    except ValueError:
        return None


def judge(url: str, home: Origin, *, new_window: bool, by_person: bool) -> Verdict:
    """Say where an address goes that a page at `home` wants opened.

    `new_window`: not in the place of the page. `by_person`: somebody clicked; else nothing is opened outside.
    """
    if len(url) > LONGEST_ADDRESS or not url.isprintable():
        return "refuse"
    if origin_of(url) == home and not new_window:
        return "stay"
    if not by_person:
        return "refuse"
    scheme = url.partition(":")[0].lower()
    if scheme == "mailto":
        return "outside"
    return "outside" if scheme in _OUTSIDE and origin_of(url) is not None else "refuse"


class Doorway:
    """Counts what a page has opened outside: beyond a few in a while, the rest is refused."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def may_open(self, now: float) -> bool:
        """Whether one more may be; `now` in seconds."""
        while self._times and now - self._times[0] >= OPENED_WITHIN:
            self._times.popleft()
        if len(self._times) >= OPENED:
            return False
        self._times.append(now)
        return True


def _origin(parts: SplitResult) -> Origin | None:
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    port = parts.port
    if port is None:
        port = _PORTS[parts.scheme]
    return Origin(parts.scheme, parts.hostname, port) if 0 < port < 65_536 else None
