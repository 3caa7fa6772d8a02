"""The start-up block, for listeners of every kind."""

from __future__ import annotations

import pytest

from hubbub.core.settings import GuestSettings
from hubbub.server.banner import banner, relay_banner
from hubbub.server.config import Config, LimitSettings, Listen, ServerSettings, WebSettings

LOCAL = [Listen("127.0.0.1", 8080)]


def test_it_says_where_to_connect() -> None:
    text = banner(Config(), [*LOCAL, Listen("::1", 8081)], tls=False)
    assert "nc 127.0.0.1 8080 " in text
    assert "nc ::1 8081 " in text
    assert "http://127.0.0.1:8080/\n" in text
    assert "http://[::1]:8081/\n" in text
    assert "Warning" not in text
    assert text.endswith("\n")


def test_an_address_for_all_is_reached_from_here_by_loopback() -> None:
    text = banner(Config(), [Listen("0.0.0.0", 1), Listen("::", 2)], tls=False)
    assert "nc 127.0.0.1 1 " in text
    assert "nc ::1 2 " in text
    assert "http://[::1]:2/\n" in text
    assert "Listening      0.0.0.0:1 (" in text


@pytest.mark.parametrize(
    ("dialect", "nc", "url"), [("text", True, False), ("http", False, True), ("json", False, False)]
)
def test_a_pinned_listener_is_told_as_what_it_is(dialect: str, nc: bool, url: bool) -> None:
    listen = Listen("127.0.0.1", 1, dialect)  # type: ignore[arg-type]
    text = banner(Config(), [listen], tls=False)
    assert ("nc 127.0.0.1" in text, "http://" in text) == (nc, url)
    assert f"127.0.0.1:1 ({dialect})" in text


def test_it_warns_where_others_may_listen_in() -> None:
    open_to_all = [*LOCAL, Listen("192.0.2.1", 80), Listen("fe80::1%eth0", 81)]
    text = banner(Config(), open_to_all, tls=False)
    assert "Warning: other machines reach 192.0.2.1:80, [fe80::1%eth0]:81 without TLS" in text
    safe = banner(Config(), open_to_all, tls=True)
    assert "Warning" not in safe
    assert "https://192.0.2.1:80/" in safe


def test_it_says_what_becomes_of_the_data_and_of_limits() -> None:
    memory = Config(server=ServerSettings(data=":memory:"))
    assert "nothing is kept: messages live in memory" in banner(memory, LOCAL, tls=False)
    config = Config(server=ServerSettings(data="/srv/hubbub"), limits=LimitSettings(enforce=False))
    text = banner(config, LOCAL, tls=False)
    assert "/srv/hubbub (what is acknowledged is on the disk)\n" in text
    assert "off: no rates, no connection counts" in text
    lazy = Config(server=ServerSettings(data="/srv/hubbub", durability="interval=20"))
    assert "/srv/hubbub (a crash of the system may lose the last 20 ms of" in banner(lazy, LOCAL, tls=False)


@pytest.mark.parametrize(
    ("config", "addresses", "sentence"),
    [
        (Config(), LOCAL, "anybody on this machine may enter"),
        (Config(), [*LOCAL, Listen("0.0.0.0", 1)], "by 127.0.0.1 or ::1 listeners only"),
        (Config(), [Listen("0.0.0.0", 1)], "nobody may enter without an account (guests.allow lets them)"),
        (Config(guests=GuestSettings(allow=True)), [Listen("0.0.0.0", 1)], "anybody may enter with a name"),
        (Config(guests=GuestSettings(allow=False)), LOCAL, "nobody may enter without an account"),
        (Config(web=WebSettings(public_hosts=["a.example"])), LOCAL, "nobody may enter without an account"),
        (Config(web=WebSettings(trusted_proxies=["::1"])), LOCAL, "nobody may enter without an account"),
    ],
)
def test_it_says_who_may_enter(config: Config, addresses: list[Listen], sentence: str) -> None:
    assert sentence in banner(config, addresses, tls=False)


def test_a_relay_is_never_behind_tls() -> None:
    relay = Listen("192.0.2.1", 7, "relay")
    text = banner(Config(), [*LOCAL, relay], tls=True)
    assert "192.0.2.1:7 (relay)\n" in text
    assert "Warning: other machines reach 192.0.2.1:7 without TLS" in text
    assert "--tls-cert" not in text


def test_the_relay() -> None:
    text = relay_banner([Listen("0.0.0.0", 7, "relay")])
    assert "nc 127.0.0.1 7\n" in text
    assert "Warning: other machines reach 0.0.0.0:7 without TLS" in text
    assert "Ctrl-C" in text
    assert "Warning" not in relay_banner([Listen("127.0.0.1", 7, "relay")])
