"""Membership: coming into rooms and leaving them, and who is told.

Guests are in a room for as long as they are present. An account stays in it until it leaves: it is away in
between, and back at its next login. What an account joins or leaves is kept before it is answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar, cast

from msgspec.structs import replace

from hubbub.core import names, room_records
from hubbub.core.answers import Answer, MemberList, RoomJoined, RoomLeft, RoomPlace, UserView
from hubbub.core.commands import CreateRoom, JoinRoom, LeaveRoom, ListMembers, Place
from hubbub.core.cursors import Cursors
from hubbub.core.entries import Change, Record
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event, Joined, Left
from hubbub.core.ledger import Ledger, Request
from hubbub.core.model import Room, Session, User
from hubbub.core.people import People
from hubbub.core.room_changes import BUSY, SETTINGS, RoomChanges
from hubbub.core.rooms import Rooms
from hubbub.core.settings import RoomSettings
from hubbub.core.sweeping import Sweeper

SessionT = TypeVar("SessionT", bound=Session)


class Membership(Generic[SessionT]):
    """Who is in which room."""

    def __init__(
        self,
        settings: RoomSettings,
        ledger: Ledger[SessionT],
        people: People,
        rooms: Rooms,
        cursors: Cursors[SessionT],
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._outlet = ledger.outlet
        self._people = people
        self._rooms = rooms
        self._cursors = cursors
        self.changes = RoomChanges(ledger)
        self.sweeper = Sweeper(ledger, rooms)

    # -- joining

    def join(self, session: SessionT, command: CreateRoom | JoinRoom, request: object) -> Answer | None:
        """Come into a room; one that does not exist is made. In a room already: nothing changes.

        None: the answer comes when it is kept that the account is in it.
        """
        user = _user(session)
        room, created = self._rooms.find(command.room, user), False
        if room is None:
            private = isinstance(command, CreateRoom) and command.private
            made = self._create(session, command.room, private=private)
            if isinstance(made, Refusal):
                return made
            room, created = made, True
        lasting = user.account and room is not self._rooms.default and not room.belongs(user.id)
        if session not in room.members:
            refusal = self._too_many(session, user, lasting=lasting)
            if refusal is not None:
                return refusal
        if lasting:
            if self.changes.busy(room, user.id, SETTINGS):
                return BUSY
            return self._join_to_stay(session, user, room, request, created=created)
        self._move_in(session, user, room)
        return self._joined(room, created=created)

    def _too_many(self, session: Session, user: User, *, lasting: bool) -> Refusal | None:
        most = self._settings.max_rooms_per_user
        belongs = 1 + sum(1 for _ in self._rooms.of(user.id)) if lasting else 0
        if belongs < most and (session.exclusive or len(session.rooms) < most):
            return None
        message = f"You are in {most} rooms, which is the limit. Leave one first."
        return Refusal(Code.FORBIDDEN, message, limit="rooms.max_rooms_per_user")

    def _create(self, session: Session, wished: str, *, private: bool) -> Room | Refusal:
        settings, user = self._settings, _user(session)
        if not settings.create:
            message = f"Room '{wished[:64]}' does not exist, and making rooms is switched off."
            return Refusal(Code.FORBIDDEN, message, limit="rooms.create")
        name = names.normal(wished, names.ROOM_LIMIT)
        if not isinstance(name, str):
            message = f"Room name '{wished[:64]}' is not valid: {name.reason}"
            return Refusal(Code.NAME_INVALID, message, field="room")
        if private and not user.account:
            message = "A private room belongs to accounts, and you are a guest. Register first."
            return Refusal(Code.FORBIDDEN, message, field="private")
        if len(self._rooms) >= settings.max_rooms:
            message = f"There are {settings.max_rooms} rooms, which is the limit."
            return Refusal(Code.FORBIDDEN, message, limit="rooms.max_rooms")
        most = settings.max_unowned
        if not user.account and sum(not room.owned for room in self._rooms.all()) >= most:
            message = f"There are {most} rooms that nobody owns, which is the limit. Register to make more."
            return Refusal(Code.FORBIDDEN, message, limit="rooms.max_unowned")
        refusal = self._too_many(session, user, lasting=user.account)
        if refusal is not None:
            return refusal
        room = self._rooms.create(self._people.new_id(), name)
        if room is None:
            return Refusal(Code.NAME_TAKEN, f"Room name '{name}' is already taken.", field="room")
        room.private = private
        return room

    def _join_to_stay(
        self, session: SessionT, user: User, room: Room, request: object, *, created: bool
    ) -> Answer | None:
        at, read, changes = self._belonging(user.id, room)
        if created:
            changes.append(room_records.put_role(room, user.id, "owner"))

        def kept(_: Sequence[Record]) -> Answer:
            room.kept = True
            if created:
                self._rooms.give(room, user.id, "owner")
            self._rooms.joined(room, user.id, at)
            self._cursors.set(user.id, room.stream, read)
            if session.user is user:
                self._move_in(session, user, room)
            self._follow(user.id, room, session)
            return self._joined(room, created=created)

        pending = Request(self._outlet, session, request, kept, lambda: self.sweeper.sweep(room))
        ticket = self._ledger.append((), changes, pending)
        if isinstance(ticket, Refusal):
            self.sweeper.sweep(room)
            return ticket
        return None

    def _belonging(self, account: int, room: Room) -> tuple[str, Place, list[Change]]:
        """Since when an account belongs to a room, its cursor there, and the changes that keep both."""
        at, read = self._ledger.stamps.now(), self._cursors.start(room.stream)
        member = room_records.put_member(room, account, at)
        return at, read, [*self._rooms.keep(room), member, self._cursors.put(account, room.stream, read)]

    def _joined(self, room: Room, *, created: bool) -> RoomJoined:
        head = self._ledger.head(room.stream)
        return RoomJoined(
            room=room.name,
            stream=room.stream,
            epoch=head.epoch,
            offset=head.offset,
            members=room.count,
            topic=room.topic,
            created=created,
        )

    def _move_in(self, session: SessionT, user: User, room: Room) -> None:
        """Be in it; who is always in exactly one room leaves the other."""
        if session in room.members:
            return
        if session.exclusive:
            for former in list(session.rooms):
                self._exit(session, user, former)
        self.enter(session, user, room)

    def _follow(self, account: int, room: Room, first: SessionT) -> None:
        """Where one device of an account goes, its others go too; they are told by its own name."""
        user = self._people.by_id(account)
        if user is None:
            return
        others = [
            session
            for session in cast("Sequence[SessionT]", user.sessions)
            if not session.exclusive and session not in room.members
        ]
        for session in others:
            self.enter(session, user, room)
        if others:
            self._outlet.send("", others, Joined(user.name, user.id, room.name), first)

    def arrive(self, session: SessionT, user: User) -> None:
        """Be where one belongs, after a login: in the default room, an account in all its rooms.

        Who became an account in the middle of a session takes the rooms along that it is in.
        """
        default = self._rooms.default
        if not session.rooms:
            self.enter(session, user, default)
        if not user.account:
            return
        self._cursors.arrive(user.id, default.stream)
        for room in session.rooms:
            staying = not self.changes.busy(room, user.id, SETTINGS)  # else it may be put out at once
            if room is not default and not room.belongs(user.id) and staying:
                self._take_along(user.id, room)
        if not session.exclusive:
            for room in self._rooms.of(user.id):
                if session not in room.members:
                    self.enter(session, user, room)

    def _take_along(self, account: int, room: Room) -> None:
        at, read, changes = self._belonging(account, room)
        self._ledger.note(changes)
        self._rooms.joined(room, account, at)
        self._cursors.set(account, room.stream, read)

    def enter(self, session: SessionT, user: User, room: Room) -> None:
        """Be in a room from now on. The others are told before, so the newcomer is not."""
        small = len(room.members) < self._settings.announce_up_to
        first = room.add(session, self._ledger.head(room.stream).offset)
        if small and first:
            self._outlet.publish(room.stream, Joined(user.name, user.id, room.name), session)
        session.rooms.append(room)
        if session.rested is None:  # else it hears nothing just now, and then from its coming in on
            self._outlet.subscribe(session, room.stream)

    def places(self, session: Session) -> list[RoomPlace]:
        """Where live events began for it, room by room."""
        return [
            RoomPlace(room.name, room.stream, self._ledger.head(room.stream).epoch, room.members[session])
            for room in session.rooms
        ]

    # -- leaving

    def leave(self, session: SessionT, command: LeaveRoom, request: object) -> Answer | None:
        """Go out of a room. Who is always in exactly one goes back to the default room.

        None: the answer comes when it is kept that the account is no longer in it.
        """
        user, default = _user(session), self._rooms.default
        room = self._rooms.find(command.room, user) if command.room else None
        if room is None or user.id not in room.held:  # what one was let into can be left from outside, too
            meant = self._rooms.meant_by(session, command.room)
            if isinstance(meant, Refusal):
                return meant
            room = meant
        if room is default or user.id not in room.held:
            if not session.exclusive:
                self._exit(session, user, room)
            elif room is not default:
                self._send_home(session, user, room)
            return self._left(session, room)
        if self.changes.busy(room, user.id):
            return BUSY
        if self.is_last_owner(room, user.id) and len(room.held) > 1:
            message = f"You are the only owner of '{room.name}'. Give that role to somebody else first."
            return Refusal(Code.FORBIDDEN, message, field="room")
        changes = self.drops(room, user.id)
        ends = room.private and len(room.held) == 1
        if ends:
            changes += room_records.drop_room(room)

        def kept() -> Answer:
            self.release(room, user.id)
            self.expel([user.id], room, session)
            if ends:
                self.sweeper.end(room)
            return self._left(session, room)

        return self.changes.keep(session, request, room, user.id, changes, kept)

    def _left(self, session: Session, room: Room) -> RoomLeft:
        if not session.exclusive:
            return RoomLeft(room.name)
        default = self._rooms.default
        return RoomLeft(room.name, current=default.name, members=default.count)

    def drops(self, room: Room, account: int) -> list[Change]:
        """The changes by which an account no longer belongs to a room."""
        changes: list[Change] = [*room_records.drop_member(room, account)]
        if room is not self._rooms.default:  # where all are, whatever they may do there
            changes.append(self._cursors.drop(account, room.stream))
        return changes

    def release(self, room: Room, account: int) -> None:
        """The account no longer belongs to the room."""
        self._rooms.release(room, account)
        if room is not self._rooms.default:
            self._cursors.forget(account, room.stream)

    def is_last_owner(self, room: Room, account: int) -> bool:
        """Whether nobody could govern the room without that account."""
        owners = (id for id, member in room.held.items() if member.role == "owner")
        return [id for id in owners if not self.changes.busy(room, id)] == [account]

    def expel(self, ids: Iterable[int], room: Room, asked: Session | None) -> None:
        """All devices of these people are out of the room; those that did not ask are told by their own name.

        What was said before still leaves for them.
        """
        self._outlet.flush()
        for user in [user for id in ids if (user := self._people.by_id(id)) is not None]:
            sessions = [one for one in cast("Sequence[SessionT]", user.sessions) if one in room.members]
            for session in sessions:
                if session.exclusive and room is not self._rooms.default:
                    self._send_home(session, user, room)
                else:
                    self._exit(session, user, room)
            others = [session for session in sessions if session is not asked]
            if others:
                self._outlet.send("", others, Left(user.name, user.id, room.name), None)

    def clear(self, room: Room) -> None:
        """All are out of the room, and nobody belongs to it: each is told by its own name, and of no other.

        What was said before still leaves for them.
        """
        self._outlet.flush()
        for user in list(room.people()):
            sessions = [one for one in cast("Sequence[SessionT]", user.sessions) if one in room.members]
            for session in sessions:
                self._drop(session, room)
                session.rooms.remove(room)
                if session.exclusive:
                    self.enter(session, user, self._rooms.default)
            self._outlet.send("", sessions, Left(user.name, user.id, room.name), None)
        for account in list(room.held):
            self.release(room, account)

    def _send_home(self, session: SessionT, user: User, room: Room) -> None:
        self._exit(session, user, room)
        self.enter(session, user, self._rooms.default)

    def _exit(self, session: SessionT, user: User, room: Room) -> None:
        told = len(room.members) <= self._settings.announce_up_to
        last = self._drop(session, room)
        session.rooms.remove(room)
        if told and last:
            self._outlet.publish(room.stream, Left(user.name, user.id, room.name), session)
        self.sweeper.sweep(room)

    def _unsubscribe(self, session: SessionT, room: Room) -> None:
        if session.resuming is not None and room.stream in session.resuming:
            session.resuming.discard(room.stream)  # it was off already, and is not to come back
        elif session.rested is None:
            self._outlet.unsubscribe(session, room.stream)

    def leave_all(self, session: SessionT, user: User) -> None:
        """The session ends. Who shared a room with its user, and no longer does, is told once."""
        rooms, session.rooms = session.rooms, []
        others = any(one is not session for one in user.sessions)
        small = self._small(rooms)
        gone = [room for room in rooms if self._drop(session, room)]
        small = [room for room in small if room in gone]
        if others:  # its user is still there, by another device
            for room in small:
                self._outlet.publish(room.stream, Left(user.name, user.id, room.name), session)
        else:
            left = Left(username=user.name, user_id=user.id)
            if len(small) == 1:  # the usual case: many who leave in one turn are one write to those who stay
                self._outlet.publish(small[0].stream, left, session)
            else:
                self._tell(session, small, left)
        for stream, since in (session.since or {}).items():
            self._cursors.shown(session, stream, since)
        session.resuming = None
        for room in rooms:
            self.sweeper.sweep(room)

    def _drop(self, session: SessionT, room: Room) -> bool:
        self._cursors.shown(session, room.stream, room.members[session])
        last = room.remove(session)
        self._unsubscribe(session, room)
        return last

    # -- who is there

    def members(self, session: SessionT, command: ListMembers) -> Answer:
        """Who is in a room: those who are present, then those who are away."""
        room = self._rooms.meant_by(session, command.room)
        if isinstance(room, Refusal):
            return room
        most = self._settings.members_listed
        users = [replace(user.view(), role=room.role_of(user.id)) for user in room.people()[:most]]
        if len(users) < most:
            known = [(name, id) for id in room.away() if (name := self._people.name_of(id)) is not None]
            users += [
                UserView(name, id, "offline", room.role_of(id))
                for name, id in sorted(known)[: most - len(users)]
            ]
        return MemberList(room.name, room.count, users)

    def tell_neighbours(self, session: SessionT, rooms: Sequence[Room], event: Event) -> None:
        """Tell those who share one of these rooms, if it is not too large: once each, and not the session."""
        self._tell(session, self._small(rooms), event)

    def _small(self, rooms: Sequence[Room]) -> list[Room]:
        return [room for room in rooms if len(room.members) <= self._settings.announce_up_to]

    def _tell(self, session: SessionT, rooms: Sequence[Room], event: Event) -> None:
        neighbours = dict.fromkeys(one for room in rooms for one in room.members if one is not session)
        if neighbours:
            self._outlet.send("", cast("list[SessionT]", list(neighbours)), event, session)


def _user(session: Session) -> User:
    assert session.user is not None  # noqa: S101 (handle saw to it)
    return session.user
