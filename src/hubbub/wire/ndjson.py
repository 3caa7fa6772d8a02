"""The NDJSON dialect: one object a line, told apart by its `command`.

A request is `{"command","id","headers","payload","hmac"}`, its answer `{"command","id","status","payload"}`;
where status is not 2xx, `"error":{"code","message",…}` stands in place of the payload. What comes unasked
is `{"command","payload"}`, without `id` and `status`. Described in `docs/protocol.md`.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec.structs import astuple, replace

from hubbub.core import commands, file_commands
from hubbub.core.answers import Accepted, Answer, Done
from hubbub.core.commands import Command
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import BINARY, FAILED, TEXT, TOO_LONG, Frame
from hubbub.wire.codec import Reply, Request, Signature
from hubbub.wire.json_actions import ACTIONS, request_id, spell
from hubbub.wire.json_payloads import Offset, RequestId
from hubbub.wire.json_shapes import UNREAD, check_utf8, encode, id_or_none, members, text_or_none
from hubbub.wire.ndjson_commands import (
    ACTION_OF_COMMAND,
    COMMANDS,
    EVENTS,
    RENAMED,
    TEXT_NAMES,
    AuthLoginPayload,
    AuthRegisterPayload,
    FileChunkPayload,
    MessageEditPayload,
    SendPayload,
    answer_payload,
    event_payload,
    sent_payload,
)
from hubbub.wire.refusals import UNREADABLE, of_frame, of_json

_MAX_QUOTED: Final = 64  # characters of an unknown command that its refusal repeats


class _Headers(msgspec.Struct, gc=False):
    token: str | None = None  # read, and of no effect: a connection is logged in, not a request
    seq: Offset | None = None


class _Envelope(msgspec.Struct, gc=False):
    command: str
    id: RequestId | None = None
    headers: _Headers | None = None
    payload: msgspec.Raw = msgspec.Raw(b"{}")
    hmac: str | None = None


class _LooseEnvelope(msgspec.Struct, gc=False):
    command: msgspec.Raw = UNREAD
    id: msgspec.Raw = UNREAD


_read_login: Final = msgspec.json.Decoder(AuthLoginPayload).decode
_read_register: Final = msgspec.json.Decoder(AuthRegisterPayload).decode
_read_send: Final = msgspec.json.Decoder(SendPayload).decode
_read_edit: Final = msgspec.json.Decoder(MessageEditPayload).decode
_read_chunk: Final = msgspec.json.Decoder(FileChunkPayload).decode
_envelope: Final = msgspec.json.Decoder(_Envelope).decode
_loose_envelope: Final = msgspec.json.Decoder(_LooseEnvelope).decode
_start_of_event: Final = {
    kind: b'{"command":"%b","payload":' % name.encode() for name, kind in EVENTS.items()
}
_command_of_action: Final = {
    "login": "auth/login",
    "register": "auth/register",
    **{action: command for command, action in ACTION_OF_COMMAND.items()},
}


class Ndjson:
    """The codec of newline-delimited JSON."""

    def decode(self, frame: Frame, named: bool) -> Request | bytes | None:
        """Server: a request."""
        if frame.kind in (TOO_LONG, FAILED):
            return Request(of_frame(frame, named))
        if frame.kind not in (TEXT, BINARY):
            return None
        try:
            check_utf8(frame.payload)
            envelope = _envelope(frame.payload)
        except UNREADABLE as error:
            return _broken(frame.payload, error)
        verb, id = envelope.command, envelope.id
        if verb not in COMMANDS:
            unknown = f"There is no command '{verb[:_MAX_QUOTED]}'."
            refusal = Refusal(Code.UNKNOWN_ACTION, unknown, field="command")
            return Request(refusal, id, verb[:_MAX_QUOTED])
        try:
            request = _request(verb, id, envelope.payload)
        except UNREADABLE as error:
            return Request(of_json(error, "payload"), id, verb)
        if envelope.hmac is not None:
            seq = envelope.headers.seq if envelope.headers is not None else None
            return replace(request, signature=Signature(envelope.hmac, seq, frame.payload))
        return request

    def encode_answer(self, request: Request, answer: Answer) -> bytes:
        """Server: an answer; b"" where bytes of a file were taken that had no id.

        `command` and `id` are null where they could not be read.
        """
        if request.id is None and type(request.command) is file_commands.SendChunk and type(answer) is Done:
            return b""
        start = b'{"command":%b,"id":%b,"status":' % (encode(request.verb or None), encode(request.id))
        if isinstance(answer, Refusal):
            if request.verb in ("message/send", "message/edit"):
                answer = _with_own_field(answer, request.command)
            return start + b'%d,"error":{%b}' % (answer.code.status, members(answer)[1:])
        if isinstance(answer, Accepted) and request.verb == "message/send":
            return start + b'200,"payload":%b}' % sent_payload(answer, request.label)
        return start + b'200,"payload":%b}' % answer_payload(answer, request.signing_key)

    def encode_event(self, event: Event, own: bool = False) -> bytes:  # noqa: ARG002 - all are told alike here
        """Server: a push; b"" for events of the gateway."""
        start = _start_of_event.get(type(event))
        return b"" if start is None else start + event_payload(event) + b"}"

    def encode_command(self, command: Command, id: str | None = None) -> bytes:
        """Client: a request. The id of a message is that of its request, and goes before `id`.

        A Whisper goes out as a Send to `@name`, a Pong as the heartbeat that it answers.
        Raises ValueError for a command that this dialect has no form for.
        """
        id = request_id(command, id)
        match command:
            case commands.Publish(content, room, _, reply_to):
                verb, payload = "message/send", encode(SendPayload(content, None, room, reply_to))
            case commands.Send(target, content, _, reply_to, to_id):
                verb, payload = "message/send", encode(SendPayload(content, target, None, reply_to, to_id))
            case commands.Whisper(to, content, _, reply_to, to_id):
                return self.encode_command(commands.Send(f"@{to}", content, id, reply_to, to_id), id)
            case commands.Edit(content, stream, target):
                payload = encode(MessageEditPayload(stream, target, text=content))
                verb = "message/edit"
            case file_commands.SendChunk(offer, offset, data, last):
                verb, payload = "file/chunk", encode(FileChunkPayload(offer, offset, data, last))
            case commands.Pong():
                verb, payload = "heartbeat", b"{}"
            case _:
                action, payload = spell(command)
                if action not in _command_of_action:
                    raise ValueError(f"no command of the NDJSON dialect: {action}")
                verb = _command_of_action[action]
        return b'{"command":"%b","id":%b,"payload":%b}' % (verb.encode(), encode(id), payload)

    def decode_message(self, payload: bytes) -> Event | Reply:
        """Client: a push or an answer; ValueError for anything else."""
        try:
            told = msgspec.json.decode(payload, type=dict[str, Any])
        except RecursionError as error:
            raise ValueError("the JSON is nested too deep") from error
        verb = msgspec.convert(told.get("command"), str | None) or ""
        body = msgspec.convert(told.get("payload", {}), dict[str, Any])
        label = msgspec.convert(body.get("conversation_id"), str | None)
        _rename(body, RENAMED.get(verb, {}))
        if "status" not in told:
            if verb not in EVENTS:
                raise ValueError(f"no event of the NDJSON dialect: {verb!r}")
            return msgspec.convert(body, EVENTS[verb])
        id = msgspec.convert(told.get("id"), str | None)
        if "error" in told:
            return Reply(msgspec.convert(told["error"], Refusal), id, verb)
        if verb not in COMMANDS:
            raise ValueError(f"no command of the NDJSON dialect: {verb!r}")
        if verb in ("message/history", "message/search"):
            body["messages"] = messages = msgspec.convert(body.get("messages"), list[dict[str, Any]])
            for message in messages:
                _rename(message, TEXT_NAMES)
        return Reply(_first(body, COMMANDS[verb][1]), id, verb, label)


def _rename(body: dict[str, Any], names: dict[str, str]) -> None:
    for name, here in names.items():
        if here in body:
            body[name] = body.pop(here)


def _first(body: dict[str, Any], kinds: tuple[type[Answer], ...]) -> Answer:
    """As the first type of answer that it fits."""
    for kind in kinds[:-1]:
        try:
            return msgspec.convert(body, kind)
        except msgspec.ValidationError:
            continue
    return msgspec.convert(body, kinds[-1])


def _send(payload: SendPayload, id: str | None) -> Command:
    if payload.target_id is not None:
        return commands.Send(payload.target_id, payload.text, id, payload.reply_to, payload.to_id)
    if payload.to_id is not None:  # read as said to a room, it would be told to all
        raise msgspec.ValidationError("Without `target_id` it is for nobody - at `$.to_id`")
    return commands.Publish(payload.text, payload.conversation_id, id, payload.reply_to)


def _with_own_field(refusal: Refusal, command: Command | Refusal) -> Refusal:
    """With `field` as `message/send` calls it, where `core` names a part of the message."""
    match refusal.field:
        case "content":
            return replace(refusal, field="text")
        case "to":
            return replace(refusal, field="target_id")
        case "room":
            named = "target_id" if isinstance(command, commands.Send) else "conversation_id"
            return replace(refusal, field=named)
        case _:
            return refusal


def _request(verb: str, id: str | None, payload: msgspec.Raw) -> Request:
    """A request of a command that there is. Raises what is in `UNREADABLE` for a payload that is not."""
    match verb:
        case "message/send":
            send = _read_send(payload)
            return Request(_send(send, id), id, verb, send.conversation_id)
        case "message/edit":
            edit = _read_edit(payload)
            return Request(commands.Edit(edit.text, edit.stream, edit.offset, id), id, verb)
        case "file/chunk":
            chunk = _read_chunk(payload)
            sent = file_commands.SendChunk(chunk.offer, chunk.offset, chunk.data, chunk.last)
            return Request(sent, id, verb)
        case "auth/login":
            name, password, token, digest, hmac = astuple(_read_login(payload))
            command: Command = commands.Login(name, password, token, digest)
            return Request(command, id, verb, signing_key="" if hmac else None)
        case "auth/register":
            name, password, digest, hmac = astuple(_read_register(payload))
            command = commands.Register(name, password, digest)
            return Request(command, id, verb, signing_key="" if hmac else None)
    row = ACTIONS[ACTION_OF_COMMAND[verb]]
    return Request(row.command(payload, id), id, verb)


def _broken(line: bytes, error: Exception) -> Request:
    """The refusal of what has no good envelope, with its id and command if that much can be read."""
    try:
        envelope = _loose_envelope(line)
    except UNREADABLE:
        return Request(of_json(error))
    verb = text_or_none(envelope.command) or ""
    return Request(of_json(error), id_or_none(envelope.id), verb[:_MAX_QUOTED])


ndjson: Final = Ndjson()
