"""Payloads from a segment: each checked against its CRC on every read, neighbours in one piece."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from hubbub.log.errors import ColdError, CorruptError
from hubbub.log.files import File
from hubbub.log.layout import CHECKSUM, GONE, LENGTH, RESIDUE

_GAP = 4096
"""Reading this much too much is cheaper than another call."""
_PIECE = 256 << 10
"""No piece with gaps is longer than this."""


def pread(file: File, length: int, offset: int, *, wait: bool) -> bytes:
    """The bytes; ColdError where they would have to be waited for."""
    if wait:
        return file.pread(length, offset)
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


def fetch(file: File, name: str, places: Sequence[int], *, wait: bool = True) -> list[bytes | None]:
    """The payloads at these places; None for what is erased."""
    if GONE in places:
        return [None if place == GONE else fetch_one(file, name, place, wait=wait) for place in places]
    start = places[0] >> 32
    end = (places[-1] >> 32) + (places[-1] & LENGTH) + CHECKSUM
    if len(places) == 1 or not 0 < end - start <= _PIECE:
        return _fetch_pieces(file, name, places, wait=wait)
    # A rising run without foreign bytes in between passes one CRC as a whole (see layout.RESIDUE).
    data = pread(file, end - start, start, wait=wait)
    if zlib.crc32(data, RESIDUE) == RESIDUE and len(data) == end - start:
        return [data[(at := (place >> 32) - start) : at + (place & LENGTH)] for place in places]
    return _fetch_pieces(file, name, places, wait=wait)


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
