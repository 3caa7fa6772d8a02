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
from hubbub.wire.protobuf_lean import MAX_FIELDS, UNSEEN, is_lean
from hubbub.wire.protobuf_messages import answer_message, event_message, read_message
from hubbub.wire.protobuf_requests import IDENTIFIED, bad, command_of, spell
from hubbub.wire.protobuf_tables import ACTIONS, BODIES
from hubbub.wire.refusals import of_frame

_LONGEST_ID: Final = 64  # characters
_NOT_LEAN: Final = f"A request of more than {UNSEEN} bytes has no more than {MAX_FIELDS} fields."
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
            return Request(Refusal(Code.BAD_REQUEST, _NOT_LEAN))
        try:
            message = pb.EchoMsg.FromString(frame.payload)
        except DecodeError:
            return Request(Refusal(Code.BAD_REQUEST, "This is not an EchoMsg."))
        return _request(message)

    def encode_answer(self, request: Request, answer: Answer) -> bytes:
        """Server: the answer; b"" for what the dialect says nothing of without an id."""
        if isinstance(request.command, commands.Pong):
            return b""
        if request.id is None and isinstance(answer, answers.Accepted | answers.Offered | answers.Done):
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
        if isinstance(command, IDENTIFIED) and command.id is not None:
            id = command.id
        message = spell(command)
        if id is not None:
            message.id = id
        return message.SerializeToString()

    def decode_message(self, payload: bytes) -> Event | Reply:
        """Client: an event or an answer; ValueError for anything else."""
        try:
            return read_message(pb.EchoMsg.FromString(payload))
        except (DecodeError, KeyError, ValueError) as error:
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
    elif body == "file_offer":
        claimed = message.file_offer.user_id
    if len(id) > _LONGEST_ID:
        return Request(bad("id", f"The id is longer than {_LONGEST_ID} characters."))
    command = command_of(message, body, id or None)
    verb = "" if kind not in BODIES else pb.MsgType.Name(kind)
    return Request(command, id or None, _ROOM_VERBS.get(type(command), verb), None, claimed)


protobuf: Final = Protobuf()
