"""The same command in the three JSON dialects: accounts, rooms that last, history, resume."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hubbub.core import answers, commands, events, file_commands
from hubbub.core.answers import Answer
from hubbub.core.commands import Command, Place
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import TEXT, Frame
from hubbub.wire.codec import Codec, Request
from hubbub.wire.json_actions import ACTIONS, MAX_RESUME
from hubbub.wire.json_payloads import MAX_POSITIONS
from hubbub.wire.length_json import TYPES, length_json
from hubbub.wire.ndjson import ndjson
from hubbub.wire.ndjson_commands import COMMANDS
from hubbub.wire.websocket_json import websocket_json

AT = "2025-01-01T00:00:00.000Z"
SHA = "0123456789abcdef" * 4
OFFER = "0123456789abcdef" * 2
CODECS: dict[str, Codec] = {"websocket": websocket_json, "length": length_json, "ndjson": ndjson}


def decoded(dialect: str, verb: str, **payload: object) -> Request:
    match dialect:
        case "websocket":
            request: dict[str, object] = {
                "id": "q1",
                "type": "request",
                "action": verb,
                "payload": payload,
            }
        case "length":
            request = {"id": "q1", "type": verb, **payload}
        case _:
            request = {"id": "q1", "command": verb, "payload": payload}
    found = CODECS[dialect].decode(Frame(TEXT, json.dumps(request).encode()), named=True)
    assert isinstance(found, Request)
    assert (found.id, found.verb) == ("q1", verb)
    return found


ROWS: list[tuple[str, str, str, dict[str, Any], Command]] = [
    (
        "register",
        "Register",
        "auth/register",
        {"username": "A", "password": "p"},
        commands.Register("A", "p"),
    ),
    (
        "register",
        "Register",
        "auth/register",
        {"username": "A", "password_sha256": SHA},
        commands.Register("A", None, SHA),
    ),
    (
        "login",
        "Login",
        "auth/login",
        {"username": "A", "password_sha256": SHA},
        commands.Login("A", password_sha256=SHA),
    ),
    ("refresh", "Refresh", "auth/refresh", {"refresh_token": "r"}, commands.Refresh("r")),
    ("logout", "Logout", "auth/logout", {}, commands.Logout()),
    ("password", "Password", "auth/password", {"old": "o", "new": "n"}, commands.ChangePassword("o", "n")),
    (
        "password",
        "Password",
        "auth/password",
        {"old_sha256": SHA, "new_sha256": SHA},
        commands.ChangePassword(old_sha256=SHA, new_sha256=SHA),
    ),
    ("sessions", "Sessions", "auth/sessions", {}, commands.ListSessions()),
    ("sessions", "Sessions", "auth/sessions", {"end": "s1"}, commands.EndSession("s1")),
    ("create", "Create", "room/create", {"room": "den", "private": True}, commands.CreateRoom("den", True)),
    ("invite", "Invite", "room/invite", {"to": "Bob", "room": "den"}, commands.Invite("Bob", "den")),
    ("role", "Role", "room/role", {"user": "Bob", "role": "none"}, commands.SetRole("Bob", "none")),
    ("room_settings", "RoomSettings", "room/settings", {"room": "den"}, commands.GetRoom("den")),
    (
        "room_settings",
        "RoomSettings",
        "room/settings",
        {"room": "den", "private": False, "retain_days": 7},
        commands.SetRoom("den", False, 7),
    ),
    (
        "history",
        "History",
        "message/history",
        {"room": "den", "before": 9, "limit": 5},
        commands.GetHistory("den", before=9, limit=5),
    ),
    (
        "history",
        "History",
        "message/history",
        {"with": "Bob", "after": 0},
        commands.GetHistory(with_="Bob", after=0),
    ),
    (
        "history",
        "History",
        "message/history",
        {"stream": "talk:3:4", "around": 7},
        commands.GetHistory(around=7, stream="talk:3:4"),
    ),
    (
        "search",
        "Search",
        "message/search",
        {"query": "tea", "stream": "talk:3:4"},
        commands.Search("tea", stream="talk:3:4"),
    ),
    (
        "search",
        "Search",
        "message/search",
        {"query": "tea", "with": "Bob"},
        commands.Search("tea", None, "Bob"),
    ),
    (
        "search",
        "Search",
        "message/search",
        {"query": "tea", "before": 7, "before_stream": "talk:3:4"},
        commands.Search("tea", before=7, before_stream="talk:3:4"),
    ),
    ("delete", "Delete", "message/delete", {"stream": "r1", "offset": 3}, commands.Delete("r1", 3, "q1")),
    (
        "react",
        "React",
        "message/react",
        {"emoji": "+1", "stream": "r1", "offset": 3, "remove": True},
        commands.React("+1", "r1", 3, True, "q1"),
    ),
    (
        "resume",
        "Resume",
        "sync/resume",
        {"positions": {"r1": {"epoch": "e", "offset": 0}}},
        commands.Resume({"r1": Place("e", 0)}),
    ),
    ("read", "Read", "message/read", {"stream": "r1", "offset": 3}, commands.MarkRead("r1", 3)),
    ("unread", "Unread", "message/unread", {}, commands.GetUnread()),
    ("unread", "Unread", "message/unread", {"all": True}, commands.GetUnread(all=True)),
    (
        "file_offer",
        "FileOffer",
        "file/offer",
        {"to": "Bob", "filename": "cat.png", "size": 123456},
        file_commands.OfferFile("cat.png", 123456, "Bob", id="q1"),
    ),
    (
        "file_offer",
        "FileOffer",
        "file/offer",
        {
            "room": "den",
            "filename": "cat.png",
            "size": 0,
            "sha256": SHA.upper(),
            "filetype": "image/png",
            "content": "My cat",
            "offer": OFFER,
            "hello": "h",
        },
        file_commands.OfferFile("cat.png", 0, None, "den", SHA, "image/png", "My cat", OFFER, "h", id="q1"),
    ),
    (
        "file_offer",
        "FileOffer",
        "file/offer",
        {"to": "Bob", "filename": "cat.png", "size": 1, "to_id": 2**53 - 1},
        file_commands.OfferFile("cat.png", 1, "Bob", to_id=2**53 - 1, id="q1"),
    ),
    (
        "file_accept",
        "FileAccept",
        "file/accept",
        {"from": "Alice", "filename": "cat.png"},
        file_commands.AcceptFile(sender="Alice", filename="cat.png"),
    ),
    (
        "file_accept",
        "FileAccept",
        "file/accept",
        {"offer": OFFER, "offset": 2**53 - 1, "direct": True, "hello": "h"},
        file_commands.AcceptFile(OFFER, None, None, 2**53 - 1, True, "h"),
    ),
    (
        "file_decline",
        "FileDecline",
        "file/decline",
        {"from": "Alice", "filename": "cat.png"},
        file_commands.DeclineFile(None, "Alice", "cat.png"),
    ),
    ("file_cancel", "FileCancel", "file/cancel", {"offer": OFFER}, file_commands.CancelFile(OFFER)),
    ("file_start", "FileStart", "file/start", {"offer": OFFER}, file_commands.StartFile(OFFER)),
    (
        "file_finish",
        "FileFinish",
        "file/finish",
        {"offer": OFFER, "sha256": SHA.upper()},
        file_commands.FinishFile(OFFER, SHA),
    ),
    ("files", "Files", "file/list", {}, file_commands.ListFiles()),
    ("files", "Files", "file/list", {"room": "den", "with": "Bob"}, file_commands.ListFiles("den", "Bob")),
    ("file_get", "FileGet", "file/get", {"file": "f7"}, file_commands.GetFile("f7")),
    (
        "file_get",
        "FileGet",
        "file/get",
        {"filename": "cat.png", "room": "den"},
        file_commands.GetFile(None, "cat.png", "den"),
    ),
]


@pytest.mark.parametrize(("action", "type_", "verb", "payload", "command"), ROWS)
def test_a_row_of_the_table(
    action: str, type_: str, verb: str, payload: dict[str, Any], command: Command
) -> None:
    assert decoded("websocket", action, **payload).command == command
    assert decoded("length", type_, **payload).command == command
    assert decoded("ndjson", verb, **payload).command == command


def test_what_is_said_has_the_names_of_its_dialect() -> None:
    edit = commands.Edit("ho", "r1", 3, "q1")
    assert decoded("websocket", "edit", content="ho", stream="r1", offset=3).command == edit
    assert decoded("length", "Edit", content="ho", stream="r1", offset=3).command == edit
    assert decoded("ndjson", "message/edit", text="ho", stream="r1", offset=3).command == edit
    reply = commands.Whisper("Bob", "hi", "q1", 3)
    assert decoded("websocket", "whisper", to="Bob", content="hi", reply_to=3).command == reply
    assert decoded("length", "Whisper", to="Bob", content="hi", reply_to=3).command == reply
    sent = commands.Send("Bob", "hi", "q1", 3)
    assert decoded("ndjson", "message/send", target_id="Bob", text="hi", reply_to=3).command == sent
    meant = commands.Whisper("Bob", "hi", "q1", to_id=4)
    assert decoded("websocket", "whisper", to="Bob", content="hi", to_id=4).command == meant
    assert decoded("length", "Whisper", to="Bob", content="hi", to_id=4).command == meant
    told = commands.Send("Bob", "hi", "q1", to_id=4)
    assert decoded("ndjson", "message/send", target_id="Bob", text="hi", to_id=4).command == told


@pytest.mark.parametrize("to_id", [0, -1, 2**53, "4", 4.5, True])
def test_who_is_meant_is_a_whole_number_over_0(to_id: object) -> None:
    for dialect, verb, payload in (
        ("websocket", "whisper", {"to": "Bob", "content": "hi"}),
        ("length", "Whisper", {"to": "Bob", "content": "hi"}),
        ("ndjson", "message/send", {"target_id": "Bob", "text": "hi"}),
        ("websocket", "file_offer", {"to": "Bob", "filename": "f", "size": 1}),
    ):
        refusal = decoded(dialect, verb, **payload, to_id=to_id).command
        assert isinstance(refusal, Refusal)
        assert (refusal.code, refusal.field) == (Code.BAD_REQUEST, "to_id")


def test_what_is_for_one_person_is_never_read_as_said_to_a_room() -> None:
    for payload in ({"conversation_id": "Bob"}, {}):
        refusal = decoded("ndjson", "message/send", text="hi", to_id=4, **payload).command
        assert isinstance(refusal, Refusal)
        assert (refusal.code, refusal.field) == (Code.BAD_REQUEST, "to_id")


SAID = [
    ("websocket", "publish", {"content": "x"}),
    ("websocket", "whisper", {"content": "x", "to": "Bob"}),
    ("length", "Broadcast", {"content": "x"}),
    ("length", "Whisper", {"content": "x", "to": "Bob"}),
    ("ndjson", "message/send", {"text": "x"}),
    ("websocket", "topic", {"topic": "x"}),
    ("length", "Topic", {"topic": "x"}),
    ("ndjson", "room/topic", {"topic": "x"}),
    ("websocket", "edit", {"content": "x", "offset": 1}),
    ("length", "Edit", {"content": "x", "offset": 1}),
    ("ndjson", "message/edit", {"text": "x", "offset": 1}),
    ("websocket", "delete", {}),
    ("length", "Delete", {}),
    ("ndjson", "message/delete", {}),
    ("websocket", "react", {"emoji": "x", "remove": True}),
    ("length", "React", {"emoji": "x", "remove": True}),
    ("ndjson", "message/react", {"emoji": "x", "remove": True}),
]


@pytest.mark.parametrize(("dialect", "verb", "payload"), SAID)
def test_what_is_said_has_no_member_that_nobody_knows(
    dialect: str, verb: str, payload: dict[str, Any]
) -> None:
    for wrong in ("rooom", "a`b - at `$.c", "x" * 500):
        refusal = decoded(dialect, verb, **payload, **{wrong: "secret"}).command
        assert isinstance(refusal, Refusal), refusal
        assert (refusal.code, refusal.field) == (Code.BAD_REQUEST, wrong[:64])
        assert refusal.message == f"There is no field {wrong[:64]!r} here."
    assert not isinstance(decoded(dialect, verb, **payload).command, Refusal)


def test_elsewhere_what_is_not_known_is_ignored() -> None:
    assert decoded("websocket", "join", room="den", colour="red").command == commands.JoinRoom("den")
    assert decoded("length", "Join", room="den", colour="red").command == commands.JoinRoom("den")
    assert decoded("ndjson", "room/join", room="den", colour="red").command == commands.JoinRoom("den")


def test_no_row_is_missing() -> None:
    rows = {action for action, *_ in ROWS}
    assert {action for action in ACTIONS if action.startswith("file")} <= rows
    # The gateway's four; Pong; a whisper is a send, and bytes of a file are no JSON elsewhere.
    assert len(ACTIONS) - 4 == len(TYPES) - 1 == len(COMMANDS) + 1 - 1


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("login", {"username": "A", "password_sha256": "short"}, "password_sha256"),
    ("login", {"username": "A", "password": "x" * 1025}, "password"),
    ("register", {"username": "A", "password_sha256": SHA + "\n"}, "password_sha256"),
    ("refresh", {}, "refresh_token"),
    ("refresh", {"refresh_token": "x" * 129}, "refresh_token"),
    ("password", {"old": 5}, "old"),
    ("password", {"old_sha256": "g" * 64}, "old_sha256"),
    ("sessions", {"end": 5}, "end"),
    ("invite", {"room": "den"}, "to"),
    ("role", {"user": "Bob"}, "role"),
    ("role", {"user": "Bob", "role": "king"}, "role"),
    ("room_settings", {"retain_days": -1}, "retain_days"),
    ("room_settings", {"private": "yes"}, "private"),
    ("create", {"room": "den", "private": None}, "private"),
    ("history", {"before": 0}, "before"),
    ("history", {"after": -1}, "after"),
    ("history", {"around": 2**53}, "around"),
    ("history", {"limit": 0}, "limit"),
    ("history", {"with": 5}, "with"),
    ("search", {}, "query"),
    ("search", {"query": "x" * 1025}, "query"),
    ("delete", {"offset": 0}, "offset"),
    ("delete", {"stream": "x" * 129}, "stream"),
    ("react", {"emoji": ""}, "emoji"),
    ("react", {"emoji": "x" * 65}, "emoji"),
    ("resume", {}, "positions"),
    ("resume", {"positions": []}, "positions"),
    ("resume", {"positions": {"r1": 5}}, "positions"),
    ("resume", {"positions": {"r1": {"epoch": "e", "offset": -1}}}, "positions"),
    ("resume", {"positions": {"r1": {"offset": 1}}}, "epoch"),
    ("read", {"offset": 5}, "stream"),
    ("read", {"stream": "r1", "offset": 1.5}, "offset"),
    ("file_offer", {"size": 5}, "filename"),
    ("file_offer", {"filename": "x" * 1025, "size": 5}, "filename"),
    ("file_offer", {"filename": "x"}, "size"),
    ("file_offer", {"filename": "x", "size": -1}, "size"),
    ("file_offer", {"filename": "x", "size": 2**53}, "size"),
    ("file_offer", {"filename": "x", "size": 1.5}, "size"),
    ("file_offer", {"filename": "x", "size": 5, "sha256": SHA + "\n"}, "sha256"),
    ("file_offer", {"filename": "x", "size": 5, "filetype": "x" * 256}, "filetype"),
    ("file_offer", {"filename": "x", "size": 5, "hello": "x" * 8193}, "hello"),
    ("file_offer", {"filename": "x", "size": 5, "offer": OFFER.upper()}, "offer"),
    ("file_offer", {"filename": "x", "size": 5, "content": 7}, "content"),
    ("file_accept", {"from": 7}, "from"),
    ("file_accept", {"offer": OFFER + "\n"}, "offer"),
    ("file_accept", {"offer": OFFER[1:]}, "offer"),
    ("file_accept", {"filename": "x" * 1025}, "filename"),
    ("file_accept", {"offset": -1}, "offset"),
    ("file_accept", {"offset": 2**53}, "offset"),
    ("file_accept", {"hello": "x" * 8193}, "hello"),
    ("file_accept", {"direct": 1}, "direct"),
    ("file_decline", {"offer": "g" * 32}, "offer"),
    ("file_decline", {"filename": "x" * 1025}, "filename"),
    ("file_cancel", {}, "offer"),
    ("file_start", {"offer": OFFER * 2}, "offer"),
    ("file_finish", {"offer": OFFER}, "sha256"),
    ("file_finish", {"offer": OFFER, "sha256": "g" * 64}, "sha256"),
    ("files", {"with": 5}, "with"),
    ("file_get", {"file": "x" * 129}, "file"),
    ("file_get", {"filename": "x" * 1025}, "filename"),
]


@pytest.mark.parametrize(("action", "payload", "field"), WRONG)
def test_a_wrong_field_is_named(action: str, payload: dict[str, Any], field: str) -> None:
    [type_, verb] = {(row[1], row[2]) for row in ROWS if row[0] == action}.pop()
    for dialect, name in (("websocket", action), ("length", type_), ("ndjson", verb)):
        refusal = decoded(dialect, name, **payload).command
        assert isinstance(refusal, Refusal), (dialect, refusal)
        assert (refusal.code, refusal.field) == (Code.BAD_REQUEST, field), dialect
        assert len(refusal.message) < 300


def test_positions_are_read_up_to_their_limit_only() -> None:
    at = {"epoch": "e" * 16, "offset": 2**53 - 1}
    most = {f"{number:064}": at for number in range(MAX_POSITIONS)}
    assert isinstance(decoded("length", "Resume", positions=most).command, commands.Resume)
    for surplus in ({**most, "one": at}, {f"{number:0800}": at for number in range(MAX_RESUME // 800)}):
        refusal = decoded("websocket", "resume", positions=surplus).command
        assert isinstance(refusal, Refusal)
        assert refusal.field == "positions"


CAT = answers.FileView("f7", "cat.png", 5, "image/png", SHA, answers.ThumbnailView("f8", 64, 32))
CAT_JSON = {
    "file": "f7",
    "name": "cat.png",
    "size": 5,
    "type": "image/png",
    "sha256": SHA,
    "thumbnail": {"file": "f8", "width": 64, "height": 32},
}
SHOWN = answers.MessageView(
    "A", 3, "hi", "m1", "r1", "e", 7, AT, "den", reactions=[answers.Reaction("+1", 1, ["B"])], file=CAT
)
SHOWN_JSON = {
    "from": "A",
    "from_id": 3,
    "content": "hi",
    "id": "m1",
    "stream": "r1",
    "epoch": "e",
    "offset": 7,
    "at": AT,
    "room": "den",
    "reactions": [{"emoji": "+1", "count": 1, "users": ["B"]}],
    "file": CAT_JSON,
}
ANSWERED: list[tuple[Answer, str, dict[str, Any]]] = [
    (answers.LoggedOut(), "LoggedOut", {}),
    (answers.PasswordSet(), "PasswordSet", {}),
    (
        answers.SessionList([answers.SessionView("s1", AT, AT, True)]),
        "SessionList",
        {"sessions": [{"id": "s1", "since": AT, "seen": AT, "current": True}]},
    ),
    (answers.SessionEnded("s1"), "SessionEnded", {"session": "s1"}),
    (answers.Resumed({"r1": Place("e", 7)}), "Resumed", {"positions": {"r1": {"epoch": "e", "offset": 7}}}),
    (answers.ReadUpTo("r1", 7), "Read", {"stream": "r1", "offset": 7}),
    (
        answers.UnreadList([answers.UnreadView("r1", "e", 7, 3, 4, with_="Bob")]),
        "UnreadList",
        {"streams": [{"stream": "r1", "epoch": "e", "offset": 7, "read": 3, "unread": 4, "with": "Bob"}]},
    ),
    (
        answers.UnreadList([answers.UnreadView("r1", "e", 7, 7, 0, with_="Bob", at=AT, gone=True)]),
        "UnreadList",
        {
            "streams": [
                {"stream": "r1", "epoch": "e", "offset": 7, "read": 7, "unread": 0}
                | {"with": "Bob", "at": AT, "gone": True}
            ]
        },
    ),
    (answers.Invited("den", "Bob"), "Invited", {"room": "den", "username": "Bob"}),
    (
        answers.RoleSet("den", "Bob", "moderator"),
        "Role",
        {"room": "den", "username": "Bob", "role": "moderator"},
    ),
    (
        answers.RoomSettingsShown("den", True, 7.0, "Tea", "A", "owner"),
        "RoomSettings",
        {"room": "den", "private": True, "retain_days": 7.0, "topic": "Tea", "owner": "A", "role": "owner"},
    ),
    (answers.Offered(OFFER, True), "Offered", {"offer": OFFER, "keep": True}),
    (
        answers.FileList([answers.OfferView(OFFER, "A", "cat.png", 5, "running", room="den")], [CAT]),
        "FileList",
        {
            "offers": [
                {
                    "offer": OFFER,
                    "from": "A",
                    "filename": "cat.png",
                    "size": 5,
                    "state": "running",
                    "room": "den",
                }
            ],
            "files": [CAT_JSON],
        },
    ),
    (
        answers.FileLink("/blobs/f7/cat.png?t=x", "cat.png", 5, 600),
        "FileLink",
        {"url": "/blobs/f7/cat.png?t=x", "name": "cat.png", "size": 5, "expires_in": 600},
    ),
]


@pytest.mark.parametrize(("answer", "type_", "told"), ANSWERED)
def test_an_answer(answer: Answer, type_: str, told: dict[str, Any]) -> None:
    asked = Request(commands.Ping(), "q1", "some/verb")
    assert json.loads(websocket_json.encode_answer(asked, answer))["data"] == told
    assert json.loads(length_json.encode_answer(asked, answer)) == {"type": type_, "id": "q1", **told}
    unnamed = length_json.encode_answer(Request(commands.Ping()), answer)
    assert json.loads(unnamed or "{}") == ({} if type_ == "Offered" else {"type": type_, **told})
    assert json.loads(ndjson.encode_answer(asked, answer))["payload"] == told


PLACE = {"stream": "r1", "epoch": "e", "offset": 7, "at": AT}
FROM_A = {"from": "A", "from_id": 3}
TOLD: list[tuple[Event, str, str, str, dict[str, Any]]] = [
    (
        events.MessagePosted("A", 3, "den", "cat.png", "m1", "r1", "e", 7, AT, file=CAT),
        "message",
        "NewMessage",
        "message/new",
        {**FROM_A, "room": "den", "content": "cat.png", "id": "m1", **PLACE, "file": CAT_JSON},
    ),
    (
        events.WhisperPosted("A", 3, "B", 4, "cat.png", "m1", "r1", "e", 7, AT, file=CAT),
        "private",
        "PrivateMessage",
        "message/private",
        {**FROM_A, "to": "B", "to_id": 4, "content": "cat.png", "id": "m1", **PLACE, "file": CAT_JSON},
    ),
    (
        events.FileOffered("A", 3, "B", "cat.png", 5, OFFER, SHA, "image/png", "h"),
        "file_offer",
        "FileOffer",
        "file/offer",
        {
            **FROM_A,
            "to": "B",
            "filename": "cat.png",
            "size": 5,
            "offer": OFFER,
            "sha256": SHA,
            "filetype": "image/png",
            "hello": "h",
        },
    ),
    (
        events.FileDeclined("A", "B", "cat.png", OFFER),
        "file_decline",
        "FileDecline",
        "file/decline",
        {"from": "A", "to": "B", "filename": "cat.png", "offer": OFFER},
    ),
    (
        events.FileAccepted("B", "cat.png", OFFER, 0, "h"),
        "file_accepted",
        "FileAccepted",
        "file/accepted",
        {"to": "B", "filename": "cat.png", "offer": OFFER, "offset": 0, "hello": "h"},
    ),
    (
        events.UploadStarted("cat.png", OFFER, 5, 2, 3),
        "file_upload",
        "StartUpload",
        "file/upload",
        {"filename": "cat.png", "offer": OFFER, "size": 5, "offset": 2, "window": 3},
    ),
    (
        events.DownloadStarted("A", "cat.png", 5, OFFER),
        "file_download",
        "StartDownload",
        "file/download",
        {"from": "A", "filename": "cat.png", "size": 5, "offer": OFFER},
    ),
    (
        events.FileProgress(OFFER, 3),
        "file_progress",
        "FileProgress",
        "file/progress",
        {"offer": OFFER, "offset": 3},
    ),
    (
        events.FileDone("cat.png", OFFER, SHA),
        "file_done",
        "FileDone",
        "file/done",
        {"filename": "cat.png", "offer": OFFER, "sha256": SHA},
    ),
    (
        events.FileFailed("A", "cat.png", OFFER, "lost", "A is gone.", True),
        "file_failed",
        "FileFailed",
        "file/failed",
        {
            "from": "A",
            "filename": "cat.png",
            "offer": OFFER,
            "reason": "lost",
            "message": "A is gone.",
            "again": True,
        },
    ),
]


@pytest.mark.parametrize(("event", "name", "type_", "command", "told"), TOLD)
def test_an_event_of_a_file(event: Event, name: str, type_: str, command: str, told: dict[str, Any]) -> None:
    notification = json.loads(websocket_json.encode_event(event))
    assert (notification["event"], notification["data"]) == (name, told)
    assert json.loads(length_json.encode_event(event)) == {"type": type_, **told}
    payload = {"id": "message_id", "content": "text"} if command.startswith("message/") else {}
    told = {payload.get(member, member): value for member, value in told.items()}
    assert json.loads(ndjson.encode_event(event)) == {"command": command, "payload": told}


def test_a_history_is_told_with_the_names_of_its_dialect() -> None:
    asked = Request(commands.Ping(), "q1", "message/history")
    history = answers.History("r1", [SHOWN], False, "den")
    told = {"stream": "r1", "messages": [SHOWN_JSON], "more": False, "room": "den"}
    assert json.loads(websocket_json.encode_answer(asked, history))["data"] == told
    assert json.loads(length_json.encode_answer(asked, history)) == {"type": "History", "id": "q1", **told}
    shown = {**SHOWN_JSON, "text": "hi", "message_id": "m1"}
    del shown["content"], shown["id"]
    assert json.loads(ndjson.encode_answer(asked, history))["payload"] == {**told, "messages": [shown]}
    found = json.loads(ndjson.encode_answer(asked, answers.SearchResult([SHOWN], True)))
    assert found["payload"] == {"messages": [shown], "more": True}


def test_an_account_is_told_its_tokens() -> None:
    place = answers.RoomPlace("lobby", "r1", "e", 7)
    login = answers.LoggedIn("A", 3, "t", "hubbub", "r", 3600, "admin", [place])
    told = json.loads(
        ndjson.encode_answer(Request(commands.Ping(), "q1", "auth/login", signing_key="ab"), login)
    )
    assert told["payload"] == {
        "token": "t",
        "refresh_token": "r",
        "expires_in": 3600,
        "user_id": 3,
        "username": "A",
        "server": "hubbub",
        "role": "admin",
        "rooms": [{"room": "lobby", "stream": "r1", "epoch": "e", "offset": 7}],
        "hmac_key": "ab",
    }


def test_an_edit_is_acknowledged_by_the_id_of_its_request() -> None:
    kept = answers.Accepted("q1", "r1", "e", 8, AT)
    told = json.loads(ndjson.encode_answer(Request(commands.Edit("ho"), "q1", "message/edit"), kept))
    assert told["payload"] == {"id": "q1", "stream": "r1", "epoch": "e", "offset": 8, "at": AT}
    refused = Refusal(Code.TOO_LARGE, "Too long.", "content")
    told = json.loads(ndjson.encode_answer(Request(commands.Edit("ho"), "q1", "message/edit"), refused))
    assert told["error"]["field"] == "text"
