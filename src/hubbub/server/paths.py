"""The path of a message: when it was received, decided, committed, encoded, written, and acknowledged.

One message a second is followed, and the last hundred paths are kept, without what they said; what is said to
one person is not, since who speaks to whom is nobody else's business. What follows
it costs the others a comparison each. The kernel of a receiver acknowledges bytes, not messages: ours is
there when as many more are acknowledged as stood in our queues behind its last write, which TCP_INFO and
SIOCOUTQ tell (tcp(7)). It is asked again and again, so that stage is known to a quarter of itself.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from hubbub.core.answers import Accepted
from hubbub.core.commands import Publish, Send
from hubbub.server.dialects import base_of
from hubbub.server.socket_options import info_of, unacknowledged

if TYPE_CHECKING:
    from hubbub.server.receivers import Receiver
    from hubbub.wire.codec import Request

EVERY: Final = 1.0
"""Seconds from one message that is followed to the next one."""
KEPT: Final = 100
"""Paths."""
RECEIVERS: Final = 8
"""Of one message, whose acknowledgement is waited for."""
PATIENCE: Final = 10.0
"""Seconds until a message is given up, or an acknowledgement."""
_FIRST_LOOK: Final = 0.000_5
_SLOWER: Final = 1.25
_SAID: Final = (Publish, Send)
_ROOM: Final = "room:"
_NOTHING: Final = object()


class Acknowledged(msgspec.Struct, gc=False):
    """One receiver. `took`: microseconds since the message was received; null: not within ten seconds.

    Of a `secure` one it is never known: how many bytes a message becomes in TLS, and which of them are in the
    kernel, nobody tells.
    """

    connection: str
    user: str | None
    dialect: str
    took: int | None = None
    secure: bool = False


class Path(msgspec.Struct):
    """One message's. `at` is Unix time in ms, when it was received; the stages in microseconds since then.

    `encoded` and `written` are the end of that for all receivers. `acknowledged` has at most eight of them.
    """

    number: int
    at: int
    stream: str
    offset: int
    sender: str
    dialect: str
    decided: int
    committed: int
    encoded: int
    written: int
    receivers: int
    acknowledged: list[Acknowledged]


class Paths:
    """Follows messages. What it is told of a message is told in the order of its path."""

    __slots__ = (
        "_clock",
        "_followed",
        "_loop",
        "_number",
        "_timers",
        "armed",
        "heard",
        "kept",
        "request",
        "stream",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.armed = False
        """Whether the next message is followed."""
        self.heard = 0.0
        """While it is armed: when the last bytes came."""
        self.request: object = _NOTHING
        """The one that is followed, until it is answered."""
        self.stream = ""
        """Where it was kept, until it is written."""
        self.kept: deque[Path] = deque(maxlen=KEPT)
        """The newest last."""
        self._loop = loop
        self._clock = clock
        self._number = 0
        self._followed: _Followed | None = None
        self._timers: set[asyncio.TimerHandle] = set()

    def start(self) -> None:
        """Follow the next message."""
        self.armed = True

    def stop(self) -> None:
        """Follow none."""
        self._forget()
        self.armed = False
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    # -- its stages

    def bytes_came(self) -> None:
        """What a message may stand in."""
        self.heard = self._clock()

    def decided(self, session: Receiver, request: Request) -> None:
        """It is in flight to the journal."""
        if type(request.command) not in _SAID or session.user is None:
            return
        self.armed = False
        self.request = request
        self._followed = _Followed(session, self.heard, time.time() - (self._clock() - self.heard))
        self._followed.decided = self._since(self._followed)
        self._later(PATIENCE, lambda: self._give_up(request))

    def answered(self, answer: object) -> None:
        """It is kept, or it was refused."""
        followed = self._followed
        self.request = _NOTHING
        if followed is None or not isinstance(answer, Accepted) or not answer.stream.startswith(_ROOM):
            self._followed = None
            self._again()
            return
        followed.committed = self._since(followed)
        followed.offset = answer.offset
        self.stream = answer.stream

    def encoded(self) -> None:
        """It is there in the bytes of each dialect."""
        if self._followed is not None:
            self._followed.encoded = self._since(self._followed)

    def written(self, receivers: Sequence[Receiver]) -> None:
        """It was given to the kernel for all of them; where a queue was full, to the queue."""
        followed, self._followed = self._followed, None
        stream, self.stream = self.stream, ""
        self._again()
        if followed is None:
            return
        self._number += 1
        others = [one for one in receivers if one is not followed.session]
        asked = others[:: max(1, len(others) // RECEIVERS)][:RECEIVERS]
        session = followed.session
        path = Path(
            self._number,
            int(followed.wall * 1000),
            stream,
            followed.offset,
            followed.sender,
            base_of(session.dialect.name),
            followed.decided,
            followed.committed,
            followed.encoded,
            self._since(followed),
            len(others),
            [],
        )
        self.kept.append(path)
        for one in asked:
            if _acked(one) is None:  # who comes by single requests over HTTP, or has just gone
                continue
            name = None if one.user is None else one.user.name
            acknowledged = Acknowledged(one.name, name, base_of(one.dialect.name), secure=one.stream.secure)
            path.acknowledged.append(acknowledged)
            if (awaited := _awaited(one)) is not None:
                self._look(one, awaited, acknowledged, followed.heard, _FIRST_LOOK)

    # -- what is waited for

    def _look(self, receiver: Receiver, awaited: int, told: Acknowledged, heard: float, pause: float) -> None:
        acked = _acked(receiver)
        now = self._clock()
        if acked is None or now - heard > PATIENCE:
            return
        if acked >= awaited:
            told.took = round((now - heard) * 1_000_000)
            return
        self._later(pause, lambda: self._look(receiver, awaited, told, heard, pause * _SLOWER))

    def _later(self, seconds: float, then: Callable[[], None]) -> None:
        def run() -> None:
            self._timers.discard(timer)
            then()

        timer = self._loop.call_later(seconds, run)
        self._timers.add(timer)

    def _again(self) -> None:
        self._later(EVERY, self.start)

    def _give_up(self, request: object) -> None:
        if self.request is request:
            self._forget()
            self._again()

    def _forget(self) -> None:
        self.request, self.stream, self._followed = _NOTHING, "", None

    def _since(self, followed: _Followed) -> int:
        return round((self._clock() - followed.heard) * 1_000_000)


class _Followed:
    """A message on its way."""

    __slots__ = ("committed", "decided", "encoded", "heard", "offset", "sender", "session", "wall")

    def __init__(self, session: Receiver, heard: float, wall: float) -> None:
        self.session = session
        self.sender = "" if session.user is None else session.user.name
        self.heard = heard
        self.wall = wall
        self.decided = self.committed = self.encoded = 0
        self.offset = 0


def _awaited(receiver: Receiver) -> int | None:
    """How many bytes its kernel has acknowledged once all is there that is queued now."""
    queued = unacknowledged(receiver.stream)
    acked = _acked(receiver)  # behind that: what is acknowledged meanwhile makes it late, and never early
    if queued is None or acked is None:  # None under TLS, too: our queue is not what the socket gets there
        return None
    return acked + queued + receiver.stream.backlog


def _acked(receiver: Receiver) -> int | None:
    """Bytes that its kernel has acknowledged, ever. None once it is closed."""
    info = info_of(receiver.stream)
    return None if info is None else info.bytes_acked
