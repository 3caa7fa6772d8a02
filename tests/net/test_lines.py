from __future__ import annotations

import pytest

from hubbub.net.framing.frames import TEXT, TOO_LONG, Frame
from hubbub.net.framing.lines import Lines, line

LIMIT = 5


def fed(lines: Lines, *chunks: bytes) -> list[Frame]:
    return [frame for chunk in chunks for frame in lines.feed(chunk)]


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (b"abc\n", [b"abc"]),
        (b"\n\n", [b"", b""]),
        (b"a\r\nb\n", [b"a", b"b"]),
        (b"a\r\r\n", [b"a\r"]),
        (b"\r\n", [b""]),
        (b"a\rb\n", [b"a\rb"]),
        (b"\xff\x00\n", [b"\xff\x00"]),
        (b"abcde\nabcde\r\n", [b"abcde", b"abcde"]),
    ],
)
def test_lines_lose_their_end(data: bytes, content: list[bytes]) -> None:
    expected = [Frame(TEXT, text) for text in content]
    assert fed(Lines(LIMIT), data) == expected
    assert fed(Lines(LIMIT), *(data[n : n + 1] for n in range(len(data)))) == expected


def test_a_carriage_return_stays_where_it_is_asked_to() -> None:
    assert Lines(LIMIT, strip_cr=False).feed(b"a\r\nb\n") == [Frame(TEXT, b"a\r"), Frame(TEXT, b"b")]
    assert fed(Lines(LIMIT, strip_cr=False), b"a\r", b"\n") == [Frame(TEXT, b"a\r")]
    assert fed(Lines(2, strip_cr=False), b"ab", b"\r") == [Frame(TOO_LONG, b"", 2)]


def test_a_return_that_was_held_back_is_dropped_once() -> None:
    assert fed(Lines(LIMIT), b"abc\r", b"\r\nd\r\n") == [Frame(TEXT, b"abc\r"), Frame(TEXT, b"d")]


def test_an_overlong_line_is_reported_once_and_as_soon_as_it_is_over() -> None:
    lines = Lines(LIMIT)
    assert fed(lines, b"abc", b"de") == []
    assert lines.pending == 5
    assert lines.feed(b"\r") == []  # it may still be the end's own
    assert lines.feed(b"f") == [Frame(TOO_LONG, b"", LIMIT)]
    assert lines.pending == 0
    assert fed(lines, b"g" * 1_000, b"h\r") == []
    assert lines.pending == 0
    assert lines.feed(b"\nok\n") == [Frame(TEXT, b"ok")]


def test_overlong_lines_among_others_in_one_chunk() -> None:
    too_long = Frame(TOO_LONG, b"", LIMIT)
    data = b"a\nabcdef\nb\nabcdefgh\r\n\nabcdefghi"
    a, b, empty = Frame(TEXT, b"a"), Frame(TEXT, b"b"), Frame(TEXT, b"")
    assert Lines(LIMIT).feed(data) == [a, too_long, b, too_long, empty, too_long]


def test_the_limit_may_change_between_two_feeds() -> None:
    lines = Lines(LIMIT)
    lines.feed(b"abc")
    lines.limit = 10
    assert lines.feed(b"defghij\n") == [Frame(TEXT, b"abcdefghij")]
    lines.feed(b"abcdefgh")
    lines.limit = LIMIT
    assert lines.feed(b"\n") == [Frame(TOO_LONG, b"", LIMIT)]


def test_a_line_wrapped_is_the_line_read() -> None:
    assert Lines(LIMIT).feed(line(b"") + line(b"abcde")) == [Frame(TEXT, b""), Frame(TEXT, b"abcde")]


def test_pending_is_what_is_held() -> None:
    lines = Lines(LIMIT)
    assert lines.pending == 0
    lines.feed(b"a\nbc")
    assert lines.pending == 2
    lines.feed(b"\n")
    assert lines.pending == 0


def test_a_long_slow_line_is_read_in_linear_time() -> None:
    # A scan or a copy of the whole line at each byte would be 10^12 steps: the suite's timeout.
    size = 1_000_000
    lines = Lines(size)
    byte = b"x"
    assert not any(lines.feed(byte) for _ in range(size))
    assert lines.feed(b"\n") == [Frame(TEXT, byte * size)]
