"""Times: the same text as the standard library's, however the clock runs."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from hubbub.core.stamps import Stamps


def test_a_time_is_what_the_clock_says_to_the_millisecond() -> None:
    chance = random.Random(1)
    now = 1_767_225_599.0
    stamps = Stamps(lambda: now)
    for _ in range(2_000):
        now += chance.choice((0, 0, 0.0004, 0.001, 0.3, 1, 60, 86_400, -1))  # a clock is set back, too
        whole = int(now * 1000) / 1000
        expected = datetime.fromtimestamp(whole, UTC).isoformat(timespec="milliseconds")
        assert stamps.now() == expected.replace("+00:00", "Z")
