"""What a client asks for in the Protobuf dialect: commands from EchoMsg, and as EchoMsg."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from hubbub.core import commands, file_commands
from hubbub.core.commands import Command
from hubbub.core.errors import Code, Refusal
from hubbub.wire import message_pb2 as pb
from hubbub.wire.json_payloads import MAX_FILENAME, MAX_FILETYPE, MAX_HELLO, MAX_KEY
from hubbub.wire.protobuf_shapes import LARGEST, FieldError, fill, read
from hubbub.wire.protobuf_tables import ACTIONS, BODIES, BODILESS, UNSUPPORTED

COMMANDS: Final[dict[type, pb.MsgType]] = {
    commands.Login: pb.MT_LOGIN_REQUEST,
    commands.Register: pb.MT_REGISTER,
    commands.Refresh: pb.MT_REFRESH,
    commands.Logout: pb.MT_LOGOUT,
    commands.ChangePassword: pb.MT_PASSWORD,
    commands.ListSessions: pb.MT_SESSIONS,
    commands.EndSession: pb.MT_SESSIONS,
    commands.Publish: pb.MT_CHAT_MSG,
    commands.Whisper: pb.MT_WHISPER,
    commands.ListUsers: pb.MT_USER_LIST_REQUEST,
    commands.SetStatus: pb.MT_PRESENCE,
    commands.ListRooms: pb.MT_ROOM_LIST_REQUEST,
    commands.CreateRoom: pb.MT_ROOM_ACTION,
    commands.JoinRoom: pb.MT_ROOM_ACTION,
    commands.LeaveRoom: pb.MT_ROOM_ACTION,
    commands.SetTopic: pb.MT_TOPIC,
    commands.GetTopic: pb.MT_TOPIC,
    commands.ListMembers: pb.MT_MEMBER_LIST_REQUEST,
    commands.Invite: pb.MT_INVITE,
    commands.SetRole: pb.MT_ROLE,
    commands.GetRoom: pb.MT_ROOM_SETTINGS,
    commands.SetRoom: pb.MT_ROOM_SETTINGS,
    commands.GetHistory: pb.MT_HISTORY,
    commands.Search: pb.MT_SEARCH,
    commands.Edit: pb.MT_EDIT,
    commands.Delete: pb.MT_DELETE,
    commands.React: pb.MT_REACT,
    commands.Resume: pb.MT_RESUME,
    commands.MarkRead: pb.MT_READ,
    commands.GetUnread: pb.MT_UNREAD,
    file_commands.OfferFile: pb.MT_FILE_OFFER,
    file_commands.AcceptFile: pb.MT_FILE_ACCEPT,
    file_commands.DeclineFile: pb.MT_FILE_DECLINE,
    file_commands.CancelFile: pb.MT_FILE_CANCEL,
    file_commands.StartFile: pb.MT_FILE_START,
    file_commands.FinishFile: pb.MT_FILE_FINISH,
    file_commands.SendChunk: pb.MT_FILE_CHUNK,
    file_commands.ListFiles: pb.MT_FILE_LIST_REQUEST,
    file_commands.GetFile: pb.MT_FILE_GET,
    commands.Typing: pb.MT_TYPING,
    commands.Ping: pb.MT_PING,
    commands.Pong: pb.MT_PONG,
}
"""Every command but those of the WebSocket gateway, and what only other dialects have words for."""

IDENTIFIED: Final = (
    commands.Publish,
    commands.Whisper,
    commands.Edit,
    commands.Delete,
    commands.React,
    file_commands.OfferFile,
)
"""Commands that are kept as something with an id: it is that of the request."""

_OF_FILES: Final = (
    file_commands.OfferFile,
    file_commands.AcceptFile,
    file_commands.DeclineFile,
    file_commands.CancelFile,
    file_commands.StartFile,
    file_commands.FinishFile,
    file_commands.SendChunk,
    file_commands.GetFile,
)
_LONGEST: Final = {
    "filename": MAX_FILENAME,
    "filetype": MAX_FILETYPE,
    "hello": MAX_HELLO,
    "file": MAX_KEY,
}
_DIGITS: Final = {
    "offer": (re.compile("[0-9a-f]{32}"), "An offer is 32 lower-case hexadecimal digits."),
    "sha256": (re.compile("[0-9A-Fa-f]{64}"), "A digest is 64 hexadecimal digits."),
}
"""What holds for requests about files in JSON, by the types there (`json_payloads`), holds here too."""

_COMMAND_OF: Final = {number: kind for kind, number in COMMANDS.items()}  # of several, `_kind` chooses
_ACTION_OF: Final = {number: kind for kind, number in ACTIONS.items()}


def spell(command: Command) -> pb.EchoMsg:
    """A request, but for its id; ValueError for a command that this dialect has no message for."""
    kind = COMMANDS.get(type(command))
    if kind is None:
        raise ValueError(f"no message of the Protobuf dialect: {type(command).__name__}")
    message = pb.EchoMsg(type=kind)
    body = BODIES[kind]
    if isinstance(command, IDENTIFIED):
        command = msgspec.structs.replace(command, id=None)
    if isinstance(command, commands.EndSession):
        message.sessions.end = command.session
    elif body is not None and command != commands.GetUnread():
        fill(getattr(message, body), command)
    if kind == pb.MT_ROOM_ACTION:
        message.room_action.action_type = ACTIONS[type(command)]
    return message


def command_of(message: pb.EchoMsg, body: str | None, id: str | None) -> Command | Refusal:
    """What a request asks for; `body` is the one that it has, `id` that of the request."""
    kind = message.type
    if kind in UNSUPPORTED:
        return Refusal(Code.UNSUPPORTED, f"{pb.MsgType.Name(kind)} is not in this build.")
    if kind == pb.MT_UNSPECIFIED:
        return bad("type", "The message has no type.")
    if kind not in BODIES:
        return Refusal(Code.UNKNOWN_ACTION, "unknown action")
    if body != BODIES[kind] and (body is not None or kind not in BODILESS):
        wanted = BODIES[kind] or "no body"
        return bad("body", f"{pb.MsgType.Name(kind)} comes with {wanted}, not with {body or 'none'}.")
    if kind == pb.MT_CHAT_MSG:  # by far the most frequent
        return _publish(message.chat_msg, id)
    if kind == pb.MT_WHISPER and message.whisper.id not in ("", id):
        return bad("id", "The id of the message and that of its request differ.")
    if kind == pb.MT_ROOM_ACTION and message.room_action.action_type not in _ACTION_OF:
        return bad("action_type", "There is no such room action.")
    if kind == pb.MT_SESSIONS and message.sessions.end:
        return commands.EndSession(message.sessions.end)
    if kind not in _COMMAND_OF:
        return bad("type", f"{pb.MsgType.Name(kind)} is sent by servers only.")
    try:
        command: Command = read(message if body is None else getattr(message, body), _kind(message))
    except FieldError as error:
        return bad(error.field, str(error))
    if isinstance(command, commands.CreateRoom | commands.JoinRoom) and not command.room:
        return bad("room_id", "Which room?")
    if isinstance(command, _OF_FILES):
        fault = _fault(command)
        if fault is not None:
            return fault
    if isinstance(command, file_commands.OfferFile | file_commands.FinishFile) and command.sha256 is not None:
        command = msgspec.structs.replace(command, sha256=command.sha256.lower())
    if isinstance(command, IDENTIFIED):
        return msgspec.structs.replace(command, id=id)
    if isinstance(command, commands.Login) and command.username and not command.token:
        return msgspec.structs.replace(command, or_guest=True)  # EchoMesh's client sends a password always
    return command


def _kind(message: pb.EchoMsg) -> type:
    """Which of the commands that share a type is meant."""
    match message.type:
        case pb.MT_ROOM_ACTION:
            return _ACTION_OF[message.room_action.action_type]
        case pb.MT_TOPIC:
            return commands.SetTopic if message.topic.HasField("topic") else commands.GetTopic
        case pb.MT_SESSIONS:
            return commands.ListSessions
        case pb.MT_ROOM_SETTINGS:
            wanted = message.room_settings
            changes = wanted.HasField("private") or wanted.HasField("retain_days")
            return commands.SetRoom if changes else commands.GetRoom
        case kind:
            return _COMMAND_OF[kind]


def _fault(command: Command) -> Refusal | None:
    """What is too long in a request about a file, or not of the digits it is made of."""
    for field, most in _LONGEST.items():
        value: str | None = getattr(command, field, None)
        if value is not None and len(value) > most:
            return bad(field, f"The field {field!r} is longer than {most} characters.")
    for field, (digits, message) in _DIGITS.items():
        value = getattr(command, field, None)
        if value is not None and digits.fullmatch(value) is None:
            return bad(field, message)
    return None


def _publish(chat: pb.ChatMsg, id: str | None) -> Command | Refusal:
    if chat.id and chat.id != id:
        return bad("id", "The id of the message and that of its request differ.")
    if chat.reply_to > LARGEST:
        return bad("reply_to", "This is not an offset.")
    return commands.Publish(chat.content, chat.room_id or None, id, chat.reply_to or None)


def bad(field: str, message: str) -> Refusal:
    """What is wrong with a field of a request."""
    return Refusal(Code.BAD_REQUEST, message, field)
