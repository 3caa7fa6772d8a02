"""Administration of rooms: what admins do with them by HTTP, whether they are in them or not.

Nothing here asks who wants it: that is the caller's to know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

import msgspec

from hubbub.core import room_records
from hubbub.core.entries import Body, Change, Entry, RoomSet, TopicGiven
from hubbub.core.errors import Code, Refusal
from hubbub.core.files import Bearer
from hubbub.core.governance import bad_settings
from hubbub.core.ledger import Ledger, Told
from hubbub.core.membership import Membership
from hubbub.core.messages import bad_topic
from hubbub.core.model import Room, Session
from hubbub.core.people import People
from hubbub.core.room_changes import BUSY, ENDING, SETTINGS
from hubbub.core.rooms import Rooms
from hubbub.core.settings import MessageSettings

SessionT = TypeVar("SessionT", bound=Session)

_AT_ONCE: Final = 1_000
"""Members whose records are dropped by one append."""


class RoomOverview(msgspec.Struct, frozen=True, gc=False):
    """A room as whoever runs the server sees it. `members` counts who is away too, `present` who is here.

    `entries` is how many there ever were on its stream; `owner` is one of them, where it has any.
    """

    room: str
    stream: str
    topic: str
    private: bool
    retain_days: float
    members: int
    present: int
    owner: str | None
    entries: int
    default: bool


Then = Callable[[RoomOverview | Refusal], None]
"""Who is told, once: the room as it is now, or was, or why not. Also before the call returns."""


class RoomAdministration(Generic[SessionT]):
    """Rooms changed and ended from outside."""

    def __init__(
        self,
        settings: MessageSettings,
        ledger: Ledger[SessionT],
        people: People,
        rooms: Rooms,
        membership: Membership[SessionT],
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._people = people
        self._rooms = rooms
        self._membership = membership
        self._changes = membership.changes
        self._sweeper = membership.sweeper

    def page(self, after: str, most: int, query: str) -> tuple[list[RoomOverview], bool]:
        """Up to `most` rooms with `query` in their name, by name from behind `after`; are there more?"""
        wanted = query.casefold()
        found = [one for one in self._rooms.all() if one.name > after and wanted in one.name.casefold()]
        return [self._view(room) for room in found[:most]], len(found) > most

    def change(
        self,
        by: Bearer,
        name: str,
        then: Then,
        *,
        topic: str | None = None,
        private: bool | None = None,
        retain_days: float | None = None,
    ) -> None:
        """All of this at once; None leaves it as it is. Its members are told as if an owner had done it."""
        room = self._rooms.named(name)
        if room is None or self._changes.busy(room, SETTINGS):
            then(_unknown(name) if room is None else BUSY)
            return
        private = room.private if private is None else private
        days = room.retain_days if retain_days is None else retain_days
        bad = bad_settings(room, default=room is self._rooms.default, private=private, days=days)
        if bad is None and topic is not None:
            bad = bad_topic(topic, self._settings.max_topic)
        if bad is not None:
            then(bad)
            return
        entries: list[Entry] = []
        changes: list[Change] = [*self._rooms.keep(room)]
        if (private, days) != (room.private, room.retain_days):
            entries.append(self._entry(room, RoomSet(by.name, by.id, room.name, private, days)))
            changes.append(room_records.put_settings(room, private=private, retain_days=days))
        if topic is not None and topic != room.topic:
            entries.append(self._entry(room, TopicGiven(by.name, by.id, room.name, topic)))
            changes.append(room_records.put_topic(room, topic))
        if not entries:
            then(self._view(room))
            return
        self._changes.keep_for_outside(room, SETTINGS, changes, lambda: then(self._view(room)), then, entries)

    def end(self, name: str, then: Then) -> None:
        """The room is no more: all are out of it, its name is free, and what was said there is erased."""
        room = self._rooms.named(name)
        if room is None:
            then(_unknown(name))
            return
        if room is self._rooms.default:
            then(Refusal(Code.FORBIDDEN, f"Everybody is in '{room.name}': it stays.", field="room"))
            return
        if self._changes.any(room):
            then(BUSY)
            return
        view, kept_before, ending = self._view(room), room.kept, room
        room.kept = True  # so that nothing that is on its way makes it last again behind its end

        def kept() -> None:
            self._end(ending)
            then(view)

        def failed(refusal: Refusal) -> None:
            ending.kept = kept_before
            self._sweeper.sweep(ending)
            then(refusal)

        self._changes.keep_for_outside(room, ENDING, room_records.drop_room(room), kept, failed)

    def _end(self, room: Room) -> None:
        members = list(room.held)
        self._membership.clear(room)
        self._rooms.remove(room)
        for start in range(0, len(members), _AT_ONCE):
            some = members[start : start + _AT_ONCE]
            self._ledger.note([drop for id in some for drop in self._membership.drops(room, id)])
        # Behind all that was on its way to the room when it ended.
        forget = Told(lambda: self._sweeper.forget(room.stream), lambda _: None)
        self._ledger.append((), (), forget)

    def _entry(self, room: Room, body: Body) -> Entry:
        return Entry(room.stream, self._ledger.new_id(), self._ledger.stamps.now(), body)

    def _view(self, room: Room) -> RoomOverview:
        owners = (id for id, member in room.held.items() if member.role == "owner")
        names = (name for id in owners if (name := self._people.name_of(id)) is not None)
        return RoomOverview(
            room=room.name,
            stream=room.stream,
            topic=room.topic,
            private=room.private,
            retain_days=room.retain_days,
            members=room.count,
            present=len(room.people()),
            owner=next(names, None),
            entries=self._ledger.head(room.stream).offset,
            default=room is self._rooms.default,
        )


def _unknown(name: str) -> Refusal:
    return Refusal(Code.NOT_FOUND, f"Room '{name[:64]}' not found.", field="room")
