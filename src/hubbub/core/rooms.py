"""Rooms: where people are together. A room is its id; its name is a label.

A room that everybody has left is gone, and with it its name; the default room stays.
"""

from __future__ import annotations

from typing import Final

from hubbub.core import names
from hubbub.core.errors import Code, Refusal
from hubbub.core.model import Room, Session
from hubbub.core.ports import Claims, claim_all

DEFAULT_ID: Final = 1
"""The default room's: the same on every start, whatever it is called."""


class Rooms:
    """All rooms, by name and by stream."""

    def __init__(self, claims: Claims, default_name: str) -> None:
        """Raises ValueError where the default room's name is not one."""
        self._claims = claims
        self._by_name: dict[str, Room] = {}
        self._by_key: dict[str, Room] = {}
        self._by_stream: dict[str, Room] = {}
        self._sorted: list[Room] | None = None
        name = names.normal(default_name, names.ROOM_LIMIT)
        default = self.create(DEFAULT_ID, name) if isinstance(name, str) else None
        if default is None:
            raise ValueError(f"rooms.default: {default_name!r} is not a valid name")
        self.default = default
        """Where a login begins."""

    def __len__(self) -> int:
        """How many rooms there are."""
        return len(self._by_stream)

    def all(self) -> list[Room]:
        """Every room, sorted by name."""
        if self._sorted is None:
            self._sorted = sorted(self._by_stream.values(), key=lambda room: room.name)
        return self._sorted

    def find(self, name: str) -> Room | None:
        """The room of that name; case and the width of letters are forgiven."""
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
            found = self._by_name.get(name) or self.find(name)
            if found is None:
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
