"""The commands, events and payloads of the NDJSON dialect."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec.structs import astuple

from hubbub.core import answers, events
from hubbub.core.answers import Answer
from hubbub.core.events import Event
from hubbub.wire import json_payloads
from hubbub.wire.json_actions import ACTIONS
from hubbub.wire.json_payloads import FileSize, OfferId, Offset, PersonId
from hubbub.wire.json_shapes import encode, members

MAX_LABEL: Final = 256
"""Characters of a `conversation_id`: the server sends it back."""


class AuthLoginPayload(json_payloads.LoginPayload):
    """Of `auth/login`. `hmac` asks for a key, with which every further request must be signed."""

    hmac: bool | None = None


class AuthRegisterPayload(json_payloads.RegisterPayload):
    """Of `auth/register`; `hmac` as in a login."""

    hmac: bool | None = None


class SendPayload(json_payloads.Said):
    """Of `message/send`. With `target_id`, `conversation_id` is a label; without, it is the room.

    With `to_id`, the `target_id` is a person, and it is for that one alone.
    """

    text: str
    target_id: str | None = None
    conversation_id: Annotated[str, msgspec.Meta(max_length=MAX_LABEL)] | None = None
    reply_to: Offset | None = None
    to_id: PersonId | None = None


class MessageEditPayload(json_payloads.DeletePayload, kw_only=True):
    """Of `message/edit`."""

    text: str


class FileChunkPayload(msgspec.Struct, gc=False, omit_defaults=True):
    """Of `file/chunk`: `data` in Base64. `seq` may count the chunks, and has no effect."""

    offer: OfferId
    offset: FileSize
    data: bytes
    last: bool = False
    seq: FileSize | None = None


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
    "auth/refresh": "refresh",
    "auth/logout": "logout",
    "auth/password": "password",
    "auth/sessions": "sessions",
    "room/invite": "invite",
    "room/role": "role",
    "room/settings": "room_settings",
    "message/history": "history",
    "message/search": "search",
    "message/delete": "delete",
    "message/react": "react",
    "message/read": "read",
    "message/unread": "unread",
    "sync/resume": "resume",
    "file/offer": "file_offer",
    "file/accept": "file_accept",
    "file/decline": "file_decline",
    "file/cancel": "file_cancel",
    "file/start": "file_start",
    "file/finish": "file_finish",
    "file/list": "files",
    "file/get": "file_get",
    "heartbeat": "ping",
}
"""The commands whose payload is that of a WebSocket action."""

COMMANDS: Final[dict[str, tuple[type, tuple[type[Answer], ...]]]] = {
    "auth/login": (AuthLoginPayload, (answers.LoggedIn,)),
    "auth/register": (AuthRegisterPayload, (answers.LoggedIn,)),
    "message/send": (SendPayload, (answers.Accepted,)),
    "message/edit": (MessageEditPayload, (answers.Accepted,)),
    "file/chunk": (FileChunkPayload, (answers.Done,)),
    **{
        command: (ACTIONS[action].payload, ACTIONS[action].answers)
        for command, action in ACTION_OF_COMMAND.items()
    },
}
"""What the payload of each command is, and what it is answered by."""

EVENTS: Final[dict[str, type[Event]]] = {
    "message/new": events.MessagePosted,
    "message/private": events.WhisperPosted,
    "message/edited": events.MessageEdited,
    "message/deleted": events.MessageDeleted,
    "message/erased": events.MessageErased,
    "message/reaction": events.ReactionChanged,
    "message/mention": events.Mentioned,
    "message/read": events.ReadMoved,
    "room/topic": events.TopicChanged,
    "room/changed": events.RoomChanged,
    "room/role": events.RoleChanged,
    "room/invitation": events.RoomInvitation,
    "sync/gap": events.Gap,
    "presence/joined": events.Joined,
    "presence/left": events.Left,
    "presence/changed": events.StatusChanged,
    "presence/typing": events.UserTyping,
    "file/offer": events.FileOffered,
    "file/decline": events.FileDeclined,
    "file/accepted": events.FileAccepted,
    "file/upload": events.UploadStarted,
    "file/download": events.DownloadStarted,
    "file/chunk": events.FileData,
    "file/progress": events.FileProgress,
    "file/done": events.FileDone,
    "file/failed": events.FileFailed,
    "heartbeat": events.Alive,
    "server/going_away": events.GoingAway,
}
"""What a client gets without asking. Members are named as in the event, but for `RENAMED`."""

TEXT_NAMES: Final = {"content": "text", "id": "message_id"}
"""What this dialect calls two members of a message."""

RENAMED: Final[dict[str, dict[str, str]]] = {
    "message/new": TEXT_NAMES,
    "message/private": TEXT_NAMES,
    "message/edited": {"content": "text"},
    "message/send": {"id": "message_id"},
}
"""Likewise, by the name that it is told under; and `TEXT_NAMES` in `messages` of a history or a search."""

_FROM: Final = {"sender": "from", "sender_id": "from_id"}


class _Told(msgspec.Struct, gc=False, omit_defaults=True, rename={**_FROM, "with_": "with"}):
    pass


class NdjsonMessage(_Told):
    """`message/new`."""

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
    file: answers.FileView | None = None


class NdjsonPrivate(_Told):
    """`message/private`."""

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
    file: answers.FileView | None = None


class NdjsonEdited(_Told):
    """`message/edited`."""

    sender: str
    sender_id: int
    target: int
    text: str
    id: str
    stream: str
    epoch: str
    offset: int
    at: str
    room: str | None = None


class NdjsonShown(_Told):
    """A message in a history."""

    sender: str
    sender_id: int
    text: str
    message_id: str
    stream: str
    epoch: str
    offset: int
    at: str
    room: str | None = None
    to: str | None = None
    to_id: int | None = None
    reply_to: int | None = None
    edited_at: str | None = None
    deleted: bool = False
    reactions: list[answers.Reaction] = []
    file: answers.FileView | None = None


class NdjsonHistory(_Told):
    """Answers `message/history`."""

    stream: str
    messages: list[NdjsonShown]
    more: bool
    room: str | None = None
    with_: str | None = None


class NdjsonFound(_Told):
    """Answers `message/search`."""

    messages: list[NdjsonShown]
    more: bool


class NdjsonLogin(_Told):
    """Answers what logs in. A guest has no `refresh_token`, and its `token` lasts as long as its session."""

    token: str
    user_id: int
    username: str
    server: str
    refresh_token: str | None
    expires_in: int | None
    role: str | None = None
    rooms: list[answers.RoomPlace] = []
    hmac_key: str | None = None


class NdjsonSent(_Told):
    """Answers `message/send`."""

    stream: str
    epoch: str
    offset: int
    at: str
    message_id: str
    conversation_id: str | None = None


class NdjsonRoom(_Told):
    """Answers `room/leave`."""

    room: str


SHAPES: Final[dict[type, type[_Told]]] = {
    events.MessagePosted: NdjsonMessage,
    events.WhisperPosted: NdjsonPrivate,
    events.MessageEdited: NdjsonEdited,
    answers.History: NdjsonHistory,
    answers.SearchResult: NdjsonFound,
    answers.LoggedIn: NdjsonLogin,
    answers.RoomLeft: NdjsonRoom,
}
"""What takes another form here. `Accepted` does so as the answer to `message/send`."""


def event_payload(event: Event) -> bytes:
    """An event, with the names of this dialect, as an object."""
    shape = SHAPES.get(type(event))
    return _plain(event) if shape is None else encode(shape(*astuple(event)))


def answer_payload(answer: Answer, hmac_key: str | None = None) -> bytes:
    """An answer likewise; `hmac_key` goes along with a login."""
    match answer:
        case answers.History(stream, messages, more, room, with_):
            return encode(NdjsonHistory(stream, _shown(messages), more, room, with_))
        case answers.SearchResult(messages, more):
            return encode(NdjsonFound(_shown(messages), more))
        case answers.LoggedIn(username, user_id, token, server, refresh, expires, role, rooms):
            login = NdjsonLogin(token, user_id, username, server, refresh, expires, role, rooms, hmac_key)
            return encode(login)
        case answers.RoomLeft(room):
            return encode(NdjsonRoom(room))
        case _:
            return _plain(answer)


def sent_payload(sent: answers.Accepted, label: str | None) -> bytes:
    """The answer to `message/send`, with the client's own label."""
    return encode(NdjsonSent(sent.stream, sent.epoch, sent.offset, sent.at, sent.id, label))


def _shown(messages: list[answers.MessageView]) -> list[NdjsonShown]:
    return [NdjsonShown(*astuple(message)) for message in messages]


def _plain(told: Answer | Event) -> bytes:
    return b"{" + members(told).removeprefix(b",")
