from __future__ import annotations

import uuid

import msgspec
import pytest

from hubbub.core import answers, commands, events, file_commands
from hubbub.core.answers import Answer
from hubbub.core.commands import Command
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import BINARY, CLOSE, FAILED, PING, PONG, TEXT, TOO_LONG, Frame
from hubbub.wire.codec import Reply, Request
from hubbub.wire.json_actions import MAX_CONNECTION_IDS
from hubbub.wire.websocket_json import WebSocketJson, websocket_json

POSITION = ("r1", "e1", 7, "2025-01-01T00:00:00.000Z")
POSITION_JSON = b'"stream":"r1","epoch":"e1","offset":7,"at":"2025-01-01T00:00:00.000Z"'


def decoded(payload: bytes) -> Request:
    request = websocket_json.decode(Frame(TEXT, payload), named=True)
    assert isinstance(request, Request)
    return request


def refusal(payload: bytes) -> tuple[Refusal, str | None]:
    request = decoded(payload)
    assert isinstance(request.command, Refusal)
    return request.command, request.id


def request(action: str, payload: str) -> bytes:
    return f'{{"id":"q1","type":"request","action":"{action}","payload":{payload}}}'.encode()


@pytest.mark.parametrize(
    ("action", "payload", "command"),
    [
        ("login", '{"username":"Alice"}', commands.Login("Alice")),
        ("login", '{"token":"t"}', commands.Login(token="t")),
        ("publish", '{"content":"hi"}', commands.Publish("hi", None, "q1")),
        (
            "publish",
            '{"room":"den","content":"hi","reply_to":3}',
            commands.Publish("hi", "den", "q1", 3),
        ),
        ("whisper", '{"to":"Bob","content":"hi"}', commands.Whisper("Bob", "hi", "q1")),
        ("list", "{}", commands.ListUsers()),
        ("presence", '{"status":"away"}', commands.SetStatus("away")),
        ("rooms", "{}", commands.ListRooms()),
        ("create", '{"room":"den"}', commands.CreateRoom("den")),
        ("join", '{"room":"den"}', commands.JoinRoom("den")),
        ("leave", '{"room":"den"}', commands.LeaveRoom("den")),
        ("topic", '{"room":"den"}', commands.GetTopic("den")),
        ("topic", '{"room":"den","topic":""}', commands.SetTopic("", "den")),
        ("members", "{}", commands.ListMembers()),
        ("typing", '{"room":"den"}', commands.Typing("den")),
        ("ping", "{}", commands.Ping()),
        ("echo", "[1, null]", commands.Echo(msgspec.Raw(b"[1, null]"))),
        ("broadcast", '"x"', commands.Announce(msgspec.Raw(b'"x"'))),
        (
            "send_to",
            '{"connection_ids":["c1","c2"],"payload":{"a":1}}',
            commands.SendTo(["c1", "c2"], msgspec.Raw(b'{"a":1}')),
        ),
        ("get_connections", "{}", commands.CountConnections()),
    ],
)
def test_a_request_becomes_a_command(action: str, payload: str, command: Command) -> None:
    assert decoded(request(action, payload)) == Request(command, "q1", action)


def test_a_request_may_lack_its_id_and_its_payload() -> None:
    assert decoded(b'{"type":"request","action":"list"}') == Request(commands.ListUsers(), None, "list")
    assert decoded(b'{"type":"request","action":"echo"}').command == commands.Echo(msgspec.Raw(b"{}"))
    assert decoded(b'{"id":null,"type":"request","action":"publish","payload":{"content":"hi"}}') == Request(
        commands.Publish("hi"), None, "publish"
    )


@pytest.mark.parametrize(
    ("answer", "data"),
    [
        (
            answers.LoggedIn("Alice", 3, "t", "hubbub"),
            b'{"username":"Alice","user_id":3,"token":"t","server":"hubbub"}',
        ),
        (answers.Accepted("q1", *POSITION), b'{"id":"q1",' + POSITION_JSON + b"}"),
        (
            answers.UserList([answers.UserView("Alice", 3, "busy")]),
            b'{"users":[{"username":"Alice","user_id":3,"status":"busy"}]}',
        ),
        (answers.StatusSet("away"), b'{"status":"away"}'),
        (
            answers.RoomList([answers.RoomView("den", "Tea", 2)]),
            b'{"rooms":[{"room":"den","topic":"Tea","members":2}]}',
        ),
        (
            answers.RoomJoined("den", "r1", "e1", 7, 2, "Tea", False),
            b'{"room":"den","stream":"r1","epoch":"e1","offset":7,"members":2,"topic":"Tea","created":false}',
        ),
        (answers.RoomLeft("den"), b'{"room":"den"}'),
        (answers.TopicSet("den", "Tea"), b'{"room":"den","topic":"Tea"}'),
        (answers.MemberList("den", 5, []), b'{"room":"den","count":5,"users":[]}'),
        (answers.Ponged(), b"{}"),
        (answers.Done(), b"{}"),
        (answers.Echoed(msgspec.Raw(b"[1, null]")), b"[1, null]"),
        (answers.Announced(4), b'{"count":4}'),
        (answers.Connections(4), b'{"count":4}'),
        (answers.Farewell(), b"{}"),
    ],
)
def test_an_answer_is_a_response(answer: Answer, data: bytes) -> None:
    asked = Request(commands.Ping(), 'q"1')
    assert websocket_json.encode_answer(asked, answer) == b'{"id":"q\\"1","type":"response","data":%b}' % data
    unnamed = Request(commands.Ping())
    assert websocket_json.encode_answer(unnamed, answer) == b'{"id":null,"type":"response","data":%b}' % data


def test_an_error_stands_in_data_and_in_error() -> None:
    told = Refusal(Code.RATE_LIMITED, "Too fast.", "content", "limits.message_rate", 1.5)
    fields = (
        b'{"code":"rate_limited","message":"Too fast.","field":"content",'
        b'"limit":"limits.message_rate","retry_after":1.5}'
    )
    assert websocket_json.encode_answer(Request(told, "q1"), told) == (
        b'{"id":"q1","type":"error","data":%b,"error":%b}' % (fields, fields)
    )
    bare = Refusal(Code.FORBIDDEN, "No.")
    assert websocket_json.encode_answer(Request(bare), bare) == (
        b'{"id":null,"type":"error","data":{"code":"forbidden","message":"No."},'
        b'"error":{"code":"forbidden","message":"No."}}'
    )


@pytest.mark.parametrize(
    ("event", "name", "data"),
    [
        (
            events.MessagePosted("Alice", 3, "den", "hi", "m1", *POSITION),
            "message",
            b'{"from":"Alice","from_id":3,"room":"den","content":"hi","id":"m1",' + POSITION_JSON + b"}",
        ),
        (
            events.MessagePosted("Alice", 3, "den", "hi", "m1", *POSITION, 2),
            "message",
            b'{"from":"Alice","from_id":3,"room":"den","content":"hi","id":"m1",'
            + POSITION_JSON
            + b',"reply_to":2}',
        ),
        (
            events.WhisperPosted("Alice", 3, "Bob", 4, "hi", "m1", *POSITION),
            "private",
            b'{"from":"Alice","from_id":3,"to":"Bob","to_id":4,"content":"hi","id":"m1",'
            + POSITION_JSON
            + b"}",
        ),
        (
            events.TopicChanged("Alice", 3, "den", "Tea", *POSITION),
            "topic",
            b'{"from":"Alice","from_id":3,"room":"den","topic":"Tea",' + POSITION_JSON + b"}",
        ),
        (events.Joined("Alice", 3, "den"), "joined", b'{"username":"Alice","user_id":3,"room":"den"}'),
        (events.Left("Alice", 3), "left", b'{"username":"Alice","user_id":3}'),
        (
            events.StatusChanged("Alice", 3, "away"),
            "status",
            b'{"username":"Alice","user_id":3,"status":"away"}',
        ),
        (events.UserTyping("Alice", 3, "den"), "typing", b'{"username":"Alice","user_id":3,"room":"den"}'),
        (events.Announcement("c1", msgspec.Raw(b'{"a":1}')), "broadcast", b'{"a":1}'),
        (events.Welcome("c1", None), "welcome", b'{"connection_id":"c1","user":null}'),
        (events.Welcome("c1", "Alice"), "welcome", b'{"connection_id":"c1","user":"Alice"}'),
        (events.GoingAway("drain", 3.0), "going_away", b'{"reason":"drain","retry_after":3.0}'),
        (events.GoingAway("policy"), "going_away", b'{"reason":"policy"}'),
    ],
)
def test_an_event_is_a_notification(event: Event, name: str, data: bytes) -> None:
    codec = WebSocketJson(random=bytes)
    assert codec.encode_event(event) == (
        b'{"id":"00000000-0000-8000-8000-000000000000","type":"notification","event":"%b","data":%b}'
        % (name.encode(), data)
    )


def test_the_server_pings_by_a_control_frame() -> None:
    assert websocket_json.encode_event(events.Alive()) == b""


def test_notification_ids_are_uuids_that_never_repeat() -> None:
    codecs = [WebSocketJson(), WebSocketJson(), WebSocketJson(lambda n: b"\xff" * n)]
    pushed = [codec.encode_event(events.Welcome("c1")) for codec in codecs for _ in range(3)]
    pushed += [codecs[0].encode_event(events.Announcement("c1", msgspec.Raw(b"1")))]
    ids = [uuid.UUID(msgspec.json.decode(push)["id"]) for push in pushed]
    assert len(set(ids)) == len(ids)
    assert {(found.version, found.variant) for found in ids} == {(8, uuid.RFC_4122)}


@pytest.mark.parametrize("action", ["Publish", "", "é", "x" * 70_000])
def test_an_unknown_action_is_told_in_these_words(action: str) -> None:
    assert refusal(request(action, "{}")) == (Refusal(Code.UNKNOWN_ACTION, "unknown action"), "q1")


@pytest.mark.parametrize(
    ("payload", "field", "id"),
    [
        (b'{"id":"q1","action":"list"}', "type", "q1"),
        (b'{"id":"q1","type":"response","action":"list"}', "type", "q1"),
        (b'{"id":"q1","type":7,"action":"list"}', "type", "q1"),
        (b'{"id":"q1","type":"request"}', "action", "q1"),
        (b'{"id":"q1","type":"request","action":7}', "action", "q1"),
        (b'{"type":"request","action":"list","id":7}', "id", None),
        (b'{"type":"request","action":"list","id":""}', "id", None),
        (b'{"type":"request","action":"list","id":"' + b"x" * 65 + b'"}', "id", None),
        (b'{"action":7,"type":"request","id":["q1"]}', "action", None),
        (request("publish", "{}"), "content", "q1"),
        (b'{"id":"q1","type":"request","action":"publish"}', "content", "q1"),
        (request("publish", "null"), "payload", "q1"),
        (request("publish", "[]"), "payload", "q1"),
        (request("publish", '{"content":7}'), "content", "q1"),
        (request("publish", '{"content":"a","room":[]}'), "room", "q1"),
        (request("publish", '{"content":"a","reply_to":0}'), "reply_to", "q1"),
        (request("publish", '{"content":"a","reply_to":9007199254740992}'), "reply_to", "q1"),
        (request("publish", '{"content":"a","reply_to":1.5}'), "reply_to", "q1"),
        (request("publish", '{"content":"a","reply_to":true}'), "reply_to", "q1"),
        (request("presence", '{"status":"gone"}'), "status", "q1"),
        (request("send_to", '{"connection_ids":["a",7],"payload":1}'), "connection_ids", "q1"),
        (request("send_to", '{"connection_ids":[]}'), "payload", "q1"),
    ],
)
def test_a_wrong_field_is_named(payload: bytes, field: str, id: str | None) -> None:
    told, answered = refusal(payload)
    assert (told.code, told.field, answered) == (Code.BAD_REQUEST, field, id)


def test_an_id_of_64_characters_is_one() -> None:
    for id in ("x" * 64, "é" * 64):
        assert decoded(b'{"type":"request","action":"list","id":"%b"}' % id.encode()).id == id


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b" ",
        b"{",
        b"null",
        b"7",
        b"[]",
        b'"request"',
        b"\xff",
        b'{"id":"q1","type":"request","action":"list"',
        b'{"id":"q1","type":"request","action":"list"}}',
        b'{"id":"q1","type":"request","action":"list",}',
        b'{"id":"\\ud800","type":"request","action":"list"}',
        b'{"id":"\xff","type":"request","action":"list"}',
        b'{"id":"q1","type":"request","action":"echo","payload":"\\udc00"}',
        b'{"id":"q1","type":"request","action":"echo","payload":' + b"[" * 100_000,
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_is_no_json_is_refused_without_an_id(payload: bytes) -> None:
    told, id = refusal(payload)
    assert (told.code, id) == (Code.BAD_REQUEST, None)


def test_a_payload_for_others_is_valid_to_the_last_byte() -> None:
    for action in ("echo", "broadcast"):
        told, id = refusal(b'{"id":"q1","type":"request","action":"%b","payload":"\xff"}' % action.encode())
        assert (told.code, told.field, id) == (Code.BAD_REQUEST, "payload", "q1")
    bad = b'{"connection_ids":[],"payload":"\xff"}'
    told, id = refusal(b'{"id":"q1","type":"request","action":"send_to","payload":%b}' % bad)
    assert (told.code, id) == (Code.BAD_REQUEST, "q1")


def test_a_list_of_connections_is_read_up_to_its_limit_only() -> None:
    ids = '"c"' + ',"c"' * (MAX_CONNECTION_IDS // 4 - 1)  # with its brackets one byte over
    told, id = refusal(request("send_to", f'{{"connection_ids":[{ids}],"payload":1}}'))
    assert (told.code, told.field, id) == (Code.BAD_REQUEST, "connection_ids", "q1")
    fits = decoded(request("send_to", f'{{"connection_ids":[{ids[:-4]}   ],"payload":1}}')).command
    assert isinstance(fits, commands.SendTo)


def test_a_refusal_does_not_give_megabytes_back() -> None:
    told, _ = refusal(request("presence", '{"status":"' + " - at `$.x" * 100_000 + '"}'))
    assert told.field == "status"
    assert len(told.message) < 300


def test_frames_that_are_no_text_messages() -> None:
    for kind in (PING, PONG, CLOSE):
        assert websocket_json.decode(Frame(kind, b"x"), named=True) is None


OFFER = "000102030405060708090a0b0c0d0e0f"
CHUNK = bytes(range(16)) + b"\x00\x00\x00\x00\x00\x01\x02\x03" + b"abc"


def test_a_binary_message_is_bytes_of_a_file() -> None:
    sent = file_commands.SendChunk(OFFER, 0x10203, b"abc")
    assert websocket_json.decode(Frame(BINARY, CHUNK), named=True) == Request(sent)
    assert websocket_json.encode_command(sent) == CHUNK
    data = events.FileData(OFFER, 0x10203, b"abc", last=True)
    assert websocket_json.encode_event(data) == CHUNK
    assert websocket_json.decode_binary(CHUNK) == events.FileData(OFFER, 0x10203, b"abc")
    assert websocket_json.decode_binary(CHUNK[:24]).data == b""


def test_bytes_that_were_taken_are_not_answered() -> None:
    chunk = websocket_json.decode(Frame(BINARY, CHUNK), named=True)
    assert isinstance(chunk, Request)
    assert websocket_json.encode_answer(chunk, answers.Done()) == b""
    refused = msgspec.json.decode(
        websocket_json.encode_answer(chunk, Refusal(Code.NOT_FOUND, "There is no such offer."))
    )
    assert (refused["id"], refused["error"]["code"]) == (None, "not_found")
    assert websocket_json.encode_answer(Request(commands.Typing()), answers.Done())


@pytest.mark.parametrize("payload", [b"", CHUNK[:23], CHUNK[:16] + b"\x00\x20" + bytes(6) + b"abc"])
def test_a_binary_message_without_a_good_head_is_a_bad_request(payload: bytes) -> None:
    chunk = websocket_json.decode(Frame(BINARY, payload), named=True)
    assert isinstance(chunk, Request)
    assert isinstance(chunk.command, Refusal)
    assert (chunk.command.code, chunk.id) == (Code.BAD_REQUEST, None)
    with pytest.raises(ValueError, match=r"."):
        websocket_json.decode_binary(payload)


@pytest.mark.parametrize("offer", ["", OFFER[:-2], OFFER + "00", "g" * 32])
def test_bytes_of_no_offer_cannot_be_sent(offer: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        websocket_json.encode_command(file_commands.SendChunk(offer, 0, b"abc"))


@pytest.mark.parametrize(
    ("frame", "named", "code", "limit"),
    [
        (Frame(TOO_LONG, b"", 65_536), True, Code.TOO_LARGE, "limits.max_frame"),
        (Frame(TOO_LONG, b"", 65_536), False, Code.TOO_LARGE, "limits.max_frame_before_login"),
        (Frame(FAILED, b"message too big", 1009), True, Code.TOO_LARGE, "limits.max_frame"),
        (Frame(FAILED, b"reserved bits", 1002), True, Code.BAD_REQUEST, None),
    ],
)
def test_a_frame_that_was_dropped_is_refused(
    frame: Frame, named: bool, code: Code, limit: str | None
) -> None:
    request = websocket_json.decode(frame, named)
    assert isinstance(request, Request)
    assert isinstance(request.command, Refusal)
    assert (request.command.code, request.command.limit, request.id) == (code, limit, None)


def test_a_client_names_its_request() -> None:
    spoken = websocket_json.encode_command(commands.Publish("hi", "den"), "q1")
    assert spoken == request("publish", '{"content":"hi","room":"den"}')
    kept = websocket_json.encode_command(commands.Publish("hi", id="m1"), "q1")
    assert kept == b'{"id":"m1","type":"request","action":"publish","payload":{"content":"hi"}}'
    unnamed = websocket_json.encode_command(commands.Ping())
    assert unnamed == b'{"id":null,"type":"request","action":"ping","payload":{}}'


@pytest.mark.parametrize("command", [commands.Send("@Bob", "hi"), commands.Pong(), commands.Quit()])
def test_a_client_cannot_ask_for_what_the_dialect_lacks(command: Command) -> None:
    with pytest.raises(ValueError, match=type(command).__name__):
        websocket_json.encode_command(command)


def test_a_response_is_read_by_what_was_asked() -> None:
    response = b'{"id":"q1","type":"response","data":{"count":4}}'
    assert websocket_json.decode_message(response, {"q1": "get_connections"}) == Reply(
        answers.Connections(4), "q1", "get_connections"
    )
    assert websocket_json.decode_message(response) == Reply(
        answers.Echoed(msgspec.Raw(b'{"count":4}')), "q1", ""
    )


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"id":"q1","type":"request","action":"list"}',
        b'{"id":"q1","type":"notification","event":"unheard","data":{}}',
        b'{"id":"q1","type":"notification","event":"message","data":{}}',
        b'{"id":"q1","type":"error","data":{"code":"odd","message":""}}',
        b'{"id":"q1","type":"response","data":' + b"[" * 100_000,
    ],
)
def test_a_client_is_told_what_is_not_of_this_dialect(payload: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - that it is one is all the codec promises
        websocket_json.decode_message(payload)
