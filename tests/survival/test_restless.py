"""What was said changes, on several devices, on a log that is compacted, while the server dies."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from survival.restless import restless_trial

SEED = int(os.environ.get("TRIAL_SEED", "20261121"))
KILLS = int(os.environ.get("RESTLESS_KILLS", "6"))


@pytest.mark.timeout(300)
def test_the_history_is_what_each_device_makes_of_what_it_heard(tmp_path: Path) -> None:
    outcome = asyncio.run(restless_trial(tmp_path / "data", SEED, kills=KILLS))
    assert outcome.retried > 0, "something was in flight when the server died"
    assert outcome.changes > KILLS
    assert outcome.acknowledged > 20 * KILLS
