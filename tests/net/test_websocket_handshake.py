from __future__ import annotations

from base64 import b64encode

import pytest

from hubbub.net.errors import HandshakeFailed
from hubbub.net.framing.extensions import parse_extensions
from hubbub.net.framing.websocket_handshake import (
    HandshakeError,
    Upgrade,
    accept,
    parse_head,
    request,
    verify,
)

SAMPLE_KEY = b"dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 §1.3
SAMPLE_ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
KEY = bytes(range(16))
BOTH = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


def fields(**changed: bytes | None) -> list[tuple[bytes, bytes]]:
    """The headers of a good request, with some changed or (None) left out."""
    base: dict[str, bytes | None] = {
        "host": b"127.0.0.1:8080",
        "upgrade": b"websocket",
        "connection": b"keep-alive, Upgrade",
        "sec_websocket_key": SAMPLE_KEY,
        "sec_websocket_version": b"13",
    }
    named = {name.replace("_", "-").encode(): value for name, value in {**base, **changed}.items()}
    return [(name, value) for name, value in named.items() if value is not None]


def upgrade(headers: list[tuple[bytes, bytes]], subprotocol: str | None = None) -> Upgrade:
    answer = accept(headers, subprotocol)
    assert isinstance(answer, Upgrade)
    return answer


def refused(headers: list[tuple[bytes, bytes]]) -> HandshakeError:
    answer = accept(headers, None)
    assert isinstance(answer, HandshakeError)
    return answer


def test_the_answer_is_the_one_of_the_rfc() -> None:
    assert upgrade(fields()).response == (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + SAMPLE_ACCEPT + b"\r\n\r\n"
    )


def test_header_names_and_tokens_have_no_case() -> None:
    headers = [(name.upper(), value) for name, value in fields(upgrade=b"WebSocket", connection=b"uPgRaDe")]
    assert SAMPLE_ACCEPT in upgrade(headers).response


@pytest.mark.parametrize(
    "changed",
    [
        {"upgrade": None},
        {"upgrade": b"h2c"},
        {"connection": None},
        {"connection": b"keep-alive"},
        {"sec_websocket_version": None},
        {"sec_websocket_version": b"8"},
        {"sec_websocket_version": b"13, 8"},
    ],
)
def test_what_is_no_upgrade_to_version_13_is_told_to_upgrade(changed: dict[str, bytes | None]) -> None:
    answer = refused(fields(**changed))
    assert answer.status == 426
    assert answer.reason
    assert (b"Sec-WebSocket-Version", b"13") in answer.headers
    assert (b"Upgrade", b"websocket") in answer.headers


@pytest.mark.parametrize(
    "key",
    [
        None,
        b"",
        b"short",
        b64encode(bytes(15)),
        b64encode(bytes(17)),
        SAMPLE_KEY[:-1],
        SAMPLE_KEY + b"=",
        b"dGhlIHNhbXBsZSBub25j ZQ=",
        b"dGhlIHNhbXBsZSBub25jZ\xff==",
    ],
)
def test_a_key_is_16_bytes_in_base64(key: bytes | None) -> None:
    answer = refused(fields(sec_websocket_key=key))
    assert (answer.status, answer.headers) == (400, ())


def test_two_keys_are_refused() -> None:
    assert refused([*fields(), (b"Sec-WebSocket-Key", SAMPLE_KEY)]).status == 400


@pytest.mark.parametrize(
    ("offered", "spoken", "chosen"),
    [
        (None, None, None),
        (None, "hubbub.v1", None),
        (b"hubbub.v1", "hubbub.v1", "hubbub.v1"),
        (b"chat, hubbub.v1", "hubbub.v1", "hubbub.v1"),
        (b"chat", "hubbub.v1", None),
        (b"HUBBUB.V1", "hubbub.v1", None),
        (b"hubbub.v1", None, None),
    ],
)
def test_a_subprotocol_is_agreed_on_where_it_is_offered(
    offered: bytes | None, spoken: str | None, chosen: str | None
) -> None:
    answer = upgrade(fields(sec_websocket_protocol=offered), spoken)
    assert answer.subprotocol == chosen
    assert (b"Sec-WebSocket-Protocol: hubbub.v1\r\n" in answer.response) == (chosen is not None)


@pytest.mark.parametrize(
    ("offer", "agreed"),
    [
        ("permessage-deflate", BOTH),
        ("permessage-deflate; client_max_window_bits", BOTH),
        ("permessage-deflate; client_max_window_bits=8", BOTH),
        ('permessage-deflate; client_max_window_bits="10"', BOTH),
        (r'permessage-deflate; client_max_window_bits="1\0"', BOTH),
        ("permessage-deflate;server_no_context_takeover;client_no_context_takeover", BOTH),
        ("permessage-deflate; server_max_window_bits=15", f"{BOTH}; server_max_window_bits=15"),
        (" , x-webkit-deflate-frame, ,permessage-deflate", BOTH),
        # Declined, and the next offer is taken.
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", BOTH),
        ("permessage-deflate; unheard_of, permessage-deflate", BOTH),
        # Declined.
        ("x-webkit-deflate-frame", None),
        ("permessage-deflate; server_max_window_bits=8", None),
        ("permessage-deflate; server_max_window_bits", None),
        ("permessage-deflate; server_max_window_bits=16", None),
        ("permessage-deflate; server_max_window_bits=015", None),
        ("permessage-deflate; client_max_window_bits=7", None),
        ("permessage-deflate; client_max_window_bits=16", None),
        ("permessage-deflate; client_max_window_bits=+9", None),
        ("permessage-deflate; server_no_context_takeover=1", None),
        ("permessage-deflate; client_no_context_takeover=true", None),
        ("permessage-deflate; unheard_of=1", None),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits", None),
        ("Permessage-Deflate", None),
        ("", None),
    ],
)
def test_offers_of_permessage_deflate(offer: str, agreed: str | None) -> None:
    answer = upgrade(fields(sec_websocket_extensions=offer.encode()))
    assert answer.deflate == (agreed is not None)
    said = [line for line in answer.response.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Extensions")]
    assert said == ([] if agreed is None else [f"Sec-WebSocket-Extensions: {agreed}".encode()])


@pytest.mark.parametrize(
    "value",
    [
        "permessage-deflate;",
        "permessage-deflate; ;",
        "; permessage-deflate",
        "permessage-deflate; client_max_window_bits=",
        'permessage-deflate; client_max_window_bits="10',
        'permessage-deflate; client_max_window_bits=""',
        'permessage-deflate; a="b c"',
        "permessage-deflate=1",
        "permessage deflate",
        "permessage-deflate\xe9",
    ],
)
def test_extensions_against_the_grammar_are_refused(value: str) -> None:
    assert refused(fields(sec_websocket_extensions=value.encode("latin-1"))).status == 400


def test_extension_headers_add_up() -> None:
    headers = [*fields(sec_websocket_extensions=b"a"), (b"Sec-WebSocket-Extensions", b"permessage-deflate")]
    assert upgrade(headers).deflate


@pytest.mark.parametrize(
    "value", ["a" * 200_000 + "\x00", " " * 200_000 + "=", "a;" * 100_000, 'a;b="' + "\\a" * 90_000]
)
def test_a_hostile_header_is_read_in_linear_time(value: str) -> None:
    # Quadratic reading would take minutes and run into the suite's timeout.
    with pytest.raises(ValueError, match="malformed"):
        parse_extensions(value)


@pytest.mark.parametrize("deflate", [True, False])
def test_client_and_server_agree(deflate: bool) -> None:
    asked = request(
        "127.0.0.1:1",
        "/ws?a=b",
        KEY,
        [("Origin", "http://127.0.0.1:1")],
        deflate=deflate,
        subprotocols=["other", "hubbub.v1"],
    )
    assert asked.startswith(b"GET /ws?a=b HTTP/1.1\r\nHost: 127.0.0.1:1\r\n")
    assert b"\r\nOrigin: http://127.0.0.1:1\r\n" in asked
    answered = upgrade(parse_head(asked)[1], "hubbub.v1")
    assert answered.deflate == deflate
    assert verify(answered.response, KEY, deflate=deflate, subprotocols=["other", "hubbub.v1"]) == answered


@pytest.mark.parametrize(
    ("host", "path", "key", "headers"),
    [
        ("a\r\nb", "/", KEY, []),
        ("", "/", KEY, []),
        ("a", "ws", KEY, []),
        ("a", "/a b", KEY, []),
        ("a", "/\n", KEY, []),
        ("a", "/", KEY[:15], []),
        ("a", "/", KEY, [("X", "1\r\nY: 2")]),
        ("a", "/", KEY, [("X Y", "1")]),
        ("a", "/", KEY, [("", "1")]),
    ],
)
def test_a_request_cannot_be_split(host: str, path: str, key: bytes, headers: list[tuple[str, str]]) -> None:
    with pytest.raises(ValueError, match=r"must be|not a header"):
        request(host, path, key, headers)


GOOD = upgrade([(b"upgrade", b"websocket"), *fields(sec_websocket_key=b64encode(KEY))]).response


@pytest.mark.parametrize(
    ("head", "status", "retry"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", 0, False),
        (b"HTTP/1.0 101 x\r\n\r\n", 0, False),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", 404, False),
        (b"HTTP/1.1 429 Too Many Requests\r\n\r\n", 429, True),
        (b"HTTP/1.1 503\r\n\r\n", 503, True),
        (GOOD.replace(b"Upgrade: websocket", b"Upgrade: h2c"), 101, False),
        (GOOD.replace(b"Connection: Upgrade", b"Connection: close"), 101, False),
        (GOOD.replace(b"Accept: ", b"Accept: x"), 101, False),
        (GOOD.replace(b"Sec-WebSocket-Accept", b"X"), 101, False),
        (GOOD[:-2] + b"Sec-WebSocket-Accept: x\r\n\r\n", 101, False),
        (GOOD[:-2] + b"no colon\r\n\r\n", 0, False),
        (GOOD[:-2] + b"X: a\r\n folded\r\n\r\n", 0, False),
        (GOOD[:-2] + b"X: a\x00\r\n\r\n", 0, False),
        (GOOD[:-2] + b"Sec-WebSocket-Protocol: hubbub.v1\r\n\r\n", 101, False),
        (GOOD[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", 101, False),
        (GOOD[:-2] + b"Sec-WebSocket-Extensions: ;\r\n\r\n", 101, False),
        (GOOD[:-2] + f"Sec-WebSocket-Extensions: {BOTH}, {BOTH}\r\n\r\n".encode(), 101, False),
        (
            GOOD[:-2] + f"Sec-WebSocket-Extensions: {BOTH}; client_max_window_bits=9\r\n\r\n".encode(),
            101,
            False,
        ),
        (
            GOOD[:-2] + f"Sec-WebSocket-Extensions: {BOTH}; server_max_window_bits=7\r\n\r\n".encode(),
            101,
            False,
        ),
        (GOOD[:-2] + b"Sec-WebSocket-Extensions: x-mine\r\n\r\n", 101, False),
    ],
)
def test_a_client_does_not_take_any_answer(head: bytes, status: int, retry: bool) -> None:
    assert verify(GOOD, KEY) == Upgrade(GOOD, False, None)
    with pytest.raises(HandshakeFailed) as failed:
        verify(head, KEY)
    assert (failed.value.status, failed.value.retry, failed.value.by_peer) == (status, retry, True)
    assert (f"answered {status}" in str(failed.value)) == (status not in (0, 101))


@pytest.mark.parametrize(
    "answer",
    [
        BOTH,
        "permessage-deflate; server_no_context_takeover",
        f"{BOTH}; server_max_window_bits=9",
    ],
)
def test_a_client_takes_what_forgets_each_message(answer: str) -> None:
    head = GOOD[:-2] + f"Sec-WebSocket-Extensions: {answer}\r\n\r\n".encode()
    assert verify(head, KEY).deflate
    with pytest.raises(HandshakeFailed):
        verify(head, KEY, deflate=False)


def test_a_head_is_split_strictly() -> None:
    first, headers = parse_head(b"GET / HTTP/1.1\r\nHost:\t a:1 \r\nEmpty:\r\n\r\n")
    assert (first, headers) == (b"GET / HTTP/1.1", [(b"Host", b"a:1"), (b"Empty", b"")])
    for line in (b"no colon", b" folded: x", b"a b: c", b": c", b"a: b\nc: d", b"a: \x00"):
        with pytest.raises(ValueError, match="malformed"):
            parse_head(b"GET / HTTP/1.1\r\n" + line + b"\r\n\r\n")
