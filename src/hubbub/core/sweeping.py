"""Sweeping: a room that all have left is gone unless something in it lasts, and so is what was said there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from hubbub.core import room_records
from hubbub.core.entries import Change, Record, Trim
from hubbub.core.errors import Refusal
from hubbub.core.ledger import Ledger
from hubbub.core.model import Room, Session
from hubbub.core.modifications import trimmed
from hubbub.core.ports import JournalUnavailableError, Reader
from hubbub.core.rooms import Rooms

SessionT = TypeVar("SessionT", bound=Session)


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
            end = reader.head(stream).offset + 1
            return [Trim(stream, end), *trimmed(reader, stream, end)]

        def told(changes: list[Change] | JournalUnavailableError) -> None:
            if not isinstance(changes, JournalUnavailableError):
                self._ledger.note(changes)

        self._ledger.journal.read(query, told)


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
