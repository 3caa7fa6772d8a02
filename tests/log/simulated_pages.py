"""The bytes of one simulated file: in the cache, on the disk, and on their way."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

SECTOR = 512
PAGE = 4096


@dataclass(slots=True)
class Write:
    """Bytes put at an offset, or with `length` alone: the file grown or cut to it."""

    offset: int
    data: bytes = b""
    cut: bool = False

    def apply(self, image: bytearray) -> None:
        if self.cut:
            del image[self.offset :]
        if len(image) < self.offset:
            image.extend(bytes(self.offset - len(image)))
        image[self.offset : self.offset + len(self.data)] = self.data

    def sectors(self) -> Iterator[Write]:
        """Yield the write cut at the sectors' bounds."""
        start, end = self.offset, self.offset + len(self.data)
        while start < end:
            stop = min(end, start // SECTOR * SECTOR + SECTOR)
            yield Write(start, self.data[start - self.offset : stop - self.offset])
            start = stop


@dataclass(slots=True, eq=False)
class Inode:
    """A file's bytes: as a reader sees them, as they are on the disk, and what lies between the two."""

    cache: bytearray = field(default_factory=bytearray)
    disk: bytearray = field(default_factory=bytearray)
    pending: list[Write] = field(default_factory=list)
    lost_pages: bool = False  # a sync failed: pages that are clean, and are not on the disk

    def write(self, change: Write, grain: int) -> None:
        change.apply(self.cache)
        if self.lost_pages and change.data:  # the kernel writes blocks, with what else they hold
            start = change.offset // grain * grain
            end = -(-(change.offset + len(change.data)) // grain) * grain
            change = Write(start, bytes(self.cache[start:end]))
        self.pending.append(change)

    def flush(self, count: int) -> None:
        """Bring the first `count` pending changes to the disk."""
        for change in self.pending[:count]:
            change.apply(self.disk)
        del self.pending[:count]

    def forget(self, count: int) -> None:
        """Count data as written that was not. The length is the journal's, which keeps it."""
        self.lost_pages = self.lost_pages or count > 0
        self.pending[:count] = [change for change in self.pending[:count] if not change.data]

    def evict(self) -> None:
        """Let the cache go: the pages that a failed sync marked clean show what the disk has."""
        size = len(self.cache)
        self.cache = bytearray(self.disk)
        for change in self.pending:
            change.apply(self.cache)
        del self.cache[size:]
        Write(size).apply(self.cache)

    def after_power_cut(self, rng: random.Random, garbage: Callable[[int], bytes]) -> bytearray:
        """Return what may be on the disk now."""
        image = bytearray(self.disk)
        kept, torn = self._kept(rng)
        for change in kept:
            change.apply(image)
        if torn is not None:
            for piece in torn.sectors():
                if rng.random() < 0.5:
                    break
                piece.apply(image)
            return image
        if len(kept) < len(self.pending) and rng.random() < 0.8:
            self._scatter(image, self.pending[len(kept) :], rng, garbage)
        return image

    def _kept(self, rng: random.Random) -> tuple[list[Write], Write | None]:
        """Return the changes that arrived in their order, and one of which the beginning did."""
        kind = rng.randrange(6)
        if kind == 0:
            return self.pending, None
        if kind < 3:
            return [], None
        count = rng.randrange(len(self.pending) + 1)
        torn = self.pending[count] if kind == 3 and count < len(self.pending) else None
        return self.pending[:count], torn

    def _scatter(
        self, image: bytearray, changes: list[Write], rng: random.Random, garbage: Callable[[int], bytes]
    ) -> None:
        """Let any sector have any of its ages.

        A cut that did not happen keeps what came after it beyond that length from the disk too:
        those blocks belong to no file yet.
        """
        arriving = rng.choice((0.2, 0.6, 0.95))
        frozen: set[int] = set()
        limit: int | None = None
        for change in changes:
            if not change.data:
                if rng.random() < arriving and limit is None:
                    change.apply(image)
                elif change.cut:
                    limit = change.offset if limit is None else min(limit, change.offset)
                continue
            for piece in change.sectors():
                sector = piece.offset // SECTOR
                if sector in frozen or (limit is not None and piece.offset >= limit):
                    continue
                if rng.random() < arriving:
                    piece.apply(image)
                    continue
                frozen.add(sector)
                end = piece.offset + len(piece.data)
                if rng.random() < 0.3 and len(image) < end:
                    Write(end).apply(image)
                if rng.random() < 0.15 and not any(image[piece.offset : end]):
                    Write(piece.offset, garbage(len(piece.data))).apply(image)
