"""Times as people and clients read them: RFC 3339 in UTC, to the millisecond."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime


def stamp(seconds: float) -> str:
    """A Unix time, such as `2026-11-21T05:55:00.123Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Stamps:
    """Formats the clock's time. A date costs more to format than a message to encode: once a second.

    And a time once a millisecond: many messages share it where there are many.
    """

    __slots__ = ("_clock", "_millisecond", "_prefix", "_second", "_text")

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives Unix time in seconds."""
        self._clock = clock
        self._millisecond = self._second = -1
        self._prefix = self._text = ""

    def now(self) -> str:
        """Such as `2026-11-21T05:55:00.123Z`."""
        millisecond = int(self._clock() * 1000)
        if millisecond != self._millisecond:
            self._millisecond = millisecond
            second, rest = divmod(millisecond, 1000)
            if second != self._second:
                self._second = second
                self._prefix = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            self._text = f"{self._prefix}.{rest:03}Z"
        return self._text
