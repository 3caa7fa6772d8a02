"""The patience of a connection: requests that wait for the journal or for the rate, frames that were begun,
and silence. `session.Connection` is the rest of it.

Requests are carried out in the order in which they came: those that wait for the journal may overlap, any
other waits until those before it are kept, and whatever comes behind one that is answered later waits too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hubbub.core.answers import Answer
from hubbub.core.commands import LAST, Command, GetUnread, Publish
from hubbub.core.errors import Code, Refusal
from hubbub.core.model import Session
from hubbub.core.service import LASTING
from hubbub.net.framing.frames import BINARY, CLOSE, FAILED, TEXT, TOO_LONG, Frame
from hubbub.net.stream import Stream
from hubbub.net.timers import UNSET
from hubbub.server.surroundings import Surroundings
from hubbub.wire.codec import Request

if TYPE_CHECKING:
    from hubbub.server.dialects import Dialect

REQUESTS: Final = (TEXT, BINARY, TOO_LONG)  # kinds of frames that are answered
LAST_WORDS: Final = (CLOSE, FAILED)  # nothing comes behind them
_READ_AHEAD: Final = 32  # requests that may wait before reading stops
_DEAR: Final[Mapping[type[Command | Refusal], int]] = {GetUnread: 20}
"""Requests that count as so many: it looks at thousands of entries, where others look at a few."""
RETRY_AFTER: Final = {"slow": 1.0, "overload": 5.0, "idle": 0.0}


class Decided(NamedTuple):
    """An answer that waits for those to earlier requests."""

    request: Request
    answer: Answer


_Queued = Frame | Request | Decided


def overlaps(command: Command | Refusal) -> bool:
    """Whether it may be in flight beside others (see LASTING). What replies to the last waits for it."""
    return type(command) in LASTING and not (type(command) is Publish and command.reply_to == LAST)


def surcharge(command: Command | Refusal, rate: float) -> float:
    """Seconds of the rate that it costs beside those that any request does: the next one waits for them."""
    return (_DEAR.get(type(command), 1) - 1) / rate if rate else 0.0


class Waiting(Session, ABC):
    """A Session whose requests may have to wait, and whose silence is measured."""

    __slots__ = (
        "_asked",
        "_backlog",
        "_barrier",
        "_begun",
        "_ended",
        "_heard",
        "_held",
        "_in_flight",
        "_leaving",
        "_made",
        "_paid_until",
        "_pinged",
        "_queue",
        "_shared",
        "dialect",
        "due",
        "framing",
        "requests",
        "stream",
    )

    def __init__(
        self,
        stream: Stream,
        dialect: Dialect,
        shared: Surroundings[Any],
        *,
        local: bool,
        connection_id: str | None,
        address: str,
    ) -> None:
        super().__init__(
            exclusive=dialect.exclusive,
            local=local,
            connection_id=connection_id,
            private=local or stream.secure,
            address=address,
        )
        self.stream = stream
        self.dialect = dialect
        limits = shared.limits
        self.framing = dialect.new_framing(
            limits.max_line if dialect.exclusive else min(limits.max_frame, limits.max_frame_before_login)
        )
        self.due = UNSET
        self._shared = shared
        self._made = self._heard = shared.clock()
        self._asked = 0.0  # when a person was asked for the password of a name
        self._begun = 0.0  # when the frame that is not whole yet began
        self._held = 0  # our part of shared.held
        self._in_flight = 0  # requests whose answer comes later
        self._barrier = False  # one of them must be answered before anything else is looked at
        self._queue: deque[_Queued] | None = None  # those that wait for them, or for the rate
        self.requests = 0
        """How many were taken."""
        self._paid_until = 0.0  # GCRA (ITU-T I.371): the rate is used up to this time
        self._pinged = 0  # pings since the last byte
        self._leaving = ""  # why it is closing
        self._backlog = 0  # bytes queued when it was last found silent
        self._ended = False  # the peer sends no more

    @property
    def opened(self) -> float:
        """When it came, by the clock that all share."""
        return self._made

    # -- what the rest of it does

    @abstractmethod
    def _take(self, frame: Frame) -> None: ...

    @abstractmethod
    def _carry_out(self, request: Request) -> None: ...

    @abstractmethod
    def _encode(self, request: Request, answer: Answer) -> bytes: ...

    @abstractmethod
    def _refuse(self, request: Request, reason: str) -> None: ...

    @abstractmethod
    def _goodbye(self, last: bytes, reason: str) -> None: ...

    @abstractmethod
    def dismiss(self, reason: str) -> None:
        """Say goodbye, and close."""

    @property
    @abstractmethod
    def bare(self) -> bool:
        """Whether its line is taken for the bytes of a file, and what it asks for waits."""

    @property
    @abstractmethod
    def carries(self) -> bool:
        """Whether it may be silent because of a file: it is sent one, or is not read from."""

    @abstractmethod
    def _read_on(self) -> None: ...

    @property
    def waits(self) -> bool:
        """Whether something waits for an answer from the journal: requests behind it, or the end."""
        return self._queue is not None or self._ended

    @property
    def held_back(self) -> int:
        """How many requests came and wait for their rate, and for nothing else."""
        queue = self._queue
        if not queue or not self._shared.rate or self._barrier or self.bare or self.stream.paused:
            return 0
        if not isinstance(queue[0], Frame) or queue[0].kind not in REQUESTS:
            return 0
        return sum(1 for one in queue if isinstance(one, Frame) and one.kind in REQUESTS)

    def _hold(self, pending: int, now: float, *, fresh: bool) -> None:
        """Account for what waits; see that a begun frame ends, and that all of it together is bounded."""
        if self.stream.closed:  # what it held is given back already, and nothing would give back more
            return
        shared = self._shared
        waiting = sum(len(one.payload) for one in self._queue or () if isinstance(one, Frame))
        shared.held += pending + waiting - self._held
        self._held = pending + waiting
        if not pending:
            self._begun = 0.0
        elif self.dialect.frame_timer and (fresh or not self._begun):
            self._begun = now
            self._set_timer(now)
        if shared.held > shared.limits.max_input and pending:
            most = shared.limits.max_input
            self._refuse(
                Request(
                    Refusal(
                        Code.RATE_LIMITED,
                        f"The server holds {most} bytes of unfinished input, which is the limit. Try again.",
                        limit="limits.max_input",
                        retry_after=RETRY_AFTER["overload"],
                    )
                ),
                "overload",
            )

    # -- requests that wait: for the journal, or for the rate

    def _pay(self, now: float) -> bool:
        limits = self._shared.limits
        paid = max(self._paid_until, now) + 1.0 / limits.message_rate
        if paid - now > (limits.message_burst + 0.5) / limits.message_rate:
            return False
        self._paid_until = paid
        return True

    def _wait(self, frame: Frame) -> None:
        """Behind the others. When they get many, reading stops: the peer's window closes, nothing is lost."""
        if self._queue is None:
            self._queue = deque()
        if len(self._queue) >= _READ_AHEAD:
            self.stream.pause_reading()
        limits = self._shared.limits
        surplus = self._shared.rate and len(self._queue) >= limits.max_queued
        if not surplus or frame.kind not in REQUESTS:
            self._queue.append(frame)
            return
        # One read brought more than may wait: this one was not carried out, and is told so.
        request = self.dialect.codec.decode(frame, self.user is not None)
        if isinstance(request, Request):
            refusal = Refusal(
                Code.RATE_LIMITED,
                f"More than {limits.message_rate:g} requests a second.",
                limit="limits.message_rate",
                retry_after=round(limits.max_queued / limits.message_rate, 1),
            )
            self.stream.write(self._encode(request, refusal))

    def _wait_first(self, request: Request | Decided) -> None:
        if self._queue is None:
            self._queue = deque()
        self._queue.appendleft(request)

    def go_on(self) -> None:
        """What waited may be due now. Called when an answer came from the journal, and by the timer."""
        queue = self._queue
        if queue is not None:
            self.stream.cork()
            try:
                self._work_off(queue)
            finally:
                self.stream.uncork()
        if self._ended and self._queue is None and not self._in_flight and not self.bare:
            self._goodbye(b"", "ended")

    def _work_off(self, queue: deque[_Queued]) -> None:
        shared = self._shared
        now = shared.clock()
        while queue and not self._leaving:
            if self._barrier or self.bare or self.stream.paused:  # not read: `on_resume` goes on
                return
            first = queue[0]
            if isinstance(first, Request):  # paid for already, and stopped for what is in flight
                if self._in_flight and not overlaps(first.command):
                    return
                queue.popleft()
                self._carry_out(first)
            elif isinstance(first, Decided):
                if self._in_flight:
                    return
                queue.popleft()
                self.stream.write(self._encode(first.request, first.answer))
            else:
                if self._in_flight and first.kind in LAST_WORDS:
                    return
                if shared.rate and not self._pay(now):
                    self._set_timer(now)
                    return
                queue.popleft()
                self._take(first)
        self._queue = None
        self._hold(self.framing.pending, now, fresh=True)  # its end could not come while reading stood still
        if not self._ended and not self.stream.paused:
            self._read_on()

    # -- timers

    def _set_timer(self, now: float) -> None:
        timers = self._shared.timers
        waits = []
        if self._begun:
            waits.append(self._begun + timers.frame - now)
        if self._queue is not None and self._shared.rate:
            waits.append(0.1)
        if not self.dialect.exclusive:
            beat = timers.ping if self.dialect.gateway else timers.ping * (self._pinged + 1)
            waits.append(min(self._heard + beat, self._heard + timers.idle) - now)
        elif self.user is None:
            waits.append(self._name_due() - now)
        if waits:
            self._shared.wheel.set(self, max(0.1, min(waits)))

    def _name_due(self) -> float:
        """Until when a person in plain text has said who it is."""
        timers = self._shared.timers
        return self._asked + timers.password if self._asked else self._made + timers.first_bytes

    def on_timer(self) -> None:
        """See net.timers.Timed."""
        shared, timers = self._shared, self._shared.timers
        now = shared.clock()
        if self.carries:  # the transfer has a timer of its own
            self._heard = now
        if self._begun:  # as long as requests wait, or it is not read, its end may be there already
            late = now - self._begun >= timers.frame and self._queue is None and not self._unread
        elif self.dialect.exclusive:
            late = self.user is None and now >= self._name_due()
        else:
            late = now - self._heard >= timers.idle and not self._still_reads(now)
        if late:
            self.dismiss("idle")
            return
        if not self.dialect.exclusive and now - self._heard >= timers.ping * (self._pinged + 1):
            self._pinged += 1
            self.stream.write(self.dialect.alive)
        self.go_on()
        if not self._leaving:
            self._set_timer(now)

    @property
    def _unread(self) -> bool:
        """Whether we leave what it sends in the kernel's buffer, since it, or whom it sends to, is slow."""
        return self.stream.paused or self.carries

    def _still_reads(self, now: float) -> bool:
        """Whether a silent peer is excused: it waits for us, or it is busy reading what it was sent."""
        if not self.stream.paused:
            return self._queue is not None
        before, self._backlog = self._backlog, self.stream.backlog
        if self._backlog == before:
            return False
        self._heard = now
        return True
