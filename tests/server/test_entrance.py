"""GET /api/v1/entrance: the sign-in form is told which ways in are open, and what it tells is true."""

from __future__ import annotations

import json
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import msgspec
import pytest

from hubbub.core.settings import AccountSettings, GuestSettings
from hubbub.server.config import Config, ServerSettings
from hubbub.server.web.cookies import Visitor
from hubbub.server.web.entrance import PATH, entrance
from serving import Server, serving

ZOE = {"username": "Zoe", "password": "long enough"}
HERE = Visitor("127.0.0.1", True, False, False, "hubbub_8080", None)
AWAY = Visitor("192.0.2.7", False, False, False, "hubbub_8080", None)
AWAY_BY_TLS = AWAY._replace(encrypted=True, https=True)


def ask(server: Server, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
    sent = None if body is None else json.dumps(body)
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        connection.request(method, path, sent, {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert response.headers["Cache-Control"] == "no-store"
        return response.status, json.loads(response.read())


def test_on_this_machine_all_ways_are_open() -> None:
    with serving("--name", "Tea room") as server:
        status, told = ask(server, "GET", PATH)
        assert status == 200
        assert told == {
            "name": "Tea room",
            "guests": True,
            "register": True,
            "passwords": True,
            "min_password": 8,
            "max_username": 32,
            "demo": None,
        }
        assert ask(server, "POST", "/api/v1/login", {"username": "guest"})[0] == 200
        assert ask(server, "POST", "/api/v1/register", ZOE)[0] == 200


def test_what_the_form_of_a_demo_is_filled_with_works() -> None:
    with serving("--demo") as server:
        _, told = ask(server, "GET", PATH)
        assert told["demo"] == {"username": "alice", "password": "alice"}
        status, me = ask(server, "POST", "/api/v1/login", told["demo"])
        assert (status, me["username"]) == (200, "alice")


def test_what_is_closed_is_told_and_refused() -> None:
    with serving(HUBBUB_GUESTS_ALLOW="false", HUBBUB_ACCOUNTS_REGISTER="false") as server:
        _, told = ask(server, "GET", PATH)
        assert (told["guests"], told["register"]) == (False, False)
        assert ask(server, "POST", "/api/v1/login", {"username": "guest"})[0] == 403
        assert ask(server, "POST", "/api/v1/register", ZOE)[0] == 403


@pytest.mark.parametrize(
    ("visitor", "loopback_is_local", "local", "passwords"),
    [
        (HERE, True, True, True),
        (HERE, False, False, False),  # behind a proxy, anybody comes from this machine
        (AWAY, True, False, False),
        (AWAY_BY_TLS, True, False, True),
    ],
)
def test_from_elsewhere_it_depends(
    visitor: Visitor, loopback_is_local: bool, local: bool, passwords: bool
) -> None:
    config = Config(server=ServerSettings(demo=True))
    told = entrance(config, visitor, loopback_is_local=loopback_is_local)
    assert (told.guests, told.register, told.passwords) == (local, local, passwords)
    assert (told.demo is not None) == local  # known passwords are no secret of this machine's alone


def test_settings_count_more_than_where_somebody_comes_from() -> None:
    accounts = AccountSettings(register=True, allow_plaintext_login=True, min_password=12)
    config = Config(guests=GuestSettings(allow=True), accounts=accounts)
    told = entrance(config, AWAY, loopback_is_local=True)
    assert (told.guests, told.register, told.passwords, told.min_password) == (True, True, True, 12)


def test_nothing_of_the_settings_goes_out_by_accident() -> None:
    told = msgspec.json.decode(msgspec.json.encode(entrance(Config(), AWAY, loopback_is_local=True)))
    assert sorted(told) == ["demo", "guests", "max_username", "min_password", "name", "passwords", "register"]
