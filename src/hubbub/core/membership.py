"""Membership: coming into rooms and leaving them, and who is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar, cast

from hubbub.core import names
from hubbub.core.answers import Answer, MemberList, RoomJoined, RoomLeft
from hubbub.core.commands import LeaveRoom, ListMembers
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event, Joined, Left
from hubbub.core.model import Room, Session, User
from hubbub.core.people import People
from hubbub.core.ports import Journal, Outlet
from hubbub.core.rooms import Rooms
from hubbub.core.settings import RoomSettings

SessionT = TypeVar("SessionT", bound=Session)


class Membership(Generic[SessionT]):
    """Who is in which room. A room that everybody has left is gone; the default room stays."""

    def __init__(
        self,
        settings: RoomSettings,
        journal: Journal,
        outlet: Outlet[SessionT],
        people: People,
        rooms: Rooms,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._outlet = outlet
        self._people = people
        self._rooms = rooms

    def join(self, session: SessionT, wished: str) -> Answer:
        """Come into a room; one that does not exist is made. In a room already: nothing changes."""
        user = session.user
        assert user is not None  # noqa: S101 (handle saw to it)
        room, created = self._rooms.find(wished), False
        if room is None:
            made = self._create(session, wished)
            if isinstance(made, Refusal):
                return made
            room, created = made, True
        if session not in room.members:
            most = self._settings.max_rooms_per_user
            if session.exclusive:
                for former in list(session.rooms):
                    self._exit(session, user, former)
            elif len(session.rooms) >= most:
                message = f"You are in {most} rooms, which is the limit. Leave one first."
                return Refusal(Code.FORBIDDEN, message, limit="rooms.max_rooms_per_user")
            self.enter(session, user, room)
        head = self._journal.head(room.stream)
        return RoomJoined(
            room=room.name,
            stream=room.stream,
            epoch=head.epoch,
            offset=head.offset,
            members=len(room.members),
            topic=room.topic,
            created=created,
        )

    def _create(self, session: SessionT, wished: str) -> Room | Refusal:
        settings = self._settings
        if not settings.create:
            message = f"Room '{wished[:64]}' does not exist, and making rooms is switched off."
            return Refusal(Code.FORBIDDEN, message, limit="rooms.create")
        name = names.normal(wished, names.ROOM_LIMIT)
        if not isinstance(name, str):
            message = f"Room name '{wished[:64]}' is not valid: {name.reason}"
            return Refusal(Code.NAME_INVALID, message, field="room")
        if len(self._rooms) >= settings.max_rooms:
            message = f"There are {settings.max_rooms} rooms, which is the limit."
            return Refusal(Code.FORBIDDEN, message, limit="rooms.max_rooms")
        if not session.exclusive and len(session.rooms) >= settings.max_rooms_per_user:
            message = f"You are in {settings.max_rooms_per_user} rooms, which is the limit. Leave one first."
            return Refusal(Code.FORBIDDEN, message, limit="rooms.max_rooms_per_user")
        room = self._rooms.create(self._people.new_id(), name)
        return room or Refusal(Code.NAME_TAKEN, f"Room name '{name}' is already taken.", field="room")

    def leave(self, session: SessionT, command: LeaveRoom) -> Answer:
        """Go out of a room. Who is always in exactly one goes back to the default room."""
        user = session.user
        assert user is not None  # noqa: S101 (handle saw to it)
        room = self._rooms.meant_by(session, command.room)
        if isinstance(room, Refusal):
            return room
        if not session.exclusive:
            self._exit(session, user, room)
            return RoomLeft(room.name)
        if room is not self._rooms.default:
            self._exit(session, user, room)
            self.enter(session, user, self._rooms.default)
        return RoomLeft(room.name, current=self._rooms.default.name, members=len(self._rooms.default.members))

    def enter(self, session: SessionT, user: User, room: Room) -> None:
        """Be in a room from now on. The others are told before, so the newcomer is not."""
        if len(room.members) < self._settings.announce_up_to:
            self._outlet.publish(room.stream, Joined(user.name, user.id, room.name), session)
        room.add(session)
        session.rooms.append(room)
        self._outlet.subscribe(session, room.stream)

    def _exit(self, session: SessionT, user: User, room: Room) -> None:
        told = len(room.members) <= self._settings.announce_up_to
        room.remove(session)
        session.rooms.remove(room)
        self._outlet.unsubscribe(session, room.stream)
        if told:
            self._outlet.publish(room.stream, Left(user.name, user.id, room.name), session)
        self._sweep(room)

    def _sweep(self, room: Room) -> None:
        if not room.members and room is not self._rooms.default:
            self._rooms.remove(room)

    def members(self, session: SessionT, command: ListMembers) -> Answer:
        """Who is in a room."""
        room = self._rooms.meant_by(session, command.room)
        if isinstance(room, Refusal):
            return room
        users = room.people()
        listed = [user.view() for user in users[: self._settings.members_listed]]
        return MemberList(room.name, len(users), listed)

    def leave_all(self, session: SessionT, user: User) -> None:
        """The session ends; everybody who shared a room with it is told once."""
        rooms, session.rooms = session.rooms, []
        small = self._small(rooms)
        for room in rooms:
            room.remove(session)
            self._outlet.unsubscribe(session, room.stream)
        left = Left(username=user.name, user_id=user.id)
        if len(small) == 1:  # the usual case: many who leave in one turn are one write to those who stay
            self._outlet.publish(small[0].stream, left, session)
        else:
            self._tell(session, small, left)
        for room in rooms:
            self._sweep(room)

    def tell_neighbours(self, session: SessionT, rooms: Sequence[Room], event: Event) -> None:
        """Tell those who share one of these rooms, if it is not too large: once each, and not the session."""
        self._tell(session, self._small(rooms), event)

    def _small(self, rooms: Sequence[Room]) -> list[Room]:
        return [room for room in rooms if len(room.members) <= self._settings.announce_up_to]

    def _tell(self, session: SessionT, rooms: Sequence[Room], event: Event) -> None:
        neighbours = dict.fromkeys(one for room in rooms for one in room.members if one is not session)
        if neighbours:
            self._outlet.send("", cast("list[SessionT]", list(neighbours)), event, session)
