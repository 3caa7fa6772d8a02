from __future__ import annotations

import json
from typing import Any

import pytest

from hubbub.core import answers, commands, events, file_commands
from hubbub.core.answers import Answer, RoomView, UserView
from hubbub.core.commands import Command
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import CLOSE, FAILED, PING, PONG, TEXT, TOO_LONG, Frame
from hubbub.wire.codec import Reply, Request, Signature
from hubbub.wire.ndjson import ndjson
from hubbub.wire.ndjson_commands import MAX_LABEL

AT = "2025-01-01T00:00:00.000Z"
POSITION = {"stream": "room:1", "epoch": "e", "offset": 3, "at": AT}
SHA256 = "0123456789abcdefABCDEF" + "0" * 42


def asked(line: object) -> Request:
    raw = line if isinstance(line, bytes) else json.dumps(line).encode()
    decoded = ndjson.decode(Frame(TEXT, raw), named=True)
    assert isinstance(decoded, Request)
    return decoded


def request(command: str, **payload: object) -> Request:
    return asked({"command": command, "id": "1", "headers": {"token": "t"}, "payload": payload, "hmac": None})


def told(answer: Answer, asked: Request) -> Any:
    encoded = ndjson.encode_answer(asked, answer)
    assert b"\n" not in encoded
    return json.loads(encoded)


def refused(asked: Request) -> Any:
    assert isinstance(asked.command, Refusal), asked
    return told(asked.command, asked)


@pytest.mark.parametrize(
    ("verb", "payload", "command"),
    [
        ("auth/login", {"username": "Alice"}, commands.Login("Alice")),
        ("auth/login", {"username": "Alice", "password": "p"}, commands.Login("Alice", "p")),
        (
            "auth/login",
            {"username": "Alice", "password_sha256": SHA256},
            commands.Login("Alice", None, None, SHA256),
        ),
        ("auth/login", {"token": "t", "hmac": False}, commands.Login(token="t")),
        ("message/send", {"text": "hi"}, commands.Publish("hi", id="1")),
        ("message/send", {"text": ""}, commands.Publish("", id="1")),
        ("message/send", {"text": "hi", "conversation_id": "den"}, commands.Publish("hi", "den", "1")),
        (
            "message/send",
            {"text": "hi", "conversation_id": "den", "reply_to": 7},
            commands.Publish("hi", "den", "1", 7),
        ),
        (
            "message/send",
            {"text": "hi", "conversation_id": "c-1", "target_id": "Bob"},
            commands.Send("Bob", "hi", "1"),
        ),
        ("presence/list", {}, commands.ListUsers()),
        ("presence/update", {"status": "offline"}, commands.SetStatus("offline")),
        ("presence/typing", {"room": "den"}, commands.Typing("den")),
        ("room/list", {}, commands.ListRooms()),
        ("room/create", {"room": "den"}, commands.CreateRoom("den")),
        ("room/join", {"room": "den"}, commands.JoinRoom("den")),
        ("room/leave", {"room": "den"}, commands.LeaveRoom("den")),
        ("room/topic", {"room": "den", "topic": "cats"}, commands.SetTopic("cats", "den")),
        ("room/topic", {"room": "den"}, commands.GetTopic("den")),
        ("room/members", {}, commands.ListMembers()),
        ("heartbeat", {}, commands.Ping()),
        ("heartbeat", {"later": [1]}, commands.Ping()),
    ],
)
def test_requests(verb: str, payload: dict[str, object], command: Command) -> None:
    decoded = request(verb, **payload)
    assert (decoded.command, decoded.id, decoded.verb) == (command, "1", verb)


def test_everything_but_the_command_may_be_left_out() -> None:
    assert asked({"command": "heartbeat"}) == Request(commands.Ping(), None, "heartbeat")
    assert asked({"command": "heartbeat", "id": None, "headers": None, "hmac": None, "later": 1}) == Request(
        commands.Ping(), None, "heartbeat"
    )


def test_a_label_comes_back_as_it_went() -> None:
    kept = answers.Accepted("1", "room:1", "e", 3, AT)
    sent = request("message/send", text="hi", conversation_id="c-1", target_id="Bob")
    assert told(kept, sent) == {
        "command": "message/send",
        "id": "1",
        "status": 200,
        "payload": {**POSITION, "message_id": "1", "conversation_id": "c-1"},
    }
    unlabelled = request("message/send", text="hi", target_id="Bob")
    assert told(kept, unlabelled)["payload"] == {**POSITION, "message_id": "1"}


def test_a_label_has_a_limit() -> None:
    assert request("message/send", text="hi", target_id="Bob", conversation_id="x" * MAX_LABEL).label
    error = refused(request("message/send", text="hi", conversation_id="x" * (MAX_LABEL + 1)))["error"]
    assert error["field"] == "conversation_id"


@pytest.mark.parametrize(
    ("verb", "payload", "field"),
    [
        ("message/send", {}, "text"),
        ("message/send", {"text": 5}, "text"),
        ("message/send", {"text": "hi", "target_id": 5}, "target_id"),
        ("message/send", {"text": "hi", "conversation_id": []}, "conversation_id"),
        ("message/send", {"text": "hi", "reply_to": -1}, "reply_to"),
        ("room/join", {}, "room"),
        ("presence/update", {"status": "asleep"}, "status"),
        ("auth/login", {"username": {}}, "username"),
        ("auth/login", {"username": "A", "password_sha256": "abc"}, "password_sha256"),
        ("auth/login", {"username": "A", "password_sha256": "x" * 64}, "password_sha256"),
        ("auth/login", {"username": "A", "password_sha256": "a" * 64 + "\n"}, "password_sha256"),
        ("auth/login", {"username": "A", "password_sha256": "a" * 63 + "\n"}, "password_sha256"),
        ("auth/login", {"username": "A", "hmac": "yes"}, "hmac"),
    ],
)
def test_a_wrong_field_is_named(verb: str, payload: dict[str, object], field: str) -> None:
    answer = refused(request(verb, **payload))
    assert (answer["command"], answer["id"], answer["status"]) == (verb, "1", 400)
    assert (answer["error"]["code"], answer["error"]["field"]) == ("bad_request", field)
    assert "payload" not in answer


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("payload", 5),
        ("payload", []),
        ("headers", 5),
        ("headers", {"token": 5}),
        ("hmac", 5),
        ("id", 5),
        ("id", ""),
        ("id", "x" * 65),
    ],
)
def test_a_wrong_member_of_the_envelope_is_named(member: str, value: object) -> None:
    answer = refused(asked({"command": "room/join", "id": "1", member: value}))
    assert (answer["command"], answer["status"], answer["error"]["field"]) == ("room/join", 400, member)
    assert answer["id"] == (None if member == "id" else "1")


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"nope",
        b"[]",
        b"{} {}",
        b"{}",
        b'{"command":5}',
        b'{"command":"heartbeat","x":NaN}',
        b'{"command":"heartbeat","x":"caf\xe9"}',
        b'{"command":"message/send","payload":{"text":"\\ud800"}}',
        b'{"command":"heartbeat","payload":' + b"[" * 100_000,
        b'{"command":"heartbeat","payload":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_a_line_that_does_not_parse_is_400_without_id(line: bytes) -> None:
    answer = refused(asked(line))
    assert (answer["id"], answer["status"], answer["error"]["code"]) == (None, 400, "bad_request")


def test_a_signature_goes_along_with_what_it_is_over() -> None:
    line = b'{"command":"heartbeat","id":"1","headers":{"token":"t","seq":7},"hmac":"0aF"}'
    assert asked(line) == Request(commands.Ping(), "1", "heartbeat", signature=Signature("0aF", 7, line))
    unnumbered = asked({"command": "heartbeat", "hmac": ""}).signature
    assert unnumbered is not None
    assert unnumbered.seq is None
    for seq in (0, 1.5, "7", 2**53):
        answer = refused(asked({"command": "heartbeat", "headers": {"seq": seq}}))
        assert (answer["status"], answer["error"]["field"]) == (400, "headers")


@pytest.mark.parametrize("verb", ["auth/login", "auth/register"])
def test_a_login_may_ask_for_a_key(verb: str) -> None:
    assert request(verb, username="Alice", hmac=True).signing_key == ""
    for no in ({"hmac": False}, {"hmac": None}, {}):
        assert request(verb, username="Alice", **no).signing_key is None
    login = answers.LoggedIn("Alice", 7, "t", "hubbub")
    assert "hmac_key" not in told(login, request(verb))["payload"]
    assert told(login, Request(commands.Ping(), "1", verb, signing_key="0a"))["payload"]["hmac_key"] == "0a"


def test_an_unknown_command_is_quoted_but_not_at_length() -> None:
    answer = refused(asked({"command": "dance" * 100, "id": "1"}))
    assert (answer["id"], answer["status"], answer["error"]["code"]) == ("1", 404, "unknown_action")
    assert len(answer["command"]) == 64
    assert len(answer["error"]["message"]) < 120


OFFER = "0123456789abcdef" * 2


def test_bytes_of_a_file_are_base64() -> None:
    chunk = request("file/chunk", offer=OFFER, seq=7, offset=3, data="AP8=", last=True)
    assert chunk.command == file_commands.SendChunk(OFFER, 3, b"\x00\xff", last=True)
    bare = request("file/chunk", offer=OFFER, offset=0, data="").command
    assert bare == file_commands.SendChunk(OFFER, 0, b"")
    push = json.loads(ndjson.encode_event(events.FileData(OFFER, 3, b"\x00\xff", last=True)))
    told = {"offer": OFFER, "offset": 3, "data": "AP8=", "last": True}
    assert push == {"command": "file/chunk", "payload": told}
    spoken = json.loads(ndjson.encode_command(file_commands.SendChunk(OFFER, 3, b"\x00\xff"), "1"))
    assert spoken["payload"] == {"offer": OFFER, "offset": 3, "data": "AP8="}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"offer": "x"}, "offer"),
        ({"offer": OFFER.upper()}, "offer"),
        ({"offset": -1}, "offset"),
        ({"offset": 2**53}, "offset"),
        ({"data": "AP8"}, "data"),
        ({"data": "A\u00fc=="}, "data"),
        ({"data": 7}, "data"),
        ({"last": 1}, "last"),
        ({"seq": "7"}, "seq"),
    ],
)
def test_a_wrong_field_of_a_chunk_is_named(wrong: dict[str, object], field: str) -> None:
    answer = refused(request("file/chunk", **{"offer": OFFER, "offset": 0, "data": "", **wrong}))
    assert (answer["status"], answer["error"]["field"]) == (400, field)


def test_a_chunk_is_answered_where_it_had_an_id_or_is_refused() -> None:
    chunk = file_commands.SendChunk(OFFER, 0, b"")
    named, unnamed = Request(chunk, "1", "file/chunk"), Request(chunk, None, "file/chunk")
    assert told(answers.Done(), named) == {"command": "file/chunk", "id": "1", "status": 200, "payload": {}}
    assert ndjson.encode_answer(unnamed, answers.Done()) == b""
    assert told(Refusal(Code.NOT_FOUND, "No."), unnamed)["status"] == 404
    assert told(answers.Done(), Request(commands.Typing(), None, "presence/typing"))["id"] is None


def test_frames_that_bring_no_payload() -> None:
    for named, limit in ((True, "limits.max_frame"), (False, "limits.max_frame_before_login")):
        for frame in (Frame(TOO_LONG, b"", 65_536), Frame(FAILED, b"too long", 1009)):
            decoded = ndjson.decode(frame, named)
            assert isinstance(decoded, Request)
            answer = refused(decoded)
            assert (answer["command"], answer["id"], answer["status"]) == (None, None, 413)
            assert answer["error"]["limit"] == limit
    for kind in (PING, PONG, CLOSE):
        assert ndjson.decode(Frame(kind, b"x"), named=True) is None


@pytest.mark.parametrize(
    ("answer", "payload"),
    [
        (
            answers.LoggedIn("Alice", 7, "t", "hubbub"),
            {
                "token": "t",
                "refresh_token": None,
                "expires_in": None,
                "user_id": 7,
                "username": "Alice",
                "server": "hubbub",
            },
        ),
        (
            answers.UserList([UserView("Alice", 7, "online")]),
            {"users": [{"username": "Alice", "user_id": 7, "status": "online"}]},
        ),
        (
            answers.RoomList([RoomView("den", "cats", 3)]),
            {"rooms": [{"room": "den", "topic": "cats", "members": 3}]},
        ),
        (
            answers.RoomJoined("den", "room:1", "e", 3, 2, "cats", True),
            {
                "room": "den",
                "stream": "room:1",
                "epoch": "e",
                "offset": 3,
                "members": 2,
                "topic": "cats",
                "created": True,
            },
        ),
        (answers.RoomLeft("den", "lobby", 3), {"room": "den"}),
        (answers.TopicSet("den", "cats"), {"room": "den", "topic": "cats"}),
        (
            answers.MemberList("den", 9, [UserView("Alice", 7, "away")]),
            {
                "room": "den",
                "count": 9,
                "users": [{"username": "Alice", "user_id": 7, "status": "away"}],
            },
        ),
        (answers.StatusSet("away"), {"status": "away"}),
        (answers.Ponged(), {}),
        (answers.Done(), {}),
    ],
)
def test_answers(answer: Answer, payload: dict[str, object]) -> None:
    assert told(answer, Request(commands.Ping(), "1", "some/verb")) == {
        "command": "some/verb",
        "id": "1",
        "status": 200,
        "payload": payload,
    }


@pytest.mark.parametrize("code", list(Code))
def test_refusals_have_a_status_beside_their_code(code: Code) -> None:
    refusal = Refusal(code, "No.", "text", "limits.message_rate", 0.5)
    assert told(refusal, Request(refusal, "1", "message/send")) == {
        "command": "message/send",
        "id": "1",
        "status": code.status,
        "error": {
            "code": code.value,
            "message": "No.",
            "field": "text",
            "limit": "limits.message_rate",
            "retry_after": 0.5,
        },
    }


@pytest.mark.parametrize(
    ("event", "push"),
    [
        (
            events.MessagePosted("Alice", 7, "den", "hi", "1", "room:1", "e", 3, AT),
            {
                "command": "message/new",
                "payload": {
                    "from": "Alice",
                    "from_id": 7,
                    "room": "den",
                    "text": "hi",
                    "message_id": "1",
                    **POSITION,
                },
            },
        ),
        (
            events.WhisperPosted("Alice", 7, "Bob", 8, "hi", "1", "room:1", "e", 3, AT),
            {
                "command": "message/private",
                "payload": {
                    "from": "Alice",
                    "from_id": 7,
                    "to": "Bob",
                    "to_id": 8,
                    "text": "hi",
                    "message_id": "1",
                    **POSITION,
                },
            },
        ),
        (
            events.TopicChanged("Alice", 7, "den", "cats", "room:1", "e", 3, AT),
            {
                "command": "room/topic",
                "payload": {"from": "Alice", "from_id": 7, "room": "den", "topic": "cats", **POSITION},
            },
        ),
        (
            events.Joined("Alice", 7, "den"),
            {"command": "presence/joined", "payload": {"username": "Alice", "user_id": 7, "room": "den"}},
        ),
        (
            events.Left("Alice", 7),
            {"command": "presence/left", "payload": {"username": "Alice", "user_id": 7}},
        ),
        (
            events.StatusChanged("Alice", 7, "away"),
            {
                "command": "presence/changed",
                "payload": {"username": "Alice", "user_id": 7, "status": "away"},
            },
        ),
        (
            events.UserTyping("Alice", 7, "den"),
            {"command": "presence/typing", "payload": {"username": "Alice", "user_id": 7, "room": "den"}},
        ),
        (
            events.GoingAway("drain", 3.0),
            {"command": "server/going_away", "payload": {"reason": "drain", "retry_after": 3.0}},
        ),
        (events.Alive(), {"command": "heartbeat", "payload": {}}),
    ],
)
def test_pushes(event: Event, push: dict[str, object]) -> None:
    encoded = ndjson.encode_event(event)
    assert json.loads(encoded) == push
    assert ndjson.encode_event(event, own=True) == encoded


def test_no_line_end_gets_into_a_line() -> None:
    event = events.MessagePosted("Alice", 7, "den", "a\nb\r\u2028", "1", "room:1", "e", 3, AT)
    assert not {*b"\r\n"} & {*ndjson.encode_event(event)}


def test_events_of_the_gateway_are_nothing_here() -> None:
    assert ndjson.encode_event(events.Welcome("c1")) == b""


# -- the client's half


def test_a_whisper_goes_out_as_a_message_to_a_target() -> None:
    encoded = json.loads(ndjson.encode_command(commands.Whisper("Bob", "hi"), "1"))
    assert encoded == {"command": "message/send", "id": "1", "payload": {"text": "hi", "target_id": "@Bob"}}


def test_a_pong_goes_out_as_a_heartbeat() -> None:
    assert asked(ndjson.encode_command(commands.Pong())).command == commands.Ping()


@pytest.mark.parametrize("command", [commands.CountConnections(), commands.Quit()])
def test_what_has_no_form_cannot_be_asked(command: Command) -> None:
    with pytest.raises(ValueError, match="no "):
        ndjson.encode_command(command)


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("auth/login", answers.LoggedIn("Alice", 7, "t", "hubbub")),
        ("message/send", answers.Accepted("1", "room:1", "e", 3, AT)),
        ("presence/list", answers.UserList([UserView("Alice", 7, "away")])),
        ("presence/update", answers.StatusSet("away")),
        ("presence/typing", answers.Done()),
        ("room/list", answers.RoomList([RoomView("den", "cats", 3)])),
        ("room/create", answers.RoomJoined("den", "room:1", "e", 3, 2, "cats", True)),
        ("room/join", answers.RoomJoined("den", "room:1", "e", 3, 2, "cats", False)),
        ("room/leave", answers.RoomLeft("den")),
        ("room/topic", answers.TopicSet("den", "cats")),
        ("room/members", answers.MemberList("den", 9, [UserView("Alice", 7, "away")])),
        ("room/members", answers.MemberList("den", 9, [UserView("Alice", 7, "away", "owner")])),
        ("heartbeat", answers.Ponged()),
        ("room/join", Refusal(Code.RATE_LIMITED, "Slow down.", "f", "limits.message_rate", 0.5)),
        ("", Refusal(Code.BAD_REQUEST, "No.")),
    ],
)
def test_answers_read_back(verb: str, answer: Answer) -> None:
    encoded = ndjson.encode_answer(Request(commands.Ping(), "1", verb), answer)
    assert ndjson.decode_message(encoded) == Reply(answer, "1", verb)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b'{"command":"dance"}',
        b'{"command":[]}',
        b'{"command":"dance","status":200}',
        b'{"command":"message/new","payload":{}}',
        b'{"command":"message/new","payload":5}',
        b'{"command":"room/join","status":400,"error":{"code":"new","message":"x"}}',
        b'{"command":"heartbeat","id":5,"status":200}',
        b'{"a":' * 100_000,
    ],
)
def test_what_no_server_sends_is_an_error(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        ndjson.decode_message(line)
