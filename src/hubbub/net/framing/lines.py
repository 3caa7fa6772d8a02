"""Lines: bytes up to a line feed, as `nc`, telnet and NDJSON send them."""

from __future__ import annotations

from functools import partial
from itertools import repeat
from typing import Final

from hubbub.net.framing.frames import TEXT, TOO_LONG, Frame

# A NamedTuple's own constructor is a Python function; through `map` this one stays in C.
_new = partial(tuple.__new__, Frame)


class Lines:
    r"""The framing of lines; implements `frames.Framing`.

    A line is Frame(TEXT, the line without its ``\n``, and without one ``\r`` before that unless
    `strip_cr` is False). `limit` is in bytes and counts neither. A line over it is one
    Frame(TOO_LONG, b"", limit), given as soon as it is over; the rest of it is skipped unstored.
    Content is not looked at: whether it is UTF-8 is the dialect's to check.
    """

    __slots__ = ("_held", "_skipping", "_strip_cr", "limit")

    def __init__(self, limit: int, strip_cr: bool = True) -> None:
        self.limit = limit
        self._strip_cr: Final = strip_cr
        self._held: bytearray | None = None  # the begun line; made only when one is cut
        self._skipping = False  # inside a line that was reported as too long

    def feed(self, data: bytes) -> list[Frame]:
        """Take what came; return the lines that are now whole, in order. Linear in what came."""
        frames: list[Frame] = []
        if self._skipping or self._held:
            end = data.find(b"\n")
            if end < 0:
                return self._hold(data)
            if self._held:
                frames.append(self._finish(self._held + data[:end]))
            self._held, self._skipping = None, False
            data = data[end + 1 :]
        if self._strip_cr and b"\r\n" in data:
            data = data.replace(b"\r\n", b"\n")
        lines = data.split(b"\n")
        rest = lines.pop()
        if len(data) > self.limit:  # only then can one of them be too long
            frames += map(self._bounded, lines)
        else:
            frames += map(_new, zip(repeat(TEXT), lines, repeat(0)))
        if rest:
            frames += self._hold(rest)
        return frames

    @property
    def pending(self) -> int:
        """Bytes of the begun line. 0 while an overlong line is skipped: nothing of it is kept."""
        return len(self._held) if self._held else 0

    def _bounded(self, line: bytes) -> Frame:
        return Frame(TEXT, line) if len(line) <= self.limit else Frame(TOO_LONG, b"", self.limit)

    def _finish(self, line: bytearray) -> Frame:
        if self._strip_cr and line.endswith(b"\r"):
            del line[-1:]
        return self._bounded(bytes(line))

    def _hold(self, begun: bytes) -> list[Frame]:
        if self._skipping:
            return []
        size = self.pending + len(begun)
        if begun.endswith(b"\r") and self._strip_cr:
            size -= 1  # it may be the end's own
        if size > self.limit:
            self._held, self._skipping = None, True
            return [Frame(TOO_LONG, b"", self.limit)]
        if self._held is None:
            self._held = bytearray()
        self._held += begun
        return []


def line(payload: bytes) -> bytes:
    r"""Wrap one line for sending: `payload`, which must not hold a ``\n``, and the line feed."""
    return payload + b"\n"
