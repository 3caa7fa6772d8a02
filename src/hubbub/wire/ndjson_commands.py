"""The commands, events and payloads of the NDJSON dialect."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from hubbub.core import answers, events
from hubbub.core.answers import Answer
from hubbub.core.events import Event
from hubbub.wire.json_actions import ACTIONS, Offset
from hubbub.wire.json_shapes import encode, members

MAX_LABEL: Final = 256
"""Characters of a `conversation_id`: the server sends it back."""


class LoginPayload(msgspec.Struct, gc=False, omit_defaults=True):
    """Of `auth/login`. `password_sha256` is 64 hexadecimal digits, and stands for `password`."""

    username: str | None = None
    password: str | None = None
    password_sha256: Annotated[str, msgspec.Meta(max_length=64, pattern="^[0-9A-Fa-f]{64}$")] | None = None
    token: str | None = None
    hmac: bool | None = None


class SendPayload(msgspec.Struct, gc=False, omit_defaults=True):
    """Of `message/send`. With `target_id`, `conversation_id` is a label; without, it is the room."""

    text: str
    target_id: str | None = None
    conversation_id: Annotated[str, msgspec.Meta(max_length=MAX_LABEL)] | None = None
    reply_to: Offset | None = None


ACTION_OF_COMMAND: Final = {
    "presence/list": "list",
    "presence/update": "presence",
    "presence/typing": "typing",
    "room/list": "rooms",
    "room/create": "create",
    "room/join": "join",
    "room/leave": "leave",
    "room/topic": "topic",
    "room/members": "members",
    "heartbeat": "ping",
}
"""The commands whose payload is that of a WebSocket action."""

COMMANDS: Final[dict[str, tuple[type, type[Answer]]]] = {
    "auth/login": (LoginPayload, answers.LoggedIn),
    "message/send": (SendPayload, answers.Accepted),
    **{
        command: (ACTIONS[action].payload, ACTIONS[action].answer)
        for command, action in ACTION_OF_COMMAND.items()
    },
}
"""What the payload of each command is, and what it is answered by."""

UNSUPPORTED: Final = frozenset(
    {
        "auth/register", "auth/refresh", "auth/logout", "auth/password", "auth/sessions",
        "room/invite", "room/role", "room/settings",
        "message/history", "message/search", "message/edit", "message/delete", "message/react",
        "message/read", "message/unread", "sync/resume",
        "file/offer", "file/accept", "file/decline", "file/cancel", "file/chunk",
    }
)  # fmt: skip
"""Commands that have their name, and are not in this build."""

EVENTS: Final[dict[str, type[Event]]] = {
    "message/new": events.MessagePosted,
    "message/private": events.WhisperPosted,
    "room/topic": events.TopicChanged,
    "presence/joined": events.Joined,
    "presence/left": events.Left,
    "presence/changed": events.StatusChanged,
    "presence/typing": events.UserTyping,
    "heartbeat": events.Alive,
    "server/going_away": events.GoingAway,
}
"""What a client gets without asking. Members are named as in the event, but for `TEXT_NAMES`."""

TEXT_NAMES: Final = {"content": "text", "id": "message_id"}
"""What this dialect calls two members of a message."""


class _Message(
    msgspec.Struct, gc=False, omit_defaults=True, rename={"sender": "from", "sender_id": "from_id"}
):
    sender: str
    sender_id: int
    room: str
    text: str
    message_id: str
    stream: str
    epoch: str
    offset: int
    at: str
    reply_to: int | None = None
    mentions: list[str] = []


class _Private(
    msgspec.Struct, gc=False, omit_defaults=True, rename={"sender": "from", "sender_id": "from_id"}
):
    sender: str
    sender_id: int
    to: str
    to_id: int
    text: str
    message_id: str
    stream: str
    epoch: str
    offset: int
    at: str
    reply_to: int | None = None


class _Login(msgspec.Struct, gc=False):
    token: str
    user_id: int
    username: str
    server: str
    refresh_token: str | None = None  # guests have none
    expires_in: float | None = None  # seconds; a guest's token lasts as long as its session


class _Sent(msgspec.Struct, gc=False, omit_defaults=True):
    stream: str
    epoch: str
    offset: int
    at: str
    message_id: str
    conversation_id: str | None = None


class _Room(msgspec.Struct, gc=False):
    room: str


def payload_of(told: Answer | Event, label: str | None = None) -> bytes:
    """What is told, with the names of this dialect, as an object."""
    match told:
        case events.MessagePosted():
            return encode(_Message(*msgspec.structs.astuple(told)))
        case events.WhisperPosted():
            return encode(_Private(*msgspec.structs.astuple(told)))
        case answers.Accepted(id, stream, epoch, offset, at):
            return encode(_Sent(stream, epoch, offset, at, id, label))
        case answers.LoggedIn(username, user_id, token, server):
            return encode(_Login(token, user_id, username, server))
        case answers.RoomLeft(room):
            return encode(_Room(room))
        case _:
            return b"{" + members(told).removeprefix(b",")
