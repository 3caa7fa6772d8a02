"""Sweeping: a room that all have left is gone unless something in it lasts, and so is what was said there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Generic, TypeVar

from hubbub.core import room_records
from hubbub.core.entries import Change, Record, Trim
from hubbub.core.errors import Refusal
from hubbub.core.ledger import Ledger
from hubbub.core.model import ROOMS, Room, Session
from hubbub.core.modifications import trimmed
from hubbub.core.ports import JournalUnavailableError, Reader
from hubbub.core.rooms import Rooms

SessionT = TypeVar("SessionT", bound=Session)

_AT_ONCE: Final = 1_000
"""Records that are dropped by one append."""


class Sweeper(Generic[SessionT]):
    """Forgets rooms. What would make one last may still be on its way to the journal: then it waits."""

    def __init__(self, ledger: Ledger[SessionT], rooms: Rooms) -> None:
        self._ledger = ledger
        self._rooms = rooms

    def sweep(self, room: Room) -> None:
        """Somebody has left it, or did not come."""
        if room.members or room.kept or self._rooms.of_stream(room.stream) is not room:
            return
        if room.begun:  # what is appended now comes behind all that is in flight
            self._ledger.append((), (), _Settling(self, room))
        else:
            self._rooms.remove(room)

    def settled(self, room: Room, begun: int) -> None:
        """It is known now what became of the first `begun` things that would have made the room last."""
        if room.held or self._ledger.journal.head(room.stream).offset:
            room.kept = True
        if room.begun == begun and not room.members and not room.kept:
            room.begun = 0
            self.sweep(room)

    def end(self, room: Room) -> None:
        """Nobody could find the room any more. Unless somebody was let in while its last member left."""
        if room.held:
            self._ledger.note(room_records.put_room(room, self._ledger.stamps.now()))
        elif self._rooms.of_stream(room.stream) is room:
            self._rooms.remove(room)
            self.forget(room.stream)

    def forget(self, stream: str) -> None:
        """Nobody will read what was said there again: its bytes go, and what became of its messages."""

        def query(reader: Reader) -> list[Change]:
            return _all_of(reader, stream)

        def told(changes: list[Change] | JournalUnavailableError) -> None:
            if not isinstance(changes, JournalUnavailableError):
                self._ledger.note(changes)

        self._ledger.journal.read(query, told)

    def finish(self) -> None:
        """Erase what is left of rooms that are no more, where a crash came between their end and that.

        Called once, before anybody is served. A room's record is kept in one commit with its first entry:
        what has entries and no record has ended.
        """

        def query(reader: Reader) -> list[Sequence[Change]]:
            ended = [one for one in reader.streams(ROOMS) if self._rooms.of_stream(one) is None]
            left = [one for one in ended if reader.first(one) <= reader.head(one).offset]
            drops = room_records.drop_all_but(reader, {room.id for room in self._rooms.all()})
            parts = (drops[start : start + _AT_ONCE] for start in range(0, len(drops), _AT_ONCE))
            return [*parts, *(_all_of(reader, one) for one in left)]

        for changes in self._ledger.journal.look(query):
            self._ledger.note(changes)


def _all_of(reader: Reader, stream: str) -> list[Change]:
    """The changes by which nothing of a stream is left."""
    end = reader.head(stream).offset + 1
    return [Trim(stream, end), *trimmed(reader, stream, end)]


class _Settling(Generic[SessionT]):
    """Waits for all that was in flight when a room was left by everybody. Implements `ledger.Pending`."""

    session = None

    def __init__(self, sweeper: Sweeper[SessionT], room: Room) -> None:
        self._sweeper = sweeper
        self._room = room
        self._begun = room.begun

    def kept(self, _: Sequence[Record]) -> None:
        """See Pending."""
        self._sweeper.settled(self._room, self._begun)

    def failed(self, _: Refusal) -> None:
        """See Pending: nothing that was in flight before it is in flight any more."""
        self._sweeper.settled(self._room, self._begun)
