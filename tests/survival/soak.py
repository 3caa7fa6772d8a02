"""`make soak`: trials with other seeds, one after the other, until the time is over or a promise is broken.

Every other one runs on small segments that are compacted all the time.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from survival.clients import TroubleError
from survival.trial import trial

RESTLESS = {
    "HUBBUB_STORAGE_SEGMENT_BYTES": str(1 << 20),
    "HUBBUB_STORAGE_MAINTAIN_SECONDS": "0.5",
    "HUBBUB_MESSAGES_DEDUPE_SECONDS": "60",
}
"""What is recent is not compacted: retries may still come for it."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--kills", type=int, default=30, help="in each trial")
    parser.add_argument("--seed", type=int, help="run this one alone")
    arguments = parser.parse_args()
    chance = random.Random()
    deadline = time.monotonic() + arguments.minutes * 60
    number = 0
    while time.monotonic() < deadline:
        seed = arguments.seed if arguments.seed is not None else chance.randrange(1 << 32)
        os.environ.update(RESTLESS if number % 2 else dict.fromkeys(RESTLESS, ""))
        with tempfile.TemporaryDirectory() as where:
            try:
                outcome = asyncio.run(trial(Path(where) / "data", seed, kills=arguments.kills))
            except (TroubleError, AssertionError) as error:
                print(f"seed {seed}: {error}", flush=True)  # noqa: T201
                return 1
        print(f"seed {seed}: {outcome}", flush=True)  # noqa: T201
        number += 1
        if arguments.seed is not None:
            break
    return 0


if __name__ == "__main__":
    sys.exit(main())
