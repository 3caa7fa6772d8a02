"""The Protobuf dialect: one EchoMsg a block, as `proto/message.proto` has it.

`type` says what a message is and `body` holds the field of the same name; a body that contradicts its type
is refused. Described in `docs/protocol.md`.
"""

from __future__ import annotations

from typing import Final

from google.protobuf.message import DecodeError

from hubbub.core import answers, commands
from hubbub.core.answers import Answer
from hubbub.core.commands import Command
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import BINARY, FAILED, TOO_LONG, Frame
from hubbub.wire import message_pb2 as pb
from hubbub.wire.codec import Reply, Request
from hubbub.wire.protobuf_client import read_message, spell
from hubbub.wire.protobuf_lean import UNSEEN, is_lean
from hubbub.wire.protobuf_messages import answer_message, event_message
from hubbub.wire.protobuf_tables import ACTIONS, BODIES, STATUSES, UNSUPPORTED
from hubbub.wire.refusals import of_frame

_LONGEST_ID: Final = 64  # characters
_LARGEST_OFFSET: Final = 2**53 - 1  # the JSON dialects must be able to show it

_STATUS_NAMES: Final = {number: name for name, number in STATUSES.items()}
_ROOM_VERBS: Final[dict[type, str]] = {
    kind: pb.RoomActionType.Name(number) for kind, number in ACTIONS.items()
}


class Protobuf:
    """The codec."""

    def decode(self, frame: Frame, named: bool) -> Request | bytes | None:
        """Server: one EchoMsg. Whatever is wrong with it comes back as a Refusal."""
        if frame.kind in (TOO_LONG, FAILED):
            return Request(of_frame(frame, named))
        if frame.kind != BINARY:
            return None
        if len(frame.payload) > UNSEEN and not is_lean(frame.payload):
            return Request(Refusal(Code.BAD_REQUEST, "This is not a request."))
        try:
            message = pb.EchoMsg.FromString(frame.payload)
        except DecodeError:
            return Request(Refusal(Code.BAD_REQUEST, "This is not an EchoMsg."))
        return _request(message)

    def encode_answer(self, request: Request, answer: Answer) -> bytes:
        """Server: the answer; b"" where there is nothing to tell and the request had no id."""
        if isinstance(request.command, commands.Pong):
            return b""
        if request.id is None and isinstance(answer, answers.Accepted | answers.Done):
            return b""
        message = answer_message(answer, request.verb)
        if request.id is not None:
            message.id = request.id
        return message.SerializeToString()

    def encode_event(self, event: Event, own: bool = False) -> bytes:  # noqa: ARG002 - all are told alike here
        """Server: an event; b"" for those of the WebSocket gateway."""
        message = event_message(event)
        return b"" if message is None else message.SerializeToString()

    def encode_command(self, command: Command, id: str | None = None) -> bytes:
        """Client: a request. The id of a message is that of its request, and goes before `id`.

        Raises ValueError for a command that this dialect has no message for.
        """
        if isinstance(command, commands.Publish | commands.Whisper) and command.id is not None:
            id = command.id
        message = spell(command)
        if id is not None:
            message.id = id
        return message.SerializeToString()

    def decode_message(self, payload: bytes) -> Event | Reply:
        """Client: an event or an answer; ValueError for anything else."""
        try:
            return read_message(pb.EchoMsg.FromString(payload))
        except (DecodeError, KeyError) as error:
            raise ValueError(f"not a message of a server: {error}") from error


def _request(message: pb.EchoMsg) -> Request:
    kind = message.type
    body = message.WhichOneof("body")
    id = message.id
    claimed = 0
    if body == "chat_msg":
        id = id or message.chat_msg.id
        claimed = message.chat_msg.user_id
    elif body == "whisper":
        id = id or message.whisper.id
        claimed = message.whisper.user_id
    elif body == "room_action":
        claimed = message.room_action.user_id
    if len(id) > _LONGEST_ID:
        return Request(_bad("id", f"The id is longer than {_LONGEST_ID} characters."))
    command = _command(message, body, id or None)
    verb = "" if kind not in BODIES else pb.MsgType.Name(kind)
    return Request(command, id or None, _ROOM_VERBS.get(type(command), verb), None, claimed)


def _bad(field: str, message: str) -> Refusal:
    return Refusal(Code.BAD_REQUEST, message, field)


def _command(message: pb.EchoMsg, body: str | None, id: str | None) -> Command | Refusal:
    kind = message.type
    if kind in UNSUPPORTED:
        return Refusal(Code.UNSUPPORTED, f"{pb.MsgType.Name(kind)} is not in this build.")
    if kind == pb.MT_UNSPECIFIED:
        return _bad("type", "The message has no type.")
    if kind not in BODIES:
        return Refusal(Code.UNKNOWN_ACTION, "unknown action")
    if body != BODIES[kind]:
        wanted = BODIES[kind] or "no body"
        return _bad("body", f"{pb.MsgType.Name(kind)} comes with {wanted}, not with {body or 'none'}.")
    match kind:
        case pb.MT_CHAT_MSG:
            return _publish(message.chat_msg, id)
        case pb.MT_WHISPER:
            return _whisper(message.whisper, id)
        case pb.MT_LOGIN_REQUEST:
            login = message.login_request
            return commands.Login(login.username or None, login.password or None, login.token or None)
        case pb.MT_ROOM_ACTION:
            return _room_action(message.room_action)
        case pb.MT_PING:
            return commands.Ping()
        case pb.MT_PONG:
            return commands.Pong()
        case pb.MT_USER_LIST_REQUEST:
            return commands.ListUsers()
        case pb.MT_PRESENCE:
            status = _STATUS_NAMES.get(message.presence.status)
            if status is None:
                return _bad("status", "There is no such status.")
            return commands.SetStatus(status)
        case pb.MT_ROOM_LIST_REQUEST:
            return commands.ListRooms()
        case pb.MT_TOPIC:
            topic = message.topic
            if topic.HasField("topic"):
                return commands.SetTopic(topic.topic, topic.room_id or None)
            return commands.GetTopic(topic.room_id or None)
        case pb.MT_MEMBER_LIST_REQUEST:
            return commands.ListMembers(message.member_list_request.room_id or None)
        case pb.MT_TYPING:
            return commands.Typing(message.typing.room_id or None)
        case _:
            return _bad("type", f"{pb.MsgType.Name(kind)} is sent by servers only.")


def _publish(chat: pb.ChatMsg, id: str | None) -> Command | Refusal:
    if chat.id and chat.id != id:
        return _bad("id", "The id of the message and that of its request differ.")
    if chat.reply_to > _LARGEST_OFFSET:
        return _bad("reply_to", "This is not an offset.")
    return commands.Publish(chat.content, chat.room_id or None, id, chat.reply_to or None)


def _whisper(whisper: pb.Whisper, id: str | None) -> Command | Refusal:
    if whisper.id and whisper.id != id:
        return _bad("id", "The id of the message and that of its request differ.")
    return commands.Whisper(whisper.to, whisper.content, id)


def _room_action(action: pb.RoomAction) -> Command | Refusal:
    match action.action_type:
        case pb.RA_LEAVE:
            return commands.LeaveRoom(action.room_id or None)
        case pb.RA_CREATE | pb.RA_JOIN if not action.room_id:
            return _bad("room_id", "Which room?")
        case pb.RA_CREATE:
            return commands.CreateRoom(action.room_id)
        case pb.RA_JOIN:
            return commands.JoinRoom(action.room_id)
        case _:
            return _bad("action_type", "There is no such room action.")


protobuf: Final = Protobuf()
