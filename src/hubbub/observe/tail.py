"""The last lines of the log, kept for who watches: the same events and fields as in the log itself.

An exception is named by its type and place, since its words may hold what somebody said.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, MutableMapping
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal

import msgspec

if TYPE_CHECKING:
    from structlog.typing import WrappedLogger

LINES: Final = 1_000
"""How many are kept: about 1 KiB each at most."""
MAX_TEXT: Final = 256
"""Characters of one value; the rest is cut off."""
_MAX_FIELDS: Final = 16

Level = Literal["debug", "info", "warning", "error"]
Value = str | int | float | bool | None


class LogLine(msgspec.Struct, frozen=True, gc=False):
    """One line. `number` grows by one from line to line; `at` is in milliseconds since 1970."""

    number: int
    at: int
    level: Level
    event: str
    fields: dict[str, Value]


class Tail:
    """A processor of structlog: takes note of each line, and hands it on as it is."""

    __slots__ = ("_clock", "_lines", "errors", "number")

    def __init__(self, lines: int = LINES, clock: Callable[[], float] = time.time) -> None:
        self._lines: deque[LogLine] = deque(maxlen=lines)
        self._clock = clock
        self.number = 0
        """Of the last line; 0: there was none."""
        self.errors = 0
        """Lines of level error."""

    def __call__(
        self, _logger: WrappedLogger, method: str, event: MutableMapping[str, object]
    ) -> MutableMapping[str, object]:
        """See structlog's Processor."""
        level = _level(method)
        if level == "error":
            self.errors += 1
        self.number += 1
        fields: dict[str, Value] = {}
        for key, value in event.items():
            if key in ("event", "level") or len(fields) == _MAX_FIELDS:
                continue
            if key == "exc_info":
                fields["exception"] = _fault(value)
            else:
                fields[key] = value if isinstance(value, int | float | None) else _cut(str(value))
        at = int(self._clock() * 1000)
        self._lines.append(LogLine(self.number, at, level, _cut(str(event.get("event", ""))), fields))
        return event

    def since(self, number: int) -> list[LogLine]:
        """The lines behind that number, oldest first, as far as they are kept."""
        fresh = self.number - number
        if fresh <= 0:
            return []
        if fresh >= len(self._lines):
            return list(self._lines)
        found = [self._lines[-place] for place in range(1, fresh + 1)]
        found.reverse()
        return found


def _level(method: str) -> Level:
    match method:
        case "debug" | "info" | "error":
            return method
        case "warn" | "warning":
            return "warning"
    return "error"  # critical, exception


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def _fault(error: object) -> str:
    """Its type, and where it was raised."""
    if isinstance(error, tuple):
        error = error[1]
    elif error is True:
        error = sys.exc_info()[1]
    if not isinstance(error, BaseException):
        return ""
    traceback: TracebackType | None = error.__traceback__
    if traceback is None:
        return type(error).__name__
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    where = code.co_filename.replace("\\", "/").rpartition("/")[2]
    return _cut(f"{type(error).__name__} in {code.co_name} ({where}:{traceback.tb_lineno})")
