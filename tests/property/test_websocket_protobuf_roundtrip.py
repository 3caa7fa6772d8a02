"""decode(encode(x)) == x in the Protobuf dialect; and no bytes make its codec raise, or the WebSocket's."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hubbub.core import answers, commands, events
from hubbub.core.answers import Answer
from hubbub.core.commands import Command
from hubbub.core.errors import Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import BINARY, TEXT, Frame
from hubbub.wire import message_pb2 as pb
from hubbub.wire.codec import Codec, Reply, Request
from hubbub.wire.json_actions import ACTIONS
from hubbub.wire.protobuf import protobuf
from hubbub.wire.protobuf_tables import ROOM_VERBS
from hubbub.wire.refusals import of_json
from hubbub.wire.websocket_json import websocket_json
from property.anything import ID, JSON, any_of, identified

GATEWAY = {commands.Echo, commands.Announce, commands.SendTo, commands.CountConnections}
GATEWAY_ANSWERS = {answers.Echoed, answers.Announced, answers.Connections, answers.Farewell}


def decoded(codec: Codec, payload: bytes) -> Request:
    kind = TEXT if codec is websocket_json else BINARY
    request = codec.decode(Frame(kind, payload), named=True)
    assert isinstance(request, Request)
    return request


@given(any_of(Command, GATEWAY | {commands.Send, commands.Quit}), ID)
def test_protobuf_commands_return(command: Command, id: str | None) -> None:
    command, id = identified(command, id)
    if isinstance(command, commands.SetRoom) and command.private is None and command.retain_days is None:
        command = commands.GetRoom(command.room)  # nothing is to be set
    request = decoded(protobuf, protobuf.encode_command(command, id))
    if isinstance(command, commands.Login):
        by_name = command.username is not None and command.token is None
        command = msgspec.structs.replace(command, or_guest=by_name)
    assert (request.command, request.id, request.claimed_user_id) == (command, id, 0)


@given(any_of(Event, {events.Announcement, events.Welcome}))
def test_protobuf_events_return(event: Event) -> None:
    assert protobuf.decode_message(protobuf.encode_event(event)) == event


@given(any_of(Answer, GATEWAY_ANSWERS), ID, st.sampled_from(["MT_CHAT_MSG", "MT_LOGIN_REQUEST", *ROOM_VERBS]))
def test_protobuf_answers_return(answer: Answer, id: str | None, verb: str) -> None:
    if id is None and isinstance(answer, answers.Accepted | answers.Offered | answers.Done):
        assert protobuf.encode_answer(Request(commands.Ping(), None, verb), answer) == b""
        return
    if isinstance(answer, answers.RoomJoined | answers.RoomLeft):
        verb = "RA_JOIN" if isinstance(answer, answers.RoomJoined) else "RA_LEAVE"
    reply = protobuf.decode_message(protobuf.encode_answer(Request(commands.Ping(), id, verb), answer))
    assert isinstance(reply, Reply)
    assert (reply.answer, reply.id) == (answer, id)


@pytest.mark.parametrize("codec", [websocket_json, protobuf], ids=["websocket", "protobuf"])
@given(st.binary(max_size=200) | JSON.map(msgspec.json.encode))
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
        "id": JSON | st.just("q1"),
        "type": JSON | st.just("request"),
        "action": JSON | st.sampled_from(sorted(ACTIONS)),
        "payload": JSON
        | st.dictionaries(
            st.sampled_from(
                ["username", "content", "room", "to", "status", "topic", "connection_ids", "payload"]
            ),
            JSON,
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


@given(st.sampled_from(sorted(pb.MsgType.values())), st.binary(max_size=60), st.integers(1, 84))
def test_any_body_under_any_type_is_answered(kind: int, body: bytes, field: int) -> None:
    tag = field << 3 | 2
    head = bytes([tag]) if tag < 128 else bytes([tag & 127 | 128, tag >> 7])
    request = decoded(protobuf, b"\x08" + bytes([kind]) + head + bytes([len(body)]) + body)
    if isinstance(request.command, Refusal):
        reply = protobuf.decode_message(protobuf.encode_answer(request, request.command))
        assert isinstance(reply, Reply)
        assert reply.answer == request.command


@given(st.binary(max_size=100) | JSON.map(msgspec.json.encode))
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
