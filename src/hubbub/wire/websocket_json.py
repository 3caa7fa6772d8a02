"""The WebSocket dialect: JSON requests, responses, errors and notifications, one a text message.

A request is `{"id","type":"request","action","payload"}`. It is answered by `{"id","type":"response","data"}`
or `{"id","type":"error","data":{"code","message"},"error":{the same}}`. What comes unasked is
`{"id","type":"notification","event","data"}`, its `id` a UUID of its own. A file's bytes are binary messages
in both directions: 16 bytes of the offer, 8 of the offset, and they. Described in `docs/protocol.md`.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping
from struct import Struct
from typing import Final, Literal

import msgspec

from hubbub.core import answers, events, file_commands
from hubbub.core.answers import Answer
from hubbub.core.commands import Command
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import BINARY, FAILED, TEXT, TOO_LONG, Frame
from hubbub.wire.codec import Reply, Request
from hubbub.wire.json_actions import ACTIONS, request_id, spell
from hubbub.wire.json_payloads import OFFER_DIGITS, RequestId
from hubbub.wire.refusals import UNREADABLE, of_frame, of_json

EVENTS: Final[dict[str, type[Event]]] = {
    "message": events.MessagePosted,
    "private": events.WhisperPosted,
    "edited": events.MessageEdited,
    "deleted": events.MessageDeleted,
    "erased": events.MessageErased,
    "reaction": events.ReactionChanged,
    "mention": events.Mentioned,
    "topic": events.TopicChanged,
    "room_changed": events.RoomChanged,
    "role": events.RoleChanged,
    "invitation": events.RoomInvitation,
    "gap": events.Gap,
    "read": events.ReadMoved,
    "joined": events.Joined,
    "left": events.Left,
    "status": events.StatusChanged,
    "typing": events.UserTyping,
    "file_offer": events.FileOffered,
    "file_decline": events.FileDeclined,
    "file_accepted": events.FileAccepted,
    "file_upload": events.UploadStarted,
    "file_download": events.DownloadStarted,
    "file_progress": events.FileProgress,
    "file_done": events.FileDone,
    "file_failed": events.FileFailed,
    "broadcast": events.Announcement,
    "welcome": events.Welcome,
    "going_away": events.GoingAway,
}


class _Envelope(msgspec.Struct, gc=False):
    type: Literal["request"]
    action: str
    id: RequestId | None = None
    payload: msgspec.Raw = msgspec.Raw(b"{}")


class _LooseEnvelope(msgspec.Struct, gc=False):
    id: msgspec.Raw = msgspec.Raw(b"null")


class _Message(msgspec.Struct, gc=False):
    type: Literal["response", "error", "notification"]
    id: str | None = None
    event: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _Welcome(msgspec.Struct, gc=False):
    connection_id: str
    user: str | None  # null is told, too


_CHUNK: Final = Struct(">16sQ")  # the offer and the offset, before the bytes
_LARGEST: Final = 2**53 - 1  # as everywhere in JSON

_envelope: Final = msgspec.json.Decoder(_Envelope).decode
_loose_envelope: Final = msgspec.json.Decoder(_LooseEnvelope).decode
_request_id: Final = msgspec.json.Decoder(RequestId | None).decode
_message: Final = msgspec.json.Decoder(_Message).decode
_refusal: Final = msgspec.json.Decoder(Refusal).decode
_encode: Final = msgspec.json.Encoder().encode

_read_event: Final = {name: msgspec.json.Decoder(kind).decode for name, kind in EVENTS.items()}
_read_answer: Final[dict[str, list[Callable[[msgspec.Raw], Answer]]]] = {
    name: [msgspec.json.Decoder(answer).decode for answer in action.answers]
    for name, action in ACTIONS.items()
    if answers.Echoed not in action.answers
}

# The structs of `core` are tagged: their JSON begins with `{"type":"MessagePosted",`, which no data of this
# dialect has. Cutting it off costs less than copying the fields into a struct without a tag.
_TAGS: Final = {
    kind: len(b'{"type":"%b",' % kind.__name__.encode())
    for kind in (*EVENTS.values(), *(kind for action in ACTIONS.values() for kind in action.answers), Refusal)
}
_OWN_EVENTS: Final = (events.Announcement, events.Welcome)
_OWN_ANSWERS: Final = frozenset(
    {
        Refusal,
        answers.Echoed,
        answers.RoomLeft,
        answers.LoggedOut,
        answers.PasswordSet,
        answers.Ponged,
        answers.Done,
        answers.Farewell,
    }
)


class WebSocketJson:
    """The codec. `random(n)` gives n random bytes; the ids of notifications begin with some of them."""

    def __init__(self, random: Callable[[int], bytes] = os.urandom) -> None:
        # RFC 9562 §5.8: a UUIDv8 is ours to fill, but for version and variant. Here: 74 random bits that
        # tell processes apart, and a counter of 48 bits: no system call per notification.
        noise = int.from_bytes(random(10), "big")
        head = f"{noise >> 48:08x}-{noise >> 32 & 0xFFFF:04x}-8{noise >> 20 & 0xFFF:03x}"
        prefix = f"{head}-{0x8000 | noise & 0x3FFF:04x}-"
        self._count = itertools.count().__next__
        self._templates = {
            kind: (
                f'{{"id":"{prefix}%012x","type":"notification","event":"{name}","data":{{%b}}'.encode(),
                _TAGS[kind],
            )
            for name, kind in EVENTS.items()
            if kind not in _OWN_EVENTS
        }
        self._broadcast, self._welcome = (
            f'{{"id":"{prefix}%012x","type":"notification","event":"{name}","data":%b}}'.encode()
            for name in ("broadcast", "welcome")
        )

    def decode(self, frame: Frame, named: bool) -> Request | bytes | None:
        """Server: a request, or, in a binary message, bytes of a file. Control frames bring nothing."""
        if frame.kind != TEXT:
            return _not_text(frame, named)
        try:
            envelope = _envelope(frame.payload)
        except UNREADABLE as error:
            return _broken(frame.payload, error)
        action = envelope.action
        row = ACTIONS.get(action)
        if row is None:
            return Request(Refusal(Code.UNKNOWN_ACTION, "unknown action"), envelope.id)
        try:
            return Request(row.command(envelope.payload, envelope.id), envelope.id, action)
        except UNREADABLE as error:
            return Request(of_json(error, "payload"), envelope.id, action)

    def encode_answer(self, request: Request, answer: Answer) -> bytes:
        """Server: a response, or an error; b"" for bytes of a file that were taken."""
        id = b"null" if request.id is None else _encode(request.id)
        kind = type(answer)
        if kind in _OWN_ANSWERS:
            if kind is not Refusal and type(request.command) is file_commands.SendChunk:
                return b""
            return _own_answer(id, answer)
        return b'{"id":%b,"type":"response","data":{%b}' % (id, _encode(answer)[_TAGS[kind] :])

    def encode_event(self, event: Event, own: bool = False) -> bytes:  # noqa: ARG002 - all are told alike here
        """Server: a notification; of FileData the payload of a binary message.

        b"" for Alive, since a WebSocket pings by a frame of its own.
        """
        found = self._templates.get(type(event))
        if found is None:
            return self._own_event(event)
        template, tag = found
        return template % (self._count(), _encode(event)[tag:])

    def encode_command(self, command: Command, id: str | None = None) -> bytes:
        """Client: a request; of SendChunk the payload of a binary message, which has no id.

        The id of a message is that of its request, and goes before `id`. Raises ValueError for a command that
        this dialect has no action for.
        """
        if isinstance(command, file_commands.SendChunk):
            return _binary(command)
        id = request_id(command, id)
        action, payload = spell(command)
        return b'{"id":%b,"type":"request","action":"%b","payload":%b}' % (
            _encode(id),
            action.encode(),
            payload,
        )

    def decode_message(self, payload: bytes, actions: Mapping[str, str] | None = None) -> Event | Reply:
        """Client: a notification, response or error, in a text message; ValueError for anything else.

        A response does not say what it answers. `actions` (request id → action, as they were sent) does;
        a response that it does not know is an Echoed, whose payload is the data as it came.
        """
        try:
            message = _message(payload)
            if message.type == "notification":
                if message.event == "broadcast":
                    return events.Announcement("", message.data)
                return _read_event[message.event](message.data)
            if message.type == "error":
                return Reply(_refusal(message.data), message.id)
            action = (actions or {}).get(message.id or "", "")
            readers = _read_answer.get(action)
            answer = answers.Echoed(message.data) if readers is None else _first(readers, message.data)
        except KeyError as error:
            raise ValueError(f"no such event: {error}") from error
        except RecursionError as error:
            raise ValueError("the JSON is nested too deep") from error
        return Reply(answer, message.id, action)

    def decode_binary(self, payload: bytes) -> events.FileData:
        """Client: bytes of a file, in a binary message; ValueError for anything else.

        `last` is not in it: where a file ends, its size says.
        """
        chunk = _chunk(payload)
        if isinstance(chunk, Refusal):
            raise ValueError(chunk.message)
        return events.FileData(chunk.offer, chunk.offset, chunk.data)

    def _own_event(self, event: Event) -> bytes:
        match event:
            case events.Announcement(_, payload):
                return self._broadcast % (self._count(), bytes(payload))
            case events.Welcome(connection_id, user):
                return self._welcome % (self._count(), _encode(_Welcome(connection_id, user)))
            case events.FileData():
                return _binary(event)
            case _:
                return b""


def _first(readers: list[Callable[[msgspec.Raw], Answer]], data: msgspec.Raw) -> Answer:
    """As the first type of answer that it fits."""
    for read in readers[:-1]:
        try:
            return read(data)
        except msgspec.ValidationError:
            continue
    return readers[-1](data)


def answer_data(answer: Answer) -> bytes:
    """What an answer tells, or a refusal, without the envelope: HTTP has one of its own."""
    kind = type(answer)
    if kind in _OWN_ANSWERS and kind is not Refusal:
        return _own_data(answer)
    return b"{" + _encode(answer)[_TAGS[kind] :]


def _own_answer(id: bytes, answer: Answer) -> bytes:
    """An answer whose data are not its members."""
    if type(answer) is Refusal:
        data = answer_data(answer)
        return b'{"id":%b,"type":"error","data":%b,"error":%b}' % (id, data, data)
    return b'{"id":%b,"type":"response","data":%b}' % (id, _own_data(answer))


def _own_data(answer: Answer) -> bytes:
    match answer:
        case answers.Echoed(payload):
            return bytes(payload)
        case answers.RoomLeft(room):  # the rest is for those who are in one room only
            return b'{"room":%b}' % _encode(room)
        case _:
            return b"{}"


def _binary(chunk: file_commands.SendChunk | events.FileData) -> bytes:
    if len(chunk.offer) != OFFER_DIGITS:
        raise ValueError(f"no offer: {chunk.offer!r}")
    return _CHUNK.pack(bytes.fromhex(chunk.offer), chunk.offset) + chunk.data


def _chunk(payload: bytes) -> file_commands.SendChunk | Refusal:
    if len(payload) < _CHUNK.size:
        message = f"A binary message begins with {_CHUNK.size} bytes: those of the offer, and the offset."
        return Refusal(Code.BAD_REQUEST, message)
    offer, offset = _CHUNK.unpack_from(payload)
    if offset > _LARGEST:
        return Refusal(Code.BAD_REQUEST, "This number is too large.", "offset")
    return file_commands.SendChunk(offer.hex(), offset, payload[_CHUNK.size :])


def _not_text(frame: Frame, named: bool) -> Request | None:
    if frame.kind == BINARY:
        return Request(_chunk(frame.payload))
    if frame.kind in (TOO_LONG, FAILED):
        return Request(of_frame(frame, named))
    return None


def _broken(payload: bytes, error: Exception) -> Request:
    """The refusal of an envelope, with the id if that much can be read."""
    try:
        id = _request_id(_loose_envelope(payload).id)
    except UNREADABLE:
        id = None
    return Request(of_json(error), id)


websocket_json: Final = WebSocketJson()
