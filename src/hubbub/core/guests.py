"""Guests: how somebody without an account is known again after a dropped line, or a restart.

A guest's token says who that is, under a MAC. Nothing is stored of those who are here; of those who left,
it is remembered for a while until when they may come back.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from itertools import islice
from typing import Final, NamedTuple

from hubbub.core.entries import Change, Drop, Put
from hubbub.core.ports import Reader
from hubbub.core.settings import GuestSettings

GUEST: Final = "g"
"""How the token of a guest begins."""

_SECRET: Final = "secret/guests"  # noqa: S105 (its name)
_LEFT: Final = "left/"
_LONGEST: Final = 512  # characters of a token: the name is in it
_MAC: Final = 18  # bytes


class Guest(NamedTuple):
    """Who a token speaks of."""

    id: int
    name: str


class _Dropped(NamedTuple):
    name: str
    until: float


class Guests:
    """The tokens of guests, and which of them are good."""

    def __init__(
        self, settings: GuestSettings, clock: Callable[[], float], entropy: Callable[[int], bytes]
    ) -> None:
        """`entropy(n)` gives n unpredictable bytes."""
        self._settings = settings
        self._clock = clock
        self._secret = entropy(32)
        self._run = entropy(4).hex()
        """What tells tokens of this run of the server from those of the runs before."""
        self._back_until = clock() + settings.keep_seconds
        """Until when those of former runs may come back: nobody knows when their lines dropped."""
        self._dropped: dict[int, _Dropped] = {}
        self._most = max(1, settings.max_kept)
        self._left: dict[int, None] = {}
        """Who logged out, and comes back by no token."""

    def load(self, reader: Reader) -> list[Put]:
        """Take in what is kept; the changes that keep what is new come back."""
        for key, _ in reader.scan(_LEFT):
            self._left[int(key.removeprefix(_LEFT), 16)] = None
        secret = reader.get(_SECRET)
        if secret is None:
            return [Put(_SECRET, self._secret)]
        self._secret = secret
        return []

    def __contains__(self, id: int) -> bool:
        """Whether somebody with that id may still come back."""
        return id in self._dropped

    def token(self, id: int, name: str) -> str:
        """What takes this session back."""
        shown = urlsafe_b64encode(name.encode()).rstrip(b"=").decode()
        signed = f"{GUEST}.{id:x}.{self._run}.{shown}"
        return f"{signed}.{self._mac(signed)}"

    def read(self, token: str) -> tuple[Guest, bool] | None:
        """Whom a token speaks of, and whether it is of this run; None: it is not one of ours."""
        signed, _, mac = token.rpartition(".")
        if len(token) > _LONGEST or not token.isascii():
            return None
        if not hmac.compare_digest(mac, self._mac(signed)):
            return None
        _, id, run, shown = signed.split(".")
        name = urlsafe_b64decode(shown + "=" * (-len(shown) % 4)).decode()
        return Guest(int(id, 16), name), run == self._run

    def returning(self, guest: Guest, this_run: bool) -> Guest | None:
        """Who comes back by that token, under the last name; None: too late. Not for those who are here."""
        now, dropped = self._clock(), self._dropped.get(guest.id)
        if dropped is not None:
            return Guest(guest.id, dropped.name) if dropped.until >= now else None
        if this_run or now > self._back_until or guest.id in self._left:
            return None
        return guest

    def arrived(self, id: int) -> None:
        """The guest is here."""
        self._dropped.pop(id, None)

    def dropped(self, id: int, name: str) -> None:
        """The guest's line is gone; the token takes the id back for a while."""
        now = self._clock()
        if id not in self._left:
            self._dropped[id] = _Dropped(name, now + self._settings.keep_seconds)
        # The oldest two go for each one that comes, so expiry needs no timer.
        for oldest in tuple(islice(self._dropped, 2)):
            if self._dropped[oldest].until < now or len(self._dropped) > self._settings.max_kept:
                del self._dropped[oldest]

    def leaving(self, id: int) -> list[Change]:
        """The changes by which the guest's token is worth nothing, also after a restart.

        So many are remembered as of those who dropped: one more, and one is forgotten.
        """
        surplus = islice(self._left, max(0, len(self._left) + 1 - self._most))
        return [Put(_left(id), b""), *(Drop(_left(oldest)) for oldest in surplus)]

    def left(self, id: int) -> None:
        """That is kept."""
        self._left[id] = None
        while len(self._left) > self._most:
            del self._left[next(iter(self._left))]
        self._dropped.pop(id, None)

    def _mac(self, signed: str) -> str:
        return hmac.digest(self._secret, signed.encode(), "sha256")[:_MAC].hex()


def _left(id: int) -> str:
    return f"{_LEFT}{id:014x}"
