from __future__ import annotations

import sys
import tracemalloc
import zlib
from random import Random

import pytest

from hubbub.net.framing.deflate import deflate, inflate, most_deflated
from hubbub.net.framing.frames import BINARY, CLOSE, FAILED, PING, PONG, TEXT, Frame
from hubbub.net.framing.websocket import (
    WebSocket,
    close_body,
    close_frame,
    compressed_frame,
    frame,
    masked_frame,
    pong,
    unmask,
)

MASK = b"\x37\xfa\x21\x3d"  # RFC 6455 §5.7
CONTINUE = 0
LIMIT = 1 << 20


def raw(first: int, body: bytes = b"", mask: bytes = MASK) -> bytes:
    """A masked frame whose first byte is given whole, its length in the shortest form."""
    plain = masked_frame(body, mask)
    return bytes((first,)) + plain[1:]


def begin(opcode: int, body: bytes) -> bytes:
    return raw(opcode, body)


def more(body: bytes) -> bytes:
    return raw(CONTINUE, body)


def last(body: bytes) -> bytes:
    return raw(0x80 | CONTINUE, body)


def read(data: bytes, limit: int = LIMIT, *, server: bool = True, deflate: bool = False) -> list[Frame]:
    """Whole and byte by byte: the same frames, which are returned; nothing comes after an end."""
    whole, slow = (WebSocket(limit, server=server, deflate=deflate) for _ in range(2))
    frames = whole.feed(data)
    bytewise = [frame for n in range(len(data)) for frame in slow.feed(data[n : n + 1])]
    assert bytewise == frames
    assert whole.pending == slow.pending
    if frames and frames[-1].kind in (CLOSE, FAILED):
        assert whole.feed(masked_frame(b"late", MASK)) == []
        assert whole.pending == 0
    return frames


def failure(data: bytes, limit: int = LIMIT, *, server: bool = True, deflate: bool = False) -> int:
    """The close code with which the last frame fails."""
    end = read(data, limit, server=server, deflate=deflate)[-1]
    assert end.kind == FAILED
    assert end.payload
    assert end.payload.isascii()
    return end.code


# -- RFC 6455 §5.7, RFC 7692 §7.2.3


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("81 85 37fa213d 7f9f4d5158", Frame(TEXT, b"Hello")),
        ("01 83 37fa213d 7f9f4d 80 82 00000000 6c6f", Frame(TEXT, b"Hello")),
        ("89 85 37fa213d 7f9f4d5158", Frame(PING, b"Hello")),
        ("8a 85 37fa213d 7f9f4d5158", Frame(PONG, b"Hello")),
        ("c1 87 00000000 f248cdc9c90700", Frame(TEXT, b"Hello")),
        ("41 83 00000000 f248cd 80 84 00000000 c9c90700", Frame(TEXT, b"Hello")),
        ("c1 8b 00000000 000500faff48656c6c6f00", Frame(TEXT, b"Hello")),  # a stored block
        ("c1 88 00000000 f348cdc9c9070000", Frame(TEXT, b"Hello")),  # BFINAL set
        ("c1 8d 00000000 f248050000 00ffffcac9c90700", Frame(TEXT, b"Hello")),  # two blocks
        ("c1 81 00000000 00", Frame(TEXT, b"")),  # an empty message
    ],
)
def test_the_examples_of_the_rfcs(data: str, expected: Frame) -> None:
    assert read(bytes.fromhex(data), deflate=True) == [expected]


def test_the_examples_of_unmasked_frames() -> None:
    assert frame(b"Hello") == bytes.fromhex("810548656c6c6f")
    assert frame(bytes(256), BINARY) == bytes.fromhex("827e0100") + bytes(256)
    assert frame(bytes(65_536), BINARY) == bytes.fromhex("827f0000000000010000") + bytes(65_536)
    assert pong(b"Hello") == bytes.fromhex("8a0548656c6c6f")
    assert masked_frame(b"Hello", MASK) == bytes.fromhex("818537fa213d7f9f4d5158")


# -- lengths, masks, roles


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 200, 65_535, 65_536, 65_539, 200_001])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_every_form_of_length_in_both_directions(size: int, opcode: int) -> None:
    body = (bytes(range(1, 128)) * (size // 127 + 1))[:size]
    sent = masked_frame(body, MASK, opcode)
    tail = masked_frame(b"tail", b"\x00\xff\x00\xff")
    assert WebSocket(LIMIT).feed(sent + tail) == [Frame(opcode, body), Frame(TEXT, b"tail")]
    halves = WebSocket(LIMIT)
    assert halves.feed(sent[: len(sent) // 2]) == []
    assert halves.pending == len(sent) // 2
    assert halves.feed(sent[len(sent) // 2 :]) == [Frame(opcode, body)]
    assert WebSocket(LIMIT, server=False).feed(frame(body, opcode)) == [Frame(opcode, body)]


def test_masking_is_the_exclusive_or_of_the_rfc() -> None:
    for size in (0, 1, 4, 7, 65_535, 65_536, 65_537, 131_075):
        body = (b"hubbub!" * (size // 7 + 1))[:size]
        by_hand = bytes(byte ^ MASK[n % 4] for n, byte in enumerate(body))
        assert unmask(body, MASK) == by_hand
        assert unmask(by_hand, MASK) == body


def test_clients_mask_and_servers_do_not() -> None:
    assert failure(frame(b"Hello")) == 1002
    assert failure(masked_frame(b"Hello", MASK), server=False) == 1002


@pytest.mark.parametrize(
    "header",
    [
        "81 fe 007d 00000000",  # 16 bits for 125
        "81 ff 000000000000ffff 00000000",  # 64 bits for 65535
        "81 ff 8000000000000000 00000000",  # the top bit
        "81 ff ffffffffffffffff 00000000",
    ],
)
def test_a_length_has_one_form(header: str) -> None:
    assert failure(bytes.fromhex(header)) == 1002


# -- reserved and misplaced


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
def test_reserved_opcodes(opcode: int) -> None:
    assert failure(raw(0x80 | opcode)) == 1002
    assert failure(begin(TEXT, b"a") + raw(0x80 | opcode)) == 1002


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("bits", [0x10, 0x20, 0x30, 0x50, 0x60, 0x70])
def test_reserved_bits(bits: int, deflate: bool) -> None:
    assert failure(raw(0x80 | bits | TEXT, b"x"), deflate=deflate) == 1002


def test_the_compression_bit_is_for_the_first_frame_of_a_message_where_agreed() -> None:
    assert failure(raw(0xC1, deflate(b"x"))) == 1002
    assert failure(raw(0xC0 | PING), deflate=True) == 1002
    assert failure(begin(TEXT, b"a") + raw(0xC0, b"b"), deflate=True) == 1002


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_control_frames_are_whole_and_short(opcode: int) -> None:
    assert failure(raw(opcode)) == 1002
    assert failure(raw(0x80 | opcode, b"x" * 126)) == 1002
    body = close_body(1000, "x" * 123) if opcode == CLOSE else b"x" * 125
    assert read(raw(0x80 | opcode, body))[0].kind == opcode


def test_what_is_wrong_shows_before_the_body() -> None:
    for header in (b"\x81\x05", b"\x83\xfe\x00\x80", b"\x89\xfe\x00\x80", b"\x80\x81", b"\x91\x81"):
        assert [end.kind for end in WebSocket(LIMIT).feed(header)] == [FAILED]


# -- fragments


def test_fragments_make_one_message_and_control_frames_come_between() -> None:
    data = (
        begin(TEXT, b"a")
        + masked_frame(b"1", MASK, PING)
        + more(b"")
        + more(b"b")
        + masked_frame(b"", MASK, PONG)
        + last(b"c")
        + begin(BINARY, b"")
        + last(b"")
        + masked_frame(b"d", MASK)
    )
    assert read(data) == [
        Frame(PING, b"1"),
        Frame(PONG, b""),
        Frame(TEXT, b"abc"),
        Frame(BINARY, b""),
        Frame(TEXT, b"d"),
    ]


@pytest.mark.parametrize(
    "data",
    [
        last(b"x"),
        more(b"x"),
        begin(TEXT, b"a") + masked_frame(b"b", MASK),
        begin(TEXT, b"a") + begin(BINARY, b"b"),
        begin(TEXT, b"a") + last(b"b") + last(b"c"),
    ],
)
def test_fragments_out_of_place(data: bytes) -> None:
    assert failure(data) == 1002


def test_pending_counts_fragments_and_the_begun_frame() -> None:
    ws = WebSocket(LIMIT)
    ws.feed(begin(TEXT, b"abc"))
    assert ws.pending == 3
    ws.feed(last(b"de")[:5])
    assert ws.pending == 8
    ws.feed(last(b"de")[5:])
    assert ws.pending == 0


def test_empty_fragments_take_no_memory() -> None:
    ws = WebSocket(LIMIT)
    ws.feed(begin(TEXT, b"a"))
    chunk = more(b"") * 1_000
    ws.feed(chunk)
    tracemalloc.start()
    try:
        for _ in range(20):
            assert ws.feed(chunk) == []
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1_024
    assert ws.pending == 1


def test_many_small_fragments_are_read_in_linear_time() -> None:
    # Joining all of it at each fragment would move 20 GB: the suite's timeout.
    count = 200_000
    ws = WebSocket(count + 1)
    ws.feed(begin(TEXT, b"x"))
    piece = more(b"x")
    assert not any(ws.feed(piece) for _ in range(count - 1))
    assert ws.feed(last(b"x")) == [Frame(TEXT, b"x" * (count + 1))]


def test_a_big_slow_frame_is_read_in_linear_time() -> None:
    size = 2_000_000
    data = masked_frame(b"x" * size, MASK, BINARY)
    ws = WebSocket(size)
    frames = [got for at in range(0, len(data), 4) for got in ws.feed(data[at : at + 4])]
    assert frames == [Frame(BINARY, b"x" * size)]


# -- UTF-8

EURO = "€".encode()


@pytest.mark.parametrize("text", ["", "héllo", "κόσμε", "\U0010ffff", "\ufeff", "\x00", "\ud7ff\ue000"])
def test_text_is_utf8_whole_and_in_pieces(text: str) -> None:
    body = text.encode()
    assert read(masked_frame(body, MASK)) == [Frame(TEXT, body)]
    pieces = b"".join(more(body[n : n + 1]) for n in range(len(body)))
    assert read(begin(TEXT, b"") + pieces + last(b"")) == [Frame(TEXT, body)]


BAD_UTF8 = [
    b"\xff",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    EURO[:2],
    b"ab\x80",
    b"\xf8\x88\x80\x80\x80",
]


@pytest.mark.parametrize("body", BAD_UTF8)
def test_text_that_is_not_utf8(body: bytes) -> None:
    assert failure(masked_frame(body, MASK)) == 1007
    assert failure(begin(TEXT, body) + last(b"")) == 1007
    assert failure(masked_frame(body, MASK, compress=True), deflate=True) == 1007
    assert failure(frame(body), server=False) == 1007
    assert read(masked_frame(body, MASK, BINARY)) == [Frame(BINARY, body)]
    assert read(begin(BINARY, body) + last(b"")) == [Frame(BINARY, body)]


def test_bad_text_fails_at_its_fragment() -> None:
    ws = WebSocket(LIMIT)
    assert ws.feed(begin(TEXT, EURO[:1]) + more(EURO[1:2])) == []
    (end,) = ws.feed(more(b"x"))
    assert (end.kind, end.code) == (FAILED, 1007)


# -- close


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4999]
)
def test_close_codes(code: int) -> None:
    assert read(masked_frame(close_body(code, "Tschüss"), MASK, CLOSE)) == [
        Frame(CLOSE, "Tschüss".encode(), code)
    ]
    assert WebSocket(LIMIT, server=False).feed(close_frame(code)) == [Frame(CLOSE, b"", code)]


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])
def test_codes_that_no_close_frame_may_hold(code: int) -> None:
    assert failure(masked_frame(code.to_bytes(2, "big"), MASK, CLOSE)) == 1002
    if code != 1005:
        with pytest.raises(ValueError, match="close code"):
            close_frame(code)


def test_a_close_frame_may_be_empty_but_not_of_one_byte() -> None:
    assert read(masked_frame(b"", MASK, CLOSE)) == [Frame(CLOSE, b"", 1005)]
    assert failure(masked_frame(b"\x03", MASK, CLOSE)) == 1002
    assert close_frame() == b"\x88\x00"


@pytest.mark.parametrize("reason", BAD_UTF8)
def test_a_close_reason_is_utf8(reason: bytes) -> None:
    assert failure(masked_frame(b"\x03\xe8" + reason, MASK, CLOSE)) == 1007


def test_a_long_reason_is_cut_between_two_characters() -> None:
    sent = close_frame(1011, "é" * 100)
    assert WebSocket(LIMIT, server=False).feed(sent) == [Frame(CLOSE, ("é" * 61).encode(), 1011)]


def test_nothing_comes_after_a_close() -> None:
    data = masked_frame(b"a", MASK) + masked_frame(b"", MASK, CLOSE) + masked_frame(b"b", MASK)
    assert read(data) == [Frame(TEXT, b"a"), Frame(CLOSE, b"", 1005)]
    assert read(begin(TEXT, b"cut") + masked_frame(b"", MASK, CLOSE)) == [Frame(CLOSE, b"", 1005)]


# -- limits


def test_a_message_of_the_limit_passes_and_one_more_byte_does_not() -> None:
    body = b"x" * 300
    fragments = begin(TEXT, body[:100]) + more(body[100:200])
    assert read(masked_frame(body, MASK), 300) == [Frame(TEXT, body)]
    assert read(fragments + last(body[200:]), 300) == [Frame(TEXT, body)]
    assert read(masked_frame(body, MASK, compress=True), 300, deflate=True) == [Frame(TEXT, body)]
    assert failure(masked_frame(body, MASK), 299) == 1009
    assert failure(masked_frame(body, MASK, BINARY), 299) == 1009
    assert failure(fragments + last(body[200:]), 299) == 1009
    assert failure(masked_frame(body, MASK, compress=True), 299, deflate=True) == 1009
    assert read(masked_frame(b"", MASK) + masked_frame(b"ping", MASK, PING), 0)[1] == Frame(PING, b"ping")


def test_it_fails_on_the_length_alone() -> None:
    ws = WebSocket(LIMIT)
    (end,) = ws.feed(b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff")
    assert (end.kind, end.code) == (FAILED, 1009)


def test_the_limit_may_rise_between_two_feeds() -> None:
    ws = WebSocket(3)
    data = masked_frame(b"abcd", MASK)
    assert ws.feed(masked_frame(b"abc", MASK) + data[:1]) == [Frame(TEXT, b"abc")]
    ws.limit = 4
    assert ws.feed(data[1:]) == [Frame(TEXT, b"abcd")]


def test_a_bomb_is_inflated_to_the_limit_and_no_further() -> None:
    deflater = zlib.compressobj(9, wbits=-15)
    zeros = bytes(1 << 20)
    bomb = b"".join(deflater.compress(zeros) for _ in range(64)) + deflater.flush(zlib.Z_SYNC_FLUSH)
    ws = WebSocket(LIMIT, deflate=True)
    data = raw(0xC2, bomb[:-4])
    tracemalloc.start()
    try:
        (end,) = ws.feed(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (end.kind, end.code) == (FAILED, 1009)
    assert peak < 4 * LIMIT


# -- compression


def test_a_message_survives_compression_in_both_directions() -> None:
    for body in (b"", b"Hello", b"ab" * 2_048, b"ab" * 2_049, bytes(range(256)) * 400):
        sent = masked_frame(body, MASK, BINARY, compress=True)
        assert sent[0] == 0xC2
        assert read(sent, deflate=True) == [Frame(BINARY, body)]
        sent = compressed_frame(body, BINARY)
        assert sent[0] == 0xC2
        assert WebSocket(LIMIT, server=False, deflate=True).feed(sent) == [Frame(BINARY, body)]


def test_each_message_is_compressed_by_itself() -> None:
    sent = compressed_frame(b"the same again")
    ws = WebSocket(LIMIT, server=False, deflate=True)
    assert ws.feed(sent + frame(b"plain") + sent) == [
        Frame(TEXT, b"the same again"),
        Frame(TEXT, b"plain"),
        Frame(TEXT, b"the same again"),
    ]
    for size in (2_000, 16_000):  # the window sees all of a message, or 32 KiB of it
        noise = Random(size).randbytes(size)
        assert len(compressed_frame(noise + noise)) < 1.1 * size


def test_what_does_not_shrink_still_passes_at_the_limit() -> None:
    incompressible = bytes(n * n * 31 % 251 for n in range(70_000))
    for level, memory in ((0, 1), (0, 9), (1, 1), (9, 8)):
        deflater = zlib.compressobj(level, wbits=-15, memLevel=memory)
        body = deflater.compress(incompressible) + deflater.flush(zlib.Z_SYNC_FLUSH)
        assert len(body) - 4 <= most_deflated(len(incompressible))
        ws = WebSocket(len(incompressible), deflate=True)
        assert ws.feed(raw(0xC2, body[:-4])) == [Frame(BINARY, incompressible)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xff\xff",
        b"Hello",
        deflate(b"Hello")[:2],
        bytes.fromhex("00 6400 9bff") + b"abc",  # a stored block of 100 bytes, cut
        deflate(b"some text that is long enough to be cut")[:-6],
        zlib.compress(b"with a zlib header"),
        bytes.fromhex("f348cdc9c9070000") + b"more",  # data behind a final block
    ],
)
def test_what_is_not_deflate_data(body: bytes) -> None:
    assert failure(raw(0xC2, body), deflate=True) == 1007


def test_inflate_says_why() -> None:
    assert inflate(deflate(b"abc"), 3) == b"abc"
    refused = inflate(deflate(b"abc"), 2)
    assert isinstance(refused, Frame)
    assert (refused.kind, refused.code) == (FAILED, 1009)


# -- cost


def test_an_idle_connection_holds_next_to_nothing() -> None:
    ws = WebSocket(LIMIT, deflate=True)
    ws.feed(masked_frame(b"x" * 10_000, MASK, compress=True) + begin(TEXT, b"a") + last(b"b"))
    assert not hasattr(ws, "__dict__")
    held = sum(sys.getsizeof(getattr(ws, name)) for name in ("_held", "_message"))
    assert sys.getsizeof(ws) + held < 150
