"""Histograms against sorted lists of the same values."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.observe.histograms import MOST, Histogram

ERROR = 1 / 32


def quantile(values: list[int], part: float) -> int:
    """The least of them that so many do not pass."""
    ordered = sorted(values)
    return next(value for place, value in enumerate(ordered, 1) if place >= part * len(ordered))


@given(st.lists(st.integers(0, MOST), min_size=1, max_size=300))
def test_quantiles_are_never_too_low_and_hardly_too_high(values: list[int]) -> None:
    histogram = Histogram()
    for value in values:
        histogram.record((value + 0.5) / 1_000_000)
    found = histogram.turn()
    assert found.most == max(values)
    for part, shown in ((0.5, found.p50), (0.99, found.p99)):
        true = quantile(values, part)
        assert shown is not None
        assert true <= shown <= true * (1 + ERROR)


def test_a_second_begins_anew_and_the_whole_goes_on() -> None:
    histogram = Histogram()
    assert histogram.turn() == (None, None, None)
    histogram.record(0.010, 99)
    histogram.record(0.500)
    first = histogram.turn()
    assert (first.p50, first.p99, first.most) == (10_239, 10_239, 500_000)
    assert histogram.turn() == (None, None, None)
    histogram.record(0.001)
    assert histogram.turn().most == 1_000
    assert (histogram.count, histogram.sum) == (101, 99 * 10_000 + 500_000 + 1_000)


def test_the_second_that_runs_counts_to_the_whole() -> None:
    """Prometheus comes between two samples."""
    histogram = Histogram()
    histogram.record(0.004)
    histogram.turn()
    histogram.record(0.004)
    histogram.record(0.2)
    assert histogram.below([0.001, 0.005, 0.1, 1.0]) == [0, 2, 2, 3]


@pytest.mark.parametrize(("seconds", "kept"), [(-1.0, 0), (1e9, MOST), (0.0, 0)])
def test_what_no_bucket_is_for_is_kept_in_the_nearest(seconds: float, kept: int) -> None:
    histogram = Histogram()
    histogram.record(seconds)
    assert histogram.turn().most == kept


def test_buckets_hold_all_that_lies_between_bounds() -> None:
    draw = random.Random(7)
    values = [draw.lognormvariate(-6, 2) for _ in range(5_000)]
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    bounds = [0.0001, 0.001, 0.01, 0.1, 1.0]
    for bound, count in zip(bounds, histogram.below(bounds), strict=True):
        least = sum(value <= bound * (1 - ERROR) for value in values)
        most = sum(value <= bound for value in values)
        assert least <= count <= most
