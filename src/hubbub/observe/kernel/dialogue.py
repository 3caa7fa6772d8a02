"""What a server and its helper process (`helper.py`) say to each other: JSON, one object a line, each way."""

from __future__ import annotations

from typing import Final

import msgspec

from hubbub.observe.kernel.figures import Line, Report, Source

MOST_ASKED: Final = 256
"""Connections of one question: its answer stays well below `MOST_LINE`."""
MOST_LINE: Final = 1024 * 1024
"""Bytes of one line. A report with everything that fits into it has about 100,000."""


class Began(msgspec.Struct, frozen=True, tag="began"):
    """Helper: it observes, and where its figures come from."""

    source: Source


class Seen(msgspec.Struct, frozen=True, tag="seen"):
    """Helper: once a second."""

    report: Report


class Lines(msgspec.Struct, frozen=True, tag="lines"):
    """Helper: the answer to `Ask`. Connections that are not there are left out."""

    id: int
    lines: list[Line]


class Broke(msgspec.Struct, frozen=True, tag="broke"):
    """Helper: what observed has ended with its questions unanswered; `again`: it is started once more."""

    reason: str
    again: bool


Told = Began | Seen | Lines | Broke


class Ask(msgspec.Struct, frozen=True):
    """Server: tell of these connections, by their cookies; at most `MOST_ASKED`."""

    id: int
    lines: list[int]
