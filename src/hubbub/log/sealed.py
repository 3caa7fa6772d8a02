"""Sealed segments, which never change: their indexes, the blocks of these in memory, and reading one anew."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from io import UnsupportedOperation

from hubbub.log import index_file
from hubbub.log.contents import Contents
from hubbub.log.errors import CorruptError
from hubbub.log.files import File
from hubbub.log.frames import read_frames, read_segment_header, seed_of
from hubbub.log.layout import BLOCK, PLACES, SEGMENT_HEADER, SEGMENT_NAME
from hubbub.log.reading import pread


class Held:
    """An index that is not on the disk: it could not be written, or nothing may be."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    def pread(self, length: int, offset: int) -> bytes:
        """See `File`."""
        return self._data[offset : offset + length]

    pread_nowait = pread

    def size(self) -> int:
        """See `File`."""
        return len(self._data)

    def close(self) -> None:
        """See `File`."""

    def pwrite(self, data: bytes | bytearray | memoryview, offset: int) -> None:  # noqa: ARG002 (it is a `File`)
        """See `File`."""
        raise UnsupportedOperation("this index is not on the disk")

    def truncate(self, length: int) -> None:  # noqa: ARG002 (it is a `File`)
        """See `File`."""
        raise UnsupportedOperation("this index is not on the disk")

    def preallocate(self, offset: int, length: int) -> None:  # noqa: ARG002 (it is a `File`)
        """See `File`."""
        raise UnsupportedOperation("this index is not on the disk")

    def fdatasync(self) -> None:
        """See `File`."""


class BlockCache:
    """Blocks of sealed indexes, in two generations: what was not asked for since the last turn is dropped."""

    __slots__ = ("_half", "_old", "young")

    def __init__(self, size: int) -> None:
        self._half = max(size // BLOCK // 2, 1)
        self.young: dict[int, array[int]] = {}
        self._old: dict[int, array[int]] = {}

    def find(self, key: int) -> array[int] | None:
        """A block; one from the old generation becomes young again."""
        found = self.young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self.put(key, found)
        return found

    def put(self, key: int, block: array[int]) -> None:
        """Keep a block."""
        if len(self.young) >= self._half:
            self._old = self.young
            self.young = {}
        self.young[key] = block


class Sealed:
    """A segment that is complete, with what has to be in memory of its index: 16 bytes a stream."""

    __slots__ = (
        "_blocks",
        "_cache",
        "_index",
        "_index_name",
        "clustered",
        "dead",
        "entries",
        "file",
        "firsts",
        "holes",
        "key",
        "name",
        "newest",
        "number",
        "numbers",
        "rows",
        "size",
        "tags",
    )  # fmt: skip

    def __init__(
        self,
        file: File,
        index: File,
        directory: index_file.Directory,
        cache: BlockCache,
        *,
        clustered: bool,
        index_name: str,
    ) -> None:
        self.file = file
        self._index = index
        self._index_name = index_name
        self._cache = cache
        self.key = directory.segment << 32
        self._blocks = directory.blocks
        self.number = directory.segment
        self.name = SEGMENT_NAME % directory.segment
        self.numbers = directory.numbers
        self.firsts = directory.firsts
        self.rows = directory.rows
        self.size = directory.end
        self.entries = directory.entries
        self.newest = directory.newest
        self.tags = directory.tags
        self.holes = bool(directory.holes)
        self.clustered = clustered
        self.dead = 0
        """Entries that compaction would drop, as far as is known."""

    def row(self, number: int) -> int:
        """The row of a stream in the directory; -1: nothing of it here."""
        numbers = self.numbers
        i = bisect_left(numbers, number)
        return i if i < len(numbers) and numbers[i] == number else -1

    def places(self, row: int, count: int, *, wait: bool = True) -> array[int]:
        """The places of `count` messages from a row of the places on."""
        block, at = divmod(row, PLACES)
        found = self._cache.young.get(self.key | block)
        if found is None:
            found = self._block(block, wait=wait)
        places = found[at : at + count]
        while len(places) < count:
            block += 1
            places += self._block(block, wait=wait)[: count - len(places)]
        return places

    def place(self, row: int, *, wait: bool = True) -> int:
        """The place of one message."""
        found = self._cache.young.get(self.key | row // PLACES)
        if found is None:
            found = self._block(row // PLACES, wait=wait)
        return found[row % PLACES]

    def _block(self, block: int, *, wait: bool) -> array[int]:
        found = self._cache.find(self.key | block)
        if found is None:
            data = pread(self._index, BLOCK, self._blocks + block * BLOCK, wait=wait)
            found = index_file.read_block(self._index_name, self.number, self._blocks, block, data)
            self._cache.put(self.key | block, found)
        return found

    def contents(self) -> Contents:
        """The whole index in memory."""
        return index_file.read_contents(self._index, self._index_name)[1]

    def close(self) -> None:
        """Give the descriptors back."""
        self.file.close()
        self._index.close()


def scan(file: File, name: str, number: int, identity: int) -> tuple[Contents, int]:
    """Contents and base of a sealed segment from its frames alone; CorruptError if they end early."""
    base, _ = read_segment_header(file, name, number, identity)
    contents = Contents()
    end = SEGMENT_HEADER
    size = file.size()
    for frame in read_frames(file, end, size, seed_of(identity, number), base):
        contents.add(frame, name)
        end = frame.end
    if end != size:
        raise CorruptError(name, end, "a frame of the sealed segment is damaged")
    return contents, base
