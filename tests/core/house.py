"""The domain with everything around it in the test's hands: clock, randomness, journal, outlet."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from contracts.journals import Turns, memory
from hubbub.adapters.claims_memory import MemoryClaims
from hubbub.core.answers import Answer, LoggedIn
from hubbub.core.commands import Command, Login, Register
from hubbub.core.events import Event
from hubbub.core.model import Session
from hubbub.core.ports import Journal, SearchIndex
from hubbub.core.service import Service
from hubbub.core.settings import CoreSettings

EventT = TypeVar("EventT", bound=Event)


class Outlet:
    """Writes down what leaves the domain. Implements `core.ports.Outlet`."""

    def __init__(self) -> None:
        self.subscribed: dict[str, list[Session]] = {}
        self.heard: list[tuple[Session, Event]] = []
        self.answered: list[tuple[Session, object, Answer]] = []
        self.dismissed: list[tuple[Session, str]] = []
        self.on_dismiss: Callable[[Session], None] = lambda _: None
        self.on_event: Callable[[Session, Event], None] = lambda *_: None
        self.on_answer: Callable[[Session, object, Answer], None] = lambda *_: None
        self.on_flush: Callable[[], None] = lambda: None

    def subscribe(self, session: Session, stream: str) -> None:
        assert session not in self.subscribed.setdefault(stream, [])
        self.subscribed[stream].append(session)

    def unsubscribe(self, session: Session, stream: str) -> None:
        self.subscribed[stream].remove(session)

    def publish(self, stream: str, event: Event, origin: Session | None) -> None:
        self.send(stream, self.subscribed.get(stream, ()), event, origin)

    def send(self, stream: str, sessions: Sequence[Session], event: Event, origin: Session | None) -> None:
        for session in sessions:
            self.heard.append((session, event))
            self.on_event(session, event)

    def answer(self, session: Session, request: object, answer: Answer) -> None:
        self.answered.append((session, request, answer))
        self.on_answer(session, request, answer)

    def dismiss(self, session: Session, reason: str) -> None:
        self.dismissed.append((session, reason))
        self.on_dismiss(session)

    def flush(self) -> None:
        self.on_flush()

    def of(self, session: Session, kind: type[EventT]) -> list[EventT]:
        return [event for who, event in self.heard if who is session and isinstance(event, kind)]


class Passwords:
    """As slow as a turn. Implements `core.ports.Passwords`."""

    def __init__(self, call_soon: Callable[[Callable[[], None]], None]) -> None:
        self._call_soon = call_soon
        self.full = False
        self.broken = False
        """There is no memory for a hash."""
        self.started: list[str] = []
        """What was hashed, or compared with something stored or with nothing, in order."""

    def hash(self, digest: str, then: Callable[[str | None], None]) -> bool:
        return self._start("hash", lambda: then(None if self.broken else f"hashed {digest}"))

    def verify(self, digest: str, stored: str | None, then: Callable[[bool | None], None]) -> bool:
        kind = "verify" if stored is not None else "verify nobody"
        return self._start(kind, lambda: then(None if self.broken else stored == f"hashed {digest}"))

    def _start(self, kind: str, tell: Callable[[], None]) -> bool:
        if not self.full:
            self.started.append(kind)
            self._call_soon(tell)
        return not self.full


class House:
    """A Service, its surroundings, and short ways to use it."""

    def __init__(
        self,
        settings: CoreSettings | None = None,
        make_journal: Callable[[Turns, int], Journal] = memory,
        seed: int = 1,
        search: SearchIndex | None = None,
        turns: Turns | None = None,
        now: float = 1_000_000.0,
    ) -> None:
        chance = random.Random(seed)
        self.now = now
        self.settings = settings
        self.seed = seed
        self.turns = turns or Turns()
        self.outlet = Outlet()
        self.claims = MemoryClaims()
        self.passwords = Passwords(self.turns.call_soon)
        self.journal = make_journal(self.turns, seed)
        self.service: Service[Session] = Service(
            settings or CoreSettings(),
            self.journal,
            self.claims,
            self.outlet,
            self.passwords,
            lambda: self.now,
            chance.randbytes,
            search=search,
        )
        self.outlet.on_dismiss = self.service.disconnected

    def session(self, *, exclusive: bool = False, local: bool = True, id: str | None = None) -> Session:
        session = Session(exclusive=exclusive, local=local, connection_id=id)
        self.service.connected(session)
        return session

    def do(self, session: Session, command: Command, request: object = None) -> Answer | None:
        return self.service.handle(session, command, request)

    def done(self, session: Session, command: Command) -> Answer:
        """The answer, whenever it comes."""
        request = object()
        answer = self.do(session, command, request)
        if answer is None:
            self.turns.run_all()
            (answer,) = [given for _, asked, given in self.outlet.answered if asked is request]
        return answer

    def enter(self, name: str, *, exclusive: bool = False) -> Session:
        session = self.session(exclusive=exclusive)
        answer = self.do(session, Login(username=name))
        assert isinstance(answer, LoggedIn), answer
        return session

    def register(self, name: str, *, exclusive: bool = False) -> Session:
        """A new account, and a session of it."""
        session = self.session(exclusive=exclusive)
        answer = self.done(session, Register(username=name, password=f"password of {name}"))
        assert isinstance(answer, LoggedIn), answer
        return session

    def back(self, name: str, *, exclusive: bool = False) -> Session:
        """One more session of an account."""
        session = self.session(exclusive=exclusive)
        answer = self.done(session, Login(username=name, password=f"password of {name}"))
        assert isinstance(answer, LoggedIn), answer
        return session

    def restarted(self) -> House:
        """Another one, over the same journal. Whoever was here is not."""
        self.turns.run_all()
        seed = self.seed + 1_000_003
        return House(self.settings, lambda _turns, _seed: self.journal, seed=seed, turns=self.turns)
