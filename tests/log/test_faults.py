"""Thousands of crashes in every run of the tests; `make faults` has more."""

from __future__ import annotations

import pytest

from log.faults import explore

_LIVES = 200


@pytest.mark.parametrize("chunk", range(7))
def test_nothing_acknowledged_is_lost_whatever_crashes(chunk: int) -> None:
    findings, counts = explore(range(chunk * _LIVES, (chunk + 1) * _LIVES))
    assert not findings, "\n".join(map(str, findings))
    assert counts["crashes"] > 4 * _LIVES
    rare = {name: counts[name] for name in ("adopted", "recovered", "seal", "epoch")}
    assert all(rare.values()), f"something was never tried: {rare}"
