"""The ring of the last hour."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.observe.ring import Column, Ring

COLUMNS = {
    "at": Column("Q"),
    "mean": Column("I", "mean"),
    "most": Column("I", "most", sparse=True),
    "last": Column("H"),
}


def filled(count: int, rows: int = 10) -> Ring:
    ring = Ring(COLUMNS, rows)
    for number in range(count):
        ring.put((number, 10 * number, None if number % 3 == 0 else number, number))
    return ring


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 25])
def test_the_newest_rows_are_there_oldest_first(count: int) -> None:
    ring = filled(count)
    group, columns = ring.read()
    wanted = list(range(count))[-10:]
    assert (group, len(ring)) == (1, len(wanted))
    assert columns["at"] == wanted
    assert columns["mean"] == [10 * number for number in wanted]
    assert columns["most"] == [None if number % 3 == 0 else number for number in wanted]


def test_its_size_does_not_depend_on_what_is_in_it() -> None:
    assert filled(0).size == filled(99).size == 10 * (8 + 4 + 4 + 2)


def test_what_does_not_fit_is_kept_as_the_most_that_does() -> None:
    ring = Ring(COLUMNS, 2)
    ring.put((1, 1 << 40, 1 << 40, 1 << 20))
    _, columns = ring.read()
    assert columns == {"at": [1], "mean": [(1 << 32) - 1], "most": [(1 << 32) - 2], "last": [(1 << 16) - 1]}


def test_thinned_rows_hold_mean_most_and_last() -> None:
    group, columns = filled(10).read(3)
    assert group == 4
    assert columns == {  # the rows 0 1, 2 3 4 5, 6 7 8 9
        "at": [1, 5, 9],
        "mean": [5, 35, 75],
        "most": [1, 5, 8],
        "last": [1, 5, 9],
    }


@given(st.integers(0, 60), st.integers(1, 60), st.integers(1, 80))
def test_thinning_never_gives_more_than_was_asked_for(count: int, rows: int, points: int) -> None:
    ring = filled(count, rows)
    group, columns = ring.read(points)
    (length,) = {len(values) for values in columns.values()}
    assert length <= points
    assert (length - 1) * group < len(ring) <= length * group or length == len(ring) == 0
    assert columns["at"][-1:] == [count - 1][: len(ring)]
