"""Ports: what the domain needs from outside, and exactly what it may rely on.

One contract suite per port (`tests/contracts/`) runs on every implementation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import msgspec

from hubbub.core.answers import Answer
from hubbub.core.events import Event


class Said(msgspec.Struct, frozen=True, tag="said", gc=False):
    """Body of an entry: a message in a room."""

    sender: str
    sender_id: int
    room: str
    content: str
    reply_to: int | None = None


class Whispered(msgspec.Struct, frozen=True, tag="whispered", gc=False):
    """Body of an entry: a message to one person."""

    sender: str
    sender_id: int
    to: str
    to_id: int
    content: str


class TopicGiven(msgspec.Struct, frozen=True, tag="topic", gc=False):
    """Body of an entry: what a room is about, from now on."""

    sender: str
    sender_id: int
    room: str
    topic: str


Body = Said | Whispered | TopicGiven


class Entry(msgspec.Struct, frozen=True, gc=False):
    """Something to be kept on a stream. `at` is RFC 3339, UTC; `id` is the message's id."""

    stream: str
    id: str
    at: str
    body: Body


class Record(msgspec.Struct, frozen=True, gc=False):
    """An entry that is kept, with its position."""

    entry: Entry
    epoch: str
    offset: int


class Group(msgspec.Struct, frozen=True, gc=False):
    """What one append became. `ticket` is None where another node appended it."""

    ticket: int | None
    records: Sequence[Record]


class Position(msgspec.Struct, frozen=True, gc=False):
    """The last offset of a stream, 0 where it has none yet."""

    epoch: str
    offset: int


class JournalUnavailableError(Exception):
    """The journal takes no entries now; it may later, without a restart."""

    def __init__(self, reason: str, *, read_only: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.read_only = read_only


class JournalSink(Protocol):
    """Who is told what became of appends: the service."""

    def committed(self, groups: Sequence[Group]) -> None:
        """These are kept. Called in commit order, never from within `append`."""
        ...

    def failed(self, tickets: Sequence[int], error: JournalUnavailableError) -> None:
        """These are not kept, and never will be."""
        ...


class Journal(Protocol):
    """Keeps entries on streams.

    - *Atomic*: the entries of one append are all kept, or none.
    - *Order*: appends commit in the order in which they were made; a later one may fail where an
      earlier one succeeded, and where one fails, all that were in flight behind it fail too.
    - *Once*: each ticket is told exactly once, by `committed` or `failed`, later than its `append` returned.
    - *Positions*: on each stream, offsets count 1, 2, 3 … without holes over everything that is
      committed, other nodes' entries (`ticket` None) included. They are known at the commit, not before.
      A position is (epoch, offset); the epoch changes only when continuity cannot be proved.
    - *Durability*: what `committed` was told survives whatever this journal promises to survive.
    """

    def open(self, sink: JournalSink) -> None:
        """Begin. Called once, before the first append."""
        ...

    def append(self, entries: Sequence[Entry]) -> int:
        """Take entries, return their ticket (rising). Never blocks. Raises JournalUnavailableError."""
        ...

    def head(self, stream: str) -> Position:
        """The stream's last committed position."""
        ...

    async def close(self) -> None:
        """Finish what is in flight, then take no more."""
        ...


class Claims(Protocol):
    """Who holds a name. Answered at once here; by an internal command in a cluster.

    A key is held by one owner at a time; claiming what one holds succeeds; releasing what one does not
    hold does nothing.
    """

    def claim(self, key: str, owner: int) -> bool:
        """Hold `key` for `owner`. False: somebody else holds it."""
        ...

    def release(self, key: str, owner: int) -> None:
        """Give it back."""
        ...


def claim_all(claims: Claims, kind: str, keys: Sequence[str], owner: int) -> bool:
    """Hold all keys of a name, or none."""
    for held, key in enumerate(keys):
        if not claims.claim(kind + key, owner):
            for other in keys[:held]:
                claims.release(kind + other, owner)
            return False
    return True


SessionT = TypeVar("SessionT", contravariant=True)


class Outlet(Protocol[SessionT]):
    """Where answers and events leave the domain: the fan-out.

    - *Order*: what one session originates is seen in that order by every receiver, across streams.
    - *Joins*: after `subscribe`, a session gets what is sent on the stream from then on, and nothing older.
    - *Answers first*: the answer to a publish reaches its session before the event that it became.
    - Nothing needs to leave before `flush`.
    """

    def subscribe(self, session: SessionT, stream: str) -> None:
        """The session receives the stream's events from now on."""
        ...

    def unsubscribe(self, session: SessionT, stream: str) -> None:
        """It no longer does."""
        ...

    def publish(self, stream: str, event: Event, origin: SessionT | None) -> None:
        """An event for all who are subscribed to `stream`, caused by `origin`."""
        ...

    def send(self, stream: str, sessions: Sequence[SessionT], event: Event, origin: SessionT | None) -> None:
        """An event for these sessions, on a stream that nobody is subscribed to."""
        ...

    def answer(self, session: SessionT, request: object, answer: Answer) -> None:
        """The answer to a request that `handle` left open."""
        ...

    def dismiss(self, session: SessionT, reason: str) -> None:
        """Say goodbye to the session and close it: `replaced`."""
        ...

    def flush(self) -> None:
        """Everything up to here leaves now."""
        ...
