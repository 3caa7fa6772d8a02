"""Bits flipped, files cut, zeroed, swapped and removed behind random lives of the log."""

from __future__ import annotations

import pytest

from log.faults import live
from log.faults_damage import Spoilt

_LIVES = 80


@pytest.mark.parametrize("chunk", range(4))
def test_damage_is_refused_or_harmless(chunk: int) -> None:
    refused = 0
    for seed in range(chunk * _LIVES, (chunk + 1) * _LIVES):
        episode = Spoilt(seed)
        found = live(episode, seed)
        assert found is None, f"{found}\n" + "\n".join(episode.trace[-10:])
        refused += episode.counts["refused"] > 0
    assert refused > _LIVES // 4
