"""The bench of kernel probes, briefly."""

from __future__ import annotations

import pytest
from bench.drive import compile_driver
from bench.found import Found
from bench.machine import Cores
from bench.probes import ALSO, KINDS, SCENARIO, Size, lines, overhead, truth

BRIEF = Size(rounds=1, seconds=0.3, sending=1.5)
NOWHERE = Cores(None, None)


@pytest.mark.parametrize("everything", [False, True])
def test_figures_add_up_to_what_was_sent(everything: bool) -> None:
    found = Found()
    truth(BRIEF, NOWHERE, found, everything=everything)
    kind = "everything" if everything else "default"
    assert found.figures[f"rate {kind}"][0] > 1_000
    assert found.figures[f"calls wrong {kind}"] == [0]
    assert found.figures[f"bytes wrong {kind}"] == [0]
    assert [line.measured for line in lines(found) if "add up" in line.what] == ["exactly"]


@pytest.mark.long
def test_each_set_is_put_beside_none() -> None:
    found = Found()
    overhead(1, BRIEF, NOWHERE, compile_driver(), found)
    assert set(found.figures) == {f"{name} {kind}" for name in (SCENARIO, *ALSO) for kind in KINDS}
    assert found.faults == 0
    rows = [line for line in lines(found) if line.target]
    assert [line.target for line in rows] == ["≥ 97%", "≥ 92%"]
