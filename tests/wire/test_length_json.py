from __future__ import annotations

import json
from typing import Any

import pytest

from hubbub.core import answers, commands, events, file_commands
from hubbub.core.answers import Answer, RoomView, UserView
from hubbub.core.commands import Command
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import BINARY, CLOSE, FAILED, PING, PONG, TOO_LONG, Frame
from hubbub.wire.codec import Reply, Request
from hubbub.wire.length_json import length_json

AT = "2025-01-01T00:00:00.000Z"
POSITION = {"stream": "room:1", "epoch": "e", "offset": 3, "at": AT}


def asked(payload: object) -> Request:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    decoded = length_json.decode(Frame(BINARY, raw), named=True)
    assert isinstance(decoded, Request)
    return decoded


def refused(payload: object) -> Refusal:
    command = asked(payload).command
    assert isinstance(command, Refusal), command
    return command


def told(answer: Answer, id: str | None = None) -> Any:
    encoded = length_json.encode_answer(Request(commands.Ping(), id), answer)
    return json.loads(encoded) if encoded else None


@pytest.mark.parametrize(
    ("request_", "command"),
    [
        ({"type": "Login", "username": "Alice"}, commands.Login("Alice")),
        ({"type": "Login", "username": "Alice", "password": "p"}, commands.Login("Alice", "p")),
        ({"type": "Login", "token": "t"}, commands.Login(token="t")),
        ({"type": "Broadcast", "content": "hi"}, commands.Publish("hi")),
        (
            {"type": "Broadcast", "content": "hi", "room": "den", "id": "1", "reply_to": 7},
            commands.Publish("hi", "den", "1", 7),
        ),
        ({"type": "Whisper", "to": "Bob", "content": "hi"}, commands.Whisper("Bob", "hi")),
        ({"type": "Whisper", "to": "Bob", "content": "hi", "id": "1"}, commands.Whisper("Bob", "hi", "1")),
        ({"type": "List"}, commands.ListUsers()),
        ({"type": "Presence", "status": "busy"}, commands.SetStatus("busy")),
        ({"type": "Rooms"}, commands.ListRooms()),
        ({"type": "Create", "room": "den"}, commands.CreateRoom("den")),
        ({"type": "Join", "room": "den"}, commands.JoinRoom("den")),
        ({"type": "Leave", "room": "den"}, commands.LeaveRoom("den")),
        ({"type": "Leave"}, commands.LeaveRoom()),
        ({"type": "Topic", "room": "den", "topic": "cats"}, commands.SetTopic("cats", "den")),
        ({"type": "Topic", "topic": ""}, commands.SetTopic("")),
        ({"type": "Topic", "room": "den"}, commands.GetTopic("den")),
        ({"type": "Topic", "room": "den", "topic": None}, commands.GetTopic("den")),
        ({"type": "Members", "room": "den"}, commands.ListMembers("den")),
        ({"type": "Typing", "room": "den"}, commands.Typing("den")),
        ({"type": "Ping"}, commands.Ping()),
        ({"type": "Pong"}, commands.Pong()),
        ({"type": "List", "later": {"a": [1]}}, commands.ListUsers()),
    ],
)
def test_requests(request_: dict[str, object], command: Command) -> None:
    request = asked(request_)
    assert (request.command, request.id, request.verb) == (command, request_.get("id"), request_["type"])


def test_a_request_is_an_object_in_any_order_and_spacing() -> None:
    assert asked(b' { "content" : "hi" ,\n"type":"Broadcast" } ').command == commands.Publish("hi")


@pytest.mark.parametrize("id", ["x", "x" * 64, "ü" * 64])
def test_an_id_comes_along(id: str) -> None:
    assert asked({"type": "List", "id": id}).id == id


@pytest.mark.parametrize("id", ["", "x" * 65, 7, ["x"], {}, True])
def test_an_id_is_a_string_of_1_to_64_characters(id: object) -> None:
    request = asked({"type": "List", "id": id})
    assert isinstance(request.command, Refusal)
    assert (request.command.code, request.command.field) == (Code.BAD_REQUEST, "id")
    assert (request.id, request.verb) == (None, "List")


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"type": "Broadcast", "id": "1"}, "content"),
        ({"type": "Broadcast", "content": 5, "id": "1"}, "content"),
        ({"type": "Broadcast", "content": "hi", "room": [], "id": "1"}, "room"),
        ({"type": "Broadcast", "content": "hi", "reply_to": 0, "id": "1"}, "reply_to"),
        ({"type": "Broadcast", "content": "hi", "reply_to": 2**53, "id": "1"}, "reply_to"),
        ({"type": "Broadcast", "content": "hi", "reply_to": 1.5, "id": "1"}, "reply_to"),
        ({"type": "Whisper", "content": "hi", "id": "1"}, "to"),
        ({"type": "Join", "id": "1"}, "room"),
        ({"type": "Join", "room": None, "id": "1"}, "room"),
        ({"type": "Presence", "status": "asleep", "id": "1"}, "status"),
        ({"type": "Login", "username": 5, "id": "1"}, "username"),
    ],
)
def test_a_wrong_field_is_named(request_: dict[str, object], field: str) -> None:
    request = asked(request_)
    assert isinstance(request.command, Refusal)
    assert (request.command.code, request.command.field) == (Code.BAD_REQUEST, field)
    assert (request.id, request.verb) == ("1", request_["type"])


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"nope",
        b"[]",
        b'"List"',
        b"null",
        b'{"type":"List"} {}',
        b'{"type":"List"',
        b'{"type":"List","x":NaN}',
        b'{"type":"Broadcast","content":"\\ud800"}',
        b'{"type":"Broadcast","content":"caf\xe9"}',
        b'{"type":"List","unknown":"caf\xe9"}',
        b'\xef\xbb\xbf{"type":"List"}',
        b'{"type":"List","x":' + b"[" * 100_000,
        b'{"type":"List","id":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 100_000,
    ],
)
def test_what_is_no_json_object_is_a_bad_request(payload: bytes) -> None:
    request = asked(payload)
    assert isinstance(request.command, Refusal)
    assert request.command.code is Code.BAD_REQUEST
    assert request.id is None


@pytest.mark.parametrize("request_", [{}, {"type": None}, {"type": 5}, {"id": "1"}])
def test_a_request_needs_a_type(request_: dict[str, object]) -> None:
    refusal = refused(request_)
    assert (refusal.code, refusal.field) == (Code.BAD_REQUEST, "type")
    assert asked(request_).id == request_.get("id")


def test_an_unknown_type_is_quoted_but_not_at_length() -> None:
    request = asked({"type": "Dance" * 100, "id": "1"})
    assert isinstance(request.command, Refusal)
    assert (request.command.code, request.id) == (Code.UNKNOWN_ACTION, "1")
    assert len(request.command.message) < 120


def test_frames_that_bring_no_payload() -> None:
    for named, limit in ((True, "limits.max_frame"), (False, "limits.max_frame_before_login")):
        for frame in (Frame(TOO_LONG, b"", 65_536), Frame(FAILED, b"too long", 1009)):
            request = length_json.decode(frame, named)
            assert isinstance(request, Request)
            assert isinstance(request.command, Refusal)
            assert (request.command.code, request.command.limit) == (Code.TOO_LARGE, limit)
    for kind in (PING, PONG, CLOSE):
        assert length_json.decode(Frame(kind, b"x"), named=True) is None


@pytest.mark.parametrize(
    ("answer", "object_"),
    [
        (
            answers.LoggedIn("Alice", 7, "t", "hubbub"),
            {"type": "Welcome", "username": "Alice", "user_id": 7, "token": "t", "server": "hubbub"},
        ),
        (
            answers.UserList([UserView("Alice", 7, "online"), UserView("Bob", 8, "away")]),
            {"type": "UserList", "users": ["Alice", "Bob"]},
        ),
        (
            answers.RoomList([RoomView("den", "cats", 3)]),
            {"type": "RoomList", "rooms": [{"room": "den", "topic": "cats", "members": 3}]},
        ),
        (
            answers.RoomJoined("den", "room:1", "e", 3, 2, "cats", True),
            {
                "type": "Joined",
                "room": "den",
                "stream": "room:1",
                "epoch": "e",
                "offset": 3,
                "members": 2,
                "topic": "cats",
                "created": True,
            },
        ),
        (answers.RoomLeft("den", "lobby", 3), {"type": "Left", "room": "den"}),
        (answers.TopicSet("den", "cats"), {"type": "Topic", "room": "den", "topic": "cats"}),
        (
            answers.MemberList("den", 9, [UserView("Alice", 7, "online")]),
            {"type": "Members", "room": "den", "count": 9, "users": ["Alice"]},
        ),
        (
            answers.MemberList("den", 2, [UserView("Al", 7, "online", "owner"), UserView("Bo", 8, "away")]),
            {"type": "Members", "room": "den", "count": 2, "users": ["Al", "Bo"], "roles": {"Al": "owner"}},
        ),
        (answers.StatusSet("away"), {"type": "Presence", "status": "away"}),
        (answers.Ponged(), {"type": "Pong"}),
        (
            Refusal(Code.NOT_FOUND, "User 'Bob' not found.", "to"),
            {"type": "Error", "msg": "User 'Bob' not found.", "code": "not_found", "field": "to"},
        ),
        (
            Refusal(Code.RATE_LIMITED, "Slow down.", None, "limits.message_rate", 0.5),
            {
                "type": "Error",
                "msg": "Slow down.",
                "code": "rate_limited",
                "limit": "limits.message_rate",
                "retry_after": 0.5,
            },
        ),
    ],
)
def test_answers(answer: Answer, object_: dict[str, object]) -> None:
    assert told(answer) == object_
    assert told(answer, 'i"d') == {**object_, "id": 'i"d'}


def test_a_message_is_acknowledged_where_it_had_an_id() -> None:
    kept = answers.Accepted("1", "room:1", "e", 3, "2025-01-01T00:00:00.000Z")
    assert told(kept, "1") == {"type": "Ack", "id": "1", **POSITION}
    assert length_json.encode_answer(Request(commands.Publish("hi"), "1"), kept).count(b'"id"') == 1
    assert told(kept) is None


def test_what_is_done_is_confirmed_where_it_had_an_id() -> None:
    assert told(answers.Done(), "1") == {"type": "Ok", "id": "1"}
    assert told(answers.Done()) is None


def test_an_offer_is_confirmed_where_it_had_an_id() -> None:
    offered = answers.Offered("0" * 32)
    assert told(offered, "1") == {"type": "Offered", "id": "1", "offer": "0" * 32, "keep": False}
    assert told(offered) is None


def test_bytes_of_a_file_are_in_no_frame() -> None:
    assert length_json.encode_event(events.FileData("0" * 32, 0, b"x", last=True)) == b""
    with pytest.raises(ValueError, match="SendChunk"):
        length_json.encode_command(file_commands.SendChunk("0" * 32, 0, b"x"))


def test_answers_of_other_dialects_are_nothing_here() -> None:
    assert told(answers.Connections(3), "1") is None


@pytest.mark.parametrize(
    ("event", "object_"),
    [
        (
            events.MessagePosted("Alice", 7, "den", "hi", "1", "room:1", "e", 3, AT),
            {
                "type": "NewMessage",
                "from": "Alice",
                "from_id": 7,
                "room": "den",
                "content": "hi",
                "id": "1",
                **POSITION,
            },
        ),
        (
            events.WhisperPosted("Alice", 7, "Bob", 8, "hi", "1", "room:1", "e", 3, AT),
            {
                "type": "PrivateMessage",
                "from": "Alice",
                "from_id": 7,
                "to": "Bob",
                "to_id": 8,
                "content": "hi",
                "id": "1",
                **POSITION,
            },
        ),
        (
            events.TopicChanged("Alice", 7, "den", "cats", "room:1", "e", 3, AT),
            {
                "type": "TopicChanged",
                "from": "Alice",
                "from_id": 7,
                "room": "den",
                "topic": "cats",
                **POSITION,
            },
        ),
        (
            events.Joined("Alice", 7, "den"),
            {"type": "UserJoined", "username": "Alice", "user_id": 7, "room": "den"},
        ),
        (
            events.Left("Alice", 7, "den"),
            {"type": "UserLeft", "username": "Alice", "user_id": 7, "room": "den"},
        ),
        (events.Left("Alice", 7), {"type": "UserLeft", "username": "Alice", "user_id": 7}),
        (
            events.StatusChanged("Alice", 7, "away"),
            {"type": "UserStatus", "username": "Alice", "user_id": 7, "status": "away"},
        ),
        (
            events.UserTyping("Alice", 7, "den"),
            {"type": "UserTyping", "username": "Alice", "user_id": 7, "room": "den"},
        ),
        (
            events.GoingAway("drain", 3.0),
            {"type": "GoingAway", "reason": "drain", "retry_after": 3.0},
        ),
        (events.GoingAway("replaced"), {"type": "GoingAway", "reason": "replaced"}),
        (events.Alive(), {"type": "Ping"}),
    ],
)
def test_events(event: Event, object_: dict[str, object]) -> None:
    assert json.loads(length_json.encode_event(event)) == object_
    assert length_json.encode_event(event, own=True) == length_json.encode_event(event)


def test_events_of_the_gateway_are_nothing_here() -> None:
    assert length_json.encode_event(events.Welcome("c1")) == b""


def test_a_reply_names_its_offset() -> None:
    event = events.MessagePosted("A", 7, "den", "hi", "1", "room:1", "e", 3, "2025-01-01T00:00:00Z", 2)
    assert json.loads(length_json.encode_event(event))["reply_to"] == 2


# -- the client's half


def test_the_id_of_a_message_is_that_of_its_request() -> None:
    assert length_json.encode_command(commands.Publish("hi"), "1") == (
        b'{"type":"Broadcast","id":"1","content":"hi"}'
    )
    assert length_json.encode_command(commands.Publish("hi", id="2"), "1") == (
        b'{"type":"Broadcast","id":"2","content":"hi"}'
    )


@pytest.mark.parametrize(
    "command", [commands.Send("#den", "x"), commands.CountConnections(), commands.Quit()]
)
def test_what_has_no_type_cannot_be_asked(command: Command) -> None:
    with pytest.raises(ValueError, match="no "):
        length_json.encode_command(command)


def test_answers_read_back_without_what_the_dialect_leaves_out() -> None:
    for answer in (
        answers.LoggedIn("Alice", 7, "t", "hubbub"),
        answers.Accepted("1", "room:1", "e", 3, "2025-01-01T00:00:00.000Z"),
        answers.UserList([UserView("Alice", 0, "online")]),
        answers.RoomList([RoomView("den", "cats", 3)]),
        answers.RoomJoined("den", "room:1", "e", 3, 2, "cats", True),
        answers.RoomLeft("den"),
        answers.TopicSet("den", "cats"),
        answers.MemberList("den", 9, [UserView("Alice", 0, "online")]),
        answers.MemberList("den", 9, [UserView("Alice", 0, "online", "moderator")]),
        answers.StatusSet("away"),
        answers.Ponged(),
        answers.Done(),
        Refusal(Code.RATE_LIMITED, "Slow down.", "f", "limits.message_rate", 0.5),
    ):
        encoded = length_json.encode_answer(Request(commands.Ping(), "1"), answer)
        reply = length_json.decode_message(encoded)
        assert isinstance(reply, Reply)
        assert (reply.answer, reply.id) == (answer, "1")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        b'{"type":[]}',
        b'{"type":"Dance"}',
        b'{"type":"NewMessage"}',
        b'{"type":"UserList","users":[5]}',
        b'{"type":"Error","msg":"x","code":"new"}',
        b'{"type":"Pong","id":5}',
        b'{"a":' * 100_000,
    ],
)
def test_what_no_server_sends_is_an_error(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        length_json.decode_message(payload)
