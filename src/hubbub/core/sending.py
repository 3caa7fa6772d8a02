"""Sending: from a body that was decided on to the journal, and back to its sender as an answer.

What is to last is appended, and takes effect when the journal says that it is kept: nothing is shown and
nothing is acknowledged before. A retry of a message id gets the first answer, also after a restart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Generic, Protocol, TypeVar, cast

from hubbub.core.answers import Accepted, Answer, TopicSet
from hubbub.core.dedupe import Budget, Seen, Window
from hubbub.core.entries import CHANGES, Body, Change, Entry, Kept, Record, TopicGiven
from hubbub.core.errors import Refusal
from hubbub.core.ledger import Ledger
from hubbub.core.model import Session, User
from hubbub.core.ports import Outlet
from hubbub.core.settings import MessageSettings

SessionT = TypeVar("SessionT", bound=Session)

More = Sequence[Entry] | Callable[[Entry], Sequence[Entry]]
"""Entries that are kept with another one, or what makes them of it: its id and time are known by then."""
Changes = Sequence[Change] | Callable[[Entry], Sequence[Change]]
"""Changes that are kept with an entry, or what makes them of it."""


class Effect(Protocol):
    """What an append means to its caller from now until the journal has spoken. A retry has none."""

    def begun(self) -> None:
        """It is in flight."""
        ...

    def settled(self) -> None:
        """It is kept, has been applied and told; or it never will be."""
        ...


class _Waiting(Generic[SessionT]):
    """A message whose answer comes with its commit. Implements `ledger.Pending`."""

    __slots__ = ("id", "outlet", "place", "request", "retries", "seen", "session", "window")

    def __init__(
        self,
        outlet: Outlet[SessionT],
        session: SessionT,
        request: object,
        window: Window | None,
        place: str,
        id: str | None,
    ) -> None:
        self.outlet = outlet
        self.session: SessionT = session
        self.request = request
        self.window = window
        self.place = place
        self.id = id
        self.seen: Seen | None = None
        self.retries: list[tuple[SessionT, object]] | None = None
        """Who asked for the same again meanwhile, and gets the same answer."""

    def kept(self, records: Sequence[Record]) -> None:
        """See Pending."""
        record = records[0]
        entry = record.entry
        answer: Answer
        if type(entry.body) is TopicGiven:
            answer = TopicSet(entry.body.room, entry.body.topic)
        else:
            answer = Accepted(entry.id, entry.stream, record.epoch, record.offset, entry.at)
            if self.seen is not None:
                self.seen.outcome = answer
        self._tell(answer)

    def failed(self, refusal: Refusal) -> None:
        """See Pending. A retry is a new message then."""
        if self.id is not None and self.window is not None:
            self.window.failed(self.place, self.id)
        self._tell(refusal)

    def _tell(self, answer: Answer) -> None:
        self.outlet.answer(self.session, self.request, answer)
        for session, request in self.retries or ():
            self.outlet.answer(session, request, answer)


class _WaitingWithEffect(_Waiting[SessionT]):
    """The same, with an effect. Messages have none, and are not made to look for one."""

    __slots__ = ("effect",)

    effect: Effect

    def kept(self, records: Sequence[Record]) -> None:
        """See Pending."""
        super().kept(records)
        self.effect.settled()

    def failed(self, refusal: Refusal) -> None:
        """See Pending."""
        self.effect.settled()
        super().failed(refusal)


class Sending(Generic[SessionT]):
    """Appends what somebody says or does on a stream, exactly once for each id."""

    def __init__(
        self, settings: MessageSettings, ledger: Ledger[SessionT], clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._outlet = ledger.outlet
        self._clock = clock
        self._budget = Budget()
        self._windows: dict[int, Window] = {}
        """By author, whether online or not. Those that are used again go to the end."""

    def restore(self, recent: Iterable[Kept]) -> None:
        """Remember what was sent before a restart. Its age counts from now on: rather too long."""
        now = self._clock()
        for one in recent:
            window = self._windows.get(one.author)
            if window is None:
                window = self._windows[one.author] = Window(self._settings, self._budget)
            accepted = Accepted(one.id, one.stream, one.epoch, one.offset, one.at)
            window.sent(one.change + one.stream, one.id, 0, now).outcome = accepted

    def append(
        self,
        session: SessionT,
        user: User,
        stream: str,
        id: str | None,
        body: Body,
        request: object,
        bad: Answer | None = None,
        more: More = (),
        changes: Changes = (),
        effect: Effect | None = None,
    ) -> Answer | None:
        """None: the answer comes with the commit.

        `bad` is why it is not appended, for one that is new: a retry gets the first answer all the same.
        `more` entries and `changes` are kept with it, or not at all.
        """
        window, now, ledger, place = None, 0.0, self._ledger, stream
        if id is None:
            entry = Entry(stream, ledger.new_id(), ledger.stamps.now(), body)
        else:
            now = self._clock()
            window = self._window(user.id, now)
            change = CHANGES.get(type(body))
            if change is not None:
                place = change + stream
            seen = window.find(place, id, now)
            if isinstance(seen, Accepted):
                return seen
            if seen is not None:  # the first one is still in flight: both get its answer
                first = cast("_Waiting[SessionT]", ledger.pending(seen))
                first.retries = [*(first.retries or ()), (session, request)]
                return None
            entry = Entry(stream, id, ledger.stamps.now(), body, user.id)
        if bad is not None:
            return bad
        waiting: _Waiting[SessionT]
        if effect is None:
            waiting = _Waiting(self._outlet, session, request, window, place, id)
        else:
            waiting = _WaitingWithEffect(self._outlet, session, request, window, place, id)
            waiting.effect = effect
        entries = (entry, *(more(entry) if callable(more) else more)) if more else (entry,)
        if changes and callable(changes):
            changes = changes(entry)
        ticket = ledger.append(entries, changes, waiting)
        if isinstance(ticket, Refusal):
            return ticket
        if effect is not None:
            effect.begun()
        if id is not None and window is not None:
            waiting.seen = window.sent(place, id, ticket, now)
        return None

    def _window(self, author: int, now: float) -> Window:
        windows = self._windows
        known = windows.pop(author, None)
        if known is None:
            known = Window(self._settings, self._budget)
            for other in tuple(islice(windows, 2)):  # two for each one that comes, so expiry needs no timer
                window = windows.pop(other)
                surplus = len(windows) >= self._settings.dedupe_senders - 1
                if not window.expired(math.inf if surplus else now):
                    windows[other] = window
        windows[author] = known
        return known
