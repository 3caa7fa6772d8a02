from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hubbub.net.classify import HTTP, HTTP2, JSON, NDJSON, PROTOBUF, TEXT, TLS, classify

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"]


@pytest.mark.parametrize(
    ("first", "answer"),
    [
        (b"", 1),
        (b"\x16", 2),
        (b"\x16\x03", TLS),
        (b"\x16\x03\x01\x02\x00", TLS),
        (b"\x16\x04", TEXT),
        (b"\x16\n", TEXT),
        (b"\x00", 5),
        (b"\x00\x00\x00\x0a", 5),
        (b"\x00\x00\x00\x0a{", JSON),
        (b"\x00\x00\x00\x0a\x08", PROTOBUF),
        (b"\x00\xff\xff\xff{", JSON),
        (b"{", NDJSON),
        (b'{"command":', NDJSON),
        (b"P", 2),
        (b"PRI", 4),
        (b"PRI ", HTTP2),
        (b"PRI * HTTP/2.0\r\n", HTTP2),
        (b"Alice\n", TEXT),
        (b"\n", TEXT),
        (b"\r\n", TEXT),
        (b"G", 2),
        (b"Ge", TEXT),
        (b"George\n", TEXT),
        (b"GET", 4),
        (b"GET\n", TEXT),
        (b"GET\t", TEXT),
        (b"GETS ", TEXT),
        (b"get / HTTP/1.1", TEXT),
        (b"OPTIONS", 8),
        (b"\xff\xfb\x01", TEXT),
    ],
)
def test_what_the_first_bytes_say(first: bytes, answer: str | int) -> None:
    assert classify(first) == answer


@pytest.mark.parametrize("method", METHODS)
def test_a_method_and_a_space_are_http_and_no_byte_less(method: str) -> None:
    line = f"{method} ".encode()
    assert [classify(line[:n]) for n in range(1, len(line))] == list(range(2, len(line) + 1))
    assert classify(line) == HTTP
    assert classify(line + b"/ HTTP/1.1\r\n") == HTTP


near = st.builds(
    lambda start, cut, rest: start[:cut] + rest,
    st.sampled_from(
        [f"{m} ".encode() for m in [*METHODS, "PRI"]] + [b"\x16\x03", b"\x00\x00\x00\x05{", b"{"]
    ),
    st.integers(0, 9),
    st.binary(max_size=6),
)


@given(st.one_of(near, st.binary(max_size=12)))
@example(b"GET /\n")
def test_an_answer_never_changes_with_more_bytes(data: bytes) -> None:
    answers = [classify(data[:n]) for n in range(len(data) + 1)]
    named = [answer for answer in answers if isinstance(answer, str)]
    assert len(set(named)) <= 1
    assert all(isinstance(answer, str) for answer in answers[len(answers) - len(named) :])


@given(st.one_of(near, st.binary(max_size=12)))
def test_a_number_asks_for_more_but_never_past_a_line_end(data: bytes) -> None:
    answer = classify(data)
    if isinstance(answer, int):
        assert len(data) < answer <= 8
        # A length may hold 0a; in everything else it ends a line, which must not wait.
        assert data.startswith(b"\x00") or b"\n" not in data
        # No byte before the one asked for may decide, or a short line would wait for nothing.
        early = range(len(data) + 1, answer)
        assert all(classify(data + bytes([b]) * (n - len(data))) == answer for n in early for b in b"{\n G")
