"""What is sealed: whatever is done to it on the way is seen, and it goes on anywhere."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.client.errors import ChangedError, SealingError, TamperedError, WrongCodeError
from hubbub.client.handshake import Secret
from hubbub.client.places import Partial
from hubbub.client.sealing import FRAME, Head, Opener, Sealer, plain_size, resume_point, sealed_size
from hubbub.client.source import PlainFile

KEY: Final = bytes(range(32))
START: Final = 32 + 1024
SEALED_FRAME: Final = FRAME + 16


class Held:
    """A source in memory, in pieces of any length."""

    def __init__(self, data: bytes, piece: int = 100_000, name: str = "cat.png") -> None:
        self.data = data
        self.name = name
        self.size = len(data)
        self._piece = piece

    def read_from(self, offset: int) -> Iterator[bytes]:
        for at in range(offset, len(self.data), self._piece):
            yield self.data[at : at + self._piece]


def sealer(data: bytes, offer: str = "f1", piece: int = 100_000) -> Sealer:
    return Sealer(Secret(KEY), offer, Held(data, piece))


def sealed(data: bytes, offer: str = "f1") -> bytes:
    return b"".join(sealer(data, offer).read_from(0))


def opened(data: bytes, size: int | None = None, offer: str = "f1", cuts: int = 0) -> bytes:
    opener = Opener(Secret(KEY), offer, len(data) if size is None else size)
    step = cuts or max(1, len(data))
    plain = [one for at in range(0, len(data), step) for one in opener.feed(data[at : at + step])]
    opener.finish()
    return b"".join(plain)


SMALL: Final = os.urandom(1000)
LARGE: Final = os.urandom(2 * FRAME + 777)


@pytest.mark.parametrize("size", [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME, 3 * FRAME + 17])
def test_sizes_are_known_beforehand(size: int) -> None:
    data = os.urandom(size)
    made = sealer(data)
    assert made.size == sealed_size(size) == len(b"".join(made.read_from(0)))
    assert plain_size(made.size) == size
    assert opened(b"".join(made.read_from(0))) == data


@given(st.integers(-5, 5 * SEALED_FRAME))
def test_a_size_and_back(sealed_bytes: int) -> None:
    size = plain_size(sealed_bytes)
    if size is None:
        with pytest.raises(TamperedError):
            Opener(Secret(KEY), "f1", sealed_bytes)
    else:
        assert sealed_size(size) == sealed_bytes


@given(st.integers(1, 200_000), st.integers(1, 200_000))
def test_it_opens_however_it_was_cut(cuts: int, piece: int) -> None:
    data = b"".join(sealer(LARGE, piece=max(piece, 1000)).read_from(0))
    assert opened(data, cuts=max(cuts, 100)) == LARGE


def test_byte_by_byte() -> None:
    assert opened(sealed(SMALL), cuts=1) == SMALL


def test_the_head_tells_the_receiver_and_nobody_else() -> None:
    made = Sealer(Secret(KEY), "f1", Held(SMALL, name="geheim 日记.tar"), bundle=True)
    data = b"".join(made.read_from(0))
    opener = Opener(Secret(KEY), "f1", len(data))
    opener.feed(data[: START - 1])
    assert opener.head is None
    opener.feed(data[START - 1 : START])
    assert opener.head == Head("geheim 日记.tar", len(SMALL), bundle=True)
    assert made.name == "sealed"
    assert b"geheim" not in data
    assert len(sealed(SMALL)) == len(data)  # whatever the name is


@given(at=st.integers(0, 10**9), bit=st.integers(0, 7))
def test_every_changed_bit_is_seen(at: int, bit: int) -> None:
    data = bytearray(sealed(SMALL))
    data[at % len(data)] ^= 1 << bit
    with pytest.raises(SealingError):
        opened(bytes(data))


@given(st.integers(0, sealed_size(len(LARGE)) - 1))
def test_every_truncation_is_seen_and_what_came_out_was_right(length: int) -> None:
    data = sealed(LARGE)
    opener = Opener(Secret(KEY), "f1", len(data))
    assert LARGE.startswith(b"".join(opener.feed(data[:length])))
    with pytest.raises(TamperedError):
        opener.finish()
    with pytest.raises(SealingError):  # said to be that long from the beginning
        opened(data[:length])


@given(st.binary(min_size=1, max_size=100))
def test_every_extension_is_seen(more: bytes) -> None:
    data = sealed(SMALL)
    with pytest.raises(SealingError):
        opened(data + more)
    with pytest.raises(TamperedError):
        opened(data + more, size=len(data))


def frames() -> list[bytes]:
    data = sealed(LARGE)
    return [data[:START], data[START : START + SEALED_FRAME], data[START + SEALED_FRAME :]]


def test_frames_are_where_they_belong_and_of_this_transfer() -> None:
    start, first, rest = frames()
    second, third = rest[:SEALED_FRAME], rest[SEALED_FRAME:]
    other = sealed(LARGE + b"!")  # another file, by the same key
    for moved in (
        start + second + first + third,  # exchanged
        start + first + first + third,  # repeated
        start + first + second[:-1] + b"!" + third,
        start + other[START : START + SEALED_FRAME] + second + third,
    ):
        with pytest.raises(TamperedError):
            opened(moved)
    with pytest.raises(WrongCodeError):  # of another offer
        opened(sealed(LARGE, "f2"))


def test_nothing_comes_out_after_an_error() -> None:
    start, first, rest = frames()
    opener = Opener(Secret(KEY), "f1", len(start + first + rest))
    assert b"".join(opener.feed(start + first)) == LARGE[:FRAME]
    with pytest.raises(TamperedError):
        opener.feed(b"x" * SEALED_FRAME)
    with pytest.raises(TamperedError):
        opener.feed(rest)
    with pytest.raises(TamperedError):
        opener.finish()


def test_another_code_is_told_from_tampering() -> None:
    data = sealed(SMALL)
    with pytest.raises(WrongCodeError):
        Opener(Secret(bytes(32)), "f1", len(data)).feed(data)


# -- going on


@given(st.integers(0, sealed_size(len(LARGE))))
def test_the_sender_goes_on_at_any_offset_with_the_same_bytes(offset: int) -> None:
    made = sealer(LARGE)
    data = b"".join(made.read_from(0))
    pieces = list(made.read_from(offset))
    assert b"".join(pieces) == data[offset:]
    assert b"" not in pieces


@pytest.mark.parametrize("here", [0, 1, FRAME - 1, FRAME, FRAME + 5, 2 * FRAME, len(LARGE) - 1, len(LARGE)])
def test_the_receiver_goes_on_at_a_frame(here: int, tmp_path: Path) -> None:
    def cut(length: int) -> int:
        return resume_point(length, len(LARGE))[0]

    before = Partial(tmp_path, "cat.png", "f1", len(LARGE))
    before.write(LARGE[:here])
    before.close()
    partial = Partial(tmp_path, "cat.png", "f1", len(LARGE), cut=cut)
    kept, offset = resume_point(here, len(LARGE))
    assert partial.offset == kept
    assert here - kept < FRAME
    made = sealer(LARGE)
    opener = Opener(Secret(KEY), "f1", made.size, offset=offset)
    for piece in made.read_from(offset):
        for plain in opener.feed(piece):
            partial.write(plain)
    opener.finish()
    (path,) = partial.finish(hashlib.sha256(LARGE).hexdigest())
    assert path.read_bytes() == LARGE


def test_a_line_that_drops_in_the_middle_of_a_frame() -> None:
    made = sealer(LARGE)
    data = b"".join(made.read_from(0))
    opener = Opener(Secret(KEY), "f1", made.size)
    plain = opener.feed(data[: START + SEALED_FRAME + 100])
    offset = opener.rewind()
    assert offset == START + SEALED_FRAME
    plain += opener.feed(b"".join(made.read_from(offset)))
    opener.finish()
    assert b"".join(plain) == LARGE


def test_no_opener_begins_in_the_middle_of_a_frame() -> None:
    for offset in (1, START - 1, START + 1, sealed_size(len(LARGE)) - 1):
        with pytest.raises(ValueError, match="frame"):
            Opener(Secret(KEY), "f1", sealed_size(len(LARGE)), offset=offset)


def test_one_nonce_never_gets_two_texts() -> None:
    """A file that changed, of the same size and time: as `touch -r` does it."""
    source = Held(LARGE)
    made = Sealer(Secret(KEY), "f1", source)
    whole = b"".join(made.read_from(0))
    source.data = LARGE[:FRAME] + b"!" + LARGE[FRAME + 1 :]
    again = made.read_from(START)
    assert next(again) == whole[START : START + SEALED_FRAME]  # this frame is what it was
    with pytest.raises(ChangedError):
        next(again)
    secret = Secret(KEY)
    Sealer(secret, "f1", source)
    with pytest.raises(ValueError, match="already"):  # and there is no way around it
        Sealer(secret, "f1", source)


def test_a_real_file(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(LARGE)
    with PlainFile(tmp_path / "cat.png") as file:
        made = Sealer(Secret(KEY), "f1", file)
        assert opened(b"".join(made.read_from(0))) == LARGE
        (tmp_path / "cat.png").write_bytes(LARGE + b"!")
        with pytest.raises(ChangedError):
            list(made.read_from(made.size - 1))


def test_the_bytes_stay_what_they_are() -> None:
    """A change here locks every client of another version out, in the middle of a transfer."""
    assert hashlib.sha256(sealed(bytes(range(256)))).hexdigest() == (
        "1e4f732d7d596d7d8dbca8e2a55c4316cbb82345a571ebca649dfdafe42115e4"
    )
