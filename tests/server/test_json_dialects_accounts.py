"""Accounts, history, rooms that last and resume, in each JSON dialect, on a real server."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from hubbub.wire.length_json import TYPES
from hubbub.wire.ndjson_commands import RENAMED, TEXT_NAMES
from serving import Server

DIALECTS = ("websocket", "json", "ndjson")
IN_LENGTH = {
    "publish": "Broadcast",
    "room_settings": "RoomSettings",
    **{name.lower(): name for name in TYPES},
}
IN_NDJSON = {
    **{
        action: f"auth/{action}"
        for action in ("login", "register", "refresh", "logout", "password", "sessions")
    },
    **{action: f"room/{action}" for action in ("create", "join", "leave", "invite", "role")},
    **{
        action: f"message/{action}"
        for action in ("history", "search", "edit", "delete", "react", "read", "unread")
    },
    "rooms": "room/list",
    "room_settings": "room/settings",
    "publish": "message/send",
    "whisper": "message/send",
    "resume": "sync/resume",
}
EVENTS = {
    "message": ("NewMessage", "message/new"),
    "private": ("PrivateMessage", "message/private"),
    "edited": ("MessageEdited", "message/edited"),
    "deleted": ("MessageDeleted", "message/deleted"),
    "reaction": ("Reaction", "message/reaction"),
    "mention": ("Mention", "message/mention"),
    "role": ("RoleChanged", "room/role"),
    "room_changed": ("RoomChanged", "room/changed"),
    "invitation": ("Invitation", "room/invitation"),
    "read": ("ReadMoved", "message/read"),
    "gap": ("Gap", "sync/gap"),
}


class Voice:
    """One client, spoken to in the words of the WebSocket dialect whatever it speaks itself."""

    def __init__(self, server: Server, dialect: str, name: str | None = None) -> None:
        self.dialect = dialect
        self.client: Any = getattr(server, dialect)()
        self.passed: list[dict[str, Any]] = []
        self._asked = 0
        self.login = self.ask("login", username=name) if name is not None else {}

    def ask(self, action: str, /, **payload: Any) -> dict[str, Any]:
        """The data of the answer, or of the error."""
        self._asked += 1
        id = payload.pop("id", None) or f"q{self._asked}"
        match self.dialect:
            case "websocket":
                self.client.say(action, id, **payload)
            case "json":
                self.client.say(IN_LENGTH[action], id=id, **payload)
            case _:
                self.client.say(IN_NDJSON[action], id, **_renamed(action, payload))
        while True:
            told = self.client.get()
            if self._kind(told) == "" and told.get("id") == id:
                return self._data(action, told)
            self.passed.append(told)

    def hear(self, event: str) -> dict[str, Any]:
        """The data of the next event of this name."""
        while True:
            told = self.passed.pop(0) if self.passed else self.client.get()
            if self._kind(told) == event:
                return self._event(told)

    def _kind(self, told: dict[str, Any]) -> str:
        """The WebSocket's name of an event; "" of an answer."""
        if self.dialect == "websocket":
            return str(told.get("event", ""))
        if self.dialect == "json":
            return next((name for name, (here, _) in EVENTS.items() if here == told["type"]), "")
        if "status" in told:
            return ""
        return next((name for name, (_, here) in EVENTS.items() if here == told["command"]), "other")

    def _data(self, action: str, told: dict[str, Any]) -> dict[str, Any]:
        if self.dialect == "websocket":
            return dict(told["data"])
        if self.dialect == "json":
            return told
        if "error" in told:
            return dict(told["error"])
        data = _turned(told["payload"], RENAMED.get(told["command"], {}))
        if action in ("history", "search"):
            data["messages"] = [_turned(message, TEXT_NAMES) for message in data["messages"]]
        return data

    def _event(self, told: dict[str, Any]) -> dict[str, Any]:
        if self.dialect == "websocket":
            return dict(told["data"])
        if self.dialect == "json":
            return told
        return _turned(told["payload"], RENAMED.get(told["command"], {}))


def _renamed(action: str, payload: dict[str, Any]) -> dict[str, Any]:
    names = {"content": "text"} if action in ("publish", "whisper", "edit") else {}
    if action in ("publish", "whisper"):
        names |= {"room": "conversation_id", "to": "target_id"}
    return {names.get(name, name): value for name, value in payload.items()}


def _turned(body: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    back = {here: name for name, here in names.items()}
    return {back.get(name, name): value for name, value in body.items()}


def sha256(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


@pytest.fixture(params=DIALECTS)
def voice(request: pytest.FixtureRequest, server: Server) -> Callable[..., Voice]:
    return lambda name=None: Voice(server, request.param, name)


def registered(voice: Callable[..., Voice], name: str) -> Voice:
    made: Voice = voice()
    made.login = made.ask("register", username=name, password="correct horse")
    assert made.login["username"] == name, made.login
    return made


def test_an_account_comes_back_by_password_by_its_digest_and_by_token(voice: Callable[..., Voice]) -> None:
    alice = registered(voice, "Alice")
    assert alice.login["refresh_token"]
    assert alice.login["expires_in"] > 0
    assert [place["room"] for place in alice.login["rooms"]] == ["lobby"]
    assert voice("Alice").login["code"] == "name_registered"
    for proof in (
        {"password": "correct horse"},
        {"password_sha256": sha256("correct horse")},
        {"password_sha256": sha256("correct horse").upper()},
    ):
        assert voice().ask("login", username="Alice", **proof)["user_id"] == alice.login["user_id"]
    assert voice().ask("login", token=alice.login["token"])["user_id"] == alice.login["user_id"]
    for wrong in ({"password": "wrong horse"}, {"password_sha256": sha256("wrong horse")}):
        assert voice().ask("login", username="Alice", **wrong)["code"] == "bad_credentials"
    digest = voice().ask("register", username="Bob", password_sha256=sha256("battery staple"))
    assert digest["username"] == "Bob"
    assert voice().ask("login", username="Bob", password="battery staple")["user_id"] == digest["user_id"]


def test_logins_are_listed_renewed_and_ended(voice: Callable[..., Voice]) -> None:
    alice = registered(voice, "Alice")
    other = voice()
    other.login = other.ask("login", username="Alice", password="correct horse")
    listed = alice.ask("sessions")["sessions"]
    assert [one["current"] for one in listed].count(True) == 1
    [elsewhere] = [one["id"] for one in listed if not one["current"]]
    assert alice.ask("sessions", end=elsewhere)["session"] == elsewhere
    assert voice().ask("login", token=other.login["token"])["code"] == "bad_credentials"
    renewed = alice.ask("refresh", refresh_token=alice.login["refresh_token"])
    assert renewed["refresh_token"] != alice.login["refresh_token"]
    assert voice().ask("login", token=renewed["token"])["username"] == "Alice"
    assert "code" not in alice.ask("logout")
    assert alice.ask("publish", content="x")["code"] == "unauthenticated"
    assert voice().ask("login", token=renewed["token"])["code"] == "bad_credentials"


def test_another_password_takes_the_place_of_the_old(voice: Callable[..., Voice]) -> None:
    alice = registered(voice, "Alice")
    assert alice.ask("password", old="wrong horse", new="battery staple")["code"] == "bad_credentials"
    pair = {"old_sha256": sha256("correct horse"), "new_sha256": sha256("battery staple")}
    assert "code" not in alice.ask("password", **pair)
    assert voice().ask("login", username="Alice", password="correct horse")["code"] == "bad_credentials"
    assert voice().ask("login", username="Alice", password="battery staple")["username"] == "Alice"


def test_what_was_said_can_be_read_changed_and_marked(voice: Callable[..., Voice]) -> None:
    alice, bob = voice("Alice"), voice("Bob")
    kept = [alice.ask("publish", room="lobby", content=f"m{number}") for number in range(5)]
    stream, epoch = kept[0]["stream"], kept[0]["epoch"]
    assert [one["offset"] for one in kept] == [1, 2, 3, 4, 5]

    def contents(**which: int) -> tuple[list[str], bool]:
        told = bob.ask("history", room="lobby", **which)
        assert (told["stream"], told["room"]) == (stream, "lobby")
        return [message["content"] for message in told["messages"]], told["more"]

    assert contents() == (["m0", "m1", "m2", "m3", "m4"], False)
    assert contents(limit=2) == (["m3", "m4"], True)
    assert contents(before=3, limit=1) == (["m1"], True)
    assert contents(after=0, limit=2) == (["m0", "m1"], True)
    assert contents(around=3, limit=3)[0] == ["m1", "m2", "m3"]

    edited = alice.ask("edit", id="e1", stream=stream, offset=2, content="better")
    assert (edited["id"], edited["stream"], edited["epoch"], edited["offset"]) == ("e1", stream, epoch, 6)
    told = bob.hear("edited")
    assert (told["from"], told["target"], told["content"]) == ("Alice", 2, "better")
    assert (told["id"], told["offset"], told["room"]) == ("e1", 6, "lobby")
    assert alice.ask("edit", id="e1", stream=stream, offset=2, content="again")["offset"] == 6, "a retry"

    bob.ask("react", stream=stream, offset=2, emoji="👍")
    told = alice.hear("reaction")
    assert (told["from"], told["target"], told["emoji"]) == ("Bob", 2, "👍")
    assert bob.ask("edit", stream=stream, offset=2, content="mine")["code"] == "forbidden"
    alice.ask("delete", stream=stream, offset=3)
    assert bob.hear("deleted")["target"] == 3
    reply = bob.ask("publish", room="lobby", content="yes", reply_to=2)
    told = alice.hear("message")
    assert (told["offset"], told["reply_to"]) == (reply["offset"], 2)

    shown = {message["offset"]: message for message in bob.ask("history", room="lobby")["messages"]}
    assert shown[2]["content"] == "better"
    assert shown[2]["edited_at"]
    assert shown[2]["reactions"] == [{"emoji": "👍", "count": 1, "users": ["Bob"]}]
    assert (shown[3]["deleted"], shown[3]["content"]) == (True, "")
    assert shown[reply["offset"]]["reply_to"] == 2
    bob.ask("react", stream=stream, offset=2, emoji="👍", remove=True)
    assert alice.hear("reaction")["removed"] is True


def test_private_messages_wait_and_have_a_history(voice: Callable[..., Voice]) -> None:
    alice, bob = registered(voice, "Alice"), registered(voice, "Bob")
    said = alice.ask("whisper", to="Bob", content="one")
    bob.hear("private")
    bob.client.close()
    alice.ask("whisper", to="Bob", content="two", reply_to=1)
    back = voice()
    back.ask("login", username="Bob", password="correct horse")
    told = back.ask("history", **{"with": "Alice"})
    assert [(one["from"], one["to"], one["content"]) for one in told["messages"]] == [
        ("Alice", "Bob", "one"),
        ("Alice", "Bob", "two"),
    ]
    assert told["messages"][1]["reply_to"] == 1
    [unread] = [one for one in back.ask("unread")["streams"] if one.get("with") == "Alice"]
    assert (unread["stream"], unread["unread"]) == (said["stream"], 2)

    seen = {"epoch": said["epoch"], "offset": said["offset"]}
    resumed = back.ask("resume", positions={said["stream"]: seen})
    assert back.hear("private")["content"] == "two", "before the answer"
    assert resumed["positions"] == {said["stream"]: {"epoch": said["epoch"], "offset": 2}}
    device = voice()
    device.ask("login", username="Bob", password="correct horse")
    assert back.ask("read", stream=said["stream"], offset=2)["offset"] == 2
    assert device.hear("read")["offset"] == 2
    assert not [one for one in back.ask("unread")["streams"] if one.get("with") == "Alice"]


def test_a_position_of_another_epoch_is_a_gap(voice: Callable[..., Voice]) -> None:
    alice = voice("Alice")
    kept = alice.ask("publish", room="lobby", content="one")
    alice.ask("resume", positions={kept["stream"]: {"epoch": "another", "offset": 1}})
    gap = alice.hear("gap")
    assert (gap["stream"], gap["epoch"], gap["offset"]) == (kept["stream"], kept["epoch"], 1)


def test_a_private_room_has_members_roles_and_settings(voice: Callable[..., Voice]) -> None:
    alice, bob = registered(voice, "Alice"), registered(voice, "Bob")
    assert alice.ask("create", room="den", private=True)["created"] is True
    assert "code" in bob.ask("join", room="den"), "refused, like a name that is taken"
    assert bob.ask("history", room="den")["code"] == "not_found"
    assert alice.ask("invite", room="den", to="Bob")["username"] == "Bob"
    invitation = bob.hear("invitation")
    assert (invitation["from"], invitation["room"]) == ("Alice", "den")
    assert bob.ask("join", room="den")["room"] == "den"
    assert bob.ask("room_settings", room="den", retain_days=1)["code"] == "forbidden"
    assert alice.ask("role", room="den", user="Bob", role="moderator")["role"] == "moderator"
    told = bob.hear("role")
    assert (told["username"], told["role"], told["room"]) == ("Bob", "moderator", "den")
    changed = alice.ask("room_settings", room="den", retain_days=7)
    assert (changed["private"], changed["retain_days"], changed["owner"]) == (True, 7, "Alice")
    assert bob.hear("room_changed")["retain_days"] == 7
    asked = bob.ask("room_settings", room="den")
    assert (asked["retain_days"], asked["role"]) == (7, "moderator")


def test_who_is_named_is_told(voice: Callable[..., Voice]) -> None:
    alice, bob = registered(voice, "Alice"), registered(voice, "Bob")
    alice.ask("publish", id="m1", room="lobby", content="tea, @Bob?")
    assert bob.hear("message")["mentions"] == ["Bob"]
    told = bob.hear("mention")
    assert (told["from"], told["room"], told["message_id"]) == ("Alice", "lobby", "m1")


def test_each_dialect_reads_what_the_others_said(server: Server) -> None:
    voices = [Voice(server, dialect, dialect) for dialect in DIALECTS]
    for one in voices:
        assert one.ask("publish", room="lobby", content=f"from {one.dialect}")["offset"]
    for one in voices:
        told = one.ask("history", room="lobby")["messages"]
        assert [message["content"] for message in told] == [f"from {dialect}" for dialect in DIALECTS]


def test_a_registration_may_ask_for_a_key(server: Server) -> None:
    """The answer, and the key in it, come only when the password is hashed and the account is kept."""
    client = server.ndjson()
    told = client.ask("auth/register", username="Alice", password="correct horse", hmac=True)
    assert len(told["payload"]["hmac_key"]) == 64
    assert client.ask("presence/list")["error"]["field"] == "hmac"
    again = server.ndjson()
    told = again.ask("auth/login", username="Alice", password="correct horse", hmac=True)
    assert len(told["payload"]["hmac_key"]) == 64
    assert again.ask("presence/list")["status"] == 401
