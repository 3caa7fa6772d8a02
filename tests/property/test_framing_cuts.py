"""However the bytes are cut, the frames are the same; and WebSocket reads as another implementation does."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets import frames as other
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.streams import StreamReader

from hubbub.net.framing.frames import BINARY, CLOSE, FAILED, PING, PONG, TEXT, TOO_LONG, Frame, Framing
from hubbub.net.framing.length_prefix import LengthPrefix, block
from hubbub.net.framing.lines import Lines
from hubbub.net.framing.websocket import WebSocket, compressed_frame, masked_frame

LIMIT = 40
THEIR_LIMIT = 130  # over the longest control frame: ours is a limit of messages only
MASK = b"\xa5\x00\x5a\xff"

cuts = st.lists(st.integers(1, 30), min_size=1, max_size=12)


def fed_in(framing: Framing, data: bytes, sizes: list[int]) -> tuple[list[Frame], int]:
    """Feed `data` in chunks of these sizes, over and over."""
    frames: list[Frame] = []
    at = turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        frames += framing.feed(data[at : at + size])
        at += size
        turn += 1
    return frames, framing.pending


def same_however_cut(make: Callable[[], Framing], data: bytes, sizes: list[int]) -> list[Frame]:
    whole = fed_in(make(), data, [len(data) or 1])
    assert fed_in(make(), data, [1]) == whole
    assert fed_in(make(), data, sizes) == whole
    return whole[0]


# -- lines

line_bytes = st.lists(
    st.sampled_from([b"a", b"bc", b"\r", b"\n", b"\r\n", b"\xc3", b"x" * LIMIT]), max_size=40
)


@given(line_bytes.map(b"".join), cuts, st.booleans())
def test_lines(data: bytes, sizes: list[int], strip_cr: bool) -> None:
    frames = same_however_cut(lambda: Lines(LIMIT, strip_cr), data, sizes)
    *ended, begun = data.split(b"\n")
    expected = [line.removesuffix(b"\r") if strip_cr else line for line in ended]
    begun = begun.removesuffix(b"\r") if strip_cr else begun
    model = [Frame(TEXT, line) if len(line) <= LIMIT else Frame(TOO_LONG, b"", LIMIT) for line in expected]
    if len(begun) > LIMIT:
        model.append(Frame(TOO_LONG, b"", LIMIT))
    assert frames == model


# -- length-prefixed blocks


@given(st.lists(st.binary(max_size=LIMIT + 3), max_size=8), st.binary(max_size=8), cuts)
def test_length_prefixed_blocks(bodies: list[bytes], tail: bytes, sizes: list[int]) -> None:
    data = b"".join(map(block, bodies)) + tail
    frames = same_however_cut(lambda: LengthPrefix(LIMIT), data, sizes)
    good = next((n for n, body in enumerate(bodies) if len(body) > LIMIT), len(bodies))
    assert [frame.payload for frame in frames[:good]] == bodies[:good]
    if good < len(bodies):
        assert [(frame.kind, frame.code) for frame in frames[good:]] == [(FAILED, 1009)]


# -- WebSocket: any bytes, and frames that are nearly right

texts = st.text(max_size=20).map(str.encode)
bodies = st.one_of(texts, st.binary(max_size=50), st.binary(min_size=120, max_size=140))
firsts = st.one_of(
    st.sampled_from([0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x88, 0x89, 0x8A, 0xC1, 0x41]), st.integers(0, 255)
)


def with_first(first: int, body: bytes, compress: bool) -> bytes:
    return bytes((first,)) + masked_frame(body, MASK, compress=compress)[1:]


nearly_right = st.lists(st.builds(with_first, firsts, bodies, st.booleans()), max_size=8).map(b"".join)
closes = st.builds(
    lambda code, reason: masked_frame(code.to_bytes(2, "big") + reason, MASK, CLOSE),
    st.one_of(st.integers(990, 1020), st.integers(2_990, 5_010)),
    st.one_of(texts, st.binary(max_size=5)),
)
streams = st.one_of(nearly_right, st.builds(bytes.__add__, nearly_right, closes), st.binary(max_size=60))


@given(streams, cuts, st.booleans())
def test_any_bytes_as_websocket(data: bytes, sizes: list[int], deflate: bool) -> None:
    frames = same_however_cut(lambda: WebSocket(LIMIT, deflate=deflate), data, sizes)
    for frame in frames:
        assert frame.kind in (TEXT, BINARY, CLOSE, PING, PONG, FAILED)
        assert len(frame.payload) <= (LIMIT if frame.kind in (TEXT, BINARY) else 125)
        if frame.kind in (TEXT, CLOSE):
            frame.payload.decode()
    assert not any(frame.kind in (CLOSE, FAILED) for frame in frames[:-1])


# -- WebSocket: what two implementations make of the same messages

messages = st.lists(
    st.tuples(
        st.sampled_from([TEXT, BINARY]),
        texts,
        st.lists(st.integers(0, 10), max_size=4),  # where the message is cut into fragments
        st.booleans(),  # compressed
        st.one_of(st.none(), st.binary(max_size=20)),  # a ping between the fragments
    ),
    max_size=6,
)


@given(messages, cuts)
def test_fragmented_messages_come_out_whole(
    sent: list[tuple[int, bytes, list[int], bool, bytes | None]], sizes: list[int]
) -> None:
    data = bytearray()
    expected: list[Frame] = []
    for kind, body, lengths, compressed, ping in sent:
        deflater = zlib.compressobj(wbits=-15)
        flushed = deflater.compress(body) + deflater.flush(zlib.Z_SYNC_FLUSH)
        rest = flushed[:-4] if compressed else body
        opcode = kind
        for length in lengths:
            piece, rest = rest[:length], rest[length:]
            data += with_first(opcode | (0x40 if compressed and opcode else 0), piece, compress=False)
            opcode = 0
            if ping is not None:
                data += masked_frame(ping, MASK, PING)
                expected.append(Frame(PING, ping))
        data += with_first(0x80 | opcode | (0x40 if compressed and opcode else 0), rest, compress=False)
        expected.append(Frame(kind, body))
    make = lambda: WebSocket(100, deflate=True)  # noqa: E731 (a factory of one line)
    assert same_however_cut(make, bytes(data), sizes) == expected


def theirs(data: bytes) -> tuple[list[tuple[int, bytes]], bool]:
    """The single frames that `websockets` reads at a server, and whether it then refuses one."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    read: list[tuple[int, bytes]] = []
    while True:
        step = other.Frame.parse(reader.read_exact, mask=True, max_size=THEIR_LIMIT)
        try:
            next(step)
        except StopIteration as done:
            read.append((int(done.value.opcode), bytes(done.value.data)))
        except EOFError:
            return read, False
        except (ProtocolError, PayloadTooBig):
            return read, True


single = st.builds(
    with_first,
    st.sampled_from([0x81, 0x82, 0x89, 0x8A, 0x8B, 0x83, 0x91, 0x09]),
    bodies,
    st.just(value=False),
)


@given(st.lists(single, max_size=8).map(b"".join))
def test_single_frames_are_read_as_websockets_reads_them(data: bytes) -> None:
    read, refused = theirs(data)
    ours = WebSocket(THEIR_LIMIT).feed(data)
    failed = bool(ours) and ours[-1].kind == FAILED
    mine = [(frame.kind, frame.payload) for frame in ours if frame.kind != FAILED]
    if failed and ours[-1].code == 1007:  # which it checks on a layer above frames
        assert mine == read[: len(mine)]
    else:
        assert (mine, failed) == (read, refused)


@given(st.one_of(texts, st.binary(max_size=3_000)), st.sampled_from([TEXT, BINARY]))
def test_each_side_undoes_the_others_compression(body: bytes, kind: int) -> None:
    def extension() -> PerMessageDeflate:
        return PerMessageDeflate(
            remote_no_context_takeover=True,
            local_no_context_takeover=True,
            remote_max_window_bits=15,
            local_max_window_bits=15,
        )

    reader = StreamReader()
    reader.feed_data(compressed_frame(body, kind))
    step = other.Frame.parse(reader.read_exact, mask=False, extensions=[extension()])
    with pytest.raises(StopIteration) as done:
        next(step)
    frame = done.value.value
    assert (int(frame.opcode), bytes(frame.data)) == (kind, body)

    sent = other.Frame(other.Opcode.BINARY, body).serialize(mask=True, extensions=[extension()])
    assert WebSocket(3_000, deflate=True).feed(sent) == [Frame(BINARY, body)]
