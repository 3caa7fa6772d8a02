"""The settings of a log: each with its unit, default and reason."""

from __future__ import annotations

from dataclasses import dataclass

from hubbub.log.layout import FRAME_LIMIT, SEGMENT_LIMIT


@dataclass(frozen=True, slots=True)
class Options:
    """How a log behaves. None of it changes what is on the disk of an existing one."""

    segment_bytes: int = 64 << 20
    """A segment is sealed once it is this long: what has to be scanned at most when its index is lost."""
    preallocate: int = 4 << 20
    """Space is taken from the file system in such steps, so that a sync need not write the file's length."""
    checkpoint_bytes: int = 8 << 20
    """The index of the active segment is written down each time it has grown so far: what an open scans."""
    mark_seconds: float = 0.03
    """The high-water mark is written at most this often."""
    tag_seconds: float = 600.0
    """How long `Log.tags` gives a tag back."""
    tags_kept: int = 2_000_000
    """And how many it gives back at most, the newest: the memory of who keeps them has a bound."""
    tail_bytes: int = 8 << 20
    """Newest payloads held in memory, so that reading a stream's end touches no file."""
    cache_bytes: int = 16 << 20
    """Blocks of sealed indexes held in memory."""
    compact_dead: float = 0.3
    """A sealed segment with this share of dead entries is worth compacting."""
    compact_segments: int = 4
    """So is a run of this many sealed segments that are not sorted by stream yet."""
    compact_bytes: int = 512 << 20
    """Compaction makes no segment larger than about this: its space is needed twice while it runs."""

    def __post_init__(self) -> None:
        if not 0 < self.segment_bytes <= SEGMENT_LIMIT:
            raise ValueError(f"segment_bytes is between 1 and {SEGMENT_LIMIT}")
        if not 0 < self.compact_bytes <= SEGMENT_LIMIT:
            raise ValueError(f"compact_bytes is between 1 and {SEGMENT_LIMIT}")
        if not 0 <= self.preallocate <= FRAME_LIMIT:
            raise ValueError(f"preallocate is between 0 and {FRAME_LIMIT}")
        if min(self.checkpoint_bytes, self.compact_segments) < 1:
            raise ValueError("checkpoint_bytes and compact_segments are at least 1")
        if min(self.mark_seconds, self.tag_seconds, self.tags_kept, self.tail_bytes, self.cache_bytes) < 0:
            raise ValueError("times and sizes are not negative")
