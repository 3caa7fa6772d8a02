"""`make faults`: more lives of the log than a test run has time for.

PYTHONPATH=tests python -m log.faults --seeds 20000     from a random seed on, which it tells
PYTHONPATH=tests python -m log.faults --replay 4711     one of them, step by step
"""

# ruff: noqa: T201 - it prints

from __future__ import annotations

import argparse
import os
import random
import sys
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from log.faults_episode import Episode
from log.simulated_files import SimulatedFiles

_CHUNK = 50


class Finding(NamedTuple):
    """A life in which a promise was broken."""

    seed: int
    problem: str

    def __str__(self) -> str:
        again = f"PYTHONPATH=tests python -m log.faults --replay {self.seed}"
        return f"seed {self.seed}: {self.problem}\n    {again}"


def live(episode: Episode, seed: int) -> Finding | None:
    """Run an episode. Whatever it raises is a finding: a log has no reason to raise it."""
    try:
        episode.run()
    except Exception as error:  # noqa: BLE001
        return Finding(seed, f"{type(error).__name__}: {error}")
    return None


def explore(seeds: range, disk: type[SimulatedFiles] = SimulatedFiles) -> tuple[list[Finding], Counter[str]]:
    """Run many. What was found, and what was done."""
    findings = []
    counts = Counter[str]()
    for seed in seeds:
        episode = Episode(seed, disk)
        found = live(episode, seed)
        if found is not None:
            findings.append(found)
        counts += episode.counts
    return findings, counts


def replay(seed: int) -> int:
    """Tell a life step by step."""
    episode = Episode(seed)
    try:
        episode.run()
    except Exception:  # noqa: BLE001 - shown below its steps
        problem = traceback.format_exc()
    else:
        problem = "nothing broke\n"
    print("\n".join(map(str, episode.trace)))
    print(episode.options)
    print(problem)
    return 0


def main() -> int:
    """Report crash points a second, and every seed that found something."""
    parser = argparse.ArgumentParser(prog="make faults", description="Crash the log many times.")
    parser.add_argument("--seeds", type=int, default=20_000, help="so many lives (default: %(default)s)")
    parser.add_argument("--from", dest="first", type=int, help="the first seed (default: a random one)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: %(default)s)"
    )
    parser.add_argument("--replay", type=int, metavar="SEED", help="tell one life step by step")
    options = parser.parse_args()
    if options.replay is not None:
        return replay(options.replay)
    first = random.randrange(1 << 40) if options.first is None else options.first
    print(f"{options.seeds} lives from seed {first} on", flush=True)
    begun = time.monotonic()
    findings: list[Finding] = []
    counts = Counter[str]()
    end = first + options.seeds
    chunks = [range(start, min(start + _CHUNK, end)) for start in range(first, end, _CHUNK)]
    with ProcessPoolExecutor(options.jobs) as pool:
        for found, done in pool.map(explore, chunks):
            counts += done
            findings += found
            for finding in found:
                print(finding, flush=True)
    took = time.monotonic() - begun
    rate = f"{options.seeds / took:.0f} seeds/s, {counts['crashes'] / took:.0f} crash points/s"
    print(f"{counts['crashes']} crash points in {took:.0f} s ({rate}), {len(findings)} findings")
    print(", ".join(f"{name} {count}" for name, count in counts.most_common()))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
