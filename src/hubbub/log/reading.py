"""Payloads from a segment: each checked against its CRC on every read, neighbours in one piece."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Sequence

from hubbub.log.errors import ColdError, CorruptError
from hubbub.log.files import File
from hubbub.log.layout import CHECKSUM, GONE, LENGTH, RESIDUE

_GAP = 4096
"""Reading this much too much is cheaper than another call."""
_PIECE = 256 << 10
"""No piece with gaps is longer than this."""


def pread(file: File, length: int, offset: int, *, wait: bool) -> bytes:
    """The bytes, waited for or not."""
    return file.pread(length, offset) if wait else nowait(file, length, offset)


def nowait(file: File, length: int, offset: int) -> bytes:
    """The bytes; ColdError where they would have to be waited for."""
    data = file.pread_nowait(length, offset)
    if data is None:
        raise ColdError(file, getattr(file, "descriptor", -1), offset, length)
    return data


def fetch_one(file: File, name: str, place: int, *, wait: bool = True) -> bytes:
    """The payload at a place."""
    length = place & LENGTH
    offset = place >> 32
    data = (
        file.pread(length + CHECKSUM, offset) if wait else pread(file, length + CHECKSUM, offset, wait=wait)
    )
    if zlib.crc32(data, RESIDUE) != RESIDUE or len(data) != length + CHECKSUM:
        raise CorruptError(name, offset, "the payload is damaged")
    return data[:length]


def fetch(
    file: File, name: str, places: array[int], *, holes: bool = False, wait: bool = True
) -> list[bytes | None]:
    """The payloads at these places; None for what is erased, which is looked for only with `holes`."""
    if holes and GONE in places:
        return [None if place == GONE else fetch_one(file, name, place, wait=wait) for place in places]
    words = array("I", places.tobytes())  # a length, a position, a length, …
    start = words[1]
    size = words[-1] + words[-2] + CHECKSUM - start
    if not 0 < size <= _PIECE:
        return _fetch_pieces(file, name, places, wait=wait)
    # A rising run of whole (payload, CRC) pairs passes one CRC (see layout.RESIDUE).
    data = file.pread(size, start) if wait else nowait(file, size, start)
    if zlib.crc32(data, RESIDUE) != RESIDUE or len(data) != size:
        return _fetch_pieces(file, name, places, wait=wait)
    found: list[bytes | None] = []
    at = 0
    for length in words[::2]:
        end = at + length
        found.append(data[at:end])
        at = end + CHECKSUM
    if at != size:  # others stand in between
        return [
            data[(at := position - start) : at + length]
            for length, position in zip(words[::2], words[1::2], strict=True)
        ]
    return found


def _fetch_pieces(file: File, name: str, places: Sequence[int], *, wait: bool) -> list[bytes | None]:
    """Payloads that do not stand together: as few reads as there are clusters of them, one CRC each."""
    found: list[bytes | None] = []
    count = len(places)
    i = 0
    while i < count:
        start = places[i] >> 32
        end = start + (places[i] & LENGTH) + CHECKSUM
        j = i + 1
        while j < count and end <= places[j] >> 32 <= end + _GAP and end - start < _PIECE:
            end = (places[j] >> 32) + (places[j] & LENGTH) + CHECKSUM
            j += 1
        data = memoryview(pread(file, end - start, start, wait=wait))
        for place in places[i:j]:
            at = (place >> 32) - start
            length = place & LENGTH
            part = data[at : at + length + CHECKSUM]
            if zlib.crc32(part, RESIDUE) != RESIDUE or len(part) != length + CHECKSUM:
                raise CorruptError(name, place >> 32, "the payload is damaged")
            found.append(bytes(part[:length]))
        i = j
    return found
