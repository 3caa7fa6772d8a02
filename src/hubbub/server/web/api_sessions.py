"""Sessions of those who ask by single requests: quiet ones, one for each token, kept for a while.

They are kept, since whoever asks again soon should not be seen to leave and come each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Final, NamedTuple

from hubbub.core import names
from hubbub.core.answers import Answer, LoggedIn
from hubbub.core.attempts import Attempts, network
from hubbub.core.commands import Command, Login, Refresh, Register
from hubbub.core.errors import Code, Refusal
from hubbub.core.files import Bearer
from hubbub.core.model import Session, UserRole
from hubbub.core.service import Service
from hubbub.net.handler import Handler
from hubbub.net.settings import NetSettings
from hubbub.net.stream import Stream
from hubbub.net.timers import Wheel
from hubbub.observe.server_log import ServerLog
from hubbub.server.config import HttpSettings, LimitSettings
from hubbub.server.waiting import surcharge
from hubbub.server.web.api_session import ApiSession
from hubbub.server.web.cookies import Visitor
from hubbub.wire.codec import Request

NOBODY: Final = Refusal(Code.UNAUTHENTICATED, "Log in first: a valid token is needed, or a cookie.")
STALE: Final = Refusal(Code.BAD_CREDENTIALS, "This token is not valid, or no longer.", field="token")
_PLACES_KEPT: Final = 100_000
"""Addresses whose requests for a new session are counted: a bound on memory (about 200 bytes each)."""
_UNUSED_KEPT: Final = 10_000
"""Cookies that took the place of others, and have not come back yet: a bound on memory, too."""


class Person(NamedTuple):
    """Who asks, and what that is on this server."""

    id: int
    name: str
    role: UserRole


class ApiSessions:
    """All of them: found by their tokens, bounded in number, and begun at a rate."""

    def __init__(
        self,
        service: Service[Session],
        settings: HttpSettings,
        limits: LimitSettings,
        wheel: Wheel,
        log: ServerLog,
        clock: Callable[[], float],
        *,
        loopback_is_local: bool,
    ) -> None:
        """`clock` is monotonic, in seconds. `loopback_is_local`: who comes by loopback is on this machine."""
        self._service = service
        self._settings = settings
        self._limits = limits
        self._wheel = wheel
        self._log = log
        self._clock = clock
        self._loopback_is_local = loopback_is_local
        self._rate = limits.message_rate if limits.enforce else 0.0
        burst = limits.message_burst
        seconds = burst / limits.message_rate
        self._begun = Attempts(burst if limits.enforce else 0, seconds, _PLACES_KEPT, clock)
        self._numbers = count(1)
        self._open: dict[ApiSession, None] = {}
        """Those that were used last are at the end."""
        self._places = Counter[str]()
        """How many came from each address."""
        self._by_token: dict[str, ApiSession] = {}
        self._tokens: dict[ApiSession, str] = {}
        self._unused: dict[str, str] = {}
        """The token in a cookie that nobody has come by yet, and the one whose place it is to take."""
        self.nowhere = Stream(NetSettings(), wheel, _nobody)
        """The stream of all of them: it never stands."""

    def __len__(self) -> int:
        """How many there are."""
        return len(self._open)

    # -- who asks

    def person(self, token: str | None) -> Person | None:
        """Who has that token; None: nobody, or no longer. It needs no session."""
        who = self.bearer(token)
        if who is None:
            return None
        account = self._service.people.accounts.by_id(who.id)
        return Person(who.id, who.name, "guest" if account is None else account.role)

    def bearer(self, token: str | None) -> Bearer | None:
        """Whose token that is; None: nobody's, or no longer."""
        return None if token is None else self._service.entrance.bearer(token)

    async def ask(self, visitor: Visitor, token: str | None, request: Request) -> Answer:
        """Have the one whose token that is ask for something."""
        session = self.find(visitor, token)
        if isinstance(session, Refusal):
            return session
        try:
            return await self._ask(session, request)
        finally:
            self._settle(session)

    def find(self, visitor: Visitor, token: str | None) -> ApiSession | Refusal:
        """The session of a token: begun, if there is none."""
        if token is None:
            return NOBODY
        if self.bearer(token) is None:  # it may have ended since the session began
            return STALE
        session = self._by_token.get(token)
        if session is not None:
            return session
        begun = self._begin(visitor)
        if isinstance(begun, Refusal):
            return begun
        answer = self.handle(begun, Login(token=token, lasting=True), None)
        if not isinstance(answer, LoggedIn):
            self.end(begun)
            return answer if isinstance(answer, Refusal) else STALE
        self._keep(begun, token)
        return begun

    # -- coming and going

    async def enter(self, visitor: Visitor, request: Request, former: str | None = None) -> Answer:
        """Log in, register, or exchange a refresh token. `former` is the token that the asker has till now.

        Who is a guest by it and registers, keeps name and id, also where the guest is on another line.
        """
        command = request.command
        assert isinstance(command, Login | Register | Refresh)  # noqa: S101 (what the callers give)
        session = self._registering(visitor, command, former) if isinstance(command, Register) else None
        if session is None:
            session = self._begin(visitor)
        if isinstance(session, Refusal):
            return session
        answer: Answer | None = None
        try:
            answer = await self._ask(session, request)
        finally:
            if isinstance(answer, LoggedIn) and session in self._open:
                self._keep(session, answer.token or _given(command))
            self._settle(session)  # nobody has the token of somebody who is gone
        wished = command.username if isinstance(command, Login | Register) else None
        if isinstance(answer, LoggedIn):
            resumed = _given(command) != ""
            self._log.login(session.name, visitor.address, answer.username, answer.user_id, resumed=resumed)
            if (
                isinstance(command, Login | Register)
                and command.lasting
                and former not in (answer.token, _given(command))
            ):
                self._forget(former)
                if visitor.cookie is not None:
                    self._await_use(answer.token, visitor.cookie)
        elif isinstance(answer, Refusal):
            self._log.login_refused(session.name, visitor.address, wished, answer.code)
        return answer

    async def leave(self, visitor: Visitor, token: str | None, request: Request) -> Answer:
        """Log out, also a guest who is on another line."""
        session = self._own(visitor, token)
        if isinstance(session, Refusal):
            return session
        try:
            return await self._ask(session, request)
        finally:
            self._settle(session)

    def _registering(
        self, visitor: Visitor, command: Register, former: str | None
    ) -> ApiSession | Refusal | None:
        """The session of the guest who becomes an account by it; None: nobody does."""
        who = self.bearer(former)
        if who is None:
            return None
        people = self._service.people
        if not who.account and people.by_id(who.id) is None and command.username is not None:
            wanted = names.normal(command.username, names.USER_LIMIT)
            if not isinstance(wanted, str) or names.key(wanted) != names.key(who.name):
                return None  # a guest who is gone, and whose cookie is still there
        return self._own(visitor, former)

    def _own(self, visitor: Visitor, token: str | None) -> ApiSession | Refusal:
        """A session of that token, for a guest who is on another line one beside that."""
        session = self.find(visitor, token)
        if token is None or not isinstance(session, Refusal) or session.code is not Code.NAME_TAKEN:
            return session
        begun = self._begin(visitor)
        if isinstance(begun, Refusal):
            return begun
        refusal = self._service.entrance.beside(begun, token)
        if refusal is not None:
            self.end(begun)
            return refusal
        return begun

    def _begin(self, visitor: Visitor) -> ApiSession | Refusal:
        limits, local = self._limits, self._loopback_is_local and visitor.loopback
        place = network(visitor.address)
        wait = self._begun.wait(place)
        if wait:
            return _too_often(limits, wait)
        self._begun.count(place)
        if limits.enforce and not local and self._places[place] >= limits.max_per_address:
            return _crowded("limits.max_per_address", self._settings.session_seconds)
        if len(self._open) >= self._settings.max_sessions:
            idle = next((one for one in self._open if not one.running), None)
            if idle is None:
                return _crowded("http.max_sessions", 1.0)
            self.end(idle)
        session = ApiSession(self, visitor, local=local, name=f"api-{next(self._numbers)}")
        self._open[session] = None
        self._places[place] += 1
        self._wheel.set(session, self._settings.session_seconds)
        self._service.connected(session)
        return session

    def _keep(self, session: ApiSession, token: str) -> None:
        """It is found by this token from now on, and by no other."""
        former = self._by_token.get(token)
        if former is not session:
            self._unlist(session)
            if former is not None:
                self.end(former)
            self._by_token[token] = session
            self._tokens[session] = token

    def _unlist(self, session: ApiSession) -> None:
        token = self._tokens.pop(session, None)
        if token is not None:
            del self._by_token[token]

    def _forget(self, token: str | None) -> None:
        """Whoever had that token has another one now, and is somebody else."""
        session = self._by_token.get(token or "")
        if session is not None:
            self.end(session)

    def _await_use(self, token: str, former: str) -> None:
        """The cookie that has `former` is about to have `token`, unless the answer is lost on its way."""
        self._unused[token] = former
        if len(self._unused) > _UNUSED_KEPT:
            self._supersede(self._unused.pop(next(iter(self._unused))))

    def came(self, visitor: Visitor) -> None:
        """A request has come. By the first one with its new cookie a browser shows that it has it.

        What it had before ends, and so do cookies for its place that were lost on their way: nobody could log
        out of them again.
        """
        token = visitor.cookie
        former = None if token is None else self._unused.pop(token, None)
        if former is None:
            return
        lost = [one for one, place in self._unused.items() if place == former]
        for one in lost:
            del self._unused[one]
        for one in (former, *lost):
            self._supersede(one)

    def _supersede(self, token: str) -> None:
        self._service.entrance.own_account.superseded(token, lambda: None)

    def make_way(self, session: ApiSession) -> None:
        """Its user is on a line from now on. What it still waits for is answered."""
        self._unlist(session)
        self._settle(session)

    def end(self, session: ApiSession) -> None:
        """It is over. What it still waits for comes to nothing, where that needs somebody to be there."""
        if session in self._open:
            del self._open[session]
            self._unlist(session)
            place = network(session.address)
            self._places[place] -= 1
            if not self._places[place]:
                del self._places[place]
            self._wheel.unset(session)
            self._service.disconnected(session)

    def close(self) -> None:
        """End all: the server stops."""
        for session in list(self._open):
            self.end(session)

    # -- requests

    def handle(self, session: ApiSession, command: Command, request: object) -> Answer | None:
        """Carry out a command. None: `answered` is told later."""
        try:
            return self._service.handle(session, command, request)
        except Exception as error:  # noqa: BLE001 (our fault: the peer learns that, and nothing more)
            self._log.failed(f"handle {type(command).__name__}", error, session.name)
            return Refusal(Code.INTERNAL, "The server made a mistake. It is in its log.")

    async def _ask(self, session: ApiSession, request: Request) -> Answer:
        command = request.command
        if isinstance(command, Refusal):
            return command
        if session not in self._open:
            return NOBODY
        wait = self._pay(session)
        if wait:
            return _too_often(self._limits, wait)
        session.paid_until += surcharge(command, self._rate)
        self._open[session] = self._open.pop(session)
        session.running += 1
        try:
            return await session.ask(command, request.id, request.verb)
        finally:
            session.running -= 1

    def _settle(self, session: ApiSession) -> None:
        """After a request: it waits for the next one, if somebody can ask by it."""
        if session.running or session not in self._open:
            return
        if session.user is None or session not in self._tokens:
            self.end(session)
        else:
            self._wheel.set(session, self._settings.session_seconds)

    def _pay(self, session: ApiSession) -> float:
        """Seconds until one more request is allowed; 0: it is, and it counts."""
        if not self._rate:
            return 0.0
        now, limits = self._clock(), self._limits
        paid = max(session.paid_until, now) + 1.0 / self._rate
        most = (limits.message_burst + 0.5) / self._rate
        if paid - now > most:
            return paid - now - most
        session.paid_until = paid
        return 0.0


def _nobody(_: Stream) -> Handler:
    raise AssertionError("this stream never stands")


def _given(command: Login | Register | Refresh) -> str:
    """The token that a login came by; "": it came by none."""
    return (command.token or "") if isinstance(command, Login) else ""


def _too_often(limits: LimitSettings, wait: float) -> Refusal:
    message = f"More than {limits.message_rate:g} requests a second."
    return Refusal(Code.RATE_LIMITED, message, limit="limits.message_rate", retry_after=round(wait + 0.05, 1))


def _crowded(limit: str, seconds: float) -> Refusal:
    message = "Too many ask here at the same time. Try again."
    return Refusal(Code.RATE_LIMITED, message, limit=limit, retry_after=seconds)
