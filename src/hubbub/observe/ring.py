"""The last hour, a row a second: columns of a fixed size, in arrays of numbers."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, Literal, NamedTuple

ROWS: Final = 3_600

Thinning = Literal["mean", "most", "last"]


class Column(NamedTuple):
    """One number of each row: never negative."""

    code: Literal["H", "I", "Q"] = "I"
    """Of `array`: 2, 4 or 8 bytes. What is more is kept as the most that fits."""
    thinned: Thinning = "last"
    """What of several rows stands for all of them."""
    sparse: bool = False
    """It may be missing (None)."""


_MOST: Final = {"H": (1 << 16) - 1, "I": (1 << 32) - 1, "Q": (1 << 64) - 1}


class Ring:
    """Rows of the same columns; the oldest goes when the newest comes."""

    __slots__ = ("_columns", "_count", "_next", "_values", "rows")

    def __init__(self, columns: Mapping[str, Column], rows: int = ROWS) -> None:
        """`columns` by name. In a sparse one its largest number stands for None."""
        self._columns = dict(columns)
        self._values = [
            array(one.code, bytes(array(one.code).itemsize * rows)) for one in self._columns.values()
        ]
        self.rows = rows
        self._next = 0
        self._count = 0

    def __len__(self) -> int:
        """How many rows there are."""
        return self._count

    @property
    def size(self) -> int:
        """Bytes of all columns, full or not."""
        return sum(len(values) * values.itemsize for values in self._values)

    def put(self, row: Sequence[int | None]) -> None:
        """The next row, in the order of the columns."""
        at = self._next
        for values, column, value in zip(self._values, self._columns.values(), row, strict=True):
            most = _MOST[column.code]
            if value is None:
                values[at] = most
            elif column.sparse:
                values[at] = value if value < most else most - 1
            else:
                values[at] = value if value < most else most
        self._next = (at + 1) % self.rows
        self._count = min(self._count + 1, self.rows)

    def read(self, points: int | None = None) -> tuple[int, dict[str, list[int | None]]]:
        """All rows by column, oldest first, thinned to at most `points`; and for how many each stands."""
        group = 1 if points is None else max(1, -(-self._count // max(1, points)))
        found: dict[str, list[int | None]] = {}
        for (name, column), values in zip(self._columns.items(), self._values, strict=True):
            whole = self._in_order(values)
            if column.sparse:
                missing = _MOST[column.code]
                rows: list[int | None] = [None if value == missing else value for value in whole]
            else:
                rows = list(whole)
            found[name] = rows if group == 1 else _thin(rows, group, column.thinned)
        return group, found

    def _in_order(self, values: array[int]) -> list[int]:
        if self._count < self.rows:
            return values[: self._count].tolist()
        return (values[self._next :] + values[: self._next]).tolist()


def _thin(values: Sequence[int | None], group: int, how: Thinning) -> list[int | None]:
    """The last group is whole, the first may not be: what is new moves least."""
    first = len(values) % group or group
    edges = [0, *range(first, len(values) + 1, group)]
    if how == "last":
        return [values[end - 1] for end in edges[1:]]
    thinned: list[int | None] = []
    for start, end in pairwise(edges):
        there = [value for value in values[start:end] if value is not None]
        if not there:
            thinned.append(None)
        else:
            thinned.append(max(there) if how == "most" else round(sum(there) / len(there)))
    return thinned
