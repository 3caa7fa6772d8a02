"""decode(encode(x)) == x in the WebSocket and the Protobuf dialect, and no bytes make a codec raise."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Literal, get_args, get_origin

import msgspec
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hubbub.core import answers, commands, events
from hubbub.core.answers import Answer
from hubbub.core.commands import Command
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import BINARY, TEXT, Frame
from hubbub.wire import message_pb2 as pb
from hubbub.wire.codec import Codec, Reply, Request
from hubbub.wire.json_actions import ACTIONS
from hubbub.wire.protobuf import protobuf
from hubbub.wire.protobuf_requests import IDENTIFIED
from hubbub.wire.protobuf_tables import ROOM_VERBS
from hubbub.wire.refusals import of_json
from hubbub.wire.websocket_json import websocket_json

_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=5,
)
_seconds = st.floats(0, 1e6).filter(math.isfinite)


def _value(wanted: object) -> st.SearchStrategy[object]:
    """Values of a field's type. Numbers are ids, offsets and counts: 1 … 2^53 - 1."""
    if wanted is str:
        return _text
    if wanted is int:
        return st.integers(1, 2**53 - 1)
    if wanted is float:
        return _seconds
    if wanted is bool or wanted is Code:
        return st.booleans() if wanted is bool else st.sampled_from(Code)
    if wanted is type(None):
        return st.none()
    if wanted is msgspec.Raw:
        return _json.map(lambda value: msgspec.Raw(msgspec.json.encode(value)))
    if get_origin(wanted) is Literal:
        return st.sampled_from(get_args(wanted))
    if get_origin(wanted) is list:
        return st.lists(_value(get_args(wanted)[0]), max_size=3)
    if get_origin(wanted) is dict:
        return st.dictionaries(_text, _value(get_args(wanted)[1]), max_size=3)
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        return _struct(wanted)
    return st.one_of([_value(option) for option in get_args(wanted)])


def _struct(kind: type[msgspec.Struct]) -> st.SearchStrategy[msgspec.Struct]:
    fields = {field.name: _value(field.type) for field in msgspec.structs.fields(kind)}
    return st.fixed_dictionaries(fields).map(lambda values: kind(**values))


def _any_of(union: object, but: Collection[object] = ()) -> st.SearchStrategy[object]:
    return st.one_of([_struct(kind) for kind in get_args(union) if kind not in but])


GATEWAY = {commands.Echo, commands.Announce, commands.SendTo, commands.CountConnections}
GATEWAY_ANSWERS = {answers.Echoed, answers.Announced, answers.Connections, answers.Farewell}
ID = st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64)


def identified(command: Command, id: str | None) -> tuple[Command, str | None]:
    """A command as the other side gets it: a message's id is that of its request."""
    if isinstance(command, IDENTIFIED):
        id = command.id[:64] if command.id is not None else id
        return msgspec.structs.replace(command, id=id), id
    return command, id


def decoded(codec: Codec, payload: bytes) -> Request:
    kind = TEXT if codec is websocket_json else BINARY
    request = codec.decode(Frame(kind, payload), named=True)
    assert isinstance(request, Request)
    return request


@given(_any_of(Command, {commands.Send, commands.Pong, commands.Quit}), ID)
def test_websocket_commands_return(command: Command, id: str | None) -> None:
    command, id = identified(command, id)
    request = decoded(websocket_json, websocket_json.encode_command(command, id))
    assert (request.command, request.id) == (command, id)
    assert request.verb in ACTIONS


@given(_any_of(Command, GATEWAY | {commands.Send, commands.Quit}), ID)
def test_protobuf_commands_return(command: Command, id: str | None) -> None:
    command, id = identified(command, id)
    if isinstance(command, commands.SetRoom) and command.private is None and command.retain_days is None:
        command = commands.GetRoom(command.room)  # nothing is to be set
    request = decoded(protobuf, protobuf.encode_command(command, id))
    assert (request.command, request.id, request.claimed_user_id) == (command, id, 0)


@given(_any_of(Event, {events.Alive}))
def test_websocket_events_return(event: Event) -> None:
    if isinstance(event, events.Announcement):  # who sent it is not told
        event = events.Announcement("", event.payload)
    assert websocket_json.decode_message(websocket_json.encode_event(event)) == event


@given(_any_of(Event, {events.Announcement, events.Welcome}))
def test_protobuf_events_return(event: Event) -> None:
    assert protobuf.decode_message(protobuf.encode_event(event)) == event


@given(_any_of(Answer, {answers.Farewell}), ID)
def test_websocket_answers_return(answer: Answer, id: str | None) -> None:
    assume(id is not None or isinstance(answer, Refusal | answers.Echoed))
    if isinstance(answer, answers.RoomLeft):  # the rest is for text
        answer = answers.RoomLeft(answer.room)
    verb = next((name for name, action in ACTIONS.items() if action.answer is type(answer)), "echo")
    payload = websocket_json.encode_answer(Request(commands.Ping(), id, verb), answer)
    reply = websocket_json.decode_message(payload, {id: verb} if id is not None else {})
    assert isinstance(reply, Reply)
    assert (reply.answer, reply.id) == (answer, id)


@given(
    _any_of(Answer, GATEWAY_ANSWERS), ID, st.sampled_from(["MT_CHAT_MSG", "MT_LOGIN_REQUEST", *ROOM_VERBS])
)
def test_protobuf_answers_return(answer: Answer, id: str | None, verb: str) -> None:
    if id is None and isinstance(answer, answers.Accepted | answers.Done):
        assert protobuf.encode_answer(Request(commands.Ping(), None, verb), answer) == b""
        return
    if isinstance(answer, answers.RoomJoined | answers.RoomLeft):
        verb = "RA_JOIN" if isinstance(answer, answers.RoomJoined) else "RA_LEAVE"
    reply = protobuf.decode_message(protobuf.encode_answer(Request(commands.Ping(), id, verb), answer))
    assert isinstance(reply, Reply)
    assert (reply.answer, reply.id) == (answer, id)


@pytest.mark.parametrize("codec", [websocket_json, protobuf], ids=["websocket", "protobuf"])
@given(st.binary(max_size=200) | _json.map(msgspec.json.encode))
@example(b"")
@example(b'{"a":' * 100_000)
@example(b"\x0b" * 100_000)
def test_any_bytes_are_answered(codec: Codec, payload: bytes) -> None:
    request = decoded(codec, payload)
    if isinstance(request.command, Refusal):
        assert codec.encode_answer(request, request.command)


_ENVELOPE = st.fixed_dictionaries(
    {},
    optional={
        "id": _json | st.just("q1"),
        "type": _json | st.just("request"),
        "action": _json | st.sampled_from(sorted(ACTIONS)),
        "payload": _json
        | st.dictionaries(
            st.sampled_from(
                ["username", "content", "room", "to", "status", "topic", "connection_ids", "payload"]
            ),
            _json,
            max_size=4,
        ),
    },
)


@given(_ENVELOPE)
def test_any_envelope_is_answered_in_json(envelope: dict[str, object]) -> None:
    request = decoded(websocket_json, msgspec.json.encode(envelope))
    if isinstance(request.command, Refusal):
        answer = msgspec.json.decode(websocket_json.encode_answer(request, request.command))
        assert answer["data"] == answer["error"]
        assert answer["id"] in (None, envelope.get("id"))


@given(st.sampled_from(sorted(pb.MsgType.values())), st.binary(max_size=60), st.integers(1, 66))
def test_any_body_under_any_type_is_answered(kind: int, body: bytes, field: int) -> None:
    tag = field << 3 | 2
    head = bytes([tag]) if tag < 128 else bytes([tag & 127 | 128, tag >> 7])
    request = decoded(protobuf, b"\x08" + bytes([kind]) + head + bytes([len(body)]) + body)
    if isinstance(request.command, Refusal):
        reply = protobuf.decode_message(protobuf.encode_answer(request, request.command))
        assert isinstance(reply, Reply)
        assert reply.answer == request.command


@given(st.binary(max_size=100) | _json.map(msgspec.json.encode))
def test_a_client_gets_nothing_but_value_errors(payload: bytes) -> None:
    for codec in (websocket_json, protobuf):
        try:
            told = codec.decode_message(payload)
        except ValueError:
            continue
        assert type(told) in (Reply, *get_args(Event))


@given(st.text(max_size=300))
def test_a_refusal_is_short_and_names_a_field_of_ours(status: str) -> None:
    value = msgspec.json.encode({"status": status})
    try:
        msgspec.json.decode(value, type=ACTIONS["presence"].payload)
    except msgspec.ValidationError as error:
        told = of_json(error, "payload")
        assert told.field == "status"
        assert len(told.message) < 300
    else:
        assert status in get_args(commands.Status)
