"""Cursors: up to where somebody has read each stream. An account's are kept, and the same on all its devices;
a guest's end with its session. What is no message of somebody else, right behind the cursor, one has read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, Generic, NamedTuple, TypeVar, cast

import msgspec

from hubbub.core.answers import Answer, ReadUpTo, UnreadList, UnreadView
from hubbub.core.commands import GetUnread, MarkRead, Place
from hubbub.core.entries import (
    Drop,
    Edited,
    Erased,
    MentionNoted,
    Position,
    Put,
    Record,
    Said,
    Whispered,
)
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import ReadMoved
from hubbub.core.ledger import Ledger, Request
from hubbub.core.mentions import notice_stream
from hubbub.core.model import ROOMS, Room, Session, User
from hubbub.core.people import People
from hubbub.core.ports import Reader
from hubbub.core.rooms import Rooms
from hubbub.core.settings import CoreSettings, RoomSettings
from hubbub.core.talks import Talks, talkers

SessionT = TypeVar("SessionT", bound=Session)

_PREFIX: Final = "cursor/"
_AT_ONCE: Final = 64
"""Entries that are read together when they are counted: at most 4 MiB."""
_NOTICES: Final = 1_000
"""Unread notices, the newest, among which mentions are counted."""
_NAMING: Final = 16
"""Last entries of a talk among which the name of a guest is looked for, who is gone."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Place).decode


class _Stand(NamedTuple):
    """Where a stream's head and somebody's cursor in it are."""

    stream: str
    head: Position
    read: int
    unread: int = 0
    """Messages of others behind that."""
    room: Room | None = None
    other: int | None = None
    """With whom, where it is a private talk."""
    at: str | None = None
    """When the last entry was made."""
    called: str | None = None
    """What the other one was called there, if that had to be looked for."""

    @property
    def behind(self) -> bool:
        return self.read < self.head.offset


class _Seen(NamedTuple):
    """What a look at these streams showed."""

    moved: Sequence[_Stand]
    mentions: dict[str, int]
    """By the stream of the room."""


class Cursors(Generic[SessionT]):
    """Read up to; unread."""

    def __init__(
        self, settings: CoreSettings, ledger: Ledger[SessionT], people: People, rooms: Rooms, talks: Talks
    ) -> None:
        self._settings = settings.rooms
        self._ledger = ledger
        self._outlet = ledger.outlet
        self._people = people
        self._rooms = rooms
        self._talks = talks
        self._kept: dict[int, dict[str, Place]] = {}
        self._wanted: dict[tuple[int, str], int] = {}
        """How far the cursors are that are on their way to the journal."""

    def load(self) -> None:
        """Take in what is kept: called once, before anybody is served."""
        for key, value in self._ledger.journal.look(lambda reader: list(reader.scan(_PREFIX))):
            account, _, stream = key[len(_PREFIX) :].partition("/")
            if stream.startswith(ROOMS) and self._rooms.of_stream(stream) is None:
                self._ledger.note([Drop(key)])  # it has ended, and a crash came before all of it was gone
                continue
            place, head = _decode(value), self._ledger.journal.head(stream)
            if place.epoch != head.epoch:  # a copy, or something was lost: so far, it was read
                place = Place(head.epoch, min(place.offset, head.offset))
            self.set(int(account, 16), stream, place)

    # -- what membership does with them

    def start(self, stream: str) -> Place:
        """The cursor of somebody who comes new to a stream."""
        head = self._ledger.head(stream)
        return Place(head.epoch, head.offset)

    def put(self, account: int, stream: str, place: Place) -> Put:
        """The change that keeps a cursor."""
        return Put(f"{_PREFIX}{account:014x}/{stream}", _encode(place))

    def drop(self, account: int, stream: str) -> Drop:
        """The change that forgets it."""
        return Drop(f"{_PREFIX}{account:014x}/{stream}")

    def set(self, account: int, stream: str, place: Place) -> None:
        """It stands there now."""
        self._kept.setdefault(account, {})[stream] = place

    def forget(self, account: int, stream: str) -> None:
        """It is gone."""
        self._kept.get(account, {}).pop(stream, None)

    def arrive(self, account: int, stream: str) -> None:
        """Begin at the end of a stream that the account comes to without joining it."""
        if stream not in self._kept.get(account, ()):
            place = self.start(stream)
            self._ledger.note([self.put(account, stream, place)])
            self.set(account, stream, place)

    def shown(self, session: SessionT, stream: str, since: int) -> None:
        """A person in plain text hears a stream no longer, as it did from behind `since` on.

        It has read what came, if nothing was missed before.
        """
        user = _user(session)
        if not (session.exclusive and user.account):
            return
        head = self._ledger.head(stream)
        if since <= self._cursor(session, stream, head) < head.offset:
            place = Place(head.epoch, head.offset)
            self._ledger.note([self.put(user.id, stream, place)])
            self._move(user.id, stream, place)
            others = [one for one in self._devices(user.id) if one is not session]
            if others:
                self._outlet.send("", others, ReadMoved(stream, head.offset), session)

    # -- commands

    def read(self, session: SessionT, command: MarkRead, request: object) -> Answer | None:
        """Move a cursor: never back, and not beyond the head. None: the answer comes when it is kept."""
        user, stream = _user(session), command.stream
        if not self._may_read(session, stream):
            return Refusal(Code.NOT_FOUND, f"Stream '{stream[:64]}' not found.", field="stream")
        if command.offset < 0:
            return Refusal(Code.BAD_REQUEST, "The first offset is 1; 0 is before it.", field="offset")
        head = self._ledger.head(stream)
        offset = min(command.offset, head.offset)
        now = self._cursor(session, stream, head)
        if offset <= now:
            return ReadUpTo(stream, now)
        if not user.account:
            session.read = {**(session.read or {}), stream: offset}
            return ReadUpTo(stream, offset)
        key = (user.id, stream)
        wanted = self._wanted[key] = max(offset, self._wanted.get(key, 0))

        def kept(_: Sequence[Record]) -> Answer:
            self._move(user.id, stream, Place(head.epoch, wanted))
            if self._wanted.get(key) == wanted:
                del self._wanted[key]
            others = [one for one in self._devices(user.id) if one is not session]
            if others:
                self._outlet.send("", others, ReadMoved(stream, wanted), session)
            return ReadUpTo(stream, wanted)

        def failed() -> None:
            self._wanted.pop(key, None)

        pending = Request(self._outlet, session, request, kept, failed)
        ticket = self._ledger.append((), [self.put(user.id, stream, Place(head.epoch, wanted))], pending)
        if isinstance(ticket, Refusal):
            return ticket
        return None

    def unread(self, session: SessionT, command: GetUnread, request: object) -> Answer | None:
        """Where there is something new, or all there is. The answer comes with the read."""
        user, settings = _user(session), self._settings
        stands = self._stands(session, user)
        if command.all:
            asked = _most_important(list(stands), settings.unread_listed)
        else:
            asked = list(islice((one for one in stands if one.behind), settings.members_listed))
        nameless = {
            one.other for one in asked if one.other is not None and not self._people.name_of(one.other)
        }

        def query(reader: Reader) -> _Seen:
            moved = _count(reader, asked, user.id, settings)
            if command.all:
                moved = [_last(reader, one, one.other in nameless) for one in moved]
            return _Seen(moved, _mentions(reader, asked))

        def then(seen: _Seen) -> Answer | None:
            if session.user is not user:  # gone meanwhile, or logged out
                return Refusal(Code.UNAUTHENTICATED, "Log in first.")
            self._follow_own(session, user, asked, seen.moved)
            return UnreadList(
                [self._view(one, seen.mentions) for one in seen.moved if command.all or one.behind]
            )

        self._ledger.ask(session, request, query, then)
        return None

    # -- where a cursor stands

    def _may_read(self, session: SessionT, stream: str) -> bool:
        user, room = _user(session), self._rooms.of_stream(stream)
        if room is not None:
            return session in room.members or room.belongs(user.id)
        return stream in self._talks.of(user.id) or (user.account and stream == notice_stream(user.id))

    def _cursor(self, session: SessionT, stream: str, head: Position) -> int:
        user = _user(session)
        if user.account:
            place = self._kept.get(user.id, {}).get(stream)
            return place.offset if place is not None and place.epoch == head.epoch else 0
        known = (session.read or {}).get(stream)
        room = self._rooms.of_stream(stream)
        begun = room.members.get(session, 0) if room is not None else 0
        return min(begun if known is None else known, head.offset)

    def _move(self, account: int, stream: str, place: Place) -> None:
        now = self._kept.get(account, {}).get(stream)
        if now is None or now.epoch != place.epoch or now.offset < place.offset:
            self.set(account, stream, place)

    def _follow_own(
        self, session: SessionT, user: User, before: Sequence[_Stand], after: Sequence[_Stand]
    ) -> None:
        """What is no message of others, and what is no longer kept, is read.

        Nobody waits for that: if it is lost, it is found anew.
        """
        changes = []
        for old, new in zip(before, after, strict=True):
            if new.read == old.read:
                continue
            place = Place(new.head.epoch, new.read)
            if not user.account:
                session.read = {**(session.read or {}), new.stream: new.read}
                continue
            self._move(user.id, new.stream, place)
            if (user.id, new.stream) not in self._wanted:  # what is kept later must not stand before it
                changes.append(self.put(user.id, new.stream, place))
        if changes:
            self._ledger.note(changes)

    def _stands(self, session: SessionT, user: User) -> Iterator[_Stand]:
        """All rooms by name, the notices, and the talks, in which something was said last in front."""
        rooms = dict.fromkeys([*session.rooms, *(self._rooms.of(user.id) if user.account else ())])
        if user.account:
            rooms[self._rooms.default] = None
        for room in sorted(rooms, key=lambda one: one.name):
            head = self._ledger.head(room.stream)
            yield _Stand(room.stream, head, self._cursor(session, room.stream, head), room=room)
        if user.account:
            stream = notice_stream(user.id)
            head = self._ledger.head(stream)
            yield _Stand(stream, head, self._cursor(session, stream, head))
        for stream in reversed(list(self._talks.of(user.id))):
            head = self._ledger.head(stream)
            low, high = talkers(stream) or (0, 0)
            other = high if low == user.id else low
            yield _Stand(stream, head, self._cursor(session, stream, head), other=other)

    def _view(self, one: _Stand, mentions: dict[str, int]) -> UnreadView:
        name = self._people.name_of(one.other) if one.other is not None else None
        return UnreadView(
            stream=one.stream,
            epoch=one.head.epoch,
            offset=one.head.offset,
            read=one.read,
            unread=one.unread,
            mentions=mentions.get(one.stream, 0),
            room=one.room.name if one.room is not None else None,
            with_=name or one.called,
            at=one.at,
            gone=name is None and one.called is not None,
        )

    def _devices(self, account: int) -> list[SessionT]:
        user = self._people.by_id(account)
        return cast("list[SessionT]", user.sessions) if user is not None else []


def _most_important(stands: Sequence[_Stand], most: int) -> list[_Stand]:
    """So many of them in their order: those that have something new go before the others."""
    chosen = sorted(range(len(stands)), key=lambda number: not stands[number].behind)[:most]
    return [stands[number] for number in sorted(chosen)]


def _mentions(reader: Reader, stands: Sequence[_Stand]) -> dict[str, int]:
    """How often somebody is named among the unread notices, by the stream of the room."""
    mentions: dict[str, int] = {}
    for one in stands:
        if one.behind and one.room is None and one.other is None:
            first = max(one.read + 1, one.head.offset - _NOTICES + 1)
            for record in reader.entries(one.stream, first, one.head.offset):
                if isinstance(record.entry.body, MentionNoted):
                    place = record.entry.body.room_stream
                    mentions[place] = mentions.get(place, 0) + 1
    return mentions


def _last(reader: Reader, one: _Stand, nameless: bool) -> _Stand:
    """With the time of the last entry, and the name of the other one, if it has none any more."""
    last = one.head.offset
    records = reader.entries(one.stream, last - _NAMING + 1 if nameless else last, last) if last else ()
    at = records[-1].entry.at or None if records else None
    called = next((name for record in reversed(records) if (name := _named(record, one.other))), None)
    return one._replace(at=at, called=called if nameless else None)


def _named(record: Record, id: int | None) -> str | None:
    """What somebody was called, if that entry tells it."""
    body = record.entry.body
    if isinstance(body, Erased):
        return None
    if body.sender_id == id:
        return body.sender
    return body.to if isinstance(body, Whispered) and body.to_id == id else None


def _count(reader: Reader, stands: Sequence[_Stand], me: int, settings: RoomSettings) -> list[_Stand]:
    """How many messages to `me` lie behind each cursor; of notices, all. What is too far counts.

    The cursor passes over what is none, right behind it. That costs as much as counting, and what somebody
    else put there for nothing may be long: where the limit is reached, it is gone on with the next time.
    """
    entries, size = settings.unread_entries, settings.unread_bytes
    counted: dict[str, _Stand] = {}
    for one in sorted(stands, key=lambda one: one.head.offset - one.read):
        head = one.head.offset
        if one.room is None and one.other is None:
            counted[one.stream] = one._replace(unread=max(0, head - one.read))
            continue
        # What is no longer kept cannot be read.
        read = max(one.read, reader.first(one.stream) - 1) if one.behind else one.read
        found, offset, passing = 0, read, True
        while offset < head and entries > 0 and size > 0:
            last = min(head, offset + min(_AT_ONCE, entries))
            for record in reader.entries(one.stream, offset + 1, last):
                to_me = _to(me, record)
                found += to_me
                passing = passing and not to_me and record.offset == read + 1
                read += passing
                if isinstance(record.entry.body, Said | Whispered | Edited):
                    size -= len(record.entry.body.content.encode())
            entries -= last - offset
            offset = last
        counted[one.stream] = one._replace(read=read, unread=found + max(0, head - offset))
    return [counted[one.stream] for one in stands]


def _to(me: int, record: Record) -> bool:
    """Whether it is a message that somebody else said, and that is not deleted."""
    body = record.entry.body
    return isinstance(body, Said | Whispered) and body.sender_id != me


def _user(session: Session) -> User:
    assert session.user is not None  # noqa: S101 (handle saw to it)
    return session.user
