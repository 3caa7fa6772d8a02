"""Cases in the manner of Autobahn, numbered as its chapters, against `examples/ws_echo.py` as it runs."""

from __future__ import annotations

import socket
import struct

import pytest

from conformance.autobahn_client import (
    BINARY,
    CLOSE,
    CONTINUE,
    FIN,
    KEY,
    MASK,
    MAX_MESSAGE,
    MIB,
    PATIENCE,
    PING,
    PONG,
    RSV1,
    RSV2,
    RSV3,
    TEXT,
    Got,
    Raw,
    client,
    close,
    fails_with,
    frame,
    masked,
    passes,
    refused,
    run,
    text,
)

# -- 1: framing

SIZES = [0, 1, 125, 126, 127, 128, 65_535, 65_536]


@pytest.mark.parametrize("size", SIZES)
def test_1_text_and_binary_of_every_length_form(port: int, size: int) -> None:
    passes(port, text(b"*" * size), Got(TEXT, b"*" * size))
    passes(port, frame(FIN | BINARY, b"\xfe" * size), Got(BINARY, b"\xfe" * size))


@pytest.mark.parametrize("chop", [997, 16_384])
def test_1_a_big_frame_in_pieces(port: int, chop: int) -> None:
    with Raw(port) as raw:
        raw.send(text(b"*" * 65_536), chop)
        assert raw.get() == Got(TEXT, b"*" * 65_536)


def test_1_frames_that_are_not_masked_or_not_minimal(port: int) -> None:
    refused(port, b"\x81\x02hi", 1002)
    refused(port, b"\x81\xfe\x00\x02" + masked(b"hi"), 1002)
    refused(port, b"\x81\xff" + bytes(6) + b"\x00\x02" + masked(b"hi"), 1002)
    refused(port, b"\x81\xff\x80" + bytes(7) + MASK, 1002)


# -- 2: pings and pongs


@pytest.mark.parametrize(
    "payload", [b"", b"Hello, world!", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125]
)
def test_2_a_ping_comes_back_as_it_went(port: int, payload: bytes) -> None:
    passes(port, frame(FIN | PING, payload), Got(PONG, payload))


def test_2_pings_are_answered_in_order_and_pongs_are_not(port: int) -> None:
    pings = [b"payload-%d" % n for n in range(10)]
    passes(
        port,
        frame(FIN | PONG, b"unsolicited") + b"".join(frame(FIN | PING, ping) for ping in pings),
        *(Got(PONG, ping) for ping in pings),
    )


def test_2_a_ping_has_at_most_125_bytes(port: int) -> None:
    refused(port, text("before") + frame(FIN | PING, b"\xfe" * 126), 1002, Got(TEXT, b"before"))


# -- 3, 4: reserved bits, reserved opcodes


@pytest.mark.parametrize("bits", [RSV1, RSV2, RSV3, RSV1 | RSV2, RSV2 | RSV3, RSV1 | RSV2 | RSV3])
@pytest.mark.parametrize("opcode", [TEXT, BINARY, CLOSE, PING, PONG])
def test_3_reserved_bits(port: int, bits: int, opcode: int) -> None:
    refused(port, text("before") + frame(FIN | bits | opcode, b""), 1002, Got(TEXT, b"before"))


def test_3_the_compression_bit_where_it_may_not_be(port: int) -> None:
    for bad in (frame(FIN | RSV1 | PING), frame(TEXT, b"a") + frame(FIN | RSV1 | CONTINUE, b"b")):
        refused(port, bad, 1002, deflate=True)
    refused(port, frame(FIN | RSV1 | RSV2 | TEXT, b"\x00"), 1002, deflate=True)


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
def test_4_reserved_opcodes(port: int, opcode: int) -> None:
    refused(port, text("before") + frame(FIN | opcode, b"x"), 1002, Got(TEXT, b"before"))


# -- 5: fragmentation


@pytest.mark.parametrize(
    "data",
    [
        frame(TEXT, b"fragment1") + frame(FIN | CONTINUE, b"fragment2"),
        frame(TEXT) + frame(CONTINUE, b"fragment1") + frame(CONTINUE) + frame(FIN | CONTINUE, b"fragment2"),
        frame(TEXT, b"fragment1fragment2") + frame(FIN | CONTINUE),
        b"".join(frame(TEXT if n == 0 else CONTINUE, b"fragment1fragment2"[n : n + 1]) for n in range(18))
        + frame(FIN | CONTINUE),
    ],
)
def test_5_a_message_in_fragments(port: int, data: bytes) -> None:
    passes(port, data, Got(TEXT, b"fragment1fragment2"))


def test_5_control_frames_between_fragments_are_answered_before_the_message(port: int) -> None:
    data = (
        frame(TEXT, b"a")
        + frame(FIN | PING, b"one")
        + frame(CONTINUE, b"b")
        + frame(FIN | PONG, b"ignored")
        + frame(FIN | PING, b"two")
        + frame(FIN | CONTINUE, b"c")
    )
    passes(port, data * 2, *[Got(PONG, b"one"), Got(PONG, b"two"), Got(TEXT, b"abc")] * 2)


@pytest.mark.parametrize("first", [PING, PONG, CLOSE])
def test_5_control_frames_are_not_fragmented(port: int, first: int) -> None:
    refused(port, frame(first, b"") + frame(FIN | CONTINUE, b""), 1002)


@pytest.mark.parametrize(
    "data",
    [
        frame(FIN | CONTINUE, b"nothing to continue"),
        frame(CONTINUE, b"nothing to continue"),
        frame(TEXT, b"a") + text("a new message inside"),
        frame(TEXT, b"a") + frame(BINARY, b"a new message inside"),
    ],
)
def test_5_fragments_out_of_place(port: int, data: bytes) -> None:
    refused(port, text("before") + data, 1002, Got(TEXT, b"before"))
    over = frame(TEXT, b"a") + frame(FIN | CONTINUE, b"b")
    refused(port, over + data, 1002, Got(TEXT, b"ab"))


# -- 6: UTF-8

VALID = [
    "",
    "Hello-µ@ßöäüàá-UTF-8!!",
    "κόσμε",
    "\x00",
    "\x7f\x80\u07ff\u0800\uffff",
    "\U00010000\U0010ffff",
    "\ud7ff\ue000\ufffd\ufffe",
]
INVALID = {
    "no start byte": b"\x80",
    "a start byte alone": b"\xce",
    "cut": "κόσμε".encode()[:-1],
    "overlong slash, two bytes": b"\xc0\xaf",
    "overlong slash, three bytes": b"\xe0\x80\xaf",
    "overlong slash, four bytes": b"\xf0\x80\x80\xaf",
    "overlong zero": b"\xc0\x80",
    "surrogate": b"\xed\xa0\x80",
    "surrogate pair": b"\xed\xa0\x80\xed\xb0\x80",
    "over U+10FFFF": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "never in UTF-8": b"\xfe\xff",
}


@pytest.mark.parametrize("message", VALID)
def test_6_valid_text_whole_and_split_in_its_characters(port: int, message: str) -> None:
    payload = message.encode()
    pieces = [payload[n : n + 1] for n in range(len(payload))]
    split = frame(TEXT) + b"".join(frame(CONTINUE, piece) for piece in pieces) + frame(FIN | CONTINUE)
    passes(port, text(payload) + split, Got(TEXT, payload), Got(TEXT, payload))


@pytest.mark.parametrize("payload", INVALID.values(), ids=INVALID.keys())
def test_6_invalid_text_whole_and_split_over_frames(port: int, payload: bytes) -> None:
    pieces = [payload[n : n + 1] for n in range(len(payload))]
    split = frame(TEXT, b"good") + b"".join(frame(CONTINUE, piece) for piece in pieces)
    refused(port, text(b"good" + payload), 1007)
    refused(port, split + frame(FIN | CONTINUE), 1007)
    passes(port, frame(FIN | BINARY, payload), Got(BINARY, payload))


def test_6_invalid_text_fails_before_the_message_is_whole(port: int) -> None:
    with Raw(port) as raw:
        raw.send(frame(TEXT, "κόσμ".encode()) + frame(CONTINUE, b"\xf4\x90"))
        fails_with(raw, 1007)


# -- 7: closing


def test_7_the_close_handshake_and_nothing_after_it(port: int) -> None:
    with Raw(port) as raw:
        raw.send(text("before") + frame(FIN | CLOSE) + text("after") + frame(FIN | PING))
        assert raw.get() == Got(TEXT, b"before")
        assert raw.get() == Got(CLOSE, b"")
        assert raw.ended()


def test_7_a_close_in_the_middle_of_a_message(port: int) -> None:
    with Raw(port) as raw:
        raw.send(frame(TEXT, b"fragment") + close(1000) + frame(FIN | CONTINUE, b"rest"))
        assert raw.get() == Got(CLOSE, b"\x03\xe8")
        assert raw.ended()


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999])
def test_7_valid_codes_come_back(port: int, code: int) -> None:
    with Raw(port) as raw:
        raw.send(close(code, "Grüße".encode() + b"*" * (123 - 7)))
        assert raw.get() == Got(CLOSE, struct.pack("!H", code))
        assert raw.ended()


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])
def test_7_invalid_codes(port: int, code: int) -> None:
    refused(port, close(code), 1002)


def test_7_malformed_close_frames(port: int) -> None:
    refused(port, frame(FIN | CLOSE, b"\x03"), 1002)
    refused(port, close(1000, b"*" * 124), 1002)
    for payload in INVALID.values():
        refused(port, close(1000, payload), 1007)


def test_7_a_peer_that_just_goes_is_let_go(port: int) -> None:
    with Raw(port) as raw:
        raw.send(frame(TEXT, b"begun"))
        raw.socket.shutdown(socket.SHUT_WR)
        assert raw.ended()


# -- 9, 10: big messages, and the limit


@pytest.mark.parametrize("size", [MIB, MAX_MESSAGE])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_9_big_messages(port: int, size: int, opcode: int) -> None:
    async def scenario() -> None:
        async with client(port) as ws:
            message = "€" * (size // 3) if opcode == TEXT else b"\xfe" * size
            await ws.send(message)
            assert await ws.recv() == message

    run(scenario())


@pytest.mark.parametrize("piece", [64, 1_024, 65_536])
def test_9_a_big_message_in_fragments_of_any_size(port: int, piece: int) -> None:
    body = b"\xfe" * (MIB // 4)
    fragments = [frame(CONTINUE, body[at : at + piece]) for at in range(0, len(body), piece)]
    with Raw(port) as raw:
        raw.send(frame(BINARY) + b"".join(fragments) + frame(FIN | CONTINUE))
        assert raw.get() == Got(BINARY, body)


def test_9_over_the_limit_by_one_byte(port: int) -> None:
    with Raw(port) as raw:
        raw.send(struct.pack("!BBQ", FIN | BINARY, 0xFF, MAX_MESSAGE + 1))
        fails_with(raw, 1009)
    with Raw(port) as raw:
        half = bytes(MAX_MESSAGE // 2)
        raw.send(frame(BINARY, half) + frame(CONTINUE, half) + frame(FIN | CONTINUE, b"x"))
        fails_with(raw, 1009)


# -- the handshake, as far as it is the echo's own


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"426"),
        (b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000, b"431"),
    ],
)
def test_what_is_no_websocket_is_told_so_in_http(port: int, head: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        sock.sendall(head)
        answer = b""
        while data := sock.recv(65_536):
            answer += data
    assert answer.startswith(b"HTTP/1.1 " + status + b" ")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head


def test_messages_behind_the_handshake_in_one_packet_are_not_lost(port: int) -> None:
    head = (
        f"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        sock.sendall(head.encode() + text("early") + close(1000))
        answer = b""
        while data := sock.recv(65_536):
            answer += data
    assert answer.partition(b"\r\n\r\n")[2] == b"\x81\x05early\x88\x02\x03\xe8"
