"""A frame: one commit group, written and found whole or not at all.

    header | payload, crc | payload, crc | … | table | tag lengths | tags

The payloads stand first, so that the place of each is known before the table is complete.
"""

from __future__ import annotations

import struct
import zlib
from array import array
from collections.abc import Iterator, Sequence

from hubbub.log.errors import CorruptError
from hubbub.log.files import File
from hubbub.log.layout import (
    CHECKSUM,
    CLUSTERED,
    CONTROL,
    ENTRY,
    FORMAT,
    FRAME,
    FRAME_HEADER,
    FRAME_MAGIC,
    FRAME_MARK,
    HOLE,
    RESIDUE,
    SEGMENT,
    SEGMENT_HEADER,
    SEGMENT_MAGIC,
)

_CHUNK = 1 << 20
_BLANK = bytes(FRAME_HEADER)


def seal_frame(
    parts: list[bytes],
    table: array[int],
    tags: Sequence[bytes],
    *,
    base: int,
    synced: int,
    time: int,
    seed: int,
) -> bytearray:
    """A frame of payloads with their CRCs (`parts`), the table, and a tag for each append, or none."""
    block = b""
    if tags:
        block = array("H", map(len, tags)).tobytes() + b"".join(tags)
    parts.append(table.tobytes())
    parts.append(block)
    frame = bytearray().join((_BLANK, *parts))
    header = (FRAME_MAGIC, 0, len(frame) - FRAME_HEADER, len(table) // 2, base, synced, time, len(block), 0)
    FRAME.pack_into(frame, 0, *header)
    crc = zlib.crc32(memoryview(frame)[8:], seed)
    frame[4:8] = crc.to_bytes(4, "little")
    return frame


def checked(payload: bytes) -> bytes:
    """The CRC that stands behind a payload."""
    return zlib.crc32(payload, RESIDUE).to_bytes(4, "little")


class Frame:
    """A frame that was read and is sound. `view` is all of it."""

    __slots__ = ("base", "count", "end", "position", "synced", "tag_bytes", "time", "view")

    def __init__(self, view: memoryview, position: int) -> None:
        _, _, length, self.count, self.base, self.synced, self.time, self.tag_bytes, _ = FRAME.unpack_from(
            view
        )
        self.view = view
        self.position = position
        self.end = position + FRAME_HEADER + length

    @property
    def table(self) -> array[int]:
        """What each entry is, and its length: two numbers an entry."""
        end = len(self.view) - self.tag_bytes
        return array("I", bytes(self.view[end - self.count * ENTRY : end]))

    def payload(self, place: int, length: int) -> bytes:
        """The bytes at a position of the file."""
        at = place - self.position
        return bytes(self.view[at : at + length])

    def entries(self) -> Iterator[tuple[int, int, int]]:
        """(what it is, length, position in the file) of each."""
        at = self.position + FRAME_HEADER
        numbers = iter(self.table)
        for number, length in zip(numbers, numbers, strict=True):
            yield number, length, at
            if length != HOLE:
                at += length + CHECKSUM

    def tagged(self, appends: int) -> int:
        """How many of so many appends have a tag."""
        if not self.tag_bytes:
            return 0
        at = len(self.view) - self.tag_bytes
        return appends - array("H", bytes(self.view[at : at + 2 * appends])).count(0)

    def tags(self) -> Iterator[tuple[int, int, bytes]]:
        """(stream number, position of the payload, tag) of each append that has one."""
        if not self.tag_bytes:
            return
        block = self.view[len(self.view) - self.tag_bytes :]
        appends = [(number, at) for number, _, at in self.entries() if number < CONTROL]
        lengths = array("H", bytes(block[: 2 * len(appends)]))
        at = 2 * len(appends)
        for (number, place), length in zip(appends, lengths, strict=True):
            if length:
                yield number, place, bytes(block[at : at + length])
                at += length


def frame_at(view: memoryview, position: int, seed: int) -> Frame | None:
    """The frame that begins at `view`, if a sound one does."""
    if len(view) < FRAME_HEADER:
        return None
    magic, crc, length, count, _, _, _, tags, _ = FRAME.unpack_from(view)
    end = FRAME_HEADER + length
    if magic != FRAME_MAGIC or end > len(view) or count * ENTRY + tags > length:
        return None
    if zlib.crc32(view[8:end], seed) != crc:
        return None
    return Frame(view[:end], position)


def read_frames(file: File, start: int, end: int, seed: int, base: int | None = None) -> Iterator[Frame]:
    """The sound frames from `start` on, one behind the other; ends with the first that is not.

    With `base`, a frame whose sequence does not continue is not sound either: it is an old one, shining
    through.
    """
    buffer = memoryview(b"")
    held = start  # the position of buffer[0]
    position = start
    while position + FRAME_HEADER <= end:
        need = FRAME_HEADER
        if position + need <= held + len(buffer):
            magic, _, length = FRAME.unpack_from(buffer, position - held)[:3]
            if magic != FRAME_MAGIC:
                return
            need += length
        if position + need > end:
            return
        if position + need > held + len(buffer):
            buffer = memoryview(file.pread(min(max(need, _CHUNK), end - position), position))
            held = position
            if len(buffer) < need:
                return
            continue
        frame = frame_at(buffer[position - held :], position, seed)
        if frame is None or (base is not None and frame.base != base):
            return
        if base is not None:
            base += frame.count
        yield frame
        position = frame.end


def latest_proof(file: File, start: int, end: int, seed: int) -> int:
    """The highest durable position that any sound frame behind `start` tells of: looking past the damage.

    What a client wrote cannot pass for a frame here: the CRC is seeded with a number it never sees.
    """
    proof = 0
    data = file.pread(max(end - start, 0), start)
    view = memoryview(data)
    at = data.find(FRAME_MARK)
    while at >= 0:
        frame = frame_at(view[at:], start + at, seed)
        if frame is not None and frame.synced <= frame.position:
            proof = max(proof, frame.synced)
        at = data.find(FRAME_MARK, at + 1)
    return proof


# --- the header of a segment


def seed_of(identity: int, number: int) -> int:
    """What the CRCs of a segment's frames start from: its own, and known to this directory only."""
    return zlib.crc32(identity.to_bytes(8, "little") + number.to_bytes(8, "little"))


def segment_header(number: int, base: int, identity: int, *, clustered: bool = False) -> bytes:
    """The first 64 bytes of a segment."""
    rest = SEGMENT.pack(SEGMENT_MAGIC, 0, FORMAT, CLUSTERED if clustered else 0, number, base, identity, 0)
    rest = rest.ljust(SEGMENT_HEADER, b"\0")
    return rest[:4] + zlib.crc32(rest[8:]).to_bytes(4, "little") + rest[8:]


def read_segment_header(file: File, name: str, number: int, identity: int) -> tuple[int, bool]:
    """(base, whether clustered) of a segment; CorruptError where it is damaged or another's."""
    data = file.pread(SEGMENT_HEADER, 0)
    try:
        magic, crc, _, flags, its_number, base, its_identity, _ = SEGMENT.unpack_from(data)
    except struct.error:
        raise CorruptError(name, 0, "the segment is cut within its header") from None
    if len(data) < SEGMENT_HEADER or magic != SEGMENT_MAGIC or zlib.crc32(data[8:]) != crc:
        raise CorruptError(name, 0, "the segment's header is damaged")
    if its_identity != identity:
        raise CorruptError(name, 32, "the segment belongs to another log")
    if its_number != number:
        raise CorruptError(name, 16, f"this is segment {its_number}, not {number}")
    return base, bool(flags & CLUSTERED)
