"""Log lines: their form, their level, and that no peer can forge one."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator

import pytest

from hubbub.core.errors import Code
from hubbub.observe.logs import MAX_VALUE, Format, Level, open_log, printable, route_standard_logging
from hubbub.observe.server_log import ServerLog

EVIL = "Eve\n12:00:00 [info     ] login user=root \x1b[2J\u202e\u2028\x9b\r"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Gone(io.StringIO):
    def write(self, text: str, /) -> int:
        raise BrokenPipeError(text)


@pytest.fixture
def standard_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    logging.captureWarnings(capture=False)


def lines(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("form", ["console", "json"])
def test_nobody_forges_a_line(form: Format) -> None:
    stream = io.StringIO()
    ServerLog(open_log("info", form, stream)).login_refused("c1", "::1", EVIL, Code.NAME_TAKEN)
    assert len(stream.getvalue().split("\n")) == 2
    assert stream.getvalue().removesuffix("\n").isprintable()


def test_nobody_forges_a_line_by_an_exception() -> None:
    stream = io.StringIO()
    try:
        raise ValueError(EVIL)
    except ValueError as error:
        ServerLog(open_log("info", "console", stream)).failed("test", error)
    first, *rest = stream.getvalue().removesuffix("\n").split("\n")
    assert "failed" in first
    assert any("Traceback" in line for line in rest)
    for line in rest:
        assert line.startswith("    | ")
        assert line.isprintable()


def test_values_are_cut() -> None:
    for form in ("console", "json"):
        stream = io.StringIO()
        ServerLog(open_log("info", form, stream)).connection_refused("::1", "x" * 100_000)
        assert len(stream.getvalue()) < MAX_VALUE + 300
    assert printable("é" * 300) == "é" * MAX_VALUE + "…"


def test_auto_is_json_but_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    file, terminal = io.StringIO(), Terminal()
    for stream in (file, terminal):
        ServerLog(open_log("info", "auto", stream)).listening(["127.0.0.1:1"])
    line = json.loads(file.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {"addresses": "127.0.0.1:1", "event": "listening", "level": "info"}
    assert "\x1b[" in terminal.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Terminal()
    ServerLog(open_log("info", "auto", plain)).listening(["127.0.0.1:1"])
    assert "\x1b[" not in plain.getvalue()


def test_levels() -> None:
    counts: dict[Level, int] = {"debug": 4, "info": 3, "warning": 2, "error": 1}
    for level, count in counts.items():
        stream = io.StringIO()
        log = ServerLog(open_log(level, "json", stream))
        log.received("c1", "publish", 10)
        log.stopped()
        log.warned("look")
        log.failed("test", ValueError("x"))
        assert len(lines(stream)) == count


def test_every_event_has_its_fields() -> None:
    stream = io.StringIO()
    log = ServerLog(open_log("debug", "json", stream), debug=True)
    assert log.debug
    log.connection_opened("c1", "::1", "text", secure=False)
    log.login("c1", "::1", "Alice", 7)
    log.sent("message", 12, 3)
    log.request("::1", "GET", "/", 200, 0.123456)
    log.connection_closed("c1", "::1", "Alice", "closed", seconds=1.23456)
    found = [json.loads(line) for line in lines(stream)]
    assert [line["event"] for line in found] == [
        "connection opened", "login", "sent", "request", "connection closed",
    ]  # fmt: skip
    assert found[1]["user_id"] == 7
    assert found[2]["receivers"] == 3
    assert found[4]["seconds"] == 1.235


def test_a_reader_that_went_away_stops_nothing() -> None:
    ServerLog(open_log("info", "json", Gone())).stopped()
    closed = io.StringIO()
    log = ServerLog(open_log("info", "json", closed))
    closed.close()
    log.stopped()


def test_a_reader_that_does_not_read_stops_nothing_and_is_told_what_it_missed() -> None:
    source, sink = os.pipe()
    os.set_blocking(sink, False)  # who writes to it all the same loses a line, and hangs no test
    with os.fdopen(source, "rb", buffering=0) as reader, os.fdopen(sink, "w", encoding="utf-8") as stream:
        log = ServerLog(open_log("info", "json", stream))
        written = 2_000  # a pipe holds 64 KiB: far more than that
        for number in range(written):
            log.connection_refused("127.0.0.1", str(number))
        kept = reader.read(1 << 20).splitlines()
        log.stopped()
        told, last = map(json.loads, reader.read(1 << 20).splitlines())
    assert [json.loads(line)["reason"] for line in kept] == [str(number) for number in range(len(kept))]
    assert (told["event"], told["level"], told["lines"]) == ("log lines lost", "warning", written - len(kept))
    assert last["event"] == "stopped"


@pytest.mark.usefixtures("standard_logging")
def test_libraries_log_the_same_way() -> None:
    stream = io.StringIO()
    route_standard_logging(open_log("info", "json", stream), "info")
    logging.getLogger("some.library").debug("not this")
    logging.getLogger("some.library").warning("look at %s", EVIL)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("an old way", DeprecationWarning, stacklevel=1)
    library, warning = (json.loads(line) for line in lines(stream))
    assert (library["logger"], library["level"], library["event"]) == (
        "some.library",
        "warning",
        f"look at {EVIL}",
    )
    assert (warning["logger"], "an old way" in warning["event"]) == ("py.warnings", True)


@pytest.mark.usefixtures("standard_logging")
def test_a_callback_that_fails_in_the_loop_is_logged_with_its_traceback() -> None:
    stream = io.StringIO()
    route_standard_logging(open_log("info", "json", stream), "info")

    async def main() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 // 0)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert "ZeroDivisionError" in json.loads(lines(stream)[-1])["exception"]


def test_a_start_does_not_pay_for_colours() -> None:
    """What structlog would take along (rich, a third of a start) can still be had by who wants it."""
    code = "import sys, hubbub.observe.logs; print('rich' in sys.modules); import rich; print(rich)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.startswith("False\n<module 'rich'")
