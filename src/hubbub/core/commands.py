"""Commands: what a client may ask. Every dialect decodes into these, and the service matches on them.

`room=None` means "the room I am in": a text connection's only room, the default room elsewhere.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Status = Literal["online", "away", "busy", "offline"]


class _Command(msgspec.Struct, frozen=True, tag=True, omit_defaults=True, gc=False):
    pass


class Login(_Command, frozen=True):
    """Enter as a guest (`username`), or take a dropped guest session back (`token`)."""

    username: str | None = None
    password: str | None = None
    token: str | None = None


class Publish(_Command, frozen=True):
    """Say something in a room. `id` makes a retry harmless. `reply_to` is an offset of the same room."""

    content: str
    room: str | None = None
    id: str | None = None
    reply_to: int | None = None


class Whisper(_Command, frozen=True):
    """Say something to one person."""

    to: str
    content: str
    id: str | None = None


class Send(_Command, frozen=True):
    """Say something to `target`, a person or a room: `@name` and `#name` say which."""

    target: str
    content: str
    id: str | None = None


class ListUsers(_Command, frozen=True):
    """Who is online."""


class SetStatus(_Command, frozen=True):
    """Tell others how reachable one is. `offline` is shown as away from all."""

    status: Status


class ListRooms(_Command, frozen=True):
    """Which rooms there are."""


class CreateRoom(_Command, frozen=True):
    """Make a room and join it; one that exists is joined."""

    room: str


class JoinRoom(_Command, frozen=True):
    """Join a room; one that does not exist is made."""

    room: str


class LeaveRoom(_Command, frozen=True):
    """Leave a room. A text connection goes back to the default room."""

    room: str | None = None


class SetTopic(_Command, frozen=True):
    """Say what a room is about."""

    topic: str
    room: str | None = None


class GetTopic(_Command, frozen=True):
    """Ask what a room is about."""

    room: str | None = None


class ListMembers(_Command, frozen=True):
    """Who is in a room."""

    room: str | None = None


class Typing(_Command, frozen=True):
    """Tell a room that one is writing."""

    room: str | None = None


class Ping(_Command, frozen=True):
    """Ask whether the other side is alive."""


class Pong(_Command, frozen=True):
    """Answer the server's own ping. Needs no answer."""


class Echo(_Command, frozen=True):
    """Get the payload back (gateway)."""

    payload: msgspec.Raw


class Announce(_Command, frozen=True):
    """Send a payload to every gateway connection; never stored."""

    payload: msgspec.Raw


class SendTo(_Command, frozen=True):
    """Send a payload to some gateway connections; never stored."""

    connection_ids: list[str]
    payload: msgspec.Raw


class CountConnections(_Command, frozen=True):
    """How many gateway connections there are."""


class Quit(_Command, frozen=True):
    """Say goodbye and close."""


Command = (
    Login
    | Publish
    | Whisper
    | Send
    | ListUsers
    | SetStatus
    | ListRooms
    | CreateRoom
    | JoinRoom
    | LeaveRoom
    | SetTopic
    | GetTopic
    | ListMembers
    | Typing
    | Ping
    | Pong
    | Echo
    | Announce
    | SendTo
    | CountConnections
    | Quit
)
