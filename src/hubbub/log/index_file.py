"""An index on the disk: `.idx` of a sealed segment, `.chk` (up to some position) of the active one.

Header and directory are read whole; the places, eight bytes a message, stand in blocks of 511 with a CRC
each,
and are read as they are asked for.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from array import array
from collections.abc import Sequence

from hubbub.log.contents import Contents
from hubbub.log.errors import CorruptError
from hubbub.log.files import File
from hubbub.log.layout import BLOCK, BLOCK_END, INDEX, INDEX_MAGIC, LANDMARK, NAMED, PLACES


class Directory:
    """All of an index but the places. `rows[i]` … `rows[i + 1]` are the rows of stream `numbers[i]`."""

    __slots__ = (
        "base", "blocks", "end", "entries", "erased", "firsts", "holes", "keys", "landmarks",
        "names", "newest", "numbers", "rows", "segment", "tags", "trimmed",
    )  # fmt: skip

    segment: int
    end: int
    """The position up to which the segment is covered."""
    base: int
    entries: int
    newest: int
    tags: int
    holes: int
    blocks: int
    """Where the first block stands in the file."""
    numbers: array[int]
    firsts: array[int]
    rows: array[int]
    names: list[bytes]
    erased: list[tuple[int, int]]
    trimmed: list[tuple[int, int]]
    keys: list[tuple[bytes, int]]
    landmarks: list[tuple[int, int]]


def _aligned(length: int) -> int:
    return -(-length // BLOCK) * BLOCK


def _block_seed(segment: int, block: int) -> int:
    return zlib.crc32(struct.pack("<QQ", segment, block))


def encode(contents: Contents, segment: int, end: int, base: int) -> bytes:
    """The whole file."""
    numbers = sorted(contents.names)
    names = [contents.names[number] for number in numbers]
    columns = [contents.places[number] for number in numbers]
    rows = array("I", itertools.accumulate(map(len, columns), initial=0))
    keys = contents.keys
    directory = b"".join(
        (
            array("Q", [contents.firsts[number] for number in numbers]).tobytes(),
            array("Q", [place for _, place in keys]).tobytes(),
            b"".join(LANDMARK.pack(*one) for one in contents.landmarks),
            array("I", numbers).tobytes(),
            rows.tobytes(),
            b"".join(NAMED.pack(*one) for one in contents.erased),
            b"".join(NAMED.pack(*one) for one in contents.trimmed),
            array("H", map(len, names)).tobytes(),
            array("H", [len(key) for key, _ in keys]).tobytes(),
            *names,
            *[key for key, _ in keys],
        )
    )
    counts = len(numbers), len(contents.erased), len(contents.trimmed), len(keys), len(contents.landmarks)
    sums = contents.entries, contents.newest, contents.tags, contents.holes
    rest = INDEX.pack(INDEX_MAGIC, 0, len(directory), *counts, segment, end, base, *sums)[8:]
    crc = zlib.crc32(directory, zlib.crc32(rest))
    parts = [INDEX_MAGIC.to_bytes(4, "little"), crc.to_bytes(4, "little"), rest, directory]
    size = INDEX.size + len(directory)
    parts.append(bytes(_aligned(size) - size))
    places = b"".join(column.tobytes() for column in columns)
    width = 8 * PLACES
    for block, at in enumerate(range(0, len(places), width)):
        part = places[at : at + width].ljust(width, b"\0")
        parts += (part, BLOCK_END.pack(zlib.crc32(part, _block_seed(segment, block)), 0))
    return b"".join(parts)


def read_directory(file: File, name: str) -> Directory:
    """Header and directory, checked against their CRC."""
    data = file.pread(4 * BLOCK, 0)
    if len(data) < INDEX.size:
        raise CorruptError(name, 0, "the index is cut within its header")
    magic, crc, length, streams, erased, trimmed, keys, landmarks, *numbers = INDEX.unpack_from(data)
    if magic != INDEX_MAGIC or INDEX.size + length > file.size():
        raise CorruptError(name, 0, "the index's header is damaged")
    if INDEX.size + length > len(data):
        data = file.pread(INDEX.size + length, 0)
    body = data[INDEX.size : INDEX.size + length]
    if zlib.crc32(body, zlib.crc32(data[8 : INDEX.size])) != crc:
        raise CorruptError(name, 0, "the index's directory is damaged")
    found = Directory()
    found.segment, found.end, found.base, found.entries, found.newest, found.tags, found.holes = numbers
    found.blocks = _aligned(INDEX.size + length)
    at = 0

    def column(kind: str, count: int) -> array[int]:
        nonlocal at
        numbers = array(kind)
        size = numbers.itemsize * count
        numbers.frombytes(body[at : at + size])
        at += size
        return numbers

    def pairs(form: struct.Struct, count: int) -> list[tuple[int, int]]:
        nonlocal at
        size = form.size * count
        found = [(a, b) for a, b in form.iter_unpack(body[at : at + size])]
        at += size
        return found

    def strings(lengths: Sequence[int]) -> list[bytes]:
        nonlocal at
        begin = at
        ends = list(itertools.accumulate(lengths, initial=begin))
        at = ends[-1]
        return [body[a:b] for a, b in itertools.pairwise(ends)]

    found.firsts = column("Q", streams)
    places = column("Q", keys)
    found.landmarks = pairs(LANDMARK, landmarks)
    found.numbers = column("I", streams)
    found.rows = column("I", streams + 1)
    found.erased = pairs(NAMED, erased)
    found.trimmed = pairs(NAMED, trimmed)
    name_lengths = column("H", streams)
    key_lengths = column("H", keys)
    found.names = strings(name_lengths)
    found.keys = list(zip(strings(key_lengths), places, strict=True))
    return found


def read_block(name: str, segment: int, blocks: int, block: int, data: bytes) -> array[int]:
    """The 511 places of one block, checked. `blocks`: where the first one stands in the file."""
    offset = blocks + block * BLOCK
    width = 8 * PLACES
    if len(data) < BLOCK:
        raise CorruptError(name, offset, "the index is cut")
    crc, _ = BLOCK_END.unpack_from(data, width)
    if zlib.crc32(memoryview(data)[:width], _block_seed(segment, block)) != crc:
        raise CorruptError(name, offset, "a block of the index is damaged")
    return array("Q", data[:width])


def read_places(file: File, name: str, directory: Directory) -> array[int]:
    """All places; CorruptError where a block is damaged."""
    places = array("Q")
    count = -(-directory.rows[-1] // PLACES)
    data = memoryview(file.pread(count * BLOCK, directory.blocks))
    for block in range(count):
        part = bytes(data[block * BLOCK : (block + 1) * BLOCK])
        places += read_block(name, directory.segment, directory.blocks, block, part)
    return places


def read_contents(file: File, name: str) -> tuple[Directory, Contents]:
    """The whole index in memory."""
    directory = read_directory(file, name)
    places = read_places(file, name, directory)
    contents = Contents()
    for i, number in enumerate(directory.numbers):
        contents.names[number] = directory.names[i]
        contents.firsts[number] = directory.firsts[i]
        contents.places[number] = places[directory.rows[i] : directory.rows[i + 1]]
    contents.erased = directory.erased
    contents.trimmed = directory.trimmed
    contents.keys = directory.keys
    contents.landmarks = directory.landmarks
    contents.entries, contents.newest = directory.entries, directory.newest
    contents.tags, contents.holes = directory.tags, directory.holes
    return directory, contents
