"""Resume: what somebody missed, exactly and in order, or an explicit gap.

A session hears a stream live from some offset on: a room since it came in, its talks and notices since it
logged in. A resume tells what lies between the position that the client names and that offset. Asked for
right behind the login, as clients do, nothing was heard yet, and all of it comes in order; asked for later,
what was heard meanwhile is not told again, so the older entries come behind newer ones.

While the journal is read, the session is off these streams. Nothing is committed between the read and
what it is told, so it is back at the very moment up to which it was told: no hole, and nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from hubbub.core.answers import Answer, Resumed
from hubbub.core.commands import Place, Resume
from hubbub.core.entries import Position
from hubbub.core.errors import Code, Refusal
from hubbub.core.event_of import event_of
from hubbub.core.events import DurableEvent, Gap
from hubbub.core.ledger import Ledger, unavailable
from hubbub.core.mentions import notice_stream
from hubbub.core.model import Session, User
from hubbub.core.people import People
from hubbub.core.ports import JournalUnavailableError, Reader
from hubbub.core.rooms import Rooms
from hubbub.core.settings import CoreSettings, RoomSettings
from hubbub.core.talks import Talks

SessionT = TypeVar("SessionT", bound=Session)

_AT_ONCE: Final = 64
"""Entries that are read together: a bound on what is read in vain where they do not fit."""
_AROUND: Final = 200
"""Bytes that a dialect may put around the JSON of an event."""


class _Part(NamedTuple):
    """One stream of a resume."""

    stream: str
    place: Place
    since: int
    """Behind this offset, the session heard it live …"""
    until: int
    """… up to this one, where it was taken off."""


class _Read(NamedTuple):
    """What is to be told of it. `events` None: it cannot be told whole."""

    head: Position
    events: list[DurableEvent] | None


class Resuming(Generic[SessionT]):
    """Continues streams from the positions that a client names."""

    def __init__(
        self, settings: CoreSettings, ledger: Ledger[SessionT], people: People, rooms: Rooms, talks: Talks
    ) -> None:
        self._settings = settings.rooms
        self._ledger = ledger
        self._outlet = ledger.outlet
        self._people = people
        self._rooms = rooms
        self._talks = talks

    def resume(self, session: SessionT, command: Resume, request: object) -> Answer | None:
        """Tell what was missed, then where that ends. None: the answer comes with the read."""
        user, most = session.user, self._settings.resume_streams
        assert user is not None  # noqa: S101 (handle saw to it)
        if session.resuming is not None:
            return Refusal(Code.BAD_REQUEST, "A resume is under way already.")
        if len(command.positions) > most:
            message = f"More than {most} streams."
            return Refusal(Code.TOO_LARGE, message, field="positions", limit="rooms.resume_streams")
        parts = list(self._take_off(session, user, command.positions))
        resuming = self._read_on(session, parts, request)
        for stream in command.positions:
            if stream not in resuming:
                self._tell_nothing(session, stream)
        return None

    def rest(self, session: SessionT) -> None:
        """From now on the session hears nothing, until `wake`: its line is taken for the bytes of a file."""
        user = session.user
        assert user is not None  # noqa: S101 (handle saw to it)
        session.rested = {}
        for stream in self._streams_of(session, user):
            head = self._ledger.head(stream)
            session.rested[stream] = Place(head.epoch, head.offset)
        for room in session.rooms:
            self._outlet.unsubscribe(session, room.stream)

    def wake(self, session: SessionT, request: object) -> bool:
        """It hears again: first what it missed. `request` is answered behind that. False: it is nobody's."""
        rested, session.rested = session.rested, None
        user = session.user
        if user is None or rested is None:
            return False
        parts = []
        for stream in self._streams_of(session, user):
            head = self._ledger.head(stream)
            place = rested.get(stream, Place(head.epoch, 0))  # a talk that began meanwhile
            room = self._rooms.of_stream(stream)
            if room is not None:
                since = room.members[session]
                place = rested.get(stream, Place(head.epoch, since))
            else:
                if session.since is None:
                    session.since = {}
                since = session.since.setdefault(stream, place.offset)
            parts.append(_Part(stream, place, min(since, place.offset), place.offset))
        self._read_on(session, parts, request)
        return True

    def _streams_of(self, session: SessionT, user: User) -> list[str]:
        notices = [notice_stream(user.id)] if user.account else []
        return [*(room.stream for room in session.rooms), *self._talks.of(user.id), *notices]

    def _read_on(self, session: SessionT, parts: list[_Part], request: object) -> set[str]:
        """Read what lies behind these places, tell it, and answer the request; its streams, for now."""
        session.resuming = resuming = {part.stream for part in parts}

        def query(reader: Reader) -> list[_Read]:
            return _read(reader, parts, self._people, self._settings)

        def told(result: list[_Read] | JournalUnavailableError) -> None:
            if session.resuming is not resuming:  # it is gone
                answer: Answer = Refusal(Code.UNAUTHENTICATED, "Log in first.")
            elif isinstance(result, JournalUnavailableError):
                answer = unavailable(result)
                self._tell_gaps(session, parts)
            else:
                answer = self._tell(session, parts, result, resuming)
            self._put_back(session, resuming)
            self._outlet.answer(session, request, answer)

        self._ledger.journal.read(query, told)
        return resuming

    def _take_off(self, session: SessionT, user: User, positions: dict[str, Place]) -> Iterator[_Part]:
        talks = self._talks.of(user.id)
        for stream, place in positions.items():
            room = self._rooms.of_stream(stream)
            if room is not None and session in room.members:
                until = self._ledger.head(stream).offset
                self._outlet.unsubscribe(session, stream)
                yield _Part(stream, place, room.members[session], until)
            elif stream in talks or (user.account and stream == notice_stream(user.id)):
                until = self._ledger.head(stream).offset
                if session.since is None:
                    session.since = {}
                yield _Part(stream, place, session.since.setdefault(stream, until), until)

    def _put_back(self, session: SessionT, resuming: set[str]) -> None:
        if session.resuming is not resuming:  # gone, while it was told
            return
        session.resuming = None
        for stream in resuming:
            if self._rooms.of_stream(stream) is not None:
                self._outlet.subscribe(session, stream)

    def _tell_nothing(self, session: SessionT, stream: str) -> None:
        """It is not there, or nothing that one may read: the same for both."""
        self._outlet.send("", [session], Gap(stream, "", 0), None)

    def _tell(self, session: SessionT, parts: list[_Part], read: list[_Read], resuming: set[str]) -> Answer:
        """Everything, and then the answer: so it leaves before."""
        positions: dict[str, Place] = {}
        to = [session]
        for part, (head, events) in zip(parts, read, strict=True):
            if part.stream not in resuming:  # it lost the room meanwhile
                self._tell_nothing(session, part.stream)
                continue
            positions[part.stream] = Place(head.epoch, head.offset)
            for event in (Gap(part.stream, head.epoch, head.offset),) if events is None else events:
                self._outlet.send("", to, event, None)
        self._outlet.flush()
        return Resumed(positions)

    def _tell_gaps(self, session: SessionT, parts: list[_Part]) -> None:
        """Nothing could be read. What came while it was off the streams must not be missing in silence."""
        for part in parts:
            head = self._ledger.head(part.stream)
            if part.stream in (session.resuming or ()) and head.offset != part.until:
                self._outlet.send("", [session], Gap(part.stream, head.epoch, head.offset), None)
        self._outlet.flush()


def _read(reader: Reader, parts: list[_Part], people: People, settings: RoomSettings) -> list[_Read]:
    """What each part is to be told, for as long as it fits."""
    entries, size = settings.resume_entries, settings.resume_bytes
    effort = 2 * size  # what does not fit is read in vain, and that is bounded, too
    read: list[_Read] = []
    for part in parts:
        place, head = part.place, reader.head(part.stream)
        events: list[DurableEvent] | None = None
        if place.epoch == head.epoch and 0 <= place.offset <= head.offset:
            wanted = _wanted(part, head.offset)
            count = sum(map(len, wanted))
            kept = not count or min(map(min, filter(None, wanted))) >= reader.first(part.stream)
            if kept and count <= entries and (effort > 0 or not count):
                events, spent = _events(reader, part.stream, wanted, people, size)
                effort -= spent
                if spent > size or len(events) != count:
                    events = None
                else:
                    entries, size = entries - count, size - spent
        read.append(_Read(head, events))
    return read


def _wanted(part: _Part, head: int) -> list[range]:
    """The offsets behind the position that were not heard live."""
    if part.since == part.until:
        return [range(part.place.offset + 1, head + 1)]
    return [
        range(part.place.offset + 1, part.since + 1),
        range(max(part.place.offset, part.until) + 1, head + 1),
    ]


def _events(
    reader: Reader, stream: str, wanted: list[range], people: People, size: int
) -> tuple[list[DurableEvent], int]:
    """The events of these offsets, and their bytes. It stops where those are more than `size`."""
    encode = msgspec.json.Encoder().encode
    events: list[DurableEvent] = []
    spent = 0
    for offsets in wanted:
        for start in offsets[::_AT_ONCE]:
            last = min(start + _AT_ONCE, offsets.stop) - 1
            for record in reader.entries(stream, start, last):
                event = event_of(record, people)
                events.append(event)
                spent += len(encode(event)) + _AROUND
                if spent > size:
                    return events, spent
    return events, spent
