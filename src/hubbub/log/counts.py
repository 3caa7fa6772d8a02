"""What `Log.stat` tells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stat:
    """What there is, at one moment."""

    epoch: str
    streams: int
    keys: int
    entries: int
    """Table entries in all segments: payloads, records, and what the log notes for itself."""
    dead: int
    """Of these, what compaction would drop, as far as is known."""
    segments: int
    bytes: int
    """Of segments, without their indexes."""
    erased: int
    cut: int
    """Bytes that opening cut from the end: written, and never proved durable."""
    rebuilt: int
    """Indexes that opening made anew."""
    failure: str | None
