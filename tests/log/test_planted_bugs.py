"""Each planted bug is caught, so what the crash tests do not find is not there for want of looking."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from log import faults_planted as planted
from log.faults import live
from log.faults_damage import Shortened, Spoilt, Unmarked
from log.faults_episode import Episode
from log.simulated_files import SimulatedFiles


class Bug(NamedTuple):
    """Where it is planted, and within how many lives it is to be found: some times more than it took."""

    lives: int
    plant: Callable[[pytest.MonkeyPatch], None] = planted.nothing
    disk: type[SimulatedFiles] = SimulatedFiles
    kind: type[Episode] = Episode


BUGS = {
    "the segment is not synced": Bug(40, disk=planted.without_sync_of(".seg")),
    "the temporary file is not synced": Bug(40, disk=planted.without_sync_of(".tmp")),
    "the directory is not synced": Bug(40, disk=planted.WithoutDirectorySync),
    "renamed before the sync": Bug(40, disk=planted.RenameBeforeSync),
    "a failed sync is tried again": Bug(200, disk=planted.RetriedSync),
    "the cache is trusted behind the proof": Bug(300, disk=planted.TrustedCache),
    "the compacted segment is not synced": Bug(200, disk=planted.without_sync_of("compact-")),
    "nothing is truncated": Bug(40, disk=planted.WithoutTruncation),
    "recovery drops the last frame": Bug(40, planted.cut_too_much),
    "recovery drops what is not proved": Bug(40, planted.cut_at_the_proof),
    "no CRC is checked": Bug(40, planted.no_crc),
    "inputs go before the manifest": Bug(200, planted.inputs_removed_first, planted.TolerantUnlink),
    "acknowledged before the sync": Bug(40, planted.late_sync),
    "the mark runs ahead": Bug(200, planted.early_mark),
    "the proof in the frames runs ahead": Bug(200, planted.early_synced),
    "the manifest runs ahead of its segments": Bug(200, planted.manifest_first),
    "leftovers are not removed": Bug(200, planted.leftovers_stay),
    "compaction forgets what is erased": Bug(200, planted.erasures_forgotten),
    "there is no mark": Bug(40, planted.no_mark, kind=Shortened),
    "there is no proof in the frames": Bug(600, planted.no_synced, kind=Unmarked),
}


def seeds_until_caught(bug: Bug) -> tuple[int, str]:
    """Return how many lives it took, and what broke; 0 where nothing did."""
    for seed in range(bug.lives):
        found = live(bug.kind(seed, bug.disk), seed)
        if found is not None:
            return seed + 1, found.problem
    return 0, ""


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    BUGS[name].plant(monkeypatch)
    lives, _ = seeds_until_caught(BUGS[name])
    assert lives, f"{name}: not caught in {BUGS[name].lives} lives"


@pytest.mark.parametrize("kind", [Episode, Spoilt, Shortened, Unmarked])
def test_nothing_is_caught_where_nothing_is_planted(kind: type[Episode]) -> None:
    lives, problem = seeds_until_caught(Bug(50, kind=kind))
    assert not lives, problem
