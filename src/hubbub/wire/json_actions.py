"""The actions of the JSON dialects: one row each, from payload to command and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, NamedTuple, TypeVar

import msgspec

from hubbub.core import answers, commands
from hubbub.core.commands import Command

RequestId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Offset = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]


class _Payload(msgspec.Struct, gc=False, omit_defaults=True):
    pass


class NoPayload(_Payload):
    """Of an action that takes nothing."""


class LoginPayload(_Payload):
    """Of `login`."""

    username: str | None = None
    password: str | None = None
    token: str | None = None


class PublishPayload(_Payload):
    """Of `publish`. The message's id is the request's."""

    content: str
    room: str | None = None
    reply_to: Offset | None = None


class WhisperPayload(_Payload):
    """Of `whisper`. The message's id is the request's."""

    to: str
    content: str


class PresencePayload(_Payload):
    """Of `presence`."""

    status: commands.Status


class RoomPayload(_Payload):
    """Of an action on a room that must be named."""

    room: str


class OwnRoomPayload(_Payload):
    """Of an action on a room; without `room` it is the default room."""

    room: str | None = None


class TopicPayload(_Payload):
    """Of `topic`. Without `topic` it asks for it."""

    room: str | None = None
    topic: str | None = None


class SendToPayload(_Payload):
    """Of `send_to`: `payload` is any JSON value."""

    connection_ids: list[str]
    payload: msgspec.Raw


class Action(NamedTuple):
    """One row of the table: how a payload becomes a command, and what type of answer comes back."""

    payload: type
    command: Callable[[msgspec.Raw, str | None], Command]
    answer: type


_P = TypeVar("_P")


def _action(payload: type[_P], build: Callable[[_P, str | None], Command], answer: type) -> Action:
    decode = msgspec.json.Decoder(payload).decode
    return Action(payload, lambda raw, id: build(decode(raw), id), answer)


def _topic(payload: TopicPayload, _: str | None) -> Command:
    if payload.topic is None:
        return commands.GetTopic(payload.room)
    return commands.SetTopic(payload.topic, payload.room)


def _valid(payload: msgspec.Raw) -> msgspec.Raw:
    """A payload that others will get: its bytes must be UTF-8 (its grammar was checked on the way)."""
    str(payload, "utf-8")
    return payload


MAX_CONNECTION_IDS: Final = 1_048_576
"""Bytes of `connection_ids` as JSON. Read into strings they take about fourteen times as much memory."""


class _UnreadIds(msgspec.Struct, gc=False):
    connection_ids: msgspec.Raw = msgspec.Raw(b"[]")


_unread_ids: Final = msgspec.json.Decoder(_UnreadIds).decode
_read_send_to: Final = msgspec.json.Decoder(SendToPayload).decode


def _send_to(raw: msgspec.Raw, _: str | None) -> Command:
    if memoryview(_unread_ids(raw).connection_ids).nbytes > MAX_CONNECTION_IDS:
        raise msgspec.ValidationError(f"longer than {MAX_CONNECTION_IDS} bytes - at `$.connection_ids`")
    payload = _read_send_to(raw)
    return commands.SendTo(payload.connection_ids, _valid(payload.payload))


ACTIONS: Final[dict[str, Action]] = {
    "login": _action(
        LoginPayload, lambda p, _: commands.Login(p.username, p.password, p.token), answers.LoggedIn
    ),
    "publish": _action(
        PublishPayload,
        lambda p, id: commands.Publish(p.content, p.room, id, p.reply_to),
        answers.Accepted,
    ),
    "whisper": _action(WhisperPayload, lambda p, id: commands.Whisper(p.to, p.content, id), answers.Accepted),
    "list": _action(NoPayload, lambda _p, _: commands.ListUsers(), answers.UserList),
    "presence": _action(PresencePayload, lambda p, _: commands.SetStatus(p.status), answers.StatusSet),
    "rooms": _action(NoPayload, lambda _p, _: commands.ListRooms(), answers.RoomList),
    "create": _action(RoomPayload, lambda p, _: commands.CreateRoom(p.room), answers.RoomJoined),
    "join": _action(RoomPayload, lambda p, _: commands.JoinRoom(p.room), answers.RoomJoined),
    "leave": _action(OwnRoomPayload, lambda p, _: commands.LeaveRoom(p.room), answers.RoomLeft),
    "topic": _action(TopicPayload, _topic, answers.TopicSet),
    "members": _action(OwnRoomPayload, lambda p, _: commands.ListMembers(p.room), answers.MemberList),
    "typing": _action(OwnRoomPayload, lambda p, _: commands.Typing(p.room), answers.Done),
    "ping": _action(NoPayload, lambda _p, _: commands.Ping(), answers.Ponged),
    "echo": Action(msgspec.Raw, lambda raw, _: commands.Echo(_valid(raw)), answers.Echoed),
    "broadcast": Action(msgspec.Raw, lambda raw, _: commands.Announce(_valid(raw)), answers.Announced),
    "send_to": Action(SendToPayload, _send_to, answers.Announced),
    "get_connections": _action(NoPayload, lambda _p, _: commands.CountConnections(), answers.Connections),
}

UNSUPPORTED: Final = frozenset(
    {
        "register", "refresh", "logout", "password", "sessions",
        "invite", "role", "room_settings",
        "history", "search", "edit", "delete", "react", "resume", "read", "unread",
        "file_offer", "file_accept", "file_decline", "file_cancel",
    }
)  # fmt: skip
"""Actions that have their name, and are not in this build."""

_encode: Final = msgspec.json.Encoder().encode


def spell(command: Command) -> tuple[str, bytes]:
    """Action and payload of a command; ValueError for one that this dialect has no action for."""
    match command:
        case commands.Login(username, password, token):
            return "login", _encode(LoginPayload(username, password, token))
        case commands.Publish(content, room, _, reply_to):
            return "publish", _encode(PublishPayload(content, room, reply_to))
        case commands.Whisper(to, content):
            return "whisper", _encode(WhisperPayload(to, content))
        case commands.ListUsers():
            return "list", b"{}"
        case commands.SetStatus(status):
            return "presence", _encode(PresencePayload(status))
        case commands.ListRooms():
            return "rooms", b"{}"
        case commands.CreateRoom(room):
            return "create", _encode(RoomPayload(room))
        case commands.JoinRoom(room):
            return "join", _encode(RoomPayload(room))
        case commands.LeaveRoom(room):
            return "leave", _encode(OwnRoomPayload(room))
        case commands.SetTopic(topic, room):
            return "topic", _encode(TopicPayload(room, topic))
        case commands.GetTopic(room):
            return "topic", _encode(TopicPayload(room))
        case commands.ListMembers(room):
            return "members", _encode(OwnRoomPayload(room))
        case commands.Typing(room):
            return "typing", _encode(OwnRoomPayload(room))
        case commands.Ping():
            return "ping", b"{}"
        case commands.Echo(payload):
            return "echo", bytes(payload)
        case commands.Announce(payload):
            return "broadcast", bytes(payload)
        case commands.SendTo(connection_ids, payload):
            return "send_to", _encode(SendToPayload(connection_ids, payload))
        case commands.CountConnections():
            return "get_connections", b"{}"
        case commands.Send() | commands.Pong() | commands.Quit():
            raise ValueError(f"no action of the WebSocket dialect: {type(command).__name__}")
