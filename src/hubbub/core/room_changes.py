"""Changes of who belongs to a room, and of who may come in: decided now, and in force when they are kept.

In between nothing is decided that rests on what is about to change: whoever asks for it is told to try again.
So nobody slips in who is being taken out, and two owners cannot take the role from each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from hubbub.core.answers import Answer
from hubbub.core.entries import Change, Entry, Record
from hubbub.core.errors import Code, Refusal
from hubbub.core.ledger import Ledger, Request, Told
from hubbub.core.model import Room, Session

SessionT = TypeVar("SessionT", bound=Session)

SETTINGS: Final = 0
"""Stands where else the id of an account does, for the settings of the room."""
ENDING: Final = -1
"""Likewise for the room itself: then everything about it is busy."""
BUSY: Final = Refusal(Code.RATE_LIMITED, "This room is being changed. Try again.", retry_after=1.0)


class RoomChanges(Generic[SessionT]):
    """Those that are on their way to the journal."""

    def __init__(self, ledger: Ledger[SessionT]) -> None:
        self._ledger = ledger
        self._under_way: set[tuple[int, int]] = set()
        """Room and account."""

    def __len__(self) -> int:
        """How many there are."""
        return len(self._under_way)

    def busy(self, room: Room, *accounts: int) -> bool:
        """Whether what one of these is to the room is about to change."""
        return any((room.id, account) in self._under_way for account in (*accounts, ENDING))

    def any(self, room: Room) -> bool:
        """Whether anything about it is."""
        return any(changing == room.id for changing, _ in self._under_way)

    def keep(
        self,
        session: SessionT,
        request: object,
        room: Room,
        account: int,
        changes: Sequence[Change],
        answer: Callable[[], Answer],
        entries: Sequence[Entry] = (),
    ) -> Refusal | None:
        """Change what `account` is to the room, which is not `busy`. `answer` is asked when that is kept."""
        change = (room.id, account)

        def kept(_: Sequence[Record]) -> Answer:
            self._under_way.discard(change)
            return answer()

        def failed() -> None:
            self._under_way.discard(change)

        pending = Request(self._ledger.outlet, session, request, kept, failed)
        ticket = self._ledger.append(entries, changes, pending)
        if isinstance(ticket, Refusal):
            return ticket
        self._under_way.add(change)
        return None

    def keep_for_outside(
        self,
        room: Room,
        account: int,
        changes: Sequence[Change],
        kept: Callable[[], None],
        failed: Callable[[Refusal], None],
        entries: Sequence[Entry] = (),
    ) -> None:
        """The same for somebody who has no session: `kept` or `failed` is told, once."""
        change = (room.id, account)

        def done() -> None:
            self._under_way.discard(change)
            kept()

        def undone(refusal: Refusal) -> None:
            self._under_way.discard(change)
            failed(refusal)

        ticket = self._ledger.append(entries, changes, Told(done, undone))
        if isinstance(ticket, Refusal):
            failed(ticket)
        else:
            self._under_way.add(change)
