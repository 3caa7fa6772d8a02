"""decode(encode(x)) == x in the JSON dialects, for everything that they have a form for."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple, replace

from hubbub.core import answers, commands, events, file_commands
from hubbub.core.answers import Answer
from hubbub.core.commands import Command
from hubbub.core.errors import Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import BINARY, TEXT, Frame
from hubbub.wire.codec import Codec, Reply, Request
from hubbub.wire.json_actions import ACTIONS
from hubbub.wire.length_json import length_json
from hubbub.wire.ndjson import ndjson
from hubbub.wire.ndjson_commands import COMMANDS
from hubbub.wire.websocket_json import websocket_json
from property.anything import ID, any_of, identified

GATEWAY = {commands.Echo, commands.Announce, commands.SendTo, commands.CountConnections}
GATEWAY_EVENTS = {events.Announcement, events.Welcome}
GATEWAY_ANSWERS = {answers.Echoed, answers.Announced, answers.Connections}


def as_meant(command: Command, id: str | None) -> tuple[Command, str | None]:
    """What the other side reads, where it may say less."""
    command, id = identified(command, id)
    if isinstance(command, commands.SetRoom) and command.private is None and command.retain_days is None:
        command = commands.GetRoom(command.room)  # nothing is to be set
    if isinstance(command, commands.Login):
        command = commands.Login(*astuple(command)[:4])  # the rest is for other dialects
    return command, id


def decoded(codec: Codec, payload: bytes) -> Request:
    assert b"\n" not in payload
    request = codec.decode(Frame(TEXT, payload), named=True)
    assert isinstance(request, Request)
    return request


@given(any_of(Command, {commands.Send, commands.Pong, commands.Quit, file_commands.SendChunk}), ID)
def test_websocket_commands_return(command: Command, id: str | None) -> None:
    command, id = as_meant(command, id)
    request = decoded(websocket_json, websocket_json.encode_command(command, id))
    assert (request.command, request.id) == (command, id)
    assert request.verb in ACTIONS


@given(any_of(Command, GATEWAY | {commands.Send, commands.Quit, file_commands.SendChunk}), ID)
def test_length_json_commands_return(command: Command, id: str | None) -> None:
    command, id = as_meant(command, id)
    request = decoded(length_json, length_json.encode_command(command, id))
    assert (request.command, request.id) == (command, id)


@given(any_of(Command, GATEWAY | {commands.Pong, commands.Quit}), ID)
def test_ndjson_commands_return(command: Command, id: str | None) -> None:
    command, id = as_meant(command, id)
    request = decoded(ndjson, ndjson.encode_command(command, id))
    if isinstance(command, commands.Whisper):
        command = commands.Send(f"@{command.to}", command.content, id, command.reply_to, command.to_id)
    assert (request.command, request.id) == (command, id)


@given(any_of(Event, {*get_args(Event)} - {events.FileData}))
def test_bytes_of_a_file_return_in_binary_messages(data: events.FileData) -> None:
    payload = websocket_json.encode_event(data)
    sent = file_commands.SendChunk(data.offer, data.offset, data.data)
    assert websocket_json.encode_command(sent, "1") == payload  # the same in both directions
    assert websocket_json.decode_binary(payload) == replace(data, last=False)  # its size says where it ends
    assert websocket_json.decode(Frame(BINARY, payload), named=True) == Request(sent)


@given(any_of(Event, {events.Alive, events.FileData}))
def test_websocket_events_return(event: Event) -> None:
    if isinstance(event, events.Announcement):  # who sent it is not told
        event = events.Announcement("", event.payload)
    assert websocket_json.decode_message(websocket_json.encode_event(event)) == event


@pytest.mark.parametrize("codec", [length_json, ndjson], ids=["length", "ndjson"])
@given(event=any_of(Event, GATEWAY_EVENTS))
def test_json_events_return(codec: Codec, event: Event) -> None:
    encoded = codec.encode_event(event)
    if codec is length_json and isinstance(event, events.FileData):  # its bytes are in no frame
        assert not encoded
        return
    assert b"\n" not in encoded
    assert codec.decode_message(encoded) == event


@given(any_of(Answer, {answers.Farewell}), st.text(min_size=1, max_size=64))
def test_websocket_answers_return(answer: Answer, id: str) -> None:
    if isinstance(answer, answers.RoomLeft):  # the rest is for text
        answer = answers.RoomLeft(answer.room)
    verb = next((name for name, action in ACTIONS.items() if type(answer) in action.answers), "echo")
    payload = websocket_json.encode_answer(Request(commands.Ping(), id, verb), answer)
    assert websocket_json.decode_message(payload, {id: verb}) == Reply(answer, id, verb_of(answer, verb))


def verb_of(answer: Answer, verb: str) -> str:
    """An error does not say what it answers."""
    return "" if isinstance(answer, Refusal) else verb


@given(any_of(Answer, {*GATEWAY_ANSWERS, answers.Farewell}), st.text(min_size=1, max_size=64))
def test_length_json_answers_return(answer: Answer, id: str) -> None:
    match answer:
        case answers.RoomLeft(room):  # the rest is for text
            answer = answers.RoomLeft(room)
        case answers.UserList(users):  # names only
            answer = answers.UserList([answers.UserView(user.username, 0, "online") for user in users])
        case answers.MemberList(room, count, users):
            roles = {user.username: user.role for user in users if user.role is not None}
            names = [answers.UserView(one.username, 0, "online", roles.get(one.username)) for one in users]
            answer = answers.MemberList(room, count, names)
    unnamed = length_json.encode_answer(Request(commands.Ping()), answer)
    assert bool(unnamed) != isinstance(answer, answers.Accepted | answers.Offered | answers.Done)
    reply = length_json.decode_message(length_json.encode_answer(Request(commands.Ping(), id), answer))
    assert isinstance(reply, Reply)
    assert reply.answer == answer
    assert reply.id == (answer.id if isinstance(answer, answers.Accepted) else id)


ANSWERED = [(verb, kind) for verb, (_, kinds) in COMMANDS.items() for kind in kinds]


@given(
    st.sampled_from(ANSWERED).flatmap(lambda row: st.tuples(st.just(row[0]), any_of(row[1] | Refusal))), ID
)
def test_ndjson_answers_return(told: tuple[str, Answer], id: str | None) -> None:
    verb, answer = told
    if isinstance(answer, answers.RoomLeft):  # the rest is for text
        answer = answers.RoomLeft(answer.room)
    encoded = ndjson.encode_answer(Request(commands.Ping(), id, verb), answer)
    assert b"\n" not in encoded
    assert ndjson.decode_message(encoded) == Reply(answer, id, verb)
