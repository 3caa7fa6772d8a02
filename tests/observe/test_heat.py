"""Histograms over time: columns of a fixed size, the oldest go."""

from __future__ import annotations

from hubbub.observe.heat import SECONDS, Heat
from hubbub.observe.kernel.buckets import bucket_of

START = 1_000_000.0


def heat() -> Heat:
    return Heat({"times": 8, "sizes": 0}, powers=24, columns=6)


def test_counts_stand_in_their_power_of_two() -> None:
    one = heat()
    one.add(START, "times", {bucket_of(300): 2, bucket_of(511): 1, bucket_of(512): 4}.items())
    newest = one.read(START)["times"][-1]
    assert newest[:2] == [3, 4]
    assert sum(newest) == 7
    assert sum(map(sum, one.read(START)["sizes"])) == 0


def test_what_is_smaller_or_larger_counts_at_the_ends() -> None:
    one = heat()
    one.add(START, "times", {bucket_of(0): 1, bucket_of(1 << 39): 2}.items())
    newest = one.read(START)["times"][-1]
    assert (newest[0], newest[-1]) == (1, 2)


def test_columns_go_on_also_where_nothing_was_told_and_the_oldest_goes() -> None:
    one = heat()
    for number in range(4):
        one.add(START + SECONDS * number, "sizes", {bucket_of(1): number + 1}.items())
    assert [column[0] for column in one.read(START + SECONDS * 3)["sizes"]] == [0, 0, 1, 2, 3, 4]
    assert [column[0] for column in one.read(START + SECONDS * 6)["sizes"]] == [2, 3, 4, 0, 0, 0]
    assert [column[0] for column in one.read(START + SECONDS * 600)["sizes"]] == [0] * 6


def test_what_is_too_old_or_from_a_clock_that_went_back_does_no_harm() -> None:
    one = heat()
    one.add(START, "sizes", {bucket_of(1): 1}.items())
    one.add(START - SECONDS * 100, "sizes", {bucket_of(1): 7}.items())
    one.add(START - SECONDS, "sizes", {bucket_of(1): 2}.items())
    assert [column[0] for column in one.read(START)["sizes"]] == [0, 0, 0, 0, 2, 1]


def test_its_size_does_not_grow() -> None:
    one = heat()
    before = one.size
    for second in range(500):
        one.add(START + second, "times", {bucket_of(second * 1000): 1}.items())
    assert one.size == before == 2 * 6 * 24 * 4
