"""ApiSession: somebody who asks by single requests.

To the domain it is a device like another, so what it may do and how it is shown needs no rule of its own. It
hears nothing: its dialect has no form for any event.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from hubbub.core.answers import Answer
from hubbub.core.commands import Command
from hubbub.core.events import Event
from hubbub.core.model import Session
from hubbub.net.framing.lines import Lines
from hubbub.net.stream import NO_FD, Stream
from hubbub.net.timers import UNSET
from hubbub.server.dialects import Dialect
from hubbub.server.waiting import overlaps
from hubbub.server.web.cookies import Visitor
from hubbub.wire.codec import Request
from hubbub.wire.websocket_json import WebSocketJson

if TYPE_CHECKING:
    from hubbub.server.receivers import Batch


class House(Protocol):
    """Who has all of them (`api_sessions`), as far as one of them knows."""

    @property
    def nowhere(self) -> Stream:
        """A stream that never stands."""
        ...

    def handle(self, session: ApiSession, command: Command, request: object) -> Answer | None:
        """Carry out a command. None: `answered` is told later."""
        ...

    def end(self, session: ApiSession) -> None:
        """It is over."""
        ...

    def make_way(self, session: ApiSession) -> None:
        """It is over once it has its answers; nothing more is asked by it."""
        ...


class Asked(Request, frozen=True, kw_only=True, gc=True):
    """A request that somebody waits for."""

    told: asyncio.Future[Answer]


class _Silent(WebSocketJson):
    """Has a form for nothing that comes unasked."""

    def encode_event(self, event: Event, own: bool = False) -> bytes:
        """See Codec."""
        del event, own
        return b""


_QUIET: Final = Dialect("api", _Silent(), Lines, bytes, alive=b"")


class ApiSession(Session):
    """Somebody who asks by HTTP. Implements `fanout.Receiver`, and `net.timers.Timed`: it ends by itself."""

    __slots__ = (
        "_barrier",
        "_house",
        "_in_flight",
        "_order",
        "_settled",
        "batch",
        "due",
        "name",
        "paid_until",
        "running",
    )

    fd = NO_FD
    dialect = _QUIET
    deaf = False
    waits = False

    def __init__(self, house: House, visitor: Visitor, *, local: bool, name: str) -> None:
        """`name` is what the log calls it."""
        super().__init__(
            exclusive=False,
            local=local,
            private=local or visitor.encrypted,
            address=visitor.address,
            quiet=True,
        )
        self.name = name
        self.batch: Batch | None = None
        """The fan-out's own: see there."""
        self.due = UNSET
        self.running = 0
        """Requests that are being answered."""
        self.paid_until = 0.0
        """GCRA (ITU-T I.371): the rate is used up to this time."""
        self._house = house
        self._order = asyncio.Lock()
        self._in_flight = 0  # requests whose answer comes later
        self._barrier = False  # one of them must be answered before anything else is looked at
        self._settled = asyncio.Event()

    @property
    def stream(self) -> Stream:
        """Nowhere: nothing is ever written to it."""
        return self._house.nowhere

    # -- asking

    async def ask(self, command: Command, id: str | None = None, verb: str = "") -> Answer:
        """Carry out a command, in the order that connections keep too (see `waiting`)."""
        request = Asked(command, id, verb, told=asyncio.get_running_loop().create_future())
        async with self._order:
            while self._in_flight and (self._barrier or not overlaps(command)):
                self._settled.clear()
                await self._settled.wait()
            answer = self._house.handle(self, command, request)
            if answer is not None:
                return answer
            self._in_flight += 1
            self._barrier = not overlaps(command)
        return await request.told

    # -- fanout.Receiver

    def answered(self, request: Request, answer: Answer) -> bytes:
        """See Receiver. Whoever asked may be gone."""
        assert isinstance(request, Asked)  # noqa: S101 (what `ask` made)
        self._in_flight -= 1
        self._barrier = False
        self._settled.set()
        if not request.told.done():
            request.told.set_result(answer)
        return b""

    def miss(self, event: Event) -> None:
        """See Receiver."""

    def go_on(self) -> None:
        """See Receiver."""

    def dismiss(self, reason: str) -> None:
        """See Receiver. There is nobody to tell."""
        if reason == "replaced":
            self._house.make_way(self)
        else:
            self._house.end(self)

    # -- net.timers.Timed

    def on_timer(self) -> None:
        """See Timed: nobody asked for a while."""
        if not self.running:
            self._house.end(self)
