"""Answers: what the asker of a command gets back. A `Refusal` is the other possible answer."""

from __future__ import annotations

import msgspec

from hubbub.core.commands import Status
from hubbub.core.errors import Refusal


class _Answer(msgspec.Struct, frozen=True, tag=True, gc=False):
    pass


class UserView(msgspec.Struct, frozen=True, gc=False):
    """A person as others see them."""

    username: str
    user_id: int
    status: Status


class RoomView(msgspec.Struct, frozen=True, gc=False):
    """A room as a list shows it; `members` is a count."""

    room: str
    topic: str
    members: int


class LoggedIn(_Answer, frozen=True):
    """Welcome. `token` takes id and name back after a dropped line. `user_id` is 1 … 2^53 - 1."""

    username: str
    user_id: int
    token: str
    server: str


class Accepted(_Answer, frozen=True):
    """A message is kept as this position; `at` is RFC 3339 in UTC. A retry gets the same again."""

    id: str
    stream: str
    epoch: str
    offset: int
    at: str


class UserList(_Answer, frozen=True):
    """Who is online, sorted by name."""

    users: list[UserView]


class StatusSet(_Answer, frozen=True):
    """The status that others see now."""

    status: Status


class RoomList(_Answer, frozen=True):
    """The rooms, sorted by name."""

    rooms: list[RoomView]


class RoomJoined(_Answer, frozen=True):
    """One is in the room now. Live events of `stream` follow from `offset` + 1 on."""

    room: str
    stream: str
    epoch: str
    offset: int
    members: int
    topic: str
    created: bool


class RoomLeft(_Answer, frozen=True):
    """One is no longer in `room`. `current` is where a text connection is now."""

    room: str
    current: str | None = None
    members: int | None = None


class TopicSet(_Answer, frozen=True):
    """The room's topic as it is now (asked for, or set)."""

    room: str
    topic: str


class MemberList(_Answer, frozen=True):
    """Who is in a room: how many, and the first of them by name (at most `members_listed`)."""

    room: str
    count: int
    users: list[UserView]


class Ponged(_Answer, frozen=True):
    """Alive."""


class Done(_Answer, frozen=True):
    """Carried out; there is nothing to tell."""


class Echoed(_Answer, frozen=True):
    """The payload, as it came."""

    payload: msgspec.Raw


class Announced(_Answer, frozen=True):
    """How many connections the payload went to."""

    count: int


class Connections(_Answer, frozen=True):
    """How many gateway connections there are."""

    count: int


class Farewell(_Answer, frozen=True):
    """The server closes the connection now, as asked."""


Answer = (
    LoggedIn
    | Accepted
    | UserList
    | StatusSet
    | RoomList
    | RoomJoined
    | RoomLeft
    | TopicSet
    | MemberList
    | Ponged
    | Done
    | Echoed
    | Announced
    | Connections
    | Farewell
    | Refusal
)
