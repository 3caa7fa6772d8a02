"""MARK: the high-water mark, a proof of durability beside those in the frames. Two slots, written in turn."""

from __future__ import annotations

import zlib
from typing import NamedTuple

from hubbub.log.files import File, Files
from hubbub.log.layout import MARK, MARK_MAGIC, MARK_SLOT, MARK_STRIDE


class Mark(NamedTuple):
    """Segment `segment` was durable up to `position`; all segments before it are sealed, and so durable."""

    counter: int
    segment: int
    position: int
    closed: bool
    """The log was closed in order, and nothing written since."""


def read_mark(files: Files) -> Mark | None:
    """The newest slot that is sound; None where there is none.

    A crash may tear both slots, because they are written without a sync: then the proofs in the frames have
    to do.
    """
    try:
        file = files.open(MARK, write=False)
    except FileNotFoundError:
        return None
    try:
        data = file.pread(2 * MARK_STRIDE, 0)
    finally:
        file.close()
    found = []
    for at in (0, MARK_STRIDE):
        slot = data[at : at + MARK_SLOT.size]
        if len(slot) == MARK_SLOT.size:
            magic, crc, counter, segment, position, closed, _ = MARK_SLOT.unpack(slot)
            if magic == MARK_MAGIC and zlib.crc32(slot[8:]) == crc:
                found.append(Mark(counter, segment, position, bool(closed)))
    return max(found, default=None)


class MarkFile:
    """The mark of a log that is open for writing."""

    def __init__(self, files: Files, found: Mark | None, names: list[str]) -> None:
        self._file: File = files.open(MARK, write=True) if MARK in names else files.create(MARK)
        self._counter = found.counter if found else 0

    def write(self, segment: int, position: int, *, closed: bool = False) -> None:
        """Into the page cache; the system writes it out in its time. An older mark is only a weaker proof."""
        self._counter += 1
        rest = MARK_SLOT.pack(MARK_MAGIC, 0, self._counter, segment, position, closed, 0)[8:]
        crc = zlib.crc32(rest).to_bytes(4, "little")
        self._file.pwrite(MARK_MAGIC.to_bytes(4, "little") + crc + rest, MARK_STRIDE * (self._counter & 1))

    def sync(self) -> None:
        """Durable."""
        self._file.fdatasync()

    def close(self) -> None:
        """Give the descriptor back."""
        self._file.close()
