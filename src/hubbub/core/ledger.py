"""The ledger: between what the domain wants kept and what the journal says of it.

Whoever appends leaves a `Pending` here, and is told once: `kept` or `failed`. What a kept entry changes,
and whom it is told to, its body's own `apply` says: for one's own entries and for other nodes' alike.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from hubbub.core.answers import Answer, LoggedIn
from hubbub.core.entries import Body, Change, Drop, Entry, Group, Position, Record, Trim
from hubbub.core.errors import Code, Refusal
from hubbub.core.model import Session
from hubbub.core.ports import Journal, JournalUnavailableError, Outlet, Reader, SearchIndex
from hubbub.core.stamps import Stamps

SessionT = TypeVar("SessionT", bound=Session)
OriginT = TypeVar("OriginT", bound=Session, covariant=True)
ResultT = TypeVar("ResultT")


class Pending(Protocol[OriginT]):
    """Somebody who waits for a commit."""

    @property
    def session(self) -> OriginT | None:
        """Who caused it: its own events are told apart by that."""
        ...

    def kept(self, records: Sequence[Record]) -> None:
        """It is kept, has been applied, and everybody has been told."""
        ...

    def failed(self, refusal: Refusal) -> None:
        """It is not kept, and never will be."""
        ...


class Request(Generic[SessionT]):
    """A Pending that answers a request: with what `answer` makes of the records."""

    __slots__ = ("_answer", "_failed", "_outlet", "_request", "session")

    def __init__(
        self,
        outlet: Outlet[SessionT],
        session: SessionT,
        request: object,
        answer: Callable[[Sequence[Record]], Answer],
        failed: Callable[[], None] | None = None,
    ) -> None:
        """`answer` is called when it is kept, `failed` gives reservations back when it is not."""
        self.session: SessionT | None = session
        self._outlet = outlet
        self._request = request
        self._answer = answer
        self._failed = failed

    def kept(self, records: Sequence[Record]) -> None:
        """See Pending."""
        assert self.session is not None  # noqa: S101 (made with one)
        answer = self._answer(records)
        self._outlet.answer(self.session, self._request, answer)
        if type(answer) is LoggedIn:  # a resume that was sent right behind comes before anything live
            self._outlet.flush()

    def failed(self, refusal: Refusal) -> None:
        """See Pending."""
        assert self.session is not None  # noqa: S101 (made with one)
        if self._failed is not None:
            self._failed()
        self._outlet.answer(self.session, self._request, refusal)


class Told:
    """A Pending of somebody outside, who has no session and asks for no records."""

    session = None

    def __init__(self, kept: Callable[[], None], failed: Callable[[Refusal], None]) -> None:
        self._kept = kept
        self._failed = failed

    def kept(self, records: Sequence[Record]) -> None:  # noqa: ARG002 (whatever they are)
        """See Pending."""
        self._kept()

    def failed(self, refusal: Refusal) -> None:
        """See Pending."""
        self._failed(refusal)


class Ledger(Generic[SessionT]):
    """Implements `JournalSink`: it is who the journal tells."""

    def __init__(
        self,
        journal: Journal,
        outlet: Outlet[SessionT],
        stamps: Stamps,
        entropy: Callable[[int], bytes],
        search: SearchIndex | None,
    ) -> None:
        self.journal = journal
        self.outlet = outlet
        self.stamps = stamps
        self.search = search
        self.applies: dict[type[Body], Callable[[Record, SessionT | None], None]] = {}
        """What a kept entry does, by the type of its body. The parts of the service fill it."""
        self._watched: tuple[str, Callable[[str], None]] | None = None
        self._dropping: dict[int, list[str]] = {}
        """By ticket: the watched keys that are dropped with it."""
        self._pending: dict[int, Pending[SessionT]] = {}
        self._coming: deque[Group] = deque()
        """Groups that the journal has, and that were not told yet."""
        self._ids_made = 0
        self._id_prefix = _uuid_prefix(entropy)
        self._orphans = _Orphans()

    def new_id(self) -> str:
        """The id of an entry whose client gave none: a UUID."""
        self._ids_made += 1
        return f"{self._id_prefix}{self._ids_made:012x}"

    def watch(self, prefix: str, dropped: Callable[[str], None]) -> None:
        """Tell `dropped` each key with that prefix whose record is gone, once that is kept."""
        self._watched = prefix, dropped

    def head(self, stream: str) -> Position:
        """The last position of the stream that was told. The journal may be ahead, while it tells."""
        head = self.journal.head(stream)
        for group in self._coming:
            for record in group.records:
                if record.entry.stream == stream:
                    return Position(head.epoch, record.offset - 1)
        return head

    def pending(self, ticket: int) -> Pending[SessionT]:
        """Who waits for this ticket, which is in flight."""
        return self._pending[ticket]

    def append(
        self, entries: Sequence[Entry], changes: Sequence[Change], pending: Pending[SessionT]
    ) -> Refusal | int:
        """Have this kept; `pending` is told. A Refusal: it is not taken, and nobody will be told."""
        try:
            ticket = self.journal.append(entries, changes)
        except JournalUnavailableError as error:
            return unavailable(error)
        self._pending[ticket] = pending
        if changes and self._watched is not None:
            prefix, _ = self._watched
            keys = [one.key for one in changes if type(one) is Drop and one.key.startswith(prefix)]
            if keys:
                self._dropping[ticket] = keys
        return ticket

    def note(self, changes: Sequence[Change]) -> None:
        """Have this kept, where nobody waits for it: if it is lost, nothing that was acknowledged is."""
        self.append((), changes, self._orphans)
        if self.search is not None:
            for change in changes:
                if isinstance(change, Trim):
                    self.search.trim(change.stream, change.first)

    def ask(
        self,
        session: SessionT,
        request: object,
        query: Callable[[Reader], ResultT],
        then: Callable[[ResultT], Answer | None],
    ) -> None:
        """Answer a request from what is kept. `then` gives the answer, or None: it comes later still."""

        def told(result: ResultT | JournalUnavailableError) -> None:
            answer = unavailable(result) if isinstance(result, JournalUnavailableError) else then(result)
            if answer is not None:
                self.outlet.answer(session, request, answer)

        self.journal.read(query, told)

    # -- what the journal tells (JournalSink)

    def committed(self, groups: Sequence[Group]) -> None:
        """See the port. State changes here, and only here; then everybody is told."""
        applies, search = self.applies, self.search
        coming = self._coming = deque(groups)
        while coming:
            group = coming.popleft()
            pending = self._pending.pop(group.ticket, None) if group.ticket is not None else None
            origin = pending.session if pending is not None else None
            for record in group.records:
                applies[type(record.entry.body)](record, origin)
            if search is not None and group.records:
                search.add(group.records)
            if self._dropping and group.ticket is not None:
                self._tell_dropped(self._dropping.pop(group.ticket, ()))
            if pending is not None:
                pending.kept(group.records)
        self.outlet.flush()

    def failed(self, tickets: Sequence[int], error: JournalUnavailableError) -> None:
        """See the port. An error to those who asked and to nobody else."""
        for ticket in tickets:
            self._dropping.pop(ticket, None)
            pending = self._pending.pop(ticket, None)
            if pending is not None:
                pending.failed(unavailable(error))
        self.outlet.flush()

    def _tell_dropped(self, keys: Sequence[str]) -> None:
        if self._watched is not None:
            for key in keys:
                self._watched[1](key)


class _Orphans:
    """A Pending for what nobody waits for."""

    session = None

    def kept(self, records: Sequence[Record]) -> None:
        """See Pending."""

    def failed(self, refusal: Refusal) -> None:
        """See Pending."""


def unavailable(error: JournalUnavailableError) -> Refusal:
    """What a peer is told of it."""
    if error.read_only:
        return Refusal(Code.READ_ONLY, f"Nothing can be kept at the moment: {error.reason}")
    return Refusal(Code.INTERNAL, "The journal cannot serve this. The reason is in the server's log.")


def _uuid_prefix(entropy: Callable[[int], bytes]) -> str:
    """The first 24 characters of a UUIDv8 (RFC 9562 §5.8); a counter makes the last 12."""
    digits = entropy(8).hex()
    return f"{digits[:8]}-{digits[8:12]}-8{digits[12:15]}-a{digits[13:16]}-"
