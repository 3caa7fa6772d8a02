"""Histograms as the probes count them: four buckets for each power of two, so a value is known to a fourth.

`bucket_of` is the same function as `bucket_of` in `probes/counting.h`; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

BUCKETS: Final = 160
"""The last one takes everything from 2**40 on."""


def bucket_of(value: int) -> int:
    """In which bucket a value is counted."""
    if value < 4:
        return max(value, 0)
    power = value.bit_length() - 1
    return min((power - 1) * 4 + ((value >> (power - 2)) & 3), BUCKETS - 1)


def lowest(bucket: int) -> int:
    """The least value that is counted there."""
    if bucket < 4:
        return bucket
    power, part = bucket // 4 + 1, bucket % 4
    return (4 + part) << (power - 2)


def quantile(counts: Mapping[int, int], part: float) -> int | None:
    """The value that so many of all do not pass: the upper end of its bucket. None: there is none."""
    whole = sum(counts.values())
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= part * whole and seen > 0:
            return lowest(bucket + 1) - 1
    return None
