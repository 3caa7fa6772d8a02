"""The bench of dashboards, briefly."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.dashboards import QUICK, Size, lines, report, run
from bench.found import Found
from bench.machine import Cores


@pytest.mark.long
def test_it_runs_and_tells(tmp_path: Path) -> None:
    found = run(QUICK, tmp_path / "dashboards", Cores(None, None))
    assert found.skipped == []
    assert found.has("idle", "open", "bytes")
    assert found.median("bytes") > 100
    assert "2 dashboards open" in report(found, QUICK)


def test_the_table_says_whether_the_target_is_met() -> None:
    found = Found()
    for what, figures in (("idle", (0.01, 0.03)), ("open", (0.02, 0.045)), ("bytes", (900.0, 1_100.0))):
        for figure in figures:
            found.add(what, figure)
    first, *_ = lines(found, Size())
    assert (first.measured, first.met) == ("1.25% more than with none", True)
    found.figures["open"] = [0.05, 0.06]
    assert lines(found, Size())[0].met is False
    assert lines(Found(), Size())[0].met is None
