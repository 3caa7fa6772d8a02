"""Whose page a request comes from, and whom it is for: tables."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from hubbub.server.origin import (
    Authority,
    Refused,
    check_host,
    check_origin,
    forwarded,
    normalise_origin,
    parse_authority,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"127.0.0.1", Authority("127.0.0.1")),
        (b"127.0.0.1:8080", Authority("127.0.0.1", 8080)),
        (b"Chat.Example.ORG.", Authority("chat.example.org")),
        (b"[::1]:80", Authority("::1", 80)),
        (b"[0:0:0::1]", Authority("::1")),
        (b"host:", Authority("host")),
        (b"[::1", None),
        (b"[nonsense]", None),
        (b"[dead]", None),
        (b"::1", None),
        (b"a:b", None),
        (b"a:65536", None),
        (b"a:-1", None),
        (b"user@host", None),
        (b"a b", None),
        (b"a/b", None),
        (b"", None),
        (b"a" * 254, None),
        ("é".encode(), None),
    ],
)
def test_an_authority(value: bytes, expected: Authority | None) -> None:
    assert parse_authority(value) == expected


@pytest.mark.parametrize(
    ("host", "local", "status"),
    [
        (b"127.0.0.1:8080", "127.0.0.1", None),
        (b"localhost", "127.0.0.1", None),
        (b"LocalHost.:1", "::1", None),
        (b"localhost", "127.0.0.2", None),
        (b"[::1]", "::1", None),
        (b"[fe80::1]", "fe80::1%eth0", None),
        (b"192.0.2.7", "192.0.2.7", None),
        (b" 192.0.2.7\t", "192.0.2.7", None),
        (b"chat.example.org", "192.0.2.7", None),
        (b"CHAT.example.org.:443", "192.0.2.7", None),
        (b"198.51.100.1", "192.0.2.7", None),
        (b"localhost", "192.0.2.7", None),
        (b"127.0.0.1", "192.0.2.7", 421),
        (b"192.0.2.8", "192.0.2.7", 421),
        (b"127.0.0.2", "127.0.0.1", 421),
        (b"0.0.0.0", "127.0.0.1", 421),
        (b"evil.example", "127.0.0.1", 421),
        (b"localhost.evil.example", "127.0.0.1", 421),
        (b"chat.example.org.evil.example", "192.0.2.7", 421),
        (b"2130706433", "127.0.0.1", 421),
        (b"127.1", "127.0.0.1", 421),
        (b"a,b", "127.0.0.1", 400),
        (b"", "127.0.0.1", 400),
    ],
)
def test_a_host(host: bytes, local: str, status: int | None) -> None:
    found = check_host([host], local, {"chat.example.org", "198.51.100.1"})
    assert (found.status if isinstance(found, Refused) else None) == status


@pytest.mark.parametrize("values", [[], [b"127.0.0.1", b"127.0.0.1"]])
def test_one_host_is_needed(values: list[bytes]) -> None:
    found = check_host(values, "127.0.0.1", ())
    assert isinstance(found, Refused)
    assert found.status == 400


@pytest.mark.parametrize(
    ("origin", "host", "secure", "allowed"),
    [
        (b"http://127.0.0.1:8080", Authority("127.0.0.1", 8080), False, True),
        (b"HTTP://LOCALHOST", Authority("localhost"), False, True),
        (b"http://[::1]:8080", Authority("::1", 8080), False, True),
        (b"https://chat.example.org", Authority("chat.example.org"), False, True),
        (b"https://chat.example.org:443", Authority("chat.example.org"), True, True),
        (b"https://app.example.org", Authority("127.0.0.1"), False, True),
        (b"http://chat.example.org", Authority("chat.example.org"), True, False),
        (b"http://127.0.0.1:8081", Authority("127.0.0.1", 8080), False, False),
        (b"http://127.0.0.1", Authority("127.0.0.1", 8080), False, False),
        (b"http://localhost:8080", Authority("127.0.0.1", 8080), False, False),
        (b"https://evil.example", Authority("127.0.0.1"), False, False),
        (b"http://127.0.0.1.evil.example", Authority("127.0.0.1"), False, False),
        (b"http://app.example.org", Authority("127.0.0.1"), False, False),
        (b"null", Authority("127.0.0.1"), False, False),
        (b"", Authority("127.0.0.1"), False, False),
        (b"file://", Authority("127.0.0.1"), False, False),
        (b"ws://127.0.0.1", Authority("127.0.0.1"), False, False),
        (b"http://127.0.0.1/", Authority("127.0.0.1"), False, False),
        (b"http://user@127.0.0.1", Authority("127.0.0.1"), False, False),
        ("http://ⅼocalhost".encode(), Authority("localhost"), False, False),
    ],
)
def test_an_origin(origin: bytes, host: Authority, secure: bool, allowed: bool) -> None:
    refused = check_origin([origin], host, {"https://app.example.org:443"}, secure=secure)
    assert (refused is None) == allowed
    if refused is not None:
        assert refused.status == 403


def test_no_origin_is_no_browser_and_two_are_nobody() -> None:
    assert check_origin([], Authority("127.0.0.1"), (), secure=False) is None
    assert check_origin([b"http://127.0.0.1"] * 2, Authority("127.0.0.1"), (), secure=False) is not None


def test_an_origin_is_normalised() -> None:
    assert normalise_origin("HTTPS://Chat.Example.org.") == "https://chat.example.org:443"
    assert normalise_origin("http://[0::1]:80") == "http://[::1]:80"


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("192.0.2.1", [(b"x-forwarded-for", b"203.0.113.9")], ("192.0.2.1", "http")),
        ("10.0.0.1", [(b"x-forwarded-for", b"203.0.113.9")], ("203.0.113.9", "http")),
        ("10.0.0.1", [(b"x-forwarded-for", b"1.2.3.4, 203.0.113.9, 10.0.0.2")], ("203.0.113.9", "http")),
        (
            "10.0.0.1",
            [(b"x-forwarded-for", b"1.2.3.4"), (b"x-forwarded-for", b"203.0.113.9")],
            ("203.0.113.9", "http"),
        ),
        ("10.0.0.1", [(b"x-forwarded-for", b"203.0.113.9, junk")], ("10.0.0.1", "http")),
        ("10.0.0.1", [(b"x-forwarded-for", b"fe80::1%\x1b[2J")], ("10.0.0.1", "http")),
        ("10.0.0.1", [(b"x-forwarded-for", b"10.0.0.3")], ("10.0.0.3", "http")),
        ("10.0.0.1", [(b"x-forwarded-proto", b"https")], ("10.0.0.1", "https")),
        ("10.0.0.1", [(b"x-forwarded-proto", b"gopher")], ("10.0.0.1", "http")),
        ("192.0.2.1", [(b"x-forwarded-proto", b"https")], ("192.0.2.1", "http")),
        ("10.0.0.1", [], ("10.0.0.1", "http")),
    ],
)
def test_forwarding_headers_count_from_a_trusted_proxy_only(
    peer: str, headers: list[tuple[bytes, bytes]], expected: tuple[str, str]
) -> None:
    assert forwarded(headers, peer, [ip_network("10.0.0.0/8")], secure=False) == expected
