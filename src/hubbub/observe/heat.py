"""Histograms over time, for heat maps: the last hour, ten seconds a column, of a fixed size."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import Final

from hubbub.observe.kernel.buckets import lowest

SECONDS: Final = 10
"""Of a column."""
COLUMNS: Final = 360


class Heat:
    """Counts by kind, column and power of two. What is smaller or larger counts as the least or the most."""

    __slots__ = ("_counts", "_first", "_number", "columns", "powers")

    def __init__(self, kinds: Mapping[str, int], powers: int, columns: int = COLUMNS) -> None:
        """`kinds`: the least power of two of each."""
        self._first = dict(kinds)
        self._counts = {kind: array("I", bytes(4 * powers * columns)) for kind in kinds}
        self._number = 0  # of the newest column since 1970; 0: there is none
        self.powers = powers
        self.columns = columns

    @property
    def size(self) -> int:
        """Bytes of all counts, whether they are 0 or not."""
        return sum(len(counts) * counts.itemsize for counts in self._counts.values())

    def add(self, at: float, kind: str, buckets: Iterable[tuple[int, int]]) -> None:
        """Take in counts by bucket (`kernel/buckets.py`) of a moment, in Unix time; not what is too old."""
        number = int(at // SECONDS)
        self._go_on_to(number)
        if number <= self._number - self.columns:
            return
        counts, first, last = self._counts[kind], self._first[kind], self.powers - 1
        start = number % self.columns * self.powers
        for bucket, count in buckets:
            power = lowest(bucket).bit_length() - 1
            counts[start + min(max(power - first, 0), last)] += count

    def _go_on_to(self, number: int) -> None:
        """Columns that nothing was told of are empty."""
        for passed in range(max(self._number + 1, number - self.columns + 1), number + 1):
            start = passed % self.columns * self.powers
            for counts in self._counts.values():
                counts[start : start + self.powers] = array("I", bytes(4 * self.powers))
        self._number = max(self._number, number)

    def read(self, at: float) -> dict[str, list[list[int]]]:
        """All columns of each kind up to that moment, oldest first, each with its counts by power of two."""
        self._go_on_to(int(at // SECONDS))
        order = range(self._number + 1, self._number + 1 + self.columns)
        starts = [number % self.columns * self.powers for number in order]
        return {
            kind: [counts[start : start + self.powers].tolist() for start in starts]
            for kind, counts in self._counts.items()
        }
