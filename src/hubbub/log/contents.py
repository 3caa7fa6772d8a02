"""What one segment holds: the places of each stream's payloads, erasures, trims and keyed records."""

from __future__ import annotations

from array import array
from bisect import bisect_left

from hubbub.log.errors import CorruptError
from hubbub.log.frames import Frame
from hubbub.log.layout import (
    CHECKSUM,
    CONTROL,
    DELETE,
    ERASE,
    FRAME_HEADER,
    GONE,
    HOLE,
    KEY_LENGTH,
    NAMED,
    PUT,
    STREAM,
    TRIM,
)

LANDMARK_BYTES = 1 << 20
"""So far apart are the frames whose time an index knows."""


class Contents:
    """The index of one segment, in memory. A place is position << 32 | length; `GONE`: erased or deleted."""

    __slots__ = (
        "entries", "erased", "firsts", "holes", "keys", "landmarks", "names", "newest", "places", "tags",
        "trimmed",
    )  # fmt: skip

    def __init__(self) -> None:
        self.names: dict[int, bytes] = {}
        self.firsts: dict[int, int] = {}
        self.places: dict[int, array[int]] = {}
        self.erased: list[tuple[int, int]] = []
        self.trimmed: list[tuple[int, int]] = []
        self.keys: list[tuple[bytes, int]] = []
        self.landmarks: list[tuple[int, int]] = []
        self.entries = 0
        self.tags = 0
        self.newest = 0
        self.holes = 0
        """Erased entries of a compacted segment."""

    def introduce(self, number: int, name: bytes, first: int) -> array[int]:
        """A stream begins in this segment, with offset `first`. Its places, still empty."""
        places = array("Q")
        self.names[number] = name
        self.firsts[number] = first
        self.places[number] = places
        return places

    def pass_frame(self, position: int, count: int, time: int, tags: int) -> None:
        """Note that a frame stands here."""
        if not self.landmarks or position - self.landmarks[-1][0] >= LANDMARK_BYTES:
            self.landmarks.append((position, time))
        self.entries += count
        self.tags += tags
        self.newest = max(self.newest, time)

    def add(self, frame: Frame, file: str) -> None:
        """Take in a frame that was read."""
        at = frame.position + FRAME_HEADER
        appends = 0
        places = self.places
        numbers = iter(frame.table)
        for number, length in zip(numbers, numbers, strict=True):
            if number < CONTROL:
                try:
                    append = places[number].append
                except KeyError:
                    raise CorruptError(
                        file, frame.position, f"stream {number} was never introduced"
                    ) from None
                appends += 1
                if length == HOLE:
                    append(GONE)
                    self.holes += 1
                    continue
                append(at << 32 | length)
            else:
                self._control(number, frame.payload(at, length), at << 32 | length)
            at += length + CHECKSUM
        self.pass_frame(frame.position, frame.count, frame.time, frame.tagged(appends))

    def _control(self, number: int, payload: bytes, place: int) -> None:
        if number == STREAM:
            stream, first = NAMED.unpack_from(payload)
            self.introduce(stream, payload[NAMED.size :], first)
        elif number == PUT:
            (length,) = KEY_LENGTH.unpack_from(payload)
            self.keys.append((payload[KEY_LENGTH.size : KEY_LENGTH.size + length], place))
        elif number == DELETE:
            self.keys.append((payload, GONE))
        elif number == ERASE:
            self.erased.append(NAMED.unpack(payload))
        elif number == TRIM:
            self.trimmed.append(NAMED.unpack(payload))

    def row_of(self, number: int, position: int) -> int:
        """Which of a stream's payloads stands at a position.

        Only where places rise: not in a compacted segment.
        """
        return bisect_left(self.places[number], position << 32)
