"""Whom the fan-out writes to, what leaves for them together, and who follows that: what it needs of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hubbub.core.answers import Answer
from hubbub.core.events import Event
from hubbub.core.model import User
from hubbub.net.stream import Stream
from hubbub.server.dialects import Dialect
from hubbub.wire.codec import Request


class Receiver(Protocol):
    """What the fan-out needs of a connection."""

    batch: Batch | None
    """The last batch it wrote into. The fan-out's own."""

    @property
    def name(self) -> str:
        """What the log calls it."""
        ...

    @property
    def user(self) -> User | None:
        """Whose it is."""
        ...

    @property
    def stream(self) -> Stream:
        """Where its bytes go."""
        ...

    @property
    def fd(self) -> int:
        """Its stream's descriptor, for as long as it is open; NO_FD under TLS."""
        ...

    @property
    def dialect(self) -> Dialect:
        """What it speaks."""
        ...

    @property
    def deaf(self) -> bool:
        """Whether its line is taken for the bytes of a file: it must not be written to."""
        ...

    def miss(self, event: Event) -> None:
        """Take note of an event that is not written to it, since it is deaf."""
        ...

    @property
    def waits(self) -> bool:
        """Whether `go_on` should be called when its answer is out."""
        ...

    def answered(self, request: Request, answer: Answer) -> bytes:
        """An answer that was waited for, as bytes."""
        ...

    def go_on(self) -> None:
        """Take up what waited."""
        ...

    def dismiss(self, reason: str) -> None:
        """Say goodbye, and close."""
        ...


Sent = tuple[Event, Receiver | None]
"""An event and the session that caused it."""


class Batch:
    """Events of one stream that leave together."""

    __slots__ = ("events", "messages", "receivers", "sealed", "stream")

    def __init__(self, stream: str, receivers: Sequence[Receiver] | None) -> None:
        self.stream = stream
        self.receivers = receivers
        """Who gets it; None: all who are subscribed to the stream."""
        self.events: list[Sent] = []
        self.messages = 0
        """How many of them are messages."""
        self.sealed = False


class Following(Protocol):
    """Who follows the path of a message: see `paths`."""

    request: object
    """The one that is followed."""
    stream: str
    """Where it was kept, until it is written; else empty."""

    def answered(self, answer: object) -> None:
        """It is kept, or it was refused."""
        ...

    def encoded(self) -> None:
        """It is there in the bytes of each dialect."""
        ...

    def written(self, receivers: Sequence[Receiver]) -> None:
        """It was written to all of them."""
        ...
