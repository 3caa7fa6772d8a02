from __future__ import annotations

import tracemalloc

import pytest

from hubbub.net.framing.frames import BINARY, FAILED, Frame
from hubbub.net.framing.length_prefix import LengthPrefix, block

LIMIT = 1_000


@pytest.mark.parametrize("sizes", [[0], [1], [LIMIT], [0, 0, 3], [5, LIMIT, 0, 7]])
@pytest.mark.parametrize("step", [1, 2, 3, 7, 10_000])
def test_blocks_come_out_as_they_went_in(sizes: list[int], step: int) -> None:
    bodies = [bytes([65 + n]) * size for n, size in enumerate(sizes)]
    data = b"".join(map(block, bodies))
    blocks = LengthPrefix(LIMIT)
    frames = [frame for at in range(0, len(data), step) for frame in blocks.feed(data[at : at + step])]
    assert frames == [Frame(BINARY, body) for body in bodies]
    assert blocks.pending == 0


def test_the_length_is_big_endian() -> None:
    assert block(b"{}") == b"\x00\x00\x00\x02{}"
    assert LengthPrefix(LIMIT).feed(b"\x00\x00\x01\x02" + b"x" * 0x102) == [Frame(BINARY, b"x" * 0x102)]


def test_a_length_over_the_limit_ends_it() -> None:
    blocks = LengthPrefix(LIMIT)
    first, last = blocks.feed(block(b"ok") + (LIMIT + 1).to_bytes(4, "big") + b"rest")
    assert first == Frame(BINARY, b"ok")
    assert (last.kind, last.code) == (FAILED, 1009)
    assert b"1001" in last.payload
    assert b"1000" in last.payload
    assert blocks.feed(block(b"ok")) == []
    assert blocks.pending == 0


def test_it_fails_on_the_length_alone() -> None:
    blocks = LengthPrefix(LIMIT)
    assert blocks.feed(b"\xff\xff\xff") == []
    assert [frame.kind for frame in blocks.feed(b"\xff")] == [FAILED]


def test_the_limit_may_rise_between_two_feeds() -> None:
    blocks = LengthPrefix(2)
    assert blocks.feed(block(b"ab") + b"\x00\x00\x00") == [Frame(BINARY, b"ab")]
    blocks.limit = 3
    assert blocks.feed(b"\x03abc") == [Frame(BINARY, b"abc")]


def test_pending_counts_the_begun_block_with_its_length() -> None:
    blocks = LengthPrefix(LIMIT)
    blocks.feed(block(b"whole") + b"\x00\x00\x00\x05ab")
    assert blocks.pending == 6
    blocks.feed(b"cde")
    assert blocks.pending == 0


def test_a_claimed_length_takes_no_memory_before_its_bytes() -> None:
    blocks = LengthPrefix(1 << 24)
    tracemalloc.start()
    try:
        blocks.feed(b"\x00\xff\xff\xff" + b"x")
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 4_096


def test_a_big_slow_block_is_read_in_linear_time() -> None:
    # Copying all of it at each piece would move 2 TB: the suite's timeout.
    size, step = 4_000_000, 4
    blocks = LengthPrefix(size)
    blocks.feed(size.to_bytes(4, "big"))
    piece = b"abcd"
    frames = [frame for _ in range(size // step) for frame in blocks.feed(piece)]
    assert frames == [Frame(BINARY, piece * (size // step))]
