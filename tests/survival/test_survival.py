"""The test of all tests: nothing acknowledged is lost, nothing is doubled, however often the server dies."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from survival.trial import trial

SEED = int(os.environ.get("TRIAL_SEED", "20261121"))
KILLS = int(os.environ.get("TRIAL_KILLS", "30"))


@pytest.mark.timeout(600)
def test_thirty_kills_and_every_view_is_the_same_sequence(tmp_path: Path) -> None:
    outcome = asyncio.run(trial(tmp_path / "data", SEED, kills=KILLS))
    assert outcome.kills == KILLS
    assert outcome.returns >= 20 * KILLS // 2, "most of the time, everybody came back"
    assert outcome.retried > 0, "something was in flight when the server died"
    assert outcome.messages > 10 * KILLS
