"""The segment that is written, and a frame on its way into it."""

from __future__ import annotations

from hubbub.log.contents import Contents
from hubbub.log.files import File, Files
from hubbub.log.frames import seed_of, segment_header
from hubbub.log.layout import SEGMENT_HEADER, SEGMENT_NAME
from hubbub.log.streams import Stream


class Active:
    """A segment that is written. `end` ≥ what is settled; `durable` ≤ `end`."""

    __slots__ = (
        "allocated", "base", "checkpointed", "contents", "dead", "durable", "end", "file",
        "following", "introduced", "name", "number", "seed", "sequence", "settled",
    )  # fmt: skip

    def __init__(self, file: File, number: int, base: int, identity: int) -> None:
        self.file = file
        self.number = number
        self.name = SEGMENT_NAME % number
        self.base = base
        self.seed = seed_of(identity, number)
        self.sequence = base
        self.end = self.settled = self.durable = self.allocated = self.checkpointed = SEGMENT_HEADER
        self.contents = Contents()
        self.dead = 0
        """Settled entries that are erased, trimmed or overwritten."""
        self.introduced: dict[bytes, Stream] = {}
        """Streams that a frame of this segment, settled or not, has introduced."""
        self.following: Active | None = None
        """The segment that goes on where this one ends."""

    @classmethod
    def create(cls, files: Files, number: int, base: int, identity: int, preallocate: int) -> Active:
        """A new file with its header; not durable yet."""
        file = files.create(SEGMENT_NAME % number)
        try:
            active = cls(file, number, base, identity)
            if preallocate:
                file.preallocate(0, preallocate)
                active.allocated = preallocate
            file.pwrite(segment_header(number, base, identity), 0)
        except OSError:
            file.close()
            files.unlink(SEGMENT_NAME % number)
            raise
        return active


class Written:
    """One frame that was written and is not settled yet."""

    __slots__ = (
        "count", "end", "entries", "introduced", "offsets", "position",
        "records", "segment", "shifts", "size", "tags", "time",
    )  # fmt: skip

    def __init__(self, segment: Active, position: int, time: int) -> None:
        self.segment = segment
        self.position = position
        self.end = position
        self.time = time
        self.offsets: list[list[int]] = []
        """For each batch, in order, the offsets that its appends got."""
        self.entries: list[tuple[Stream, int, bytes]] = []
        self.introduced: list[tuple[Stream, int]] = []
        self.records: list[tuple[bytes, int]] = []
        self.shifts: list[tuple[int, Stream, int]] = []
        self.count = 0
        self.tags = 0
        self.size = 0
