from __future__ import annotations

import math
import runpy
from pathlib import Path

import msgspec
import pytest

from hubbub.core import answers, commands, events, file_commands
from hubbub.core.answers import Answer
from hubbub.core.commands import Command
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import BINARY, FAILED, TEXT, TOO_LONG, Frame
from hubbub.wire import message_pb2 as pb
from hubbub.wire.codec import Reply, Request
from hubbub.wire.protobuf import protobuf
from hubbub.wire.protobuf_lean import UNSEEN
from hubbub.wire.protobuf_requests import COMMANDS
from hubbub.wire.protobuf_tables import BODIES, CODES, REQUESTED, UNSUPPORTED

ROOT = Path(__file__).parents[2]
POSITION = ("r1", "e1", 7, "now")
OFFER, SHA = "0123456789abcdef" * 2, "0123456789abcdef" * 4
POSITION_BYTES = b'\x0a\x02r1\x12\x02e1\x18\x07"\x03now'


def decoded(message: pb.EchoMsg | bytes) -> Request:
    payload = message if isinstance(message, bytes) else message.SerializeToString()
    request = protobuf.decode(Frame(BINARY, payload), named=True)
    assert isinstance(request, Request)
    return request


def refusal(message: pb.EchoMsg | bytes) -> Refusal:
    command = decoded(message).command
    assert isinstance(command, Refusal)
    return command


def chat(**fields: str | int) -> pb.EchoMsg:
    return pb.EchoMsg(type=pb.MT_CHAT_MSG, chat_msg=pb.ChatMsg(**fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("payload", "request_"),
    [
        (
            b"\x08\x01\x1a\x07\x0a\x05Alice",
            Request(commands.Login("Alice", or_guest=True), None, "MT_LOGIN_REQUEST"),
        ),
        (
            b"\x08\x03*\x0b\x08\x03\x12\x03den\x1a\x02hi",
            Request(commands.Publish("hi", "den"), None, "MT_CHAT_MSG", claimed_user_id=3),
        ),
        (
            b"\x08\x03\x12\x02q1*\x04\x1a\x02hi",
            Request(commands.Publish("hi", None, "q1"), "q1", "MT_CHAT_MSG"),
        ),
        (
            b"\x08\x0d\x12\x02q1b\x09\x12\x03Bob\x1a\x02hi",
            Request(commands.Whisper("Bob", "hi", "q1"), "q1", "MT_WHISPER"),
        ),
        (
            b"\x08\x0d\x12\x02q1b\x0b\x12\x03Bob\x1a\x02hi\x30\x04",
            Request(commands.Whisper("Bob", "hi", "q1", to_id=4), "q1", "MT_WHISPER"),
        ),
        (
            b"\x08\x042\x09\x08\x01\x12\x03den\x18\x03",
            Request(commands.CreateRoom("den"), None, "RA_CREATE", claimed_user_id=3),
        ),
        (b"\x08\x042\x07\x08\x02\x12\x03den", Request(commands.JoinRoom("den"), None, "RA_JOIN")),
        (b"\x08\x042\x02\x08\x03", Request(commands.LeaveRoom(), None, "RA_LEAVE")),
        (b"\x08\x0a", Request(commands.Ping(), None, "MT_PING")),
        (b"\x08\x0b", Request(commands.Pong(), None, "MT_PONG")),
        (b"\x08\x0e", Request(commands.ListUsers(), None, "MT_USER_LIST_REQUEST")),
        (b"\x08\x10r\x02\x08\x02", Request(commands.SetStatus("away"), None, "MT_PRESENCE")),
        (b"\x08\x12", Request(commands.ListRooms(), None, "MT_ROOM_LIST_REQUEST")),
        (b"\x08\x14\x8a\x01\x00", Request(commands.GetTopic(), None, "MT_TOPIC")),
        (b"\x08\x14\x8a\x01\x02\x12\x00", Request(commands.SetTopic(""), None, "MT_TOPIC")),
        (b"\x08\x16\x9a\x01\x00", Request(commands.ListMembers(), None, "MT_MEMBER_LIST_REQUEST")),
        (
            b"\x08\x28\xca\x01\x0a\x0a\x02Al\x12\x04pass",
            Request(commands.Register("Al", "pass"), None, "MT_REGISTER"),
        ),
        (b"\x08\x29\xd2\x01\x03\x0a\x01r", Request(commands.Refresh("r"), None, "MT_REFRESH")),
        (b"\x08\x2a", Request(commands.Logout(), None, "MT_LOGOUT")),
        (
            b"\x08\x2b\xda\x01\x06\x0a\x01o\x12\x01n",
            Request(commands.ChangePassword("o", "n"), None, "MT_PASSWORD"),
        ),
        (b"\x08\x2c\xe2\x01\x00", Request(commands.ListSessions(), None, "MT_SESSIONS")),
        (b"\x08\x2c\xe2\x01\x04\x0a\x02s7", Request(commands.EndSession("s7"), None, "MT_SESSIONS")),
        (
            b"\x08\x30\xa2\x02\x04\x20\x00\x30\x05",
            Request(commands.GetHistory(after=0, limit=5), None, "MT_HISTORY"),
        ),
        (
            b"\x08\x32\x12\x02m1\xc2\x02\x07\x0a\x01x\x12\x02r1",
            Request(commands.Edit("x", "r1", None, "m1"), "m1", "MT_EDIT"),
        ),
        (
            b"\x08\x35\xda\x02\x0e\x0a\x0c\x0a\x02r1\x12\x06\x12\x02e1\x18\x07",
            Request(commands.Resume({"r1": commands.Place("e1", 7)}), None, "MT_RESUME"),
        ),
        (
            b"\x08\x30\xa2\x02\x04\x3a\x02r1",
            Request(commands.GetHistory(stream="r1"), None, "MT_HISTORY"),
        ),
        (b"\x08\x37", Request(commands.GetUnread(), None, "MT_UNREAD")),
        (b"\x08\x37\xe2\x04\x00", Request(commands.GetUnread(), None, "MT_UNREAD")),
        (b"\x08\x37\xe2\x04\x02\x08\x01", Request(commands.GetUnread(all=True), None, "MT_UNREAD")),
        (
            b"\x08\x38\x12\x02q1\xd2\x03\x0a\x0a\x01f\x10\x05\x1a\x01B\x50\x03",
            Request(file_commands.OfferFile("f", 5, "B", id="q1"), "q1", "MT_FILE_OFFER", claimed_user_id=3),
        ),
        (
            b"\x08\x38\xd2\x03\x0a\x0a\x01f\x10\x05\x1a\x01B\x60\x04",
            Request(file_commands.OfferFile("f", 5, "B", to_id=4), None, "MT_FILE_OFFER"),
        ),
        (
            b"\x08\x39\xda\x03\x06\x12\x01A\x1a\x01f",
            Request(file_commands.AcceptFile(None, "A", "f"), None, "MT_FILE_ACCEPT"),
        ),
        (
            b"\x08\x3c\x82\x04\x29\x0a\x20%b\x10\x07\x1a\x01\xff\x20\x01" % OFFER.encode(),
            Request(file_commands.SendChunk(OFFER, 7, b"\xff", last=True), None, "MT_FILE_CHUNK"),
        ),
        (b"\x08\x54\x8a\x04\x00", Request(file_commands.ListFiles(), None, "MT_FILE_LIST_REQUEST")),
        (b"\x08\x55\x92\x04\x03\x12\x01f", Request(file_commands.GetFile(None, "f"), None, "MT_FILE_GET")),
        (b"\x08\x18\xaa\x01\x05\x0a\x03den", Request(commands.Typing("den"), None, "MT_TYPING")),
    ],
)
def test_a_message_becomes_a_command(payload: bytes, request_: Request) -> None:
    assert decoded(payload) == request_


def test_the_id_of_a_message_may_stand_in_either_place() -> None:
    assert decoded(chat(content="hi", id="m1")) == Request(
        commands.Publish("hi", None, "m1"), "m1", "MT_CHAT_MSG"
    )
    both = chat(content="hi", id="m1")
    both.id = "m1"
    assert decoded(both).id == "m1"
    both.id = "m2"
    assert refusal(both).field == "id"
    whispered = pb.EchoMsg(type=pb.MT_WHISPER, id="m2", whisper=pb.Whisper(to="Bob", content="hi", id="m1"))
    assert refusal(whispered).field == "id"


@pytest.mark.parametrize(
    ("verb", "answer", "payload"),
    [
        (
            "MT_LOGIN_REQUEST",
            answers.LoggedIn("Al", 3, "t", "hub"),
            b'\x08\x02\x12\x02q1"\x1c\x10\x03\x1a\x0cWelcome, Al."\x02Al*\x01t2\x03hub',
        ),
        (
            "MT_CHAT_MSG",
            answers.Accepted("q1", *POSITION),
            b"\x08\x07\x12\x02q1J\x15\x0a\x02q1\x12\x0f" + POSITION_BYTES,
        ),
        (
            "RA_CREATE",
            answers.RoomJoined("den", "r1", "e1", 7, 2, "", True),
            b"\x08\x06\x12\x02q1B\x17\x10\x01\x1a\x03den*\x0a\x0a\x02r1\x12\x02e1\x18\x070\x02@\x01",
        ),
        ("RA_LEAVE", answers.RoomLeft("den"), b"\x08\x06\x12\x02q1B\x07\x10\x03\x1a\x03den"),
        (
            "MT_USER_LIST_REQUEST",
            answers.UserList([answers.UserView("Al", 3, "busy")]),
            b"\x08\x0f\x12\x02q1j\x0a\x0a\x08\x08\x03\x12\x02Al\x18\x03",
        ),
        (
            "MT_MEMBER_LIST_REQUEST",
            answers.MemberList("d", 1, [answers.UserView("Al", 3, "busy", "moderator")]),
            b"\x08\x17\x12\x02q1\xa2\x01\x11\x0a\x01d\x10\x01\x1a\x0a\x08\x03\x12\x02Al\x18\x03\x20\x02",
        ),
        ("MT_PING", answers.Ponged(), b"\x08\x0b\x12\x02q1"),
        ("MT_TYPING", answers.Done(), b"\x08\x09\x12\x02q1"),
        (
            "MT_CHAT_MSG",
            Refusal(Code.RATE_LIMITED, "No.", None, "x", 1.0),
            b'\x08\x08\x12\x02q1R\x13\x08\x0c\x12\x03No."\x01x)\x00\x00\x00\x00\x00\x00\xf0?',
        ),
        ("MT_LOGIN_REQUEST", Refusal(Code.NAME_TAKEN, "No."), b'\x08\x02\x12\x02q1"\x07\x08\x08\x1a\x03No.'),
        ("RA_JOIN", Refusal(Code.FORBIDDEN, "No."), b'\x08\x06\x12\x02q1B\x09\x08\x06\x10\x02"\x03No.'),
        ("MT_ROOM_ACTION", Refusal(Code.BAD_REQUEST, "No."), b'\x08\x06\x12\x02q1B\x07\x08\x01"\x03No.'),
    ],
)
def test_an_answer_becomes_a_message(verb: str, answer: Answer, payload: bytes) -> None:
    assert protobuf.encode_answer(Request(commands.Ping(), "q1", verb), answer) == payload


def test_without_an_id_there_is_no_acknowledgement() -> None:
    published = Request(commands.Publish("hi"), None, "MT_CHAT_MSG")
    assert protobuf.encode_answer(published, answers.Accepted("m1", *POSITION)) == b""
    assert protobuf.encode_answer(Request(commands.Typing(), None, "MT_TYPING"), answers.Done()) == b""
    offered = Request(file_commands.OfferFile("f", 5, "B"), None, "MT_FILE_OFFER")
    assert protobuf.encode_answer(offered, answers.Offered(OFFER)) == b""
    refused = protobuf.encode_answer(published, Refusal(Code.FORBIDDEN, "No."))
    assert refused == b"\x08\x08R\x07\x08\x06\x12\x03No."


def test_a_digest_comes_out_in_small_letters() -> None:
    finish = pb.FileFinish(offer=OFFER, sha256=SHA.upper())
    told = decoded(pb.EchoMsg(type=pb.MT_FILE_FINISH, file_finish=finish)).command
    assert told == file_commands.FinishFile(OFFER, SHA)
    offer = pb.FileOffer(filename="f", sha256=SHA.upper())
    told = decoded(pb.EchoMsg(type=pb.MT_FILE_OFFER, file_offer=offer)).command
    assert told == file_commands.OfferFile("f", 0, sha256=SHA)


def test_a_pong_is_never_answered() -> None:
    assert protobuf.encode_answer(Request(commands.Pong(), "q1", "MT_PONG"), answers.Done()) == b""


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        (
            events.MessagePosted("Al", 3, "den", "hi", "m1", *POSITION),
            b'\x08\x03*$\x08\x03\x12\x03den\x1a\x02hi"\x02Al*\x02m1:\x0f' + POSITION_BYTES,
        ),
        (
            events.WhisperPosted("Al", 3, "Bo", 4, "hi", "m1", *POSITION),
            b'\x08\x0db%\x08\x03\x12\x02Bo\x1a\x02hi"\x02Al*\x02m10\x04:\x0f' + POSITION_BYTES,
        ),
        (
            events.MessagePosted(
                "Al", 3, "den", "hi", "m1", *POSITION, file=answers.FileView("f", "n", 5, "t", "s")
            ),
            b'\x08\x03*4\x08\x03\x12\x03den\x1a\x02hi"\x02Al*\x02m1:\x0f'
            + POSITION_BYTES
            + b'J\x0e\x0a\x01f\x12\x01n\x18\x05"\x01t*\x01s',
        ),
        (
            events.FileData(OFFER, 7, b"\xff", last=True),
            b"\x08\x3c\x82\x04\x29\x0a\x20%b\x10\x07\x1a\x01\xff\x20\x01" % OFFER.encode(),
        ),
        (
            events.FileFailed("A", "f", OFFER, "lost", "m", again=True),
            b"\x08\x5e\xda\x04\x2f\x0a\x01A\x12\x01f\x1a\x20%b\x20\x03\x2a\x01m\x30\x01" % OFFER.encode(),
        ),
        (events.Joined("Al", 3, "den"), b"\x08\x1a\xba\x01\x0b\x08\x03\x12\x02Al\x1a\x03den"),
        (events.Left("Al", 3), b"\x08\x1b\xc2\x01\x06\x08\x03\x12\x02Al"),
        (events.Alive(), b"\x08\x0a"),
        (events.GoingAway("drain"), b"\x08\x0cZ\x07\x0a\x05drain"),
        (events.Welcome("c1"), b""),
        (events.Announcement("c1", msgspec.Raw(b"{}")), b""),
    ],
)
def test_an_event_becomes_a_message(event: Event, payload: bytes) -> None:
    assert protobuf.encode_event(event) == payload


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (b"", "type"),
        (pb.EchoMsg(id="q1"), "type"),
        (pb.EchoMsg(type=pb.MT_CHAT_MSG, login_request=pb.LoginRequest(username="Al")), "body"),
        (pb.EchoMsg(type=pb.MT_LOGIN_REQUEST, chat_msg=pb.ChatMsg(content="hi")), "body"),
        (pb.EchoMsg(type=pb.MT_CHAT_MSG), "body"),
        (pb.EchoMsg(type=pb.MT_LOGIN_REQUEST), "body"),
        (pb.EchoMsg(type=pb.MT_PING, chat_msg=pb.ChatMsg()), "body"),
        (pb.EchoMsg(type=pb.MT_LOGIN_RESPONSE, login_response=pb.LoginResponse()), "type"),
        (pb.EchoMsg(type=pb.MT_ERROR, error=pb.Error()), "type"),
        (pb.EchoMsg(type=pb.MT_ROOM_ACTION, room_action=pb.RoomAction(room_id="den")), "action_type"),
        (pb.EchoMsg(type=pb.MT_ROOM_ACTION, room_action=pb.RoomAction(action_type=pb.RA_JOIN)), "room_id"),
        (pb.EchoMsg(type=pb.MT_ROOM_ACTION, room_action=pb.RoomAction(action_type=pb.RA_CREATE)), "room_id"),
        (b"\x08\x042\x02\x08\x63", "action_type"),
        (pb.EchoMsg(type=pb.MT_PRESENCE, presence=pb.Presence()), "status"),
        (b"\x08\x10r\x02\x08\x63", "status"),
        (chat(content="hi", reply_to=2**53), "reply_to"),
        (pb.EchoMsg(type=pb.MT_EDIT, edit=pb.Edit(content="x", offset=2**53)), "offset"),
        (pb.EchoMsg(type=pb.MT_HISTORY, history=pb.History(before=2**53)), "before"),
        (
            pb.EchoMsg(type=pb.MT_RESUME, resume=pb.Resume(positions={"room:1": pb.Position(offset=2**53)})),
            "offset",
        ),
        (pb.EchoMsg(type=pb.MT_ROLE, role=pb.Role(username="Bob")), "role"),
        *(
            (
                pb.EchoMsg(type=pb.MT_ROOM_SETTINGS, room_settings=pb.RoomSettings(retain_days=days)),
                "retain_days",
            )
            for days in (math.nan, math.inf)
        ),
        (
            pb.EchoMsg(type=pb.MT_FILE_OFFER, file_offer=pb.FileOffer(filename="x" * 1025)),
            "filename",
        ),
        (
            pb.EchoMsg(type=pb.MT_FILE_OFFER, file_offer=pb.FileOffer(filetype="x" * 256)),
            "filetype",
        ),
        (pb.EchoMsg(type=pb.MT_FILE_OFFER, file_offer=pb.FileOffer(sha256=SHA[1:])), "sha256"),
        (pb.EchoMsg(type=pb.MT_FILE_OFFER, file_offer=pb.FileOffer(sha256=SHA + "\n")), "sha256"),
        (pb.EchoMsg(type=pb.MT_FILE_OFFER, file_offer=pb.FileOffer(size=2**53)), "size"),
        (pb.EchoMsg(type=pb.MT_FILE_ACCEPT, file_accept=pb.FileAccept(hello="x" * 8193)), "hello"),
        (pb.EchoMsg(type=pb.MT_FILE_ACCEPT, file_accept=pb.FileAccept(offer=OFFER.upper())), "offer"),
        (pb.EchoMsg(type=pb.MT_FILE_DECLINE, file_decline=pb.FileDecline(filename="x" * 1025)), "filename"),
        (pb.EchoMsg(type=pb.MT_FILE_CANCEL, file_cancel=pb.FileCancel()), "offer"),
        (pb.EchoMsg(type=pb.MT_FILE_START, file_start=pb.FileStart(offer="x")), "offer"),
        (pb.EchoMsg(type=pb.MT_FILE_FINISH, file_finish=pb.FileFinish(offer=OFFER)), "sha256"),
        (pb.EchoMsg(type=pb.MT_FILE_CHUNK, file_chunk=pb.FileChunk(data=b"x")), "offer"),
        (pb.EchoMsg(type=pb.MT_FILE_CHUNK, file_chunk=pb.FileChunk(offer=OFFER, offset=2**53)), "offset"),
        (pb.EchoMsg(type=pb.MT_FILE_GET, file_get=pb.FileGet(file="x" * 129)), "file"),
        (pb.EchoMsg(type=pb.MT_FILE_LIST, file_list=pb.FileList()), "type"),
        (pb.EchoMsg(type=pb.MT_REFRESH), "body"),
        (pb.EchoMsg(type=pb.MT_UNREAD, read=pb.Read()), "body"),
        (pb.EchoMsg(type=pb.MT_HISTORY_RESULT, history_result=pb.HistoryResult()), "type"),
        (pb.EchoMsg(type=pb.MT_LOGGED_OUT), "type"),
        (pb.EchoMsg(type=pb.MT_PING, id="x" * 65), "id"),
        (chat(content="hi", id="x" * 65), "id"),
    ],
)
def test_a_message_that_contradicts_itself_is_refused(message: pb.EchoMsg | bytes, field: str) -> None:
    told = refusal(message)
    assert (told.code, told.field) == (Code.BAD_REQUEST, field)


@pytest.mark.parametrize(
    "payload",
    [
        b"\xff",
        b"\x08",
        b"\x08\x03*\x0b\x08\x03\x12\x03den\x1a\x02h",  # cut off
        b"\x08\x03*\x03\x1a\x01\xff",  # content is not UTF-8
        b"\x08\x01\x12\x01\xff",  # the id is not
        b"\x0c",  # the end of a group that never began
        b"\x0b" * 10_000,  # groups in groups
        b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ],
)
def test_what_is_no_message_is_refused(payload: bytes) -> None:
    request = decoded(payload)
    assert request == Request(Refusal(Code.BAD_REQUEST, "This is not an EchoMsg."))


def test_an_id_of_64_characters_is_one() -> None:
    assert decoded(pb.EchoMsg(type=pb.MT_PING, id="é" * 64)).id == "é" * 64


@pytest.mark.parametrize("number", sorted(UNSUPPORTED))
def test_what_has_a_number_only_is_unsupported(number: int) -> None:
    told = refusal(pb.EchoMsg(type=number, id="q1"))  # type: ignore[arg-type]
    assert told.code is Code.UNSUPPORTED
    assert (
        decoded(pb.EchoMsg(type=pb.MT_VOICE_ANNOUNCE, id="q1", voice_announce=pb.VoiceAnnounce())).id == "q1"
    )


def test_an_unknown_type_is_an_unknown_action() -> None:
    assert refusal(b"\x08\x63") == Refusal(Code.UNKNOWN_ACTION, "unknown action")


@pytest.mark.parametrize("kind", [pb.MT_LOGIN_REQUEST, pb.MT_REGISTER, pb.MT_REFRESH])
def test_a_refused_login_is_still_answered_by_a_login_response(kind: pb.MsgType) -> None:
    request = decoded(pb.EchoMsg(type=kind, id="q1"))  # without a body
    assert isinstance(request.command, Refusal)
    answer = pb.EchoMsg.FromString(protobuf.encode_answer(request, request.command))
    assert answer.type == pb.MT_LOGIN_RESPONSE
    assert (answer.id, answer.login_response.status_code) == ("q1", pb.SC_BAD_REQUEST)


@pytest.mark.parametrize(
    ("frame", "named", "code", "limit"),
    [
        (Frame(TOO_LONG, b"", 65_536), False, Code.TOO_LARGE, "limits.max_frame_before_login"),
        (Frame(FAILED, b"too long", 1009), True, Code.TOO_LARGE, "limits.max_frame"),
        (Frame(FAILED, b"what is this?", 1002), True, Code.BAD_REQUEST, None),
    ],
)
def test_a_frame_that_was_dropped_is_refused(
    frame: Frame, named: bool, code: Code, limit: str | None
) -> None:
    request = protobuf.decode(frame, named)
    assert isinstance(request, Request)
    assert isinstance(request.command, Refusal)
    assert (request.command.code, request.command.limit) == (code, limit)


LONG = b"x" * (UNSEEN + 1)


@pytest.mark.parametrize(
    "message",
    [
        chat(content=LONG.decode()),
        pb.EchoMsg(type=pb.MT_WHISPER, id="q1", whisper=pb.Whisper(to="Bob", content=LONG.decode())),
        pb.EchoMsg(type=pb.MT_TOPIC, topic=pb.Topic(topic=LONG.decode())),
        pb.EchoMsg(type=pb.MT_FILE_CHUNK, id="q1", file_chunk=pb.FileChunk(offer=OFFER, offset=7, data=LONG)),
    ],
)
def test_a_long_request_is_as_good_as_a_short_one(message: pb.EchoMsg) -> None:
    assert not isinstance(decoded(message).command, Refusal)
    later = message.SerializeToString() + b"\xf8\x3f\x01" + b"\xfd\x3f1234" + b"\xf9\x3f12345678"
    assert decoded(later).command == decoded(message).command


@pytest.mark.parametrize(
    "payload",
    [
        b"\x08\x03" + b"\x1a\x00*\x00" * UNSEEN,  # one body after the other
        b"\x08\x0fj\x80\x80\x08" + b"\x0a\x00" * UNSEEN,  # a list of users, 131,072 bytes long
        b"\x08\x03" * UNSEEN,
        b"\x08\x03*\xff\xff\xff\x7f" + LONG,  # shorter than it says
        b"\x08\x03\xf9\x3f" + LONG,  # 65,537 bytes that are no field
        b"\x08\x03\xfb\x3f*\x81\x80\x04" + LONG + b"\xfc\x3f",  # a group
        b"\xff" * (UNSEEN + 1),
        b"\x08\x03*\x81\x80\x04" + LONG + b"\x08",  # cut off in the last field
        b"\x08\x03*\x80\x80\x08" + b"\x42\x00" * UNSEEN,  # a chat message of empty mentions
        b"\x08\x35\xba\x03\x80\x80\x08" + b"\x0a\x00" * UNSEEN,  # positions
        b"\x08\x03*\x80\x80\x08" + b"\x08\x03" * UNSEEN,  # a field again and again
    ],
)
def test_a_long_message_that_is_no_request_is_not_even_parsed(payload: bytes) -> None:
    assert decoded(payload) == Request(
        Refusal(Code.BAD_REQUEST, "A request of more than 65536 bytes has no more than 16 fields.")
    )


def test_what_stands_in_a_request_has_no_list_and_no_oneof_itself() -> None:
    pending = []
    for name in REQUESTED:
        body = pb.EchoMsg.DESCRIPTOR.fields_by_name[name].message_type
        assert body is not None
        pending += [field.message_type for field in body.fields]
    seen = []
    while pending:
        message = pending.pop()
        if message is not None:
            seen.append(message.name)
            assert not [field.full_name for field in message.fields if field.is_repeated]
            assert not message.oneofs
            pending += [field.message_type for field in message.fields]
    assert {"Position", "PositionsEntry", "FileView", "ThumbnailView"} <= set(seen)


def test_every_request_is_in_the_list_of_bodies_that_are_requested() -> None:
    bodies = {BODIES[kind] for kind in COMMANDS.values()} - {None}
    assert bodies | {"voice_announce"} == REQUESTED


def test_other_frames_bring_nothing() -> None:
    assert protobuf.decode(Frame(TEXT, b"\x08\x0a"), named=True) is None


@pytest.mark.parametrize(
    "command",
    [
        commands.Send("@Bob", "hi"),
        commands.Echo(msgspec.Raw(b"1")),
        commands.Announce(msgspec.Raw(b"1")),
        commands.SendTo([], msgspec.Raw(b"1")),
        commands.CountConnections(),
        commands.Quit(),
    ],
)
def test_a_client_cannot_ask_for_what_the_dialect_lacks(command: Command) -> None:
    with pytest.raises(ValueError, match=type(command).__name__):
        protobuf.encode_command(command)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"\x08\x63",
        b"\x08\x01\x1a\x00",  # a request
        b"\x08\x03",  # no body
        b"\x08\x08R\x02\x08\x00",  # an error that says OK
        b"\x08\x08R\x02\x08\x63",  # a status that there is not
        b"\x08\x11z\x00",  # a presence of none
    ],
)
def test_a_client_is_told_what_is_not_of_this_dialect(payload: bytes) -> None:
    with pytest.raises(ValueError, match="not a message of a server"):
        protobuf.decode_message(payload)


def test_a_room_action_that_was_refused_as_it_stood_is_read_by_the_client() -> None:
    told = Refusal(Code.BAD_REQUEST, "No.")
    payload = protobuf.encode_answer(Request(told, "q1", "MT_ROOM_ACTION"), told)
    assert protobuf.decode_message(payload) == Reply(told, "q1", "RA_UNSPECIFIED")


def test_every_code_has_a_number_that_stays() -> None:
    assert {code.name: int(number) for code, number in CODES.items()} == {
        "BAD_REQUEST": 1,
        "UNKNOWN_ACTION": 2,
        "UNSUPPORTED": 3,
        "UNAUTHENTICATED": 4,
        "BAD_CREDENTIALS": 5,
        "FORBIDDEN": 6,
        "NAME_INVALID": 7,
        "NAME_TAKEN": 8,
        "NAME_REGISTERED": 9,
        "NOT_FOUND": 10,
        "TOO_LARGE": 11,
        "RATE_LIMITED": 12,
        "READ_ONLY": 13,
        "INTERNAL": 14,
    }
    assert set(CODES) == set(Code)


def test_every_body_belongs_to_a_type() -> None:
    fields = {field.name for field in pb.EchoMsg.DESCRIPTOR.oneofs_by_name["body"].fields}
    assert fields == {body for body in BODIES.values() if body is not None}


def test_the_generated_module_is_that_of_the_schema(tmp_path: Path) -> None:
    pytest.importorskip("grpc_tools")
    runpy.run_path(str(ROOT / "scripts" / "protobuf.py"))["generate"](tmp_path)
    for name in ("message_pb2.py", "message_pb2.pyi"):
        committed = ROOT / "src" / "hubbub" / "wire" / name
        assert committed.read_text() == (tmp_path / name).read_text(), "run scripts/protobuf.py"
