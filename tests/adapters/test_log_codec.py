"""What a retry needs is in the tag of an entry: no payload is read for it at a start."""

from __future__ import annotations

from pathlib import Path

import pytest

from hubbub.adapters.log_codec import add_entry, kept
from hubbub.core.entries import Body, Deleted, Edited, Entry, Kept, Reacted, Said, Whispered
from hubbub.log import Batch, Log

BODIES: list[tuple[Body, str]] = [
    (Said("Alice", 7, "lobby", "hi"), ""),
    (Whispered("Alice", 7, "Bob", 8, "hi"), ""),
    (Edited("Alice", 7, 1, "ho"), "edited"),
    (Deleted("Alice", 7, 1), "deleted"),
    (Reacted("Alice", 7, 1, "🦊"), "reacted"),
]
AT = "2026-11-21T08:00:00.000Z"


def test_a_tag_says_whose_retry_of_what_finds_the_entry(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log") as log:
        for body, _ in BODIES:
            batch = Batch()
            add_entry(batch, Entry("room:1", "id 你", AT, body, 7))
            log.commit(batch)
    with Log.open(tmp_path / "log") as log:
        found = [kept(stream, "e", offset, tag) for stream, offset, tag in log.tags()]
    assert found == [
        Kept(7, "id 你", "room:1", "e", offset, AT, change) for offset, (_, change) in enumerate(BODIES, 1)
    ]


def test_a_time_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        add_entry(Batch(), Entry("room:1", "id", "0" * 64, BODIES[0][0], 7))
