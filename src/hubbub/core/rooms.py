"""Rooms: where people are together. A room is its id; its name is a label.

A room lasts once something that lasts is in it: an account, or anything that was said. Before that, it is
gone with the last guest, and with it its name; the default room stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Final

from msgspec.structs import replace

from hubbub.core import names, room_records
from hubbub.core.commands import RoomRole
from hubbub.core.entries import Change
from hubbub.core.errors import Code, Refusal
from hubbub.core.model import Member, Room, Session, User
from hubbub.core.ports import Claims, Journal, claim_all
from hubbub.core.stamps import Stamps

DEFAULT_ID: Final = 1
"""The default room's: the same on every start, whatever it is called."""


class Rooms:
    """All rooms, by name and by stream."""

    def __init__(self, claims: Claims, default_name: str, journal: Journal, stamps: Stamps) -> None:
        """Raises ValueError where the default room's name is not one."""
        self._claims = claims
        self._journal = journal
        self._stamps = stamps
        self._by_name: dict[str, Room] = {}
        self._by_key: dict[str, Room] = {}
        self._by_stream: dict[str, Room] = {}
        self._of: dict[int, dict[Room, None]] = {}
        self._sorted: list[Room] | None = None
        name = names.normal(default_name, names.ROOM_LIMIT)
        default = self.create(DEFAULT_ID, name) if isinstance(name, str) else None
        if default is None:
            raise ValueError(f"rooms.default: {default_name!r} is not a valid name")
        default.kept = True
        self.default = default
        """Where a login begins."""

    def load(self) -> None:
        """Take in what is kept: called once, before anybody is served."""
        kept = self._journal.look(room_records.read)
        rooms = {DEFAULT_ID: self.default}
        for id, name in kept.names.items():
            rooms[id] = self._again(id, name)
        for id, room in rooms.items():
            room.kept = True
            room.topic = kept.topics.get(id, "")
            if id in kept.settings:
                room.private = kept.settings[id].private
                room.retain_days = kept.settings[id].retain_days
        for (id, account), member in kept.members.items():
            if id in rooms:
                self.hold(rooms[id], account, member)

    def _again(self, id: int, wished: str) -> Room:
        """A kept room. Where the default room is called so by now, it gets a name that is like it."""
        name = wished
        for number in count(2):
            room = self.create(id, name)
            if room is not None:
                return room
            suffix = f"-{number}"
            name = wished[: names.ROOM_LIMIT - len(suffix)] + suffix
        raise AssertionError  # there is always one that is free

    def __len__(self) -> int:
        """How many rooms there are."""
        return len(self._by_stream)

    def all(self) -> list[Room]:
        """Every room, sorted by name."""
        if self._sorted is None:
            self._sorted = sorted(self._by_stream.values(), key=lambda room: room.name)
        return self._sorted

    def find(self, name: str, user: User | None) -> Room | None:
        """The room of that name, if `user` may know of it; case and the width of letters are forgiven."""
        room = self.named(name)
        return room if room is not None and room.visible_to(user) else None

    def named(self, name: str) -> Room | None:
        """The room of that name, whoever may know of it."""
        room = self._by_name.get(name)
        if room is None:
            wanted = names.normal(name, names.ROOM_LIMIT)
            room = self._by_key.get(names.key(wanted)) if isinstance(wanted, str) else None
        return room

    def meant_by(self, session: Session, name: str | None) -> Room | Refusal:
        """The room that a session means, and is in."""
        if name is None:
            room = session.rooms[0] if session.exclusive and session.rooms else self.default
        else:
            found = self._by_name.get(name) or self.named(name)
            if found is None or not found.visible_to(session.user):
                return Refusal(Code.NOT_FOUND, f"Room '{name[:64]}' not found.", field="room")
            room = found
        if session not in room.members:
            return Refusal(Code.FORBIDDEN, f"You are not in '{room.name}'. Join it first.", field="room")
        return room

    def of_stream(self, stream: str) -> Room | None:
        """The room whose stream that is."""
        return self._by_stream.get(stream)

    def create(self, id: int, name: str) -> Room | None:
        """A new room of that (normal) name; None where the name is held elsewhere."""
        room = Room(id, name)
        if not claim_all(self._claims, "room:", room.keys, id):
            return None
        self._by_name[name] = room
        for key in room.keys:
            self._by_key[key] = room
        self._by_stream[room.stream] = room
        self._sorted = None
        return room

    def remove(self, room: Room) -> None:
        """Forget an empty room and give its name back."""
        del self._by_name[room.name]
        del self._by_stream[room.stream]
        self._sorted = None
        for key in room.keys:
            self._claims.release("room:" + key, room.id)
            del self._by_key[key]

    # -- what lasts

    def keep(self, room: Room) -> Sequence[Change]:
        """What must be kept together with the first thing that lasts in a room, so that the room lasts too.

        For as long as it is not sure whether that was kept, with the next ones as well.
        """
        if not room.kept and self._journal.head(room.stream).offset:
            room.kept = True
        if room.kept:
            return ()
        room.begun += 1
        changes = [room_records.put_name(room, self._stamps.now())]
        if room.private:
            changes.append(room_records.put_settings(room, private=True, retain_days=room.retain_days))
        return changes

    def retention(self) -> Iterable[tuple[str, float]]:
        """The streams of which only the last days are kept: how many."""
        return [(room.stream, room.retain_days) for room in self.all() if room.retain_days]

    # -- who belongs to which

    def hold(self, room: Room, account: int, member: Member) -> None:
        """The account belongs to the room from now on."""
        room.hold(account, member)
        if member.joined:
            self._of.setdefault(account, {})[room] = None

    def joined(self, room: Room, account: int, at: str) -> None:
        """The account is in the room, whatever its role there is or will be."""
        self.hold(room, account, replace(room.held.get(account, Member()), joined=at))

    def give(self, room: Room, account: int, role: RoomRole) -> None:
        """The account has that role, whether it is in the room yet or not."""
        self.hold(room, account, replace(room.held.get(account, Member()), role=role))

    def release(self, room: Room, account: int) -> None:
        """The account no longer belongs to it."""
        room.release(account)
        rooms = self._of.get(account)
        if rooms is not None:
            rooms.pop(room, None)
            if not rooms:
                del self._of[account]

    def of(self, account: int) -> Iterable[Room]:
        """The rooms that the account is in, present or away; the default room, where all are, only if it
        has a role there."""
        return self._of.get(account, ())

    def role(self, user: User, room: Room) -> RoomRole:
        """What that person may do in the room: an admin what its owner may."""
        if user.role == "admin":
            return "owner"
        member = room.held.get(user.id)
        return member.role if member is not None else "none"
