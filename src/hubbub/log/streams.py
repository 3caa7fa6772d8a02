"""What is in memory of each stream, and its newest payloads."""

from __future__ import annotations

from array import array

from hubbub.log.sealed import Sealed

NOTHING: array[int] = array("Q")
"""The places of a stream with nothing in the active segment. Shared: never appended to."""


class Stream:
    """One stream: what is settled of it, and `next`, the offset that the next append gets."""

    __slots__ = (
        "erased",
        "kept",
        "known",
        "low",
        "name",
        "next",
        "number",
        "places",
        "run",
        "start",
        "tail",
        "young",
    )

    def __init__(self, number: int, name: bytes) -> None:
        self.number = number
        self.name = name
        self.known = False
        """A settled frame has introduced it."""
        self.next = 1
        self.low = 1
        """The lowest offset that is not trimmed."""
        self.start = 1
        """The offset of the first payload in the active segment."""
        self.places: array[int] = NOTHING
        """Its places in the active segment."""
        self.erased: set[int] | None = None
        """Erased offsets whose bytes are still in some file."""
        self.run: tuple[Sealed, int, int, int] | None = None
        """The sealed run that was read last: segment, first offset, the one behind its last, row − offset."""
        self.tail: list[bytes | None] = []
        """The newest payloads, up to the head."""
        self.kept = 0
        """How many of the tail are from the generation before."""
        self.young = False
        """Whether the tail has grown in this generation."""

    @property
    def head(self) -> int:
        """The offset of the last settled payload; 0: none yet."""
        return self.start + len(self.places) - 1


class Tail:
    """Bounds what the tails of all streams hold, in two generations, because dropping one costs little."""

    __slots__ = ("_half", "_old", "_size", "young")

    def __init__(self, size: int) -> None:
        self._half = size // 2
        self._size = 0
        self.young: list[Stream] = []
        self._old: list[Stream] = []

    def grow(self, size: int) -> None:
        """Note that payloads of so many bytes were added."""
        self._size += size
        if self._size > self._half:
            self._turn()

    def _turn(self) -> None:
        for stream in self._old:
            del stream.tail[: stream.kept]
            stream.kept = 0
        for stream in self.young:
            stream.kept = len(stream.tail)
            stream.young = False
        self._old = self.young
        self.young = []
        self._size = 0
