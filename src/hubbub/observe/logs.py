"""How a log line is made: colours for a person at a terminal, JSON lines for a program.

What a peer sent may stand in a log (a name, a path, a reason), so nothing of it may look like a line or a
field of ours, move a terminal's cursor, or be of any length.
"""

from __future__ import annotations

import logging
import os
import select
import sys
from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Final, Literal, TextIO

from hubbub.observe.tail import Tail

# structlog imports these where they are (tracebacks in colours, the logs of Twisted), and they are two
# thirds of what it costs to start: told that there is none, it goes without.
_BESIDE: Final = ("rich", "twisted")
for _name in _BESIDE:
    sys.modules.setdefault(_name, None)  # type: ignore[arg-type]  # "import halted" (importlib)
import structlog  # noqa: E402

for _name in _BESIDE:
    if sys.modules[_name] is None:
        del sys.modules[_name]

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger, Processor, WrappedLogger

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "console", "json"]

MAX_VALUE: Final = 256
"""Characters of one value in a line; the rest is cut off."""


def open_log(level: Level, form: Format, stream: TextIO, tail: Tail | None = None) -> FilteringBoundLogger:
    """Make the logger that writes lines of at least `level` to `stream`.

    `auto`: console on a terminal, else JSON. Colours on a terminal only, and not where NO_COLOR is set.
    `tail` keeps the last lines.
    """
    terminal = stream.isatty()
    if form == "console" or (form == "auto" and terminal):
        processors = _console(colours=terminal and not os.environ.get("NO_COLOR"))
    else:
        processors = _json()
    if tail is not None:
        processors.insert(0, tail)
    lines = _Lines(stream)
    logger: FilteringBoundLogger = structlog.wrap_logger(
        lines,
        processors=[structlog.processors.add_log_level, *processors],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    lines.tell_lost = lambda count: logger.warning("log lines lost", lines=count)
    return logger


def route_standard_logging(logger: FilteringBoundLogger, level: Level) -> None:
    """Send what libraries (asyncio among them) log by `logging` the same way, warnings included."""
    root = logging.getLogger()
    root.handlers = [_Routed(logger)]
    # asyncio tells at debug level of each selector it opens: a library's debug lines are not the operator's.
    root.setLevel(max(logging.INFO, logging.getLevelNamesMapping()[level.upper()]))
    logging.captureWarnings(capture=True)


def printable(text: str) -> str:
    """The same text with everything that is not printable (controls, bidi marks) escaped, and cut."""
    if len(text) > MAX_VALUE:
        text = f"{text[:MAX_VALUE]}…"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _json() -> list[Processor]:
    return [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _cut_values,
        structlog.processors.JSONRenderer(default=repr),
    ]


def _console(*, colours: bool) -> list[Processor]:
    return [
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
        structlog.processors.format_exc_info,
        _escape_values,
        structlog.dev.ConsoleRenderer(colors=colours, pad_event_to=24),
    ]


def _cut_values(
    _logger: WrappedLogger, _method: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    """JSON escapes by itself (all but ASCII); only the length is left to bound."""
    for key, value in event.items():
        if isinstance(value, str) and len(value) > MAX_VALUE and key != "exception":
            event[key] = f"{value[:MAX_VALUE]}…"
    return event


def _escape_values(
    _logger: WrappedLogger, _method: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    """The renderer quotes what has blanks in it. A traceback keeps its lines, set off from the log's own."""
    for key, value in event.items():
        text = value if isinstance(value, str) else str(value)
        if key == "exception":
            event[key] = "\n".join(
                "    | " + "".join(char if char.isprintable() else _escaped(char) for char in line)
                for line in text.splitlines()
            )
        else:
            event[key] = printable(text)
    return event


class _Lines:
    """Writes whole lines. A log that nobody reads (a closed pipe, a full one) stops no server."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._poll = _writable(stream)
        self._lost = 0
        self.tell_lost: Callable[[int], None] = lambda _: None
        """Called with the number of lines that went nowhere, once somebody reads again."""

    def msg(self, line: str) -> None:
        """Write one line, at once, or not at all where that would have to wait for a reader."""
        if self._poll is not None and not self._poll.poll(0):
            self._lost += 1
            return
        if self._lost:
            count, self._lost = self._lost, 0
            self.tell_lost(count)
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: the stream is closed
            return

    debug = info = warning = error = critical = exception = msg


def _writable(stream: TextIO) -> select.poll | None:
    """What says whether a line can be written without waiting. A pipe says so while it has a page left."""
    try:
        poll = select.poll()
        poll.register(stream.fileno(), select.POLLOUT)
    except (AttributeError, OSError, ValueError):  # Windows has no poll, and a stream in memory no number
        return None
    return poll


class _Routed(logging.Handler):
    """From `logging` to structlog."""

    def __init__(self, logger: FilteringBoundLogger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        self._logger.log(
            record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info or None
        )
