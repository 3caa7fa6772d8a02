"""Governance: who may come into a room, what they may do there, and the room's settings.

An owner may everything. A moderator lets people in, takes members out, and deletes what others said. An
admin of the server may in every room what its owner may, also where nobody else could see it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar, cast

from hubbub.core import room_records
from hubbub.core.answers import Answer, Invited, RoleSet, RoomSettingsShown
from hubbub.core.commands import GetRoom, Invite, RoomRole, SetRole, SetRoom
from hubbub.core.entries import Body, Change, Entry, InvitationNoted, Record, RoleGiven, RoomSet
from hubbub.core.errors import Code, Refusal
from hubbub.core.event_of import event_of
from hubbub.core.ledger import Ledger
from hubbub.core.membership import Membership
from hubbub.core.mentions import notice_stream
from hubbub.core.model import Room, Session, User
from hubbub.core.people import People
from hubbub.core.room_changes import BUSY, SETTINGS
from hubbub.core.rooms import Rooms
from hubbub.core.talks import hearers

SessionT = TypeVar("SessionT", bound=Session)

_LONGEST: Final = 36_500.0
"""Days: a hundred years."""


class Governance(Generic[SessionT]):
    """Invite, roles, settings."""

    def __init__(
        self,
        ledger: Ledger[SessionT],
        people: People,
        rooms: Rooms,
        membership: Membership[SessionT],
    ) -> None:
        self._ledger = ledger
        self._outlet = ledger.outlet
        self._people = people
        self._rooms = rooms
        self._membership = membership
        self._changes = membership.changes
        ledger.applies[RoleGiven] = self._apply_role
        ledger.applies[InvitationNoted] = self._apply_invitation
        ledger.applies[RoomSet] = self._apply_settings

    # -- commands

    def invite(self, session: SessionT, command: Invite, request: object) -> Answer | None:
        """Let an account into a private room, or tell it of a public one. None: answered when it is kept."""
        user, room = _user(session), self._meant_by(session, command.room)
        if isinstance(room, Refusal):
            return room
        if room.private and self._rooms.role(user, room) not in ("owner", "moderator"):
            message = f"Only an owner or a moderator can let people into '{room.name}'."
            return Refusal(Code.FORBIDDEN, message, field="room")
        account = self._people.accounts.find(command.to)
        if account is None:
            return self._no_account(command.to, "to")
        id, name = account.id, account.name
        if self._changes.busy(room, user.id, id):
            return BUSY
        answer = Invited(room.name, name)
        if room.belongs(id) or (room.private and id in room.held):
            return answer
        notice = InvitationNoted(user.name, user.id, room.name, room.stream)
        entries = [self._entry(notice_stream(id), notice)]
        changes: list[Change] = []
        if room.private:
            given = RoleGiven(user.name, user.id, name, id, "member", room.name)
            entries.insert(0, self._entry(room.stream, given))
            changes.append(room_records.put_role(room, id, "member"))
        return self._keep(session, request, room, id, entries, changes, lambda: answer)

    def set_role(self, session: SessionT, command: SetRole, request: object) -> Answer | None:
        """Say what a person may do; `none` takes it out of the room. None: answered when it is kept."""
        user, room, role = _user(session), self._meant_by(session, command.room), command.role
        if isinstance(room, Refusal):
            return room
        mine, default = self._rooms.role(user, room), self._rooms.default
        people = self._people
        found = people.known(command.user) if role == "none" else people.accounts.find(command.user)
        if found is None:
            return self._no_account(command.user, "user")
        id, name = found.id, found.name
        if self._changes.busy(room, user.id, id):
            return BUSY
        member = room.held.get(id)
        if mine != "owner" and not (
            mine == "moderator" and role == "none" and (member is None or member.role == "member")
        ):
            what = "take members out of" if role == "none" else "give roles in"
            return Refusal(Code.FORBIDDEN, f"You may not {what} '{room.name}'.", field="role")
        if role == "none" and room is default and member is None:
            return Refusal(Code.FORBIDDEN, f"Everybody is in '{room.name}'.", field="room")
        if role != "owner" and self._membership.is_last_owner(room, id):
            message = f"'{name}' is the only owner of '{room.name}'. Give that role to somebody else first."
            return Refusal(Code.FORBIDDEN, message, field="role")
        present = any(one.user is not None and one.user.id == id for one in room.members)
        if member is None and room is not default and not (role == "none" and present):
            return Refusal(
                Code.NOT_FOUND, f"'{name}' is not in '{room.name}'. Invite them first.", field="user"
            )
        changes: Sequence[Change]
        if role == "none":
            changes = self._membership.drops(room, id)
        else:
            changes = [room_records.put_role(room, id, role)]
        given = RoleGiven(user.name, user.id, name, id, role, room.name)
        answer = RoleSet(room.name, name, role)
        entries = [self._entry(room.stream, given)]
        return self._keep(session, request, room, id, entries, changes, lambda: answer)

    def get_room(self, session: SessionT, command: GetRoom) -> Answer:
        """The room's settings."""
        room = self._meant_by(session, command.room)
        return room if isinstance(room, Refusal) else self._shown(_user(session), room)

    def set_room(self, session: SessionT, command: SetRoom, request: object) -> Answer | None:
        """Change the room's settings. None: answered when it is kept."""
        user, room = _user(session), self._meant_by(session, command.room)
        if isinstance(room, Refusal):
            return room
        if self._rooms.role(user, room) != "owner":
            return Refusal(Code.FORBIDDEN, f"Only an owner can change '{room.name}'.", field="room")
        private = room.private if command.private is None else command.private
        days = room.retain_days if command.retain_days is None else command.retain_days
        bad = bad_settings(room, default=room is self._rooms.default, private=private, days=days)
        if bad is not None:
            return bad
        if (private, days) == (room.private, room.retain_days):
            return self._shown(user, room)
        if self._changes.busy(room, user.id, SETTINGS):
            return BUSY
        body = RoomSet(user.name, user.id, room.name, private, days)
        changes = [room_records.put_settings(room, private=private, retain_days=days)]
        entries, shown = [self._entry(room.stream, body)], lambda: self._shown(user, room)
        return self._keep(session, request, room, SETTINGS, entries, changes, shown)

    # -- what they share

    def _meant_by(self, session: SessionT, name: str | None) -> Room | Refusal:
        """The room that is meant. An admin need not be in it."""
        meant = self._rooms.meant_by(session, name)
        if isinstance(meant, Refusal) and name is not None and _user(session).role == "admin":
            return self._rooms.named(name) or meant
        return meant

    def _no_account(self, name: str, field: str) -> Refusal:
        known = self._people.known(name)
        if known is None:
            return Refusal(Code.NOT_FOUND, f"User '{name[:64]}' not found.", field=field)
        message = f"'{known.name}' is a guest, and this is for accounts. They can register first."
        return Refusal(Code.FORBIDDEN, message, field=field)

    def _entry(self, stream: str, body: Body) -> Entry:
        return Entry(stream, self._ledger.new_id(), self._ledger.stamps.now(), body)

    def _keep(
        self,
        session: SessionT,
        request: object,
        room: Room,
        account: int,
        entries: Sequence[Entry],
        changes: Sequence[Change],
        answer: Callable[[], Answer],
    ) -> Answer | None:
        changes = [*self._rooms.keep(room), *changes]
        return self._changes.keep(session, request, room, account, changes, answer, entries)

    def _shown(self, user: User, room: Room) -> RoomSettingsShown:
        owners = (id for id, member in room.held.items() if member.role == "owner")
        names = (name for id in owners if (name := self._people.name_of(id)) is not None)
        role: RoomRole | None = self._rooms.role(user, room)
        return RoomSettingsShown(
            room=room.name,
            private=room.private,
            retain_days=room.retain_days,
            topic=room.topic,
            owner=next(names, None),
            role=None if role == "none" else role,
        )

    # -- what a kept entry does

    def _apply_role(self, record: Record, origin: SessionT | None) -> None:
        body = record.entry.body
        assert type(body) is RoleGiven  # noqa: S101 (the ledger goes by it)
        self._outlet.publish(record.entry.stream, event_of(record, self._people), origin)
        room = self._rooms.of_stream(record.entry.stream)
        if room is None:
            return
        if body.role != "none":
            self._rooms.give(room, body.user_id, body.role)
            return
        self._membership.release(room, body.user_id)
        if room is not self._rooms.default:
            self._membership.expel([body.user_id], room, None)

    def _apply_invitation(self, record: Record, origin: SessionT | None) -> None:
        stream = record.entry.stream
        sessions = hearers(self._people, [int(stream.partition(":")[2], 16)], record)
        if sessions:
            event = event_of(record, self._people)
            self._outlet.send(stream, cast("Sequence[SessionT]", sessions), event, origin)

    def _apply_settings(self, record: Record, origin: SessionT | None) -> None:
        body = record.entry.body
        assert type(body) is RoomSet  # noqa: S101 (the ledger goes by it)
        self._outlet.publish(record.entry.stream, event_of(record, self._people), origin)
        room = self._rooms.of_stream(record.entry.stream)
        if room is None:
            return
        room.private, room.retain_days = body.private, body.retain_days
        if room.private:
            ids = {session.user.id for session in room.members if session.user is not None}
            self._membership.expel(ids - room.held.keys(), room, None)


def bad_settings(room: Room, *, default: bool, private: bool, days: float) -> Refusal | None:
    """Why a room cannot have these settings; None: it can."""
    if private and default:
        return Refusal(Code.FORBIDDEN, f"Everybody is in '{room.name}'.", field="private")
    if not (math.isfinite(days) and 0 <= days <= _LONGEST):
        message = f"retain_days is 0 (for ever) to {_LONGEST:g}."
        return Refusal(Code.BAD_REQUEST, message, field="retain_days")
    return None


def _user(session: Session) -> User:
    assert session.user is not None  # noqa: S101 (handle saw to it)
    return session.user
