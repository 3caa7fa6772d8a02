"""Histograms of times: log-linear, of a fixed size, as HdrHistogram has them (Gil Tene, hdrhistogram.org).

Each power of two is cut into 32 equal parts, so a value is known to 1/32 of itself, and to record one is a
few operations on small integers, whatever was recorded before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

_BITS: Final = 5  # 2^5 parts of each power of two
_PARTS: Final = 1 << _BITS
_SHIFTED: Final = _BITS + 1
MOST: Final = (1 << 31) - 1
"""Microseconds (36 minutes). What is longer counts as this."""
_BUCKETS: Final = (31 - _BITS - 1) * _PARTS + 2 * _PARTS


class Quantiles(NamedTuple):
    """Of one second, in microseconds; None: nothing was recorded. Never too low, at most 3 % too high."""

    p50: int | None
    p99: int | None
    most: int | None


_NOTHING: Final = Quantiles(None, None, None)


class Histogram:
    """Microseconds: those of the second that runs, and of all before."""

    __slots__ = ("_counts", "_most", "_total", "count", "sum")

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS  # of the second that runs
        self._total = [0] * _BUCKETS  # of those before
        self._most = -1  # of this second; -1: nothing was recorded
        self.count = 0
        """How many were recorded, ever."""
        self.sum = 0
        """Their microseconds."""

    def record(self, seconds: float, count: int = 1) -> None:
        """Take in `count` values that are the same."""
        value = int(seconds * 1_000_000)
        if value < 0:
            value = 0
        if value > self._most:
            self._most = value = min(value, MOST)
        shift = value.bit_length() - _SHIFTED
        self._counts[value if shift <= 0 else (shift << _BITS) + (value >> shift)] += count
        self.count += count
        self.sum += value * count

    def turn(self) -> Quantiles:
        """The second is over: what was in it, which counts to those before from now on."""
        most, self._most = self._most, -1
        if most < 0:
            return _NOTHING
        counts, self._counts = self._counts, [0] * _BUCKETS
        total = self._total
        there = [index for index, count in enumerate(counts) if count]
        if not there:  # 0 values were recorded
            return _NOTHING
        for index in there:
            total[index] += counts[index]
        places = _places([counts[index] for index in there], (0.5, 0.99))
        p50, p99 = (min(_highest(there[place]), most) for place in places)
        return Quantiles(p50, p99, most)

    def below(self, bounds: Sequence[float]) -> list[int]:
        """How many were at most so many seconds, for each bound, ascending: for Prometheus."""
        found: list[int] = []
        index = count = 0
        for bound in bounds:
            limit = round(bound * 1_000_000)
            while index < _BUCKETS and _highest(index) <= limit:
                count += self._total[index] + self._counts[index]
                index += 1
            found.append(count)
        return found


def _places(counts: Sequence[int], parts: Sequence[float]) -> list[int]:
    """Which of `counts` holds the value that so many of all do not pass; `parts` ascending."""
    places: list[int] = []
    whole, seen, place = sum(counts), 0, -1
    for part in parts:
        while seen < part * whole:
            place += 1
            seen += counts[place]
        places.append(place)
    return places


def _highest(index: int) -> int:
    """The largest value that falls into this bucket."""
    shift = (index >> _BITS) - 1
    if shift <= 0:
        return index
    return ((index - (shift << _BITS) + 1) << shift) - 1
