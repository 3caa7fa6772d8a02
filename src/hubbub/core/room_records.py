"""What is kept of rooms by key. Each record is put as a whole and says one thing only, so changes that are
in flight together never undo each other: as on disk, so in memory, the last that is kept holds.

    room/ID              what the room is called (id: 14 hexadecimal digits, as all ids here)
    room/ID/topic        what it is about
    room/ID/settings     whether it is private, how long it keeps what is said
    member/ID/ACCOUNT    the account is in the room, since when
    role/ID/ACCOUNT      what it may do there; alone, without `member`: it may come in

Field names are on disk: a new one needs a default, and none is ever used again for something else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

import msgspec

from hubbub.core.commands import RoomRole
from hubbub.core.entries import Change, Drop, Put
from hubbub.core.model import Member, Room
from hubbub.core.ports import Reader


class _Named(msgspec.Struct, frozen=True):
    name: str
    created: str
    """RFC 3339, UTC."""


class _Settings(msgspec.Struct, frozen=True, omit_defaults=True):
    private: bool = False
    retain_days: float = 0.0


_encode = msgspec.msgpack.Encoder().encode


def put_name(room: Room, at: str) -> Put:
    """The room lasts, from `at` on."""
    return Put(f"room/{room.id:014x}", _encode(_Named(room.name, at)))


def put_topic(room: Room, topic: str) -> Put:
    """What it is about."""
    return Put(f"room/{room.id:014x}/topic", _encode(topic))


def put_settings(room: Room, *, private: bool, retain_days: float) -> Put:
    """Its settings."""
    return Put(f"room/{room.id:014x}/settings", _encode(_Settings(private, retain_days)))


def put_room(room: Room, at: str) -> Sequence[Change]:
    """All of it."""
    settings = put_settings(room, private=room.private, retain_days=room.retain_days)
    return [put_name(room, at), put_topic(room, room.topic), settings]


def drop_room(room: Room) -> Sequence[Change]:
    """It is gone."""
    key = f"room/{room.id:014x}"
    return [Drop(key), Drop(f"{key}/topic"), Drop(f"{key}/settings")]


def put_member(room: Room, account: int, joined: str) -> Put:
    """The account is in it since `joined`."""
    return Put(f"member/{room.id:014x}/{account:014x}", _encode(joined))


def put_role(room: Room, account: int, role: RoomRole) -> Put:
    """What the account may do there."""
    return Put(f"role/{room.id:014x}/{account:014x}", _encode(role))


def drop_member(room: Room, account: int) -> Sequence[Change]:
    """The account no longer belongs to it."""
    return [Drop(f"{kind}/{room.id:014x}/{account:014x}") for kind in ("member", "role")]


def drop_all_but(reader: Reader, rooms: Set[int]) -> Sequence[Change]:
    """Whoever belonged to a room that is none of these no longer does."""
    keys = (key for kind in ("member/", "role/") for key, _ in reader.scan(kind))
    return [Drop(key) for key in keys if _ids(key)[0] not in rooms]


class Kept(msgspec.Struct):
    """All rooms that last, as they are read at the start: by id."""

    names: dict[int, str]
    topics: dict[int, str]
    settings: dict[int, _Settings]
    members: dict[tuple[int, int], Member]
    """By room and account."""


def read(reader: Reader) -> Kept:
    """Everything above."""
    kept = Kept({}, {}, {}, {})
    as_name = msgspec.msgpack.Decoder(_Named).decode
    as_settings = msgspec.msgpack.Decoder(_Settings).decode
    as_text = msgspec.msgpack.Decoder(str).decode
    for key, value in reader.scan("room/"):
        _, digits, *part = key.split("/")
        id = int(digits, 16)
        if not part:
            kept.names[id] = as_name(value).name
        elif part == ["topic"]:
            kept.topics[id] = as_text(value)
        elif part == ["settings"]:
            kept.settings[id] = as_settings(value)
    for key, value in reader.scan("member/"):
        kept.members[_ids(key)] = Member(joined=as_text(value))
    roles: Callable[[bytes], RoomRole] = msgspec.msgpack.Decoder(RoomRole).decode
    for key, value in reader.scan("role/"):
        ids = _ids(key)
        known = kept.members.get(ids)
        kept.members[ids] = Member(roles(value), known.joined if known else "")
    return kept


def _ids(key: str) -> tuple[int, int]:
    _, room, account = key.split("/")
    return int(room, 16), int(account, 16)
