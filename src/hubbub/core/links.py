"""Links: tickets by which one request fetches one file, for a while. A program that cannot log in has one."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from itertools import islice
from typing import NamedTuple
from urllib.parse import quote

from hubbub.core.settings import FileSettings


class Ticket(NamedTuple):
    """What a ticket is for: a kept file or an offer (`id`), for the person `user` alone."""

    id: str
    user: int
    until: float


class Links:
    """The tickets that are open. Of each only the SHA-256 is kept, in memory."""

    def __init__(
        self, settings: FileSettings, clock: Callable[[], float], entropy: Callable[[int], bytes]
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._entropy = entropy
        self._tickets: dict[bytes, Ticket] = {}

    def make(self, id: str, name: str, user: int) -> str:
        """The path of a link, with its ticket."""
        now = self._clock()
        for oldest in tuple(
            islice(self._tickets, 2)
        ):  # two for each one that comes, so expiry needs no timer
            if self._tickets[oldest].until < now or len(self._tickets) >= self._settings.max_links:
                del self._tickets[oldest]
        ticket = urlsafe_b64encode(self._entropy(24)).decode()
        self._tickets[_hash(ticket)] = Ticket(id, user, now + self._settings.link_seconds)
        return f"/blobs/{id}/{quote(name, safe='')}?ticket={ticket}"

    def look(self, ticket: str, id: str) -> Ticket | None:
        """What it is for, if it is for that, and good still."""
        found = self._tickets.get(_hash(ticket))
        return found if found is not None and found.id == id and found.until >= self._clock() else None

    def take(self, ticket: str, id: str) -> Ticket | None:
        """The same; it is used up by that."""
        found = self.look(ticket, id)
        if found is not None:
            del self._tickets[_hash(ticket)]
        return found


def _hash(ticket: str) -> bytes:
    return sha256(ticket.encode("utf-8", "surrogatepass")).digest()
