"""Why somebody's chat is slow: a verdict with its evidence, by a table of rules (docs/probes.md)."""

from __future__ import annotations

from typing import Literal

import msgspec

Cause = Literal["nothing", "unreachable", "network", "reader", "limits", "loop", "disk", "machine"]
"""`nothing` is wrong; nothing comes back from the peer; his network loses or delays; his client does not
read; our limits hold his requests back; our event loop is busy; our disk is slow; the machine has no time."""


class Fact(msgspec.Struct, frozen=True):
    """One figure that a verdict rests on."""

    name: str
    """Such as `rtt`, `retransmitted`, `unsent`, `lag_p99`."""
    value: float
    unit: Literal["µs", "B", "B/s", "%", "s", ""]


class Verdict(msgspec.Struct, frozen=True):
    """What is wrong, in a sentence, and what says so."""

    cause: Cause
    sentence: str
    """English, for people: "network; RTT 310 ms, 4 % retransmitted, 180 KiB unsent; others here 12 ms"."""
    facts: tuple[Fact, ...] = ()
