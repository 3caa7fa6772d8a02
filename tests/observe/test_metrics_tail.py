"""The last lines of the log, for who watches."""

from __future__ import annotations

import io
import json

import pytest

from hubbub.core.errors import Code
from hubbub.observe.logs import open_log
from hubbub.observe.server_log import ServerLog
from hubbub.observe.tail import MAX_TEXT, LogLine, Tail, Value


def logging_to(tail: Tail, level: str = "info") -> tuple[ServerLog, io.StringIO]:
    stream = io.StringIO()
    return ServerLog(open_log(level, "json", stream, tail), tail=tail), stream  # type: ignore[arg-type]


def test_a_line_is_kept_as_it_is_written() -> None:
    tail = Tail(clock=lambda: 1_700_000_000.25)
    log, stream = logging_to(tail)
    log.login_refused("text-1", "192.0.2.7", None, Code.BAD_CREDENTIALS)
    fields: dict[str, Value] = {
        "connection": "text-1",
        "peer": "192.0.2.7",
        "user": None,
        "code": "bad_credentials",
    }
    assert tail.since(0) == [LogLine(1, 1_700_000_000_250, "warning", "login refused", fields)]
    written = json.loads(stream.getvalue())
    assert {key: written[key] for key in fields} == fields
    assert written["event"] == "login refused"


def test_what_is_below_the_level_is_in_neither() -> None:
    tail = Tail()
    log, stream = logging_to(tail, "warning")
    log.stopped()
    assert (tail.number, stream.getvalue()) == (0, "")


def test_the_oldest_lines_go_and_numbers_go_on() -> None:
    tail = Tail(lines=3)
    log, _ = logging_to(tail)
    for seconds in range(5):
        log.commit_slow(seconds, 1)
    assert [line.number for line in tail.since(0)] == [3, 4, 5]
    assert [line.number for line in tail.since(4)] == [5]
    assert tail.since(5) == []


def test_an_exception_is_told_by_its_type_and_place_and_never_by_its_words() -> None:
    tail = Tail()
    log, stream = logging_to(tail)
    try:
        raise ValueError("what somebody said")
    except ValueError as error:
        log.failed("handle Publish", error, "text-1")
    (line,) = tail.since(0)
    assert "what somebody said" in stream.getvalue()  # the operator's own log has the traceback
    assert "said" not in str(line)
    assert str(line.fields["exception"]).startswith(f"ValueError in {log_place()} (test_metrics_tail.py:")
    assert tail.errors == 1


def log_place() -> str:
    return test_an_exception_is_told_by_its_type_and_place_and_never_by_its_words.__name__


@pytest.mark.parametrize("length", [MAX_TEXT, MAX_TEXT + 1, 100_000])
def test_long_values_are_cut(length: int) -> None:
    tail = Tail()
    log, _ = logging_to(tail)
    log.warned("x" * length, reason="y" * length)
    (line,) = tail.since(0)
    assert len(line.event) <= MAX_TEXT + 1
    assert len(str(line.fields["reason"])) <= MAX_TEXT + 1


def test_the_log_counts_what_its_lines_tell() -> None:
    tail = Tail()
    log, _ = logging_to(tail)
    log.connection_refused("192.0.2.7", "over max_connections (1)")
    log.login_refused("text-1", "192.0.2.7", "Alice", Code.RATE_LIMITED)
    log.login("text-1", "192.0.2.7", "Alice", 1)
    counts = log.counts
    assert (counts.refused, counts.logins_failed, counts.logins) == (1, {Code.RATE_LIMITED: 1}, 1)
