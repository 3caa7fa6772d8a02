"""Private talks: which there are, and of whom. A talk is the stream of two ids, never of two names."""

from __future__ import annotations

from collections.abc import Iterable, KeysView, Sequence
from typing import Final

from hubbub.core.entries import Record
from hubbub.core.model import Session
from hubbub.core.people import People

PREFIX = "talk:"
"""What the stream of every private talk begins with."""
_NONE: Final[dict[str, None]] = {}


def talk_stream(a: int, b: int) -> str:
    """The stream of the private talk between these two ids, in either order."""
    return f"talk:{a:x}:{b:x}" if a <= b else f"talk:{b:x}:{a:x}"


def talkers(stream: str) -> tuple[int, int] | None:
    """Whose private talk that is, as two ids; None: it is none."""
    if not stream.startswith(PREFIX) or len(stream) > 40:
        return None
    low, _, high = stream[len(PREFIX) :].partition(":")
    try:
        both = int(low, 16), int(high, 16)
    except ValueError:
        return None
    return both if talk_stream(*both) == stream else None  # one spelling only


def hearers(people: People, ids: Iterable[int], record: Record) -> Sequence[Session]:
    """All devices of these people that hear an entry of a talk, or of notices, now: each once.

    Who is being told what it missed of that stream hears it then (see `resume`).
    """
    stream, heard = record.entry.stream, list[Session]()
    for id in dict.fromkeys(ids):
        user = people.by_id(id)
        for session in user.sessions if user is not None else ():
            if session.rested is not None or (session.resuming is not None and stream in session.resuming):
                continue
            if session.since is None:
                session.since = {}
            session.since.setdefault(stream, record.offset - 1)
            heard.append(session)
    return heard


class Talks:
    """Who ever talked with whom: what a person may search, and what may be unread."""

    def __init__(self) -> None:
        self._of: dict[int, dict[str, None]] = {}

    def load(self, streams: Iterable[str]) -> None:
        """Take in what is kept: called once, before anybody is served."""
        for stream in streams:
            self.add(stream)

    def add(self, stream: str) -> None:
        """Something was said there."""
        for id in talkers(stream) or ():
            talks = self._of.setdefault(id, {})
            talks.pop(stream, None)
            talks[stream] = None

    def of(self, id: int) -> KeysView[str]:
        """The streams of this person's talks; the last is where something was said last.

        That is so from the server's start on: what was said before it has no order.
        """
        return self._of.get(id, _NONE).keys()
