"""The bench of the web client, briefly."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.chatter import text
from bench.found import Found
from bench.web import QUICK, Size, lines, report, run

WHAT = (
    *(
        "first load",
        "first load and more",
        "first",
        "reload",
        "reload unthrottled",
        "sign-in",
        "opening",
        "nodes",
    ),
    *("scrolling slowest", "scrolling worked", "scrolling rate", "empty p99"),
    *("busy", "working", "lost", "typing p99", "event timing slowest"),
)


@pytest.mark.long
@pytest.mark.usefixtures("chromium")
def test_it_runs_and_tells(tmp_path: Path) -> None:
    found = run(QUICK, tmp_path / "web")
    assert found.skipped == []
    assert found.has(*WHAT)
    assert found.median("lost") == 0
    assert 10_000 < found.median("first load") <= 70_000
    assert 10 <= found.median("nodes") <= 150
    assert "not measured" not in report(found, QUICK)


def test_the_table_says_whether_a_target_is_met() -> None:
    found = Found()
    for figure in (68_000.0, 70_001.0, 69_000.0):
        found.add("first load", figure)
    assert (lines(found, Size())[0].measured, lines(found, Size())[0].met) == ("69,000 bytes", True)
    found.add("first load", 80_000.0)
    found.add("first load", 80_000.0)
    assert lines(found, Size())[0].met is False
    assert lines(Found(), Size())[0].met is None


def test_what_is_said_is_of_all_lengths_and_the_same_each_time() -> None:
    said = [text(number) for number in range(500)]
    assert said == [text(number) for number in range(500)]
    assert min(map(len, said)) < 10
    assert max(map(len, said)) > 200
