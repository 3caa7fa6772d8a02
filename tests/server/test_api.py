"""The HTTP API on a started server: actions as requests, and what may go wrong on the way."""

from __future__ import annotations

import asyncio
import io
import json
import re
import socket
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from core.account_house import AccountHouse
from hubbub.net.timers import Wheel
from hubbub.observe.logs import open_log
from hubbub.observe.server_log import ServerLog
from hubbub.server.config import HttpSettings, LimitSettings
from hubbub.server.web import api_sessions
from hubbub.wire.openapi import LEFT_OUT, READS, REQUESTS
from serving import PATIENCE, Server, serving, until

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
PASSWORD = "correct horse"
JSON = {"Content-Type": "application/json"}


class Program:
    """Somebody who asks with a token."""

    def __init__(self, server: Server, name: str = "", password: str | None = None, **headers: str) -> None:
        self.web = httpx.Client(
            base_url=f"http://127.0.0.1:{server.port}/api/v1/", timeout=PATIENCE, headers=headers
        )
        self.welcome: dict[str, Any] = {}
        if name:
            self.welcome = self.ask("login", username=name, password=password).json()
            self.web.headers["Authorization"] = f"Bearer {self.welcome['token']}"

    def ask(self, action: str, key: str | None = None, /, **payload: object) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.web.post(action, json=payload, headers=headers)

    def get(self, path: str) -> httpx.Response:
        return self.web.get(path)

    def said(self) -> list[str]:
        return [message["content"] for message in self.get("history").json()["messages"]]

    def close(self) -> None:
        self.web.close()


Meet = Callable[..., Program]


@contextmanager
def meeting(server: Server) -> Iterator[Meet]:
    met: list[Program] = []

    def meet(name: str = "", password: str | None = None, **headers: str) -> Program:
        met.append(Program(server, name, password, **headers))
        return met[-1]

    yield meet
    for one in met:
        one.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--demo") as started:
        yield started


@pytest.fixture
def meet(server: Server) -> Iterator[Meet]:
    with meeting(server) as meet:
        yield meet


@pytest.fixture(scope="module")
def alice(server: Server) -> Iterator[Program]:
    """Of a login that no test ends: a password takes its time."""
    with meeting(server) as meet:
        yield meet("alice", "alice")


@contextmanager
def settled(folder: Path, text: str, *flags: str) -> Iterator[tuple[Server, Meet]]:
    """A server with these settings, and people at it."""
    file = folder / "hubbub.toml"
    file.write_text(text)
    with serving("--config", str(file), *flags) as server, meeting(server) as meet:
        yield server, meet


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def names(program: Program) -> set[str]:
    return {user["username"] for user in program.get("list").json()["users"]}


# -- who asks


def test_a_program_logs_in_and_asks_with_its_token(meet: Meet) -> None:
    alice = meet("alice", "alice")
    assert set(alice.welcome) >= {
        "username",
        "user_id",
        "token",
        "refresh_token",
        "expires_in",
        "role",
        "rooms",
    }
    me = alice.get("me").json()
    assert me == {
        "username": "alice",
        "user_id": alice.welcome["user_id"],
        "role": "admin",
        "server": "hubbub",
    }
    assert alice.ask("publish", content="hi").json()["offset"] >= 1
    following = alice.ask("refresh", refresh_token=alice.welcome["refresh_token"])
    assert following.status_code == 200
    assert code(alice.get("rooms")) == (401, "bad_credentials")  # the token before is worth nothing
    alice.web.headers["Authorization"] = f"Bearer {following.json()['token']}"
    assert alice.get("rooms").status_code == 200


@pytest.mark.parametrize("path", ["me", "rooms", "history?room=lobby"])
@pytest.mark.parametrize("given", [None, "Bearer", "Basic YTpi", "Bearer a b", "Bearer " + "x" * 513])
def test_who_says_nothing_good_is_nobody(meet: Meet, path: str, given: str | None) -> None:
    answer = meet(**({} if given is None else {"Authorization": given})).get(path)
    assert code(answer) in {(401, "unauthenticated"), (401, "bad_credentials")}
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["cache-control"] == "no-store"


def test_a_thousand_wrong_tokens_leave_nothing_behind(meet: Meet, alice: Program) -> None:
    before = names(alice)

    def guess(number: int) -> int:
        token = f"{'ag'[number % 2]}.{number:016x}.x.y.z"
        return guesser.web.get("rooms", headers={"Authorization": f"Bearer {token}"}).status_code

    guesser = meet()
    assert {guess(number) for number in range(1_000)} == {401}
    assert names(alice) == before


def test_with_a_cookie_no_token_is_told(server: Server, meet: Meet) -> None:
    page = meet()
    answer = page.ask("login", username="alice", password="alice", cookie=True)
    assert set(answer.json()) == {"username", "user_id", "role", "server"}
    assert page.get("me").json() == answer.json()
    assert "a." not in answer.text
    out = page.ask("logout")
    assert (out.status_code, out.json()) == (200, {})
    assert f"hubbub_{server.port}" not in page.web.cookies
    assert code(page.get("me")) == (401, "unauthenticated")


def test_logging_out_by_a_token_leaves_the_cookie_alone(meet: Meet) -> None:
    page = meet()
    page.ask("login", username="bob", password="bob", cookie=True)
    other = meet("bob", "bob").welcome["token"]
    out = page.web.post("logout", json={}, headers={"Authorization": f"Bearer {other}"})
    assert (out.status_code, "set-cookie" in out.headers) == (200, False)
    assert page.get("me").status_code == 200
    assert page.web.get("me", headers={"Authorization": f"Bearer {other}"}).status_code == 401


def test_a_wrong_password_sets_no_cookie_and_takes_none_away(meet: Meet) -> None:
    page = meet()
    page.ask("login", username="alice", password="alice", cookie=True)
    wrong = page.ask("login", username="alice", password="wrong", cookie=True)
    assert (code(wrong), "set-cookie" in wrong.headers) == ((401, "bad_credentials"), False)
    wrong = page.ask("password", old="wrong", new=PASSWORD)
    assert (code(wrong), "set-cookie" in wrong.headers) == ((401, "bad_credentials"), False)
    assert page.get("me").status_code == 200


def test_who_signs_in_over_another_sign_in_ends_that(server: Server, meet: Meet) -> None:
    name = f"hubbub_{server.port}"
    page, mine = meet(), meet("bob", "bob")
    page.ask("login", username="bob", password="bob", cookie=True)
    former = page.web.cookies[name]
    tab = server.websocket(Cookie=f"{name}={former}")
    assert tab.ask("login")["data"]["username"] == "bob"
    page.ask("login", username="alice", password="wrong", cookie=True)
    page.ask("login", username="alice", password="alice")  # no cookie is asked for: the other one stays
    assert tab.ask("ping")["type"] == "response"
    assert page.get("me").json()["username"] == "bob"
    page.ask("login", username="alice", password="alice", cookie=True)
    assert page.get("me").json()["username"] == "alice"
    assert tab.get("going_away")["data"]["reason"] == "policy"
    again = meet(Cookie=f"{name}={former}")
    assert code(again.get("me")) == (401, "bad_credentials")
    assert mine.get("me").status_code == 200, "another login of that account"

    own = page.web.cookies[name]  # and over a login of one's own
    assert page.ask("login", username="alice", password="alice", cookie=True).status_code == 200
    assert page.get("me").status_code == 200
    until(lambda: code(meet(Cookie=f"{name}={own}").get("me")) == (401, "bad_credentials"))

    guest = page.ask("login", username="guest-over", cookie=True).json()  # as a guest, and over one
    token = page.web.cookies[name]
    line = server.websocket(Cookie=f"{name}={token}")
    assert line.ask("login")["data"]["user_id"] == guest["user_id"]
    page.ask("login", username="bob", password="bob", cookie=True)
    assert page.get("me").json()["username"] == "bob"
    assert line.get("going_away")["data"]["reason"] == "policy"
    assert code(meet(Cookie=f"{name}={token}").get("me")) == (401, "bad_credentials")


def test_a_sign_in_ends_no_other_before_its_cookie_has_arrived(server: Server, meet: Meet) -> None:
    name = f"hubbub_{server.port}"

    def good(token: str) -> bool:
        return meet(Cookie=f"{name}={token}").get("me").status_code == 200

    page = meet()
    guest = page.ask("login", username="guest-lost", cookie=True).json()
    former = page.web.cookies[name]
    line = server.websocket(Cookie=f"{name}={former}")
    line.ask("login")
    unread = meet(Cookie=f"{name}={former}")
    assert unread.ask("login", username="bob", password="bob", cookie=True).status_code == 200
    lost = unread.web.cookies[name]  # whoever asked never saw it
    assert line.ask("ping")["type"] == "response"
    assert page.get("me").json()["user_id"] == guest["user_id"], "the same guest still"

    assert page.ask("login", username="bob", password="bob", cookie=True).status_code == 200
    assert good(former)
    tab = server.websocket(Cookie=f"{name}={page.web.cookies[name]}")  # by a WebSocket it is used as well
    assert tab.ask("login")["data"]["username"] == "bob"
    assert line.get("going_away")["data"]["reason"] == "policy"
    until(lambda: not good(former) and not good(lost))
    assert page.get("me").status_code == 200


def test_only_so_many_cookies_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is held for used then: what it takes the place of must not stay for good."""
    monkeypatch.setattr(api_sessions, "_UNUSED_KEPT", 2)
    house = AccountHouse()
    former = [house.registered(name)[1].token for name in ("Ann", "Ben", "Cat")]
    loop = asyncio.new_event_loop()
    log = ServerLog(open_log("error", "json", io.StringIO()))
    settings, limits = HttpSettings(), LimitSettings()
    sessions = api_sessions.ApiSessions(
        house.service, settings, limits, Wheel(loop), log, loop.time, loopback_is_local=True
    )
    for number, token in enumerate(former):
        sessions._await_use(f"new{number}", token)
    house.turns.run_all()
    loop.close()
    assert [sessions.bearer(token) is not None for token in former] == [False, True, True]


# -- guests


def test_a_page_of_a_guest_goes_from_requests_to_a_line_and_back(server: Server, meet: Meet) -> None:
    watcher = server.websocket("watcher-1")
    page = meet()
    me = page.ask("login", username="guest-1", cookie=True).json()
    assert me["role"] == "guest"
    assert watcher.get("joined")["data"]["username"] == "guest-1"
    cookie = f"hubbub_{server.port}={page.web.cookies[f'hubbub_{server.port}']}"
    line = server.websocket(Cookie=cookie)
    assert line.ask("login")["data"]["user_id"] == me["user_id"]
    assert watcher.hears_nothing()
    refused = page.ask("publish", content="by request")
    assert code(refused) == (409, "name_taken")
    assert line.ask("ping")["type"] == "response"  # it was not thrown out
    line.close()
    assert watcher.get("left")["data"]["username"] == "guest-1"
    until(lambda: page.get("rooms").status_code == 200)


def test_a_guest_on_a_line_becomes_an_account_by_a_request(server: Server, meet: Meet) -> None:
    watcher = server.websocket("watcher-2")
    page = meet()
    me = page.ask("login", username="guest-2", cookie=True).json()
    watcher.get("joined")
    name = f"hubbub_{server.port}"
    before = page.web.cookies[name]
    line = server.websocket(Cookie=f"{name}={before}")
    line.ask("login")
    short = page.ask("register", password="short", cookie=True)
    assert (short.status_code, short.json()["field"]) == (400, "password")
    became = page.ask("register", password=PASSWORD, cookie=True)
    assert became.json() == {**me, "role": "member"}
    assert page.web.cookies[name] != before
    assert watcher.hears_nothing()
    assert line.ask("sessions")["data"]["sessions"][0]["current"] is True
    assert page.ask("publish", content="as an account").status_code == 200
    page.ask("logout")
    assert line.get("going_away")["data"]["reason"] == "policy"


def test_a_guest_on_a_line_logs_out_by_a_request(server: Server, meet: Meet) -> None:
    page = meet()
    page.ask("login", username="guest-3", cookie=True)
    line = server.websocket(Cookie=f"hubbub_{server.port}={page.web.cookies[f'hubbub_{server.port}']}")
    line.ask("login")
    assert page.ask("logout").status_code == 200
    assert line.get("going_away")["data"]["reason"] == "policy"
    assert page.get("me").status_code == 401


def test_the_cookie_of_a_guest_who_is_gone_keeps_nobody_from_registering(
    server: Server, meet: Meet, alice: Program
) -> None:
    gone = server.websocket("guest-4")
    cookie = f"hubbub_{server.port}={gone.login['token']}"
    gone.close()
    until(lambda: "guest-4" not in names(alice))
    page = meet(Cookie=cookie)
    made = page.ask("register", username="somebody-else", password=PASSWORD, cookie=True)
    assert (made.status_code, made.json()["username"]) == (200, "somebody-else")


def test_whoever_asks_now_and_then_is_not_seen_to_come_and_go(tmp_path: Path) -> None:
    with settled(tmp_path, "[http]\nsession_seconds = 1.0\n", "--demo") as (server, meet):
        watcher = server.websocket("watcher")
        bob = meet("bob", "bob")
        assert watcher.get("joined")["data"]["username"] == "bob"
        for number in range(5):
            bob.ask("publish", content=f"{number}")
        events = [watcher.get()["event"] for _ in range(6)]
        assert events == ["message"] * 5 + ["left"]  # once, when it asked no more


# -- actions


def examples() -> list[tuple[str, dict[str, Any]]]:
    """What the page shows as requests of the WebSocket's actions."""
    found = []
    for line in PAGE.splitlines():
        if line.startswith('→ {"id"') and '"type":"request"' in line:
            request = json.loads(line[2:])
            if request["action"] in REQUESTS:
                found.append((request["action"], request.get("payload", {})))
    return found


def test_each_action_of_the_page_is_answered_as_the_document_says(server: Server, meet: Meet) -> None:
    document = httpx.get(f"http://127.0.0.1:{server.port}/openapi.json").json()
    seen: dict[str, set[int]] = {}
    bob = meet("bob", "bob")
    for action, payload in examples():
        if bob.get("me").status_code == 401:  # it has ended its login
            bob = meet("bob", "bob")
        answer = bob.ask(action, **payload)
        described = document["paths"][f"/api/v1/{action}"]["post"]["responses"]
        status = str(answer.status_code)
        assert status in described, (action, payload, answer.text)
        response = described[status]
        if status != "200":
            response = document["components"]["responses"][status]
        schema = {**response["content"]["application/json"]["schema"], "components": document["components"]}
        jsonschema.validate(answer.json(), schema, cls=jsonschema.Draft202012Validator)
        seen.setdefault(action, set()).add(answer.status_code)
    assert set(seen) == set(REQUESTS)
    done = {action for action, statuses in seen.items() if 200 in statuses}
    assert done >= {
        "publish",
        "whisper",
        "create",
        "history",
        "search",
        "unread",
        "topic",
        "sessions",
        "list",
    }


def shape(value: Any) -> Any:
    """Which members there are, and what cannot be another each time."""
    if isinstance(value, dict):
        return {
            name: inner if name in ("code", "message", "content", "status", "role") else shape(inner)
            for name, inner in value.items()
        }
    return [shape(inner) for inner in value] if isinstance(value, list) else type(value)


def test_the_conversations_of_the_page_are_what_is_said() -> None:
    blocks = re.findall(r"^```http\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    with serving() as server, meeting(server) as meet:
        for block in blocks:
            program = meet()
            lines = block.splitlines()
            for asked, told in zip(lines[::2], lines[1::2], strict=True):
                arrow, method, path, *body = asked.split(" ", 3)
                payload = json.loads(body[0]) if body else None
                answer = program.web.request(method, path.removeprefix("/api/v1/"), json=payload)
                back, status, data = told.split(" ", 2)
                assert (arrow, back) == ("→", "←")
                assert (answer.status_code, shape(answer.json())) == (int(status), shape(json.loads(data))), (
                    asked
                )
                if "token" in answer.json():
                    program.web.headers["Authorization"] = f"Bearer {answer.json()['token']}"


def test_all_that_the_document_names_is_served_and_refused_as_it_says(server: Server) -> None:
    root = f"http://127.0.0.1:{server.port}"
    document = httpx.get(f"{root}/openapi.json").json()
    asked = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            url = root + path.replace("{", "").replace("}", "")
            body: dict[str, str] | None = (
                {} if method in ("post", "patch") and path.startswith("/api/") else None
            )
            with httpx.stream(method.upper(), url, json=body, timeout=PATIENCE) as answer:
                assert str(answer.status_code) in operation["responses"], (method, path, answer.status_code)
                open_to_all = not operation["security"] or {} in operation["security"]
                assert open_to_all or answer.status_code in (401, 412), (method, path, answer.status_code)
            asked += 1
    assert asked > 60


@pytest.mark.parametrize("action", sorted(READS))
def test_what_is_read_by_get_is_what_is_read_by_post(alice: Program, action: str) -> None:
    payloads: dict[str, dict[str, object]] = {
        "search": {"query": "hi"},
        "history": {"room": "lobby", "limit": 2},
    }
    payload = payloads.get(action, {})
    query = "&".join(f"{name}={value}" for name, value in payload.items())
    got, posted = alice.get(f"{action}?{query}"), alice.ask(action, **payload)
    assert (got.status_code, posted.status_code) == (200, 200), got.text
    drop = {"took_ms"}
    assert {k: v for k, v in got.json().items() if k not in drop} == {
        k: v for k, v in posted.json().items() if k not in drop
    }


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("history?limit=many", 400, "limit"),
        ("history?limit=0", 400, "limit"),
        ("history?room=lobby&room=den", 400, None),
        ("history?room=%00%ff", 404, "room"),
        ("history?room=null", 404, "room"),
        ("search", 400, "query"),
        ("sessions?end=1", 400, None),
        ("files?with=nobody-there", 404, "with"),
    ],
)
def test_a_query_is_looked_at_like_a_payload(
    alice: Program, path: str, status: int, field: str | None
) -> None:
    answer = alice.get(path)
    assert (answer.status_code, answer.json().get("field")) == (status, field)


@pytest.mark.parametrize("action", sorted(set(REQUESTS) - READS))
def test_nothing_is_changed_by_get(meet: Meet, action: str) -> None:
    answer = meet().get(action)
    assert code(answer) == (405, "unsupported")
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("action", [*sorted(LEFT_OUT), "dance", "log%69n2", "..", "a" * 500])
def test_there_is_no_other_action(alice: Program, action: str) -> None:
    assert alice.ask(action).status_code == 404


def test_a_retry_has_no_second_effect(meet: Meet, alice: Program) -> None:
    first = alice.ask("publish", "retry-1", content="once")
    again = alice.ask("publish", '"retry-1"', content="once")
    other = meet("alice", "alice").ask("publish", "retry-1", content="once")  # by another login, too
    assert first.json() == again.json() == other.json()
    assert first.json()["id"] == "retry-1"
    assert alice.said().count("once") == 1


def test_what_is_for_a_person_is_refused_where_the_name_is_somebody_elses(meet: Meet, alice: Program) -> None:
    gus = meet("Gus")
    meant = gus.welcome["user_id"]
    sent = alice.ask("whisper", "k1", to="Gus", content="hello", to_id=meant)
    assert sent.status_code == 200
    assert gus.ask("logout").status_code == 200
    stranger = meet("Gus")
    misspelt = alice.ask("publish", content="PIN", rooom="den").json()  # or it would be said in the lobby
    assert (misspelt["code"], misspelt["field"]) == ("bad_request", "rooom")
    refused = alice.ask("whisper", to="Gus", content="PIN", to_id=meant)
    assert (refused.status_code, refused.json()["field"]) == (404, "to_id")
    assert stranger.ask("unread").json()["streams"] == []
    assert alice.ask("whisper", "k1", to="Gus", content="hello", to_id=meant).json() == sent.json()


@pytest.mark.parametrize("key", ["", '""', "x" * 65])
def test_a_key_has_its_bounds(alice: Program, key: str) -> None:
    assert alice.ask("publish", key, content="hi").status_code == 400


def test_many_at_once_keep_their_order_and_their_answers(alice: Program) -> None:
    with ThreadPoolExecutor(16) as pool:
        asked = [
            pool.submit(alice.ask, *(("publish", f"many-{n}") if n % 3 else ("create", None)), **payload)
            for n in range(60)
            for payload in ({"content": f"many-{n}"} if n % 3 else {"room": f"many-{n}"},)
        ]
        answers = [one.result() for one in asked]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["offset"] for answer in answers if "id" in answer.json()}) == 40


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"content":', "application/json", 400),
        (b"[]", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"content":"\xff"}', "application/json", 400),
        (b'{"x":"\xff","content":"hi"}', "application/json", 400),
        (b'{"content":5}', "application/json", 400),
        (b'{"content":"hi"} {}', "application/json", 400),
        (b"{}", "application/json", 400),
        (b"", None, 400),
        (b'{"content":"hi"}', "text/plain", 415),
        (b'{"content":"hi"}', None, 415),
        (b'{"content":"hi"}', "Application/JSON; charset=utf-8", 200),
        (b'{"content":"' + b"x" * 100_000 + b'"}', "application/json", 413),
        (b'{"content":"' + b"x" * 2_000_000 + b'"}', "application/json", 413),
    ],
)
def test_bodies_are_read_strictly(alice: Program, content: bytes, kind: str | None, status: int) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = alice.web.post("publish", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert status == 200 or set(answer.json()) >= {"code", "message"}
    assert alice.get("me").status_code == 200


# -- limits


def test_requests_pay_the_rate_of_a_connection(tmp_path: Path) -> None:
    text = "[limits]\nmessage_rate = 1.0\nmessage_burst = 5\n"
    with settled(tmp_path, text, "--demo") as (_, meet):
        alice = meet("alice", "alice")
        answers = [alice.get("rooms") for _ in range(8)]
        assert [answer.status_code for answer in answers][:3] == [200, 200, 200]
        refused = answers[-1]
        assert (code(refused), refused.json()["limit"]) == ((429, "rate_limited"), "limits.message_rate")
        assert int(refused.headers["retry-after"]) >= 1
        bob = meet("bob", "bob")
        dear = [bob.ask("unread").status_code, bob.get("rooms").status_code]
        assert dear == [200, 429], "it counts as many"
        newcomers = [meet().ask("login", username=f"guest-{n}").status_code for n in range(8)]
        assert newcomers[0] == 200
        assert newcomers[-1] == 429


def test_guesses_count_against_the_address_that_they_come_from(tmp_path: Path) -> None:
    text = '[web]\ntrusted_proxies = ["127.0.0.1"]\n[accounts]\nallow_plaintext_login = true\nattempts = 2\n'
    with settled(tmp_path, text) as (_, meet):

        def guess(name: str, address: str) -> tuple[int, str]:
            return code(meet(**{"X-Forwarded-For": address}).ask("login", username=name, password="x" * 9))

        guesses = [guess(name, "192.0.2.1") for name in ("a", "b", "c")]
        assert guesses == [(401, "bad_credentials")] * 2 + [(429, "rate_limited")]
        assert guess("d", "192.0.2.2") == (401, "bad_credentials")
        assert guess("e", "10.0.0.1, 192.0.2.1") == (429, "rate_limited")


def test_without_tls_no_password_is_taken_from_elsewhere(tmp_path: Path) -> None:
    with settled(tmp_path, '[web]\ntrusted_proxies = ["127.0.0.1"]\n') as (_, meet):
        answer = meet().ask("login", username="a", password="b")
        assert (code(answer), answer.json()["limit"]) == (
            (403, "forbidden"),
            "accounts.allow_plaintext_login",
        )
        assert code(meet().ask("login", username="a")) == (403, "forbidden")  # nor any guest let in


def test_who_asked_longest_ago_makes_way(tmp_path: Path) -> None:
    with settled(tmp_path, "[http]\nmax_sessions = 2\n") as (server, meet):
        watcher = server.websocket("watcher")
        for name in ("one", "two"):
            meet(name)
            assert watcher.get("joined")["data"]["username"] == name
        meet("three")
        assert [watcher.get()["event"] for _ in range(2)] == ["left", "joined"]


def test_one_address_has_no_more_sessions_than_connections(tmp_path: Path) -> None:
    text = '[web]\ntrusted_proxies = ["127.0.0.1"]\n[guests]\nallow = true\n[limits]\nmax_per_address = 2\n'
    with settled(tmp_path, text) as (_, meet):

        def enter(number: int, address: str) -> int:
            web = meet(**{"X-Forwarded-For": address})
            status = web.ask("login", username=f"guest-{number}").status_code
            web.close()
            return status

        assert [enter(number, "192.0.2.1") for number in range(3)] == [200, 200, 429]
        assert enter(4, "192.0.2.2") == 200


def test_a_long_answer_comes_whole(alice: Program) -> None:
    alice.ask("create", room="long")
    for number in range(10):
        alice.ask("publish", room="long", content=f"{number}" * 30_000)
    answer = alice.get("history?room=long")
    assert len(answer.content) > 300_000
    assert [message["content"][0] for message in answer.json()["messages"]] == list("0123456789")


def test_long_answers_that_nobody_reads_are_bounded_and_cut(tmp_path: Path) -> None:
    text = (
        "[limits]\nmax_output = 700_000\n[timers]\nping = 0.5\nidle = 1.0\n[rooms]\nresume_bytes = 100_000\n"
    )
    with settled(tmp_path, text, "--demo") as (server, meet):
        alice = meet("alice", "alice")
        for number in range(10):
            alice.ask("publish", content=f"{number}" * 60_000)
        token = alice.welcome["token"]
        head = f"GET /api/v1/history HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}"
        deaf = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        deaf.sendall(f"{head}\r\n\r\n".encode() * 40)  # 24 MB: more than the kernel holds for it

        def refused() -> bool:
            answer = alice.get("history")
            return answer.status_code == 429 and answer.json()["limit"] == "limits.max_output"

        until(refused)
        until(lambda: alice.get("history").status_code == 200)  # it was cut, and gave back what it held
        deaf.close()


# -- requests that end before their time


def begin(server: Server, text: str) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    line.sendall(text.encode())
    return line


def cut(line: socket.socket) -> None:
    """End a connection at once, by a reset: who only sends no more still gets its answer."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()


def test_who_is_gone_before_the_answer_leaves_no_login_behind(server: Server, meet: Meet) -> None:
    bob = meet("bob", "bob")

    def logins() -> int:
        return len(bob.get("sessions").json()["sessions"])

    before = logins()
    body = json.dumps({"username": "bob", "password": "bob"})
    head = f"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    for _ in range(5):
        cut(begin(server, f"POST /api/v1/login HTTP/1.1\r\n{head}\r\n{body}"))
    in_time = meet("bob", "bob")  # its password was tried behind theirs
    assert in_time.get("me").status_code == 200
    until(lambda: logins() == before + 1)


def test_who_is_gone_has_said_it_all_the_same_and_asks_on(server: Server, meet: Meet) -> None:
    bob = meet("bob", "bob")
    body = json.dumps({"content": "last words"})
    head = (
        f"Host: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: last\r\n"
        f"Authorization: Bearer {bob.welcome['token']}\r\nContent-Length: {len(body)}\r\n"
    )
    line = begin(server, f"POST /api/v1/publish HTTP/1.1\r\n{head}\r\n{body}")
    assert line.recv(64).startswith(b"HTTP/1.1 200")
    line.close()
    cut(begin(server, f"POST /api/v1/publish HTTP/1.1\r\n{head}\r\n{body[:9]}"))
    assert bob.said().count("last words") == 1
    assert bob.ask("publish", content="and on").status_code == 200


def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    with settled(tmp_path, "[timers]\nframe = 0.5\n") as (server, _):
        head = "Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
        line = begin(server, f'POST /api/v1/login HTTP/1.1\r\n{head}\r\n{{"username":')
        assert line.recv(64).startswith(b"HTTP/1.1 408")
        line.close()


def test_a_stop_waits_for_what_is_asked(tmp_path: Path) -> None:
    server = Server("--demo")
    with meeting(server) as meet:
        programs = [meet("bob", "bob") for _ in range(3)]
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(one.ask, "login", username="alice", password="alice") for one in programs]
            until(lambda: any(one.done() for one in asked))
            assert server.stop() == 0, server.log
            answers = [one.result() for one in asked if one.exception() is None]
    assert answers
    assert {answer.status_code for answer in answers} <= {200, 401, 503}
    assert "Traceback" not in server.log, server.log
