"""The document is whole, and everything that the codecs write is exactly what it says."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, get_args

import jsonschema
import msgspec
import pytest

from hubbub.core import answers, commands, events, file_commands
from hubbub.core.answers import Answer
from hubbub.core.commands import Command
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import TEXT, Frame
from hubbub.wire.asyncapi import document
from hubbub.wire.codec import Codec, Request
from hubbub.wire.json_actions import ACTIONS
from hubbub.wire.length_json import TYPES, length_json
from hubbub.wire.ndjson import ndjson
from hubbub.wire.ndjson_commands import COMMANDS
from hubbub.wire.websocket_json import websocket_json

POSITION = ("r1", "e1", 7, "2025-01-01T00:00:00.000Z")
CODECS: dict[str, Codec] = {"websocket": websocket_json, "length_json": length_json, "ndjson": ndjson}
DOCUMENT: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document("1.2.3")))
GATEWAY = {commands.Echo, commands.Announce, commands.SendTo, commands.CountConnections}
LACKING = {
    "websocket": {commands.Send, commands.Pong},
    "length_json": GATEWAY | {commands.Send, file_commands.SendChunk},
    "ndjson": GATEWAY,
}
OFFER, SHA = "0123456789abcdef" * 2, "0123456789abcdef" * 4
CAT = answers.FileView("f7", "cat.png", 5, "image/png", SHA)
THUMBED = answers.FileView("f7", "cat.png", 5, "image/png", SHA, answers.ThumbnailView("f8", 64, 32))
SHOWN = [
    answers.MessageView("Alice", 3, "hi", "m1", *POSITION, "den"),
    answers.MessageView(
        "Alice",
        3,
        "",
        "m1",
        *POSITION,
        None,
        "Bob",
        4,
        2,
        POSITION[3],
        True,
        [answers.Reaction("+1", 1, ["Bob"])],
    ),
    answers.MessageView("Alice", 3, "cat.png", "m1", *POSITION, "den", file=THUMBED),
]
USERS = [answers.UserView("Alice", 3, "online"), answers.UserView("Bob", 4, "offline", "owner")]

TOLD: list[Event] = [
    events.MessagePosted("Alice", 3, "den", "hi", "m1", *POSITION),
    events.MessagePosted("Alice", 3, "den", "hi", "m1", *POSITION, 2),
    events.WhisperPosted("Alice", 3, "Bob", 4, "hi", "m1", *POSITION),
    events.TopicChanged("Alice", 3, "den", "Tea", *POSITION),
    events.MessagePosted("Alice", 3, "den", "hi @Bob", "m1", *POSITION, 2, ["Bob"]),
    events.WhisperPosted("Alice", 3, "Bob", 4, "hi", "m1", *POSITION, 2),
    events.MessageEdited("Alice", 3, 6, "ho", "m2", *POSITION, "den"),
    events.MessageEdited("Alice", 3, 6, "ho", "m2", *POSITION),
    events.MessageDeleted("Alice", 3, 6, "m3", *POSITION, "den"),
    events.ReactionChanged("Alice", 3, 6, "+1", "m4", *POSITION, True, "den"),
    events.RoomChanged("Alice", 3, "den", True, 30.0, *POSITION),
    events.RoleChanged("Alice", 3, "Bob", 4, "moderator", "den", *POSITION),
    events.Mentioned("Alice", 3, "den", "r1", "m1", *POSITION),
    events.RoomInvitation("Alice", 3, "den", "r1", *POSITION),
    events.MessageErased(*POSITION[:3]),
    events.Gap(*POSITION[:3]),
    events.ReadMoved("r1", 7),
    events.Joined("Alice", 3, "den"),
    events.Left("Alice", 3, "den"),
    events.Left("Alice", 3),
    events.StatusChanged("Alice", 3, "away"),
    events.UserTyping("Alice", 3, "den"),
    events.MessagePosted("Alice", 3, "den", "cat.png", "m1", *POSITION, file=CAT),
    events.WhisperPosted("Alice", 3, "Bob", 4, "cat.png", "m1", *POSITION, file=THUMBED),
    events.FileOffered("Alice", 3, "Bob", "cat.png", 5, OFFER),
    events.FileOffered("Alice", 3, "Bob", "cat.png", 5, OFFER, SHA, "image/png", "h"),
    events.FileDeclined("Alice", "Bob", "cat.png", OFFER),
    events.FileAccepted("Bob", "cat.png", OFFER, 0, "h"),
    events.UploadStarted("cat.png", OFFER, 5),
    events.UploadStarted("cat.png", OFFER, 5, 2, 3),
    events.DownloadStarted("Alice", "cat.png", 5, OFFER, 2),
    events.FileData(OFFER, 2, b"abc", last=True),
    events.FileProgress(OFFER, 3),
    events.FileDone("cat.png", OFFER, SHA),
    events.FileFailed("Alice", "cat.png", OFFER, "lost", "Alice is gone.", again=True),
    events.Announcement("c1", msgspec.Raw(b"[1]")),
    events.Welcome("c1", "Alice"),
    events.Welcome("c1"),
    events.Alive(),
    events.GoingAway("drain", 3.0),
    events.GoingAway("policy"),
]
ASKED: list[Command] = [
    commands.Login("Alice", "secret"),
    commands.Login(token="t"),
    commands.Login("Alice", password_sha256="0" * 64),
    commands.Register("Alice", "secret"),
    commands.Register("Alice", password_sha256="0" * 64),
    commands.Refresh("r"),
    commands.Logout(),
    commands.ChangePassword("old", "new"),
    commands.ChangePassword(old_sha256="0" * 64, new_sha256="1" * 64),
    commands.ListSessions(),
    commands.EndSession("s1"),
    commands.Publish("hi"),
    commands.Publish("hi", "den", "m1", 2),
    commands.Whisper("Bob", "hi", "m1"),
    commands.Whisper("Bob", "hi", "m1", 2, 3),
    commands.Send("#den", "hi"),
    commands.ListUsers(),
    commands.SetStatus("offline"),
    commands.ListRooms(),
    commands.CreateRoom("den"),
    commands.CreateRoom("den", private=True),
    commands.JoinRoom("den"),
    commands.LeaveRoom("den"),
    commands.SetTopic("Tea", "den"),
    commands.GetTopic("den"),
    commands.ListMembers("den"),
    commands.Invite("Bob", "den"),
    commands.SetRole("Bob", "moderator", "den"),
    commands.GetRoom("den"),
    commands.SetRoom("den", private=True, retain_days=0.5),
    commands.GetHistory("den", before=9, limit=50),
    commands.GetHistory(with_="Bob", after=0),
    commands.GetHistory("den", around=9),
    commands.Search("tea", "den", limit=5),
    commands.Search("tea", with_="Bob"),
    commands.Edit("ho", "r1", 6, "m2"),
    commands.Edit("ho"),
    commands.Delete("r1", 6),
    commands.React("+1", "r1", 6, remove=True),
    commands.Resume({"r1": commands.Place("e1", 6), "r2": commands.Place("e1", 0)}),
    commands.MarkRead("r1", 6),
    commands.GetHistory(stream="talk:3:4"),
    commands.GetUnread(),
    commands.GetUnread(all=True),
    file_commands.OfferFile("cat.png", 5, "Bob"),
    file_commands.OfferFile("cat.png", 5, None, "den", SHA, "image/png", "My cat", OFFER, "h", id="m1"),
    file_commands.OfferFile("cat.png", 5, "Bob", to_id=3),
    file_commands.AcceptFile(OFFER),
    file_commands.AcceptFile(None, "Alice", "cat.png", 2, True, "h"),
    file_commands.DeclineFile(None, "Alice", "cat.png"),
    file_commands.CancelFile(OFFER),
    file_commands.StartFile(OFFER),
    file_commands.FinishFile(OFFER, SHA),
    file_commands.SendChunk(OFFER, 2, b"abc", last=True),
    file_commands.ListFiles(),
    file_commands.ListFiles("den", "Bob"),
    file_commands.GetFile("f7"),
    file_commands.GetFile(None, "cat.png", "den"),
    commands.Typing("den"),
    commands.Ping(),
    commands.Pong(),
    commands.Echo(msgspec.Raw(b"[1]")),
    commands.Announce(msgspec.Raw(b"[1]")),
    commands.SendTo(["c1"], msgspec.Raw(b"[1]")),
    commands.CountConnections(),
]
ANSWERED: list[Answer] = [
    answers.LoggedIn("Alice", 3, "t", "hubbub"),
    answers.LoggedIn(
        "Alice", 3, "t", "hubbub", "r", 3600, "admin", [answers.RoomPlace("lobby", "r1", "e1", 7)]
    ),
    answers.LoggedOut(),
    answers.PasswordSet(),
    answers.SessionList([answers.SessionView("s1", POSITION[3], POSITION[3], True)]),
    answers.SessionEnded("s1"),
    answers.History("r1", SHOWN, True, "den"),
    answers.History("talk", [], False, None, "Bob"),
    answers.SearchResult(SHOWN, False),
    answers.Resumed({"r1": commands.Place("e1", 7)}),
    answers.ReadUpTo("r1", 7),
    answers.UnreadList(
        [answers.UnreadView("r1", "e1", 7, 3, 4, 1, "den"), answers.UnreadView("notices", "e1", 7, 3, 4)]
    ),
    answers.Invited("den", "Bob"),
    answers.RoleSet("den", "Bob", "moderator"),
    answers.RoomSettingsShown("den", True, 30.0, "Tea", "Alice", "owner"),
    answers.RoomSettingsShown("den", False, 0.0),
    answers.Accepted("m1", *POSITION),
    answers.Offered(OFFER, keep=True),
    answers.FileList(
        [
            answers.OfferView(OFFER, "Alice", "cat.png", 5, "offered", to="Bob"),
            answers.OfferView(OFFER, "Alice", "cat.png", 5, "running", room="den"),
        ],
        [CAT, THUMBED],
    ),
    answers.FileLink("/blobs/f7/cat.png?ticket=t", "cat.png", 5, 600),
    answers.UserList(USERS),
    answers.StatusSet("away"),
    answers.RoomList([answers.RoomView("den", "Tea", 1)]),
    answers.RoomJoined("den", "r1", "e1", 7, 1, "Tea", False),
    answers.RoomLeft("den"),
    answers.TopicSet("den", "Tea"),
    answers.MemberList("den", 1, USERS),
    answers.Ponged(),
    answers.Done(),
    answers.Echoed(msgspec.Raw(b"[1]")),
    answers.Announced(2),
    answers.Connections(2),
    Refusal(Code.RATE_LIMITED, "Too fast.", "content", "limits.message_rate", 1.5),
    Refusal(Code.FORBIDDEN, "No."),
]


def resolved(reference: str) -> dict[str, Any]:
    found: Any = DOCUMENT
    assert reference.startswith("#/")
    for part in reference[2:].split("/"):
        found = found[part]
    assert isinstance(found, dict)
    return found


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from references(item)


def strict(value: Any) -> Any:
    """The same schemas, but what they do not name is not allowed."""
    if isinstance(value, list):
        return [strict(item) for item in value]
    if not isinstance(value, dict):
        return value
    closed = {key: strict(item) for key, item in value.items()}
    if value.get("type") == "object" and "properties" in value:
        closed["additionalProperties"] = False
    return closed


def fits(payload: bytes, *messages: str) -> bool:
    """Whether bytes that a codec wrote are, member for member, one of these messages."""
    schemas = [resolved(message)["payload"] for message in messages]
    whole = {"anyOf": strict(schemas), "components": strict(copy.deepcopy(DOCUMENT["components"]))}
    return jsonschema.Draft202012Validator(whole).is_valid(msgspec.json.decode(payload))


def messages_of(action: str, dialect: str, verb: str) -> list[str]:
    """The messages of the operation that `verb` names, or the replies to it (`action` "reply")."""
    wanted = "receive" if action == "reply" else action
    [operation] = [
        operation
        for key, operation in DOCUMENT["operations"].items()
        if key.startswith(f"{dialect}.") and (operation["title"], operation["action"]) == (verb, wanted)
    ]
    source = operation["reply"] if action == "reply" else operation
    return [message["$ref"] for message in source["messages"]]


def test_the_document_says_what_it_is() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"]["version"] == "1.2.3"
    assert set(DOCUMENT["channels"]) == set(CODECS)
    assert DOCUMENT["channels"]["websocket"]["address"] == "/ws"


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert len(found) > 100
    for reference in found:
        assert resolved(reference)


def test_operations_speak_of_messages_of_their_own_channel() -> None:
    for key, operation in DOCUMENT["operations"].items():
        channel = operation["channel"]["$ref"]
        assert key.startswith(channel.removeprefix("#/channels/") + ".")
        assert operation["action"] in ("send", "receive")
        assert operation["messages"]
        for message in [*operation["messages"], *operation.get("reply", {}).get("messages", [])]:
            assert message["$ref"].startswith(f"{channel}/messages/")


def test_every_message_is_sent_or_received() -> None:
    used = {reference for reference in references(DOCUMENT["operations"]) if "/messages/" in reference}
    described = {
        f"#/channels/{name}/messages/{key}"
        for name, channel in DOCUMENT["channels"].items()
        for key in channel["messages"]
    }
    assert used == described


def test_every_schema_is_one() -> None:
    for channel in DOCUMENT["channels"].values():
        for message in channel["messages"].values():
            jsonschema.Draft202012Validator.check_schema(message["payload"])
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_the_samples_are_of_every_type() -> None:
    assert {type(event) for event in TOLD} == set(get_args(Event))
    assert {type(command) for command in ASKED} == set(get_args(Command)) - {commands.Quit}
    assert {type(answer) for answer in ANSWERED} == set(get_args(Answer)) - {answers.Farewell}


@pytest.mark.parametrize("dialect", CODECS)
@pytest.mark.parametrize("event", TOLD, ids=lambda event: type(event).__name__)
def test_events_are_as_described(dialect: str, event: Event) -> None:
    payload = CODECS[dialect].encode_event(event)
    if dialect == "websocket" and isinstance(event, events.FileData):
        assert "binary message" in DOCUMENT["channels"]["websocket"]["description"]
        return
    if not payload:
        lacking = {
            "websocket": events.Alive,
            "length_json": events.Announcement | events.Welcome | events.FileData,
            "ndjson": events.Announcement | events.Welcome,
        }
        assert isinstance(event, lacking[dialect])
        return
    told = msgspec.json.decode(payload)
    verb = told.get("event") or told.get("command") or told["type"]
    assert fits(payload, *messages_of("send", dialect, verb))


@pytest.mark.parametrize("dialect", CODECS)
@pytest.mark.parametrize("command", ASKED, ids=lambda command: type(command).__name__)
def test_requests_are_as_described(dialect: str, command: Command) -> None:
    codec = CODECS[dialect]
    if type(command) in LACKING[dialect]:
        with pytest.raises(ValueError, match=r"no \w+ of the"):
            codec.encode_command(command, "q1")
        return
    payload = codec.encode_command(command, "q1")
    if dialect == "websocket" and isinstance(command, file_commands.SendChunk):
        return  # no JSON, as told above
    request = codec.decode(Frame(TEXT, payload), named=True)
    assert isinstance(request, Request)
    assert fits(payload, *messages_of("receive", dialect, request.verb))


def test_signed_requests_are_as_described() -> None:
    login = b'{"command":"auth/login","id":"1","payload":{"username":"Alice","hmac":true}}'
    assert fits(login, *messages_of("receive", "ndjson", "auth/login"))
    signed = b'{"command":"presence/list","headers":{"token":null,"seq":%b},"hmac":"0a"}'
    assert fits(signed % b"1", *messages_of("receive", "ndjson", "presence/list"))
    assert not fits(signed % b"0", *messages_of("receive", "ndjson", "presence/list"))
    told = ndjson.encode_answer(Request(commands.Ping(), "1", "auth/login", signing_key="0a"), ANSWERED[0])
    assert fits(told, *messages_of("reply", "ndjson", "auth/login"))


@pytest.mark.parametrize(
    ("dialect", "verbs"), [("websocket", ACTIONS), ("length_json", TYPES), ("ndjson", COMMANDS)]
)
def test_every_verb_is_described(dialect: str, verbs: dict[str, object]) -> None:
    described = [
        operation["title"]
        for key, operation in DOCUMENT["operations"].items()
        if key.startswith(f"{dialect}.") and operation["action"] == "receive"
    ]
    assert described == list(verbs)


@pytest.mark.parametrize(
    ("dialect", "verb", "kind"),
    [
        *(("websocket", verb, kind) for verb, row in ACTIONS.items() for kind in row.answers),
        *(
            ("length_json", verb, kind)
            for verb, row in TYPES.items()
            if verb != "Pong"
            for kind in row.answers
        ),
        *(("ndjson", verb, kind) for verb, (_, kinds) in COMMANDS.items() for kind in kinds),
    ],
)
def test_answers_are_as_described(dialect: str, verb: str, kind: type) -> None:
    replies = messages_of("reply", dialect, verb)
    asked = Request(commands.Ping(), "q1", verb, "label" if verb == "message/send" else None)
    found = [answer for answer in ANSWERED if type(answer) in (kind, Refusal)]
    assert len(found) >= 3
    for answer in found:
        payload = CODECS[dialect].encode_answer(asked, answer)
        assert fits(payload, *replies)
        assert not fits(payload.replace(b'"', b'"x', 1), *replies)
