"""The client: dials a server, logs in, asks, hears; and comes back when the line has dropped.

    async with Client(address, identity, random=random.random) as client:
        await client.ask(Publish("hello", room="lobby"))
        event = await client.next_event()       # raises LineLostError: then `await client.again()`

Whoever uses it decides what a dropped line means to them, since only they know what was under way.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from ssl import SSLContext
from types import TracebackType
from typing import Final, NamedTuple, Protocol

from hubbub.client.errors import LineLostError, RefusedError, StaleTokenError
from hubbub.client.line import SILENCE, Line
from hubbub.client.positions import Positions
from hubbub.core.answers import Answer, LoggedIn, Resumed
from hubbub.core.commands import Command, Login, Pong, Resume
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Alive, Event, GoingAway
from hubbub.net.dial import Backoff, dial
from hubbub.net.errors import NetError
from hubbub.wire.codec import Reply

DIAL_SECONDS: Final = 10.0
"""How long connecting may take, the TLS handshake included, and logging in once more."""
PATIENCE: Final = 600.0
"""Seconds during which `again` tries: a server's restart, a laptop that was closed for a moment."""

_FOR_GOOD: Final = {
    "replaced": "Somebody logged in elsewhere by this name, and took this login's place.",
    "policy": "The login has ended.",
    "disabled": "The account was disabled.",
}
MOST_WAITING: Final = 10_000
"""Events that may wait to be taken; a client that takes none would otherwise grow for ever."""


class Address(NamedTuple):
    """Where a server is."""

    host: str
    port: int
    ssl: SSLContext | None = None

    @property
    def url(self) -> str:
        """By which its logins are kept: `tcp://localhost:8080`, or `tls://…`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'tcp' if self.ssl is None else 'tls'}://{host}:{self.port}"


class Refused(NamedTuple):
    """What the server answered to something that was posted."""

    command: Command
    refusal: Refusal


class Asking(Protocol):
    """What an identity needs of a client."""

    async def ask(self, command: Command) -> Answer:
        """A request, and its answer. Raises LineLostError."""
        ...


class Identity(Protocol):
    """Who we are, and how that is shown; see `sign_in`."""

    async def log_in(self, client: Asking) -> LoggedIn | Refusal:
        """Log in on a line that is nobody's yet. StaleTokenError: to be asked once more, on a new one."""
        ...


class Client:
    """One login at a server, over one line at a time."""

    def __init__(
        self,
        address: Address,
        identity: Identity,
        *,
        random: Callable[[], float],
        patience: float = PATIENCE,
        waiting: Callable[[float, NetError | LineLostError], None] = lambda _seconds, _why: None,
        resume: bool = False,
    ) -> None:
        """`random` gives numbers in [0, 1), for the backoff. `waiting` is told of each wait in `again`.

        With `resume`, what was said while the line was down comes as events after `again`, in order and
        once, or a `Gap` says what cannot be told.
        """
        self.address = address
        self._identity = identity
        self._backoff = Backoff(random=random)
        self._patience = patience
        self._waiting = waiting
        self._line: Line | None = None
        self._lost: LineLostError | None = LineLostError("There is no line to the server.")
        self._asked: dict[str, asyncio.Future[Answer]] = {}
        self._posted: dict[str, Command] = {}
        self._events: deque[Event | Refused] = deque()
        self._stirred = asyncio.Event()  # an event came, or the line dropped
        self._leave_alone = 0.0  # seconds that the server asked for
        self._over: LineLostError | None = None  # why there is no coming back
        self._positions = Positions() if resume else None
        self.me: LoggedIn | None = None
        """What the server said at the last login."""

    async def __aenter__(self) -> Client:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def name(self) -> str:
        """Our own, as the server has it."""
        return self.me.username if self.me is not None else ""

    @property
    def line(self) -> Line:
        """The line, for the bytes of a file. Raises LineLostError."""
        if self._line is None or self._lost is not None:
            raise self._lost or LineLostError("There is no line to the server.")
        return self._line

    # -- coming, and coming back

    async def connect(self) -> LoggedIn:
        """Dial, and log in. Raises NetError, LineLostError, RefusedError."""
        try:
            return await self._connect()
        except StaleTokenError:
            return await self._connect()

    async def _connect(self) -> LoggedIn:
        self.close()
        self._events.clear()
        lines: list[Line] = []

        def protocol() -> Line:
            line = Line(self._on_message, lambda error: self._on_lost(lines[0], error))
            lines.append(line)
            return line

        address = self.address
        _, line = await dial(address.host, address.port, protocol, deadline=DIAL_SECONDS, ssl=address.ssl)
        self._line, self._lost = line, None
        try:
            async with asyncio.timeout(DIAL_SECONDS):
                me = await self._identity.log_in(self)
        except TimeoutError:
            raise line.abort("The server did not answer the login in time.") from None
        if isinstance(me, Refusal):
            self.close()
            raise RefusedError(me)
        self.me = me
        if self._positions is not None:
            self._positions.logged_in(me)
        self._backoff.reset()
        return me

    async def again(self) -> None:
        """Come back after the line has dropped: dial and wait by turns, and log in as who we were.

        Raises what came last when `patience` is over, and at once what waiting does not mend: a refused
        login, another login that took this one's place.
        """
        until = time.monotonic() + self._patience
        why: NetError | LineLostError = self._lost or LineLostError("The line to the server dropped.")
        while self._over is None:
            wait = self._leave_alone + self._backoff.next()
            self._leave_alone = 0.0
            if time.monotonic() + wait > until:
                break
            self._waiting(wait, why)
            await asyncio.sleep(wait)
            try:
                await self.connect()
                return
            except (NetError, LineLostError) as error:
                if not error.retry:
                    raise
                why = error
            except RefusedError as error:
                if error.refusal.code not in (Code.RATE_LIMITED, Code.READ_ONLY, Code.INTERNAL):
                    raise
                self._leave_alone = error.refusal.retry_after or 1.0
        raise self._over or why

    def close(self) -> None:
        """Let the line go."""
        line, self._line = self._line, None
        if line is not None:
            line.close()
        self._give_up(LineLostError("The line was closed."))

    # -- asking and hearing

    async def ask(self, command: Command) -> Answer:
        """Ask, and wait for the answer; a Refusal is one. Raises LineLostError."""
        line = self.line
        id = uuid.uuid4().hex
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[id] = answer
        try:
            line.send(command, id)
            if self._positions is not None and isinstance(command, Login) and self._positions.places():
                line.send(Resume(self._positions.places()), uuid.uuid4().hex)  # before anything live comes
            async with asyncio.timeout(SILENCE):
                return await answer
        except TimeoutError:
            raise line.abort("The server did not answer.") from None
        finally:
            del self._asked[id]

    def post(self, command: Command) -> None:
        """Ask without waiting: a refusal stands among the events. For what the bytes of a file may follow,
        since its answer may only come behind them. Raises LineLostError.
        """
        line = self.line
        id = uuid.uuid4().hex
        self._posted[id] = command
        line.send(command, id)

    def waiting_events(self) -> list[Event | Refused]:
        """What has come and nobody took yet, also of a line that dropped. It is taken by that."""
        events = list(self._events)
        self._events.clear()
        return events

    def put_back(self, events: Sequence[Event | Refused]) -> None:
        """Let them come once more, before all others: they were for somebody else of this client."""
        self._events.extendleft(reversed(events))
        self._stirred.set()

    async def next_event(self) -> Event | Refused:
        """The next event, in the order in which they came. Raises LineLostError behind the last one.

        Of a server that is silent for so long that it must be gone, too.
        """
        while not self._events:
            line = self.line
            self._stirred.clear()
            try:
                async with asyncio.timeout(max(1.0, line.heard + SILENCE - time.monotonic())):
                    await self._stirred.wait()
            except TimeoutError:
                if time.monotonic() - line.heard >= SILENCE:
                    line.abort("The server is silent.")
        return self._events.popleft()

    # -- what the line tells

    def _on_message(self, message: Event | Reply) -> None:
        if isinstance(message, Reply):
            asked = self._asked.get(message.id or "")
            if asked is not None and not asked.done():
                asked.set_result(message.answer)
            posted = self._posted.pop(message.id or "", None)
            if posted is not None and isinstance(message.answer, Refusal):
                self._happened(Refused(posted, message.answer))
            if self._positions is not None and isinstance(message.answer, Resumed):
                self._positions.resumed(message.answer)
            return
        if isinstance(message, Alive):
            if self._line is not None:
                self._line.send(Pong())
            return
        if isinstance(message, GoingAway):
            self._leave_alone = message.retry_after or 0.0
            if message.reason in _FOR_GOOD:
                self._over = LineLostError(_FOR_GOOD[message.reason])
        if self._positions is not None:
            self._positions.heard(message)
        self._happened(message)

    def _happened(self, event: Event | Refused) -> None:
        self._events.append(event)
        self._stirred.set()
        if len(self._events) > MOST_WAITING and self._line is not None:
            self._line.abort("More came than was taken.")

    def _on_lost(self, line: Line, error: LineLostError) -> None:
        if line is self._line:
            self._line = None
            self._give_up(error)

    def _give_up(self, error: LineLostError) -> None:
        self._lost = error
        self._posted.clear()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(error)
        self._stirred.set()
