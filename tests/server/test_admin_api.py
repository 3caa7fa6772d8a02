"""What admins do over HTTP, against a started server with its log on disk; and what others see of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import pytest

from hubbub.server.config import Config
from hubbub.server.limits import explanations, show_limits
from hubbub.wire.admin_payloads import ADMIN_PATH, ADMIN_ROUTES, LISTED, MAX_BODY, MAX_LISTED
from serving import PATIENCE, Client, NdjsonClient, Server, serving, until

PASSWORD = "correct horse"


class Told(NamedTuple):
    status: int
    content: Any
    headers: dict[str, str]


class House(NamedTuple):
    """A server, and the admin that it made at its first start."""

    server: Server
    token: str
    data: Path

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = "",
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Told:
        """`token` "": the admin's; None: none at all."""
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token or self.token}"
        data = raw if body is None else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, ADMIN_PATH + path, data, sent)
            response = connection.getresponse()
            content = response.read()
            told = {key.lower(): value for key, value in response.getheaders()}
        finally:
            connection.close()
        assert told["content-type"] == "application/json", content
        return Told(response.status, json.loads(content) if content else None, told)

    def done(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        told = self.ask(method, path, body)
        assert told.status == status, told
        assert told.headers["cache-control"] == "no-store"
        return told.content

    def refused(
        self, status: int, code: str, method: str, path: str, body: object = None, **more: Any
    ) -> Any:
        told = self.ask(method, path, body, **more)
        assert (told.status, told.content["code"]) == (status, code), told
        assert len(told.content["message"]) < 400
        return told.content

    def users(self, **query: object) -> list[str]:
        page = self.done("GET", f"/users?{urlencode(query)}")
        return [user["username"] for user in page["users"]]


def _logged_in(server: Server, name: str, password: str) -> NdjsonClient:
    client = server.ndjson()
    client.welcome = client.ask("auth/login", username=name, password=password)["payload"]
    assert "token" in client.welcome, client.welcome
    return client


def _registered(server: Server, name: str) -> NdjsonClient:
    client = server.ndjson()
    client.welcome = client.ask("auth/register", username=name, password=PASSWORD)["payload"]
    return client


def _first_admin(server: Server, data: Path) -> House:
    password = (data / "admin-password").read_text().strip()
    return House(server, _logged_in(server, "admin", password).welcome["token"], data)


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> Iterator[House]:
    with serving("--data", str(tmp_path / "data")) as server:
        yield _first_admin(server, tmp_path / "data")


# -- who may


def test_the_whole_table_is_for_admins_alone(house: House) -> None:
    member, guest = _registered(house.server, "Bob"), house.server.ndjson("Guest")
    for row in ADMIN_ROUTES:
        path = row.path.replace("{name}", "nobody")
        told = house.ask(row.method, path, token=None)
        assert (told.status, told.content["code"]) == (401, "unauthenticated"), row
        assert told.headers["www-authenticate"] == "Bearer"
        for token in ("nonsense", house.token[:-1] + "x"):
            house.refused(401, "unauthenticated", row.method, path, token=token)
        for one in (member, guest):
            house.refused(403, "forbidden", row.method, path, token=one.welcome["token"])


def test_a_role_that_is_taken_and_a_login_that_ends_are_worth_nothing_at_once(house: House) -> None:
    bob = _registered(house.server, "Bob")
    token = bob.welcome["token"]
    house.done("PATCH", "/users/Bob", {"role": "admin"})
    assert house.ask("GET", "/limits", token=token).status == 200
    house.done("PATCH", "/users/Bob", {"role": "member"})
    house.refused(403, "forbidden", "GET", "/limits", token=token)
    house.done("PATCH", "/users/Bob", {"role": "admin"})
    house.done("DELETE", "/users/Bob/sessions")
    house.refused(401, "unauthenticated", "GET", "/limits", token=token)


def test_a_request_that_was_begun_as_admin_is_worth_nothing_either(house: House) -> None:
    """Else somebody keeps one open, and gives himself the role back."""
    token, body = _registered(house.server, "Bob").welcome["token"], b'{"role":"admin"}'
    house.done("PATCH", "/users/Bob", {"role": "admin"})
    head = f"PATCH {ADMIN_PATH}/users/Bob HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}"
    more = "Content-Type: application/json", f"Content-Length: {len(body)}", "Expect: 100-continue"
    with Client(house.server.port) as begun:
        begun.send("\r\n".join((*head, *more, "", "")).encode())
        assert begun.read(12) == b"HTTP/1.1 100"  # its head was found good
        house.done("PATCH", "/users/Bob", {"role": "member"})
        begun.send(body)
        assert b"HTTP/1.1 403" in begun.read(100)
    assert house.done("GET", "/users?q=Bob")["users"][0]["role"] == "member"


def test_a_page_of_another_site_has_nothing_done(house: House) -> None:
    name = f"hubbub_{house.server.port}"
    cookie = {"Cookie": f"{name}={house.token}"}
    own = {"Origin": f"http://127.0.0.1:{house.server.port}", "Sec-Fetch-Site": "same-origin"}
    assert house.ask("POST", "/storage/gc", token=None, headers=cookie | own).status == 200
    for foreign in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        for method, path in (("POST", "/storage/gc"), ("GET", "/limits")):
            house.refused(403, "forbidden", method, path, token=None, headers=cookie | foreign)


# -- accounts


def test_accounts_are_made_changed_and_logged_out(house: House) -> None:
    made = house.done("POST", "/users", {"username": "Bob", "password": PASSWORD}, 201)
    assert (made["username"], made["role"], made["disabled"], made["online"]) == (
        "Bob",
        "member",
        False,
        False,
    )
    bob = _logged_in(house.server, "Bob", PASSWORD)
    web = house.server.websocket()
    assert "username" in web.ask("login", username="bob", password=PASSWORD)["data"]
    (shown,) = house.done("GET", "/users?q=BOB")["users"]
    assert (shown["online"], shown["logins"], sorted(shown["dialects"])) == (True, 2, ["ndjson", "websocket"])
    assert shown["user_id"] == made["user_id"] == bob.welcome["user_id"]
    house.done("DELETE", "/users/bob/sessions")
    assert bob.get("server/going_away")["payload"]["reason"] == "policy"
    assert web.get("going_away")["data"]["reason"] == "policy"
    (shown,) = house.done("GET", "/users?q=bob")["users"]
    assert (shown["online"], shown["logins"], shown["dialects"]) == (False, 0, [])
    new = sha256(b"another").hexdigest().upper()
    house.done("PATCH", "/users/Bob", {"password_sha256": new, "role": "admin"})
    assert house.server.ndjson().ask("auth/login", username="Bob", password=PASSWORD)["status"] == 401
    assert _logged_in(house.server, "Bob", "another").welcome["role"] == "admin"
    assert house.done("PATCH", "/users/Bob", {"disabled": True})["disabled"]
    assert house.server.ndjson().ask("auth/login", username="Bob", password="another")["status"] == 403
    assert not house.done("PATCH", "/users/Bob", {"disabled": False})["disabled"]


def test_the_last_admin_cannot_lock_all_out(house: House) -> None:
    for change, field in (({"role": "member"}, "role"), ({"disabled": True}, "disabled")):
        assert house.refused(403, "forbidden", "PATCH", "/users/admin", change)["field"] == field
    house.done("POST", "/users", {"username": "Bob", "password": PASSWORD, "role": "admin"}, 201)
    assert house.done("PATCH", "/users/admin", {"role": "member"})["role"] == "member"
    house.refused(403, "forbidden", "GET", "/users")


def test_accounts_come_some_at_a_time(house: House) -> None:
    for name in ("ann", "Ben", "Zoë"):
        house.done("POST", "/users", {"username": name, "password": PASSWORD}, 201)
    page = house.done("GET", "/users?limit=2")
    assert ([user["username"] for user in page["users"]], page["more"]) == (["Ben", "Zoë"], True)
    page = house.done("GET", f"/users?limit={MAX_LISTED}&after={quote('Zoë')}")
    assert ([user["username"] for user in page["users"]], page["more"]) == (["admin", "ann"], False)
    assert house.users(q="ZO") == ["Zoë"]
    assert house.users(q="nobody") == []
    assert LISTED < MAX_LISTED


def test_what_an_account_cannot_be_is_refused_clearly(house: House) -> None:
    house.refused(400, "name_invalid", "POST", "/users", {"username": "a/b", "password": "x"})
    house.refused(409, "name_taken", "POST", "/users", {"username": "ADMIN", "password": "x"})
    assert house.refused(400, "bad_request", "POST", "/users", {"username": "Bob"})["field"] == "password"
    for body, field in (
        ({"password": "x"}, "username"),
        ({"username": "", "password": "x"}, "username"),
        ({"username": "x" * 300, "password": "x"}, "username"),
        ({"username": "Bob", "password": ""}, "password"),
        ({"username": "Bob", "password": "x" * 1025}, "password"),
        ({"username": "Bob", "password_sha256": "z" * 64}, "password_sha256"),
        ({"username": "Bob", "password": "x", "role": "owner"}, "role"),
        ({"username": 7, "password": "x"}, "username"),
    ):
        assert house.refused(400, "bad_request", "POST", "/users", body)["field"] == field
    assert (
        "surprise"
        in house.refused(
            400, "bad_request", "POST", "/users", {"username": "Bob", "password": "x", "surprise": 1}
        )["message"]
    )
    house.refused(400, "bad_request", "PATCH", "/users/admin", {})
    house.refused(404, "not_found", "PATCH", "/users/nobody", {"role": "admin"})
    house.refused(404, "not_found", "DELETE", "/users/nobody/sessions")
    assert house.users() == ["admin"]


def test_passwords_are_not_taken_where_others_could_read_them(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    with serving("--data", data) as server:
        token = _first_admin(server, tmp_path / "data").token
    proxied = {"HUBBUB_WEB_TRUSTED_PROXIES": "127.0.0.1"}
    with serving("--data", data, **proxied) as server:
        house = House(server, token, tmp_path / "data")
        refused = house.refused(403, "forbidden", "PATCH", "/users/admin", {"password": "x"})
        assert refused["limit"] == "accounts.allow_plaintext_login"
        house.refused(403, "forbidden", "POST", "/users", {"username": "Bob", "password": "x"})
        assert house.done("PATCH", "/users/admin", {"disabled": False})["username"] == "admin"


# -- rooms


def test_rooms_are_seen_changed_and_ended(house: House) -> None:
    bob, guest = _registered(house.server, "Bob"), house.server.text("Guest")
    bob.ask("room/create", room="den", private=True)
    bob.ask("message/send", conversation_id="den", text="secret")
    guest.say("/create böse-höhle")
    guest.settle()
    rooms = {room["room"]: room for room in house.done("GET", "/rooms")["rooms"]}
    assert list(rooms) == ["böse-höhle", "den", "lobby"]
    den = rooms["den"]
    assert (den["private"], den["members"], den["present"], den["owner"], den["entries"]) == (
        True,
        1,
        1,
        "Bob",
        1,
    )
    changed = house.done("PATCH", "/rooms/DEN", {"topic": "Tea", "private": False, "retain_days": 7})
    assert (changed["topic"], changed["private"], changed["retain_days"]) == ("Tea", False, 7.0)
    assert bob.get("room/changed")["payload"]["from"] == "admin"
    assert bob.get("room/topic")["payload"]["topic"] == "Tea"
    ended = house.done("DELETE", f"/rooms/{quote('böse-höhle')}")
    assert (ended["room"], ended["members"]) == ("böse-höhle", 1)
    guest.say("/members")
    until(lambda: guest.line().startswith("[Server] Members of 'lobby'"))
    house.done("DELETE", "/rooms/den")
    left = bob.get("presence/left")["payload"]
    assert (left["username"], left["room"]) == ("Bob", "den")
    assert bob.ask("message/history", room="den")["status"] == 404
    assert [room["room"] for room in house.done("GET", "/rooms")["rooms"]] == ["lobby"]
    house.refused(404, "not_found", "DELETE", "/rooms/den")


def test_what_was_said_in_an_ended_room_is_gone_from_the_disk_once_that_is_compacted(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path / "data"), HUBBUB_MESSAGES_DEDUPE_SECONDS="0.05") as server:
        house = _first_admin(server, tmp_path / "data")
        bob = _registered(server, "Bob")
        bob.ask("room/create", room="den")
        bob.ask("message/send", conversation_id="den", text="a secret word")
        bob.ask("message/send", text="a word that stays")
        house.done("DELETE", "/rooms/den")
        assert _is_on_disk(house, b"secret word"), "so far it can only not be read"

        def compacted() -> bool:
            begun = house.done("POST", "/storage/compact", status=202)["begun"]
            until(lambda: not _storage(house)["compacting"])
            last = _storage(house)["last_compaction"]
            return bool(begun and last["done"] and last["after"] < last["before"])

        until(compacted)
        assert not _is_on_disk(house, b"secret word")
        assert _is_on_disk(house, b"word that stays")


def _is_on_disk(house: House, words: bytes) -> bool:
    return any(words in file.read_bytes() for file in (house.data / "log").iterdir() if file.is_file())


def test_what_a_room_cannot_be_is_refused_clearly(house: House) -> None:
    assert house.refused(403, "forbidden", "DELETE", "/rooms/lobby")["field"] == "room"
    assert house.refused(403, "forbidden", "PATCH", "/rooms/lobby", {"private": True})["field"] == "private"
    for days in (-1, 40_000, 1e300):
        assert house.refused(400, "bad_request", "PATCH", "/rooms/lobby", {"retain_days": days})["field"]
    long = {"topic": "x" * 2_000}
    assert house.refused(413, "too_large", "PATCH", "/rooms/lobby", long)["limit"] == "messages.max_topic"
    house.refused(400, "bad_request", "PATCH", "/rooms/lobby", {"name": "hall"})
    house.refused(400, "bad_request", "PATCH", "/rooms/lobby", {})
    house.refused(404, "not_found", "PATCH", "/rooms/nowhere", {"topic": "x"})


def test_a_path_names_what_is_there_or_nothing(house: House) -> None:
    odd = (
        "a%2Fb",
        "..%2Flobby",
        "%2e%2e",
        "%00",
        "%FF",
        "%E2%80%AE",
        "%252F",
        "lob%20by",
        "lobby/",
        "x" * 3000,
    )
    for name in odd:
        house.refused(404, "not_found", "PATCH", f"/rooms/{name}", {"topic": "x"})
        house.refused(404, "not_found", "DELETE", f"/rooms/{name}")
        house.refused(404, "not_found", "PATCH", f"/users/{name}", {"role": "admin"})
    assert house.done("PATCH", "/rooms/%6Cobby", {"topic": "found"})["room"] == "lobby"


# -- the server


def test_limits_are_told_with_their_meaning_and_no_secret(house: House) -> None:
    sections = {one["name"]: one for one in house.done("GET", "/limits")["sections"]}
    limits = {limit["name"]: limit for one in sections.values() for limit in one["limits"]}
    rooms = limits["rooms.max_rooms"]
    assert (rooms["value"], rooms["default"], rooms["explanation"]) == (
        10_000,
        10_000,
        "Rooms in all: a bound on memory.",
    )
    assert "bytes" in sections["files"]["explanation"]
    assert limits["guests.allow"]["value"] is None
    assert all(limit["explanation"] for limit in limits.values())
    for word in ("s3_", "listen", "tls", "data", "cert", "token", str(house.data)):
        assert not [name for name in limits if word in name]
    assert str(house.data) not in json.dumps(sections)


def test_every_setting_that_bounds_something_is_among_the_limits() -> None:
    shown = {limit.name for section in show_limits(Config()).sections for limit in section.limits}
    assert {"limits.max_frame", "timers.idle", "http.max_body", "storage.keep_days"} <= shown
    assert "rooms.default" not in shown, "a name bounds nothing"
    assert explanations(type(Config().rooms))["unread_listed"].startswith("Rooms and talks")


def _storage(house: House) -> Any:
    return house.done("GET", "/storage")


def test_storage_is_told_as_it_is(house: House) -> None:
    before = _storage(house)
    assert before["log"]["read_only"] is None
    assert before["search"]["state"] in ("ready", "behind")
    assert 0 < before["disk"]["free"] <= before["disk"]["total"]
    bob = _registered(house.server, "Bob")
    bob.ask("message/send", text="x" * 5_000)
    after = _storage(house)
    assert after["log"]["bytes"] >= before["log"]["bytes"] + 5_000
    assert after["log"]["entries"] > before["log"]["entries"]
    until(lambda: _storage(house)["search"] == {"state": "ready", "waiting": 0})
    offer = bob.ask("file/offer", room="lobby", filename="a.txt", size=1_000)
    assert offer["status"] == 200, offer
    files = _storage(house)["files"]
    assert (files["files"], files["unfinished"], files["unfinished_bytes"]) == (0, 1, 1_000)
    assert files["quota_used"] == 1_000
    assert house.done("POST", "/storage/gc") == {"blobs": 0, "bytes": 0, "uploads": 0, "upload_bytes": 0}


def test_blobs_that_nobody_needs_are_collected(house: House) -> None:
    stray = house.data / "files" / "blobs" / "aa" / ("0" * 62)
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"x" * 100)
    freed = house.done("POST", "/storage/gc")
    assert (freed["blobs"], freed["bytes"]) == (1, 100)
    assert not stray.exists()


# -- requests that are wrong


def test_bodies_are_bounded_and_must_be_json(house: House) -> None:
    path = "/rooms/lobby"
    for size in (MAX_BODY + 1, 1_048_576):
        house.refused(413, "too_large", "PATCH", path, raw=b'{"topic":"' + b"x" * size)
    house.refused(413, "too_large", "PATCH", path, raw=b"x" * 1_048_577)
    house.refused(
        415, "unsupported", "PATCH", path, raw=b'{"topic":"x"}', headers={"Content-Type": "text/plain"}
    )
    for raw in (
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff",
        b'{"topic":"x"}{}',
        b"[" * 5_000,
        b'{"topic":"\xff"}',
    ):
        house.refused(400, "bad_request", "PATCH", path, raw=raw)
    for query in (
        "limit=0",
        f"limit={MAX_LISTED + 1}",
        "limit=x",
        "limit=1&limit=2",
        "surprise=1",
        f"q={'x' * 65}",
    ):
        house.refused(400, "bad_request", "GET", f"/rooms?{query}")
    house.refused(400, "bad_request", "GET", "/limits?x=1")
    house.refused(400, "bad_request", "POST", "/storage/gc", {"x": 1})
    house.refused(400, "bad_request", "DELETE", "/rooms/den", {"x": 1})
    assert house.done("GET", "/rooms?q=lobby")["rooms"][0]["topic"] == ""


def test_what_a_path_does_not_do_is_told_with_what_it_does(house: House) -> None:
    told = house.ask("PUT", "/users")
    assert told.status == 405
    assert {"GET", "POST"} <= set(told.headers["allow"].split(", "))
    house.refused(404, "not_found", "GET", "/nothing")


def test_who_did_what_is_in_the_log_and_no_secret(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path / "data")) as server:
        house = _first_admin(server, tmp_path / "data")
        house.done("POST", "/users", {"username": "Bob", "password": "very-secret-word"}, 201)
        house.done("PATCH", "/users/Bob", {"password": "very-secret-word"})
        house.refused(403, "forbidden", "DELETE", "/rooms/lobby")
        house.done("GET", "/users")
        server.stop()
        lines = [json.loads(line) for line in server.log.splitlines() if "administered" in line]
    told = [(line["by"], line["operation"], line["subject"], line["result"]) for line in lines]
    assert told == [
        ("admin", "add_user", "Bob", "ok"),
        ("admin", "change_user", "Bob", "ok"),
        ("admin", "end_room", "lobby", "forbidden"),
    ]
    assert "very-secret" not in server.log
    assert house.token not in server.log
