"""The length-prefixed JSON dialect: one object a frame, told apart by its `type`.

`{"type":"Broadcast","content":"hi"}`. Answers and events have types of their own (`ANSWERS`, `EVENTS`), and
an answer carries the `id` of its request, if that had one. A file's bytes travel between the frames, and so
have no form here. Described in `docs/protocol.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from hubbub.core import answers, commands, events
from hubbub.core.answers import Answer
from hubbub.core.commands import Command, RoomRole
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import BINARY, FAILED, TEXT, TOO_LONG, Frame
from hubbub.wire.codec import Reply, Request
from hubbub.wire.json_actions import ACTIONS, Action, request_id, spell, topic
from hubbub.wire.json_payloads import (
    DeletePayload,
    EditPayload,
    NoPayload,
    PublishPayload,
    ReactPayload,
    RequestId,
    Said,
    TopicPayload,
    WhisperPayload,
)
from hubbub.wire.json_shapes import UNREAD, check_utf8, encode, id_or_none, members, text_or_none
from hubbub.wire.refusals import UNREADABLE, of_frame, of_json

_ACTION_OF_TYPE: Final = {
    "Login": "login",
    "Register": "register",
    "Refresh": "refresh",
    "Logout": "logout",
    "Password": "password",
    "Sessions": "sessions",
    "Broadcast": "publish",
    "Whisper": "whisper",
    "List": "list",
    "Presence": "presence",
    "Rooms": "rooms",
    "Create": "create",
    "Join": "join",
    "Leave": "leave",
    "Topic": "topic",
    "Members": "members",
    "Invite": "invite",
    "Role": "role",
    "RoomSettings": "room_settings",
    "History": "history",
    "Search": "search",
    "Edit": "edit",
    "Delete": "delete",
    "React": "react",
    "Resume": "resume",
    "Read": "read",
    "Unread": "unread",
    "FileOffer": "file_offer",
    "FileAccept": "file_accept",
    "FileDecline": "file_decline",
    "FileCancel": "file_cancel",
    "FileStart": "file_start",
    "FileFinish": "file_finish",
    "Files": "files",
    "FileGet": "file_get",
    "Typing": "typing",
    "Ping": "ping",
}


_P = TypeVar("_P", bound=Said)


def _said(payload: type[_P], build: Callable[[_P, str | None], Command]) -> Callable[..., Command]:
    """Read what takes no member that nobody knows: here the members of the head stand among its own."""
    head: list[tuple[str, Any] | tuple[str, Any, Any]] = [("type", str), ("id", msgspec.Raw, UNREAD)]
    with_head = msgspec.defstruct("_Said", head, bases=(payload,), kw_only=True)
    decode: Callable[[msgspec.Raw], Any] = msgspec.json.Decoder(with_head).decode
    return lambda raw, id: build(decode(raw), id)


_SAID: Final[dict[str, Callable[..., Command]]] = {
    "Broadcast": _said(PublishPayload, lambda p, id: commands.Publish(p.content, p.room, id, p.reply_to)),
    "Whisper": _said(
        WhisperPayload, lambda p, id: commands.Whisper(p.to, p.content, id, p.reply_to, p.to_id)
    ),
    "Topic": _said(TopicPayload, topic),
    "Edit": _said(EditPayload, lambda p, id: commands.Edit(p.content, p.stream, p.offset, id)),
    "Delete": _said(DeletePayload, lambda p, id: commands.Delete(p.stream, p.offset, id)),
    "React": _said(ReactPayload, lambda p, id: commands.React(p.emoji, p.stream, p.offset, p.remove, id)),
}

TYPES: Final[dict[str, Action]] = {
    **{name: ACTIONS[action] for name, action in _ACTION_OF_TYPE.items()},
    **{name: ACTIONS[_ACTION_OF_TYPE[name]]._replace(command=read) for name, read in _SAID.items()},
    "Pong": Action(NoPayload, lambda _payload, _id: commands.Pong(), (answers.Done,)),
}
"""What a request of each type holds (beside `type` and `id`), becomes, and is answered by."""

EVENTS: Final[dict[str, type[Event]]] = {
    "NewMessage": events.MessagePosted,
    "PrivateMessage": events.WhisperPosted,
    "MessageEdited": events.MessageEdited,
    "MessageDeleted": events.MessageDeleted,
    "MessageErased": events.MessageErased,
    "Reaction": events.ReactionChanged,
    "Mention": events.Mentioned,
    "TopicChanged": events.TopicChanged,
    "RoomChanged": events.RoomChanged,
    "RoleChanged": events.RoleChanged,
    "Invitation": events.RoomInvitation,
    "Gap": events.Gap,
    "ReadMoved": events.ReadMoved,
    "UserJoined": events.Joined,
    "UserLeft": events.Left,
    "UserStatus": events.StatusChanged,
    "UserTyping": events.UserTyping,
    "FileOffer": events.FileOffered,
    "FileDecline": events.FileDeclined,
    "FileAccepted": events.FileAccepted,
    "StartUpload": events.UploadStarted,
    "StartDownload": events.DownloadStarted,
    "FileProgress": events.FileProgress,
    "FileDone": events.FileDone,
    "FileFailed": events.FileFailed,
    "Ping": events.Alive,
    "GoingAway": events.GoingAway,
}
"""What a client gets without asking. Members are named as in the event."""

ANSWERS: Final[dict[str, type[Answer]]] = {
    "Welcome": answers.LoggedIn,
    "LoggedOut": answers.LoggedOut,
    "PasswordSet": answers.PasswordSet,
    "SessionList": answers.SessionList,
    "SessionEnded": answers.SessionEnded,
    "Ack": answers.Accepted,
    "UserList": answers.UserList,
    "RoomList": answers.RoomList,
    "Joined": answers.RoomJoined,
    "Left": answers.RoomLeft,
    "Topic": answers.TopicSet,
    "Members": answers.MemberList,
    "Invited": answers.Invited,
    "Role": answers.RoleSet,
    "RoomSettings": answers.RoomSettingsShown,
    "History": answers.History,
    "SearchResult": answers.SearchResult,
    "Resumed": answers.Resumed,
    "Read": answers.ReadUpTo,
    "UnreadList": answers.UnreadList,
    "Offered": answers.Offered,
    "FileList": answers.FileList,
    "FileLink": answers.FileLink,
    "Presence": answers.StatusSet,
    "Pong": answers.Ponged,
    "Ok": answers.Done,
    "Error": Refusal,
}
"""What a client gets when it asks. Where `id` is missing, neither `Ack` nor `Offered` nor `Ok` is sent."""

_MAX_QUOTED: Final = 64  # characters of an unknown type that its refusal repeats


class _Head(msgspec.Struct, gc=False):
    type: str
    id: RequestId | None = None


class _LooseHead(msgspec.Struct, gc=False):
    type: msgspec.Raw = UNREAD
    id: msgspec.Raw = UNREAD


class _Error(msgspec.Struct, gc=False, omit_defaults=True):
    msg: str
    code: str
    field: str | None = None
    limit: str | None = None
    retry_after: float | None = None


class _UserNames(msgspec.Struct, gc=False):
    users: list[str]


class _MemberNames(msgspec.Struct, gc=False, omit_defaults=True):
    room: str
    count: int
    users: list[str]
    roles: dict[str, RoomRole] = {}


class _Room(msgspec.Struct, gc=False):
    room: str


_head: Final = msgspec.json.Decoder(_Head).decode
_loose_head: Final = msgspec.json.Decoder(_LooseHead).decode
_start_of_event: Final = {kind: b'{"type":"%b"' % name.encode() for name, kind in EVENTS.items()}
_start_of_answer: Final = {kind: b'{"type":"%b"' % name.encode() for name, kind in ANSWERS.items()}
_type_of_action: Final = {action: name for name, action in _ACTION_OF_TYPE.items()}


class LengthJson:
    """The codec of length-prefixed JSON."""

    def decode(self, frame: Frame, named: bool) -> Request | bytes | None:
        """Server: a request."""
        if frame.kind in (TOO_LONG, FAILED):
            return Request(of_frame(frame, named))
        if frame.kind not in (TEXT, BINARY):
            return None
        payload = frame.payload
        try:
            check_utf8(payload)
            head = _head(payload)
        except UNREADABLE as error:
            return _broken(payload, error)
        row = TYPES.get(head.type)
        if row is None:
            unknown = f"There is no request of type '{head.type[:_MAX_QUOTED]}'."
            refusal = Refusal(Code.UNKNOWN_ACTION, unknown, field="type")
            return Request(refusal, head.id, head.type[:_MAX_QUOTED])
        try:
            return Request(row.command(msgspec.Raw(payload), head.id), head.id, head.type)
        except UNREADABLE as error:
            return Request(of_json(error), head.id, head.type)

    def encode_answer(self, request: Request, answer: Answer) -> bytes:
        """Server: an answer. b"" for what the dialect says nothing of without an `id`."""
        start = _start_of_answer.get(type(answer))
        if start is None:
            return b""
        if request.id is None:
            if isinstance(answer, answers.Accepted | answers.Offered | answers.Done):
                return b""
        elif not isinstance(answer, answers.Accepted):  # has it already
            start += b',"id":' + encode(request.id)
        return start + _members(answer)

    def encode_event(self, event: Event, own: bool = False) -> bytes:  # noqa: ARG002 - all are told alike here
        """Server: an event; b"" for those of the gateway, and for bytes of a file."""
        start = _start_of_event.get(type(event))
        return b"" if start is None else start + members(event)

    def encode_command(self, command: Command, id: str | None = None) -> bytes:
        """Client: a request. The id of a message is that of its request, and goes before `id`.

        Raises ValueError for a command that this dialect has no type for.
        """
        id = request_id(command, id)
        action, payload = ("", b"{}") if isinstance(command, commands.Pong) else spell(command)
        name = _type_of_action.get(action) if action else "Pong"
        if name is None:
            raise ValueError(f"no type of the length-prefixed JSON dialect: {action}")
        start = b'{"type":"%b"' % name.encode()
        if id is not None:
            start += b',"id":' + encode(id)
        return start + _after(payload)

    def decode_message(self, payload: bytes) -> Event | Reply:
        """Client: an event or an answer; ValueError for anything else."""
        try:
            told = msgspec.json.decode(payload, type=dict[str, Any])
        except RecursionError as error:
            raise ValueError("the JSON is nested too deep") from error
        name = msgspec.convert(told.pop("type", None), str)
        event = EVENTS.get(name)
        if event is not None:
            return msgspec.convert(told, event)
        answer = ANSWERS.get(name)
        if answer is None:
            raise ValueError(f"no type of the length-prefixed JSON dialect: {name!r}")
        id = msgspec.convert(told.get("id"), str | None)
        if answer is Refusal:
            told["message"] = told.get("msg")
        if answer in (answers.UserList, answers.MemberList):
            names = msgspec.convert(told.get("users"), list[str])
            roles = msgspec.convert(told.get("roles", {}), dict[str, RoomRole])
            told["users"] = [answers.UserView(name, 0, "online", roles.get(name)) for name in names]
        return Reply(msgspec.convert(told, answer), id, name)


def _members(answer: Answer) -> bytes:
    """Like `members`, for answers whose members this dialect calls otherwise."""
    match answer:
        case Refusal(code, message, field, limit, retry_after):
            return _after(encode(_Error(message, code.value, field, limit, retry_after)))
        case answers.UserList(users):
            return _after(encode(_UserNames([user.username for user in users])))
        case answers.MemberList(room, count, users):
            roles = {user.username: user.role for user in users if user.role is not None}
            return _after(encode(_MemberNames(room, count, [user.username for user in users], roles)))
        case answers.RoomLeft(room):
            return _after(encode(_Room(room)))
        case _:
            return members(answer)


def _after(json_object: bytes) -> bytes:
    """The members of an object, to go on with after a first one."""
    return b"}" if json_object == b"{}" else b"," + json_object[1:]


def _broken(payload: bytes, error: Exception) -> Request:
    """The refusal of what has no good head, with its id and type if that much can be read."""
    try:
        head = _loose_head(payload)
    except UNREADABLE:
        return Request(of_json(error))
    return Request(of_json(error), id_or_none(head.id), text_or_none(head.type) or "")


length_json: Final = LengthJson()
