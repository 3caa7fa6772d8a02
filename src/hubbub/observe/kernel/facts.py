"""What figures a verdict rests on, what each is called, and how people read it."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final, Literal, NamedTuple

import msgspec

from hubbub.observe.kernel.evidence import Evidence
from hubbub.observe.kernel.figures import STALE, Line, Machine

Unit = Literal["µs", "B", "B/s", "%", "s", ""]


class Fact(msgspec.Struct, frozen=True):
    """One figure that a verdict rests on."""

    name: str
    """Such as `rtt`, `retransmitted`, `unsent`, `lag_p99`: see `FACTS`."""
    value: float
    unit: Unit


class Figure(NamedTuple):
    """How a fact is taken from the evidence, and told: `{}` in `words` is its value with its unit."""

    unit: Unit
    words: str
    value: Callable[[Evidence], float | None]


def _of_line(take: Callable[[Line], float | None]) -> Callable[[Evidence], float | None]:
    return lambda known: None if known.line is None else take(known.line)


def _old(line: Line) -> float | None:
    """Seconds since the round-trip time was measured, where that is long ago."""
    return line.rtt_age / 1000 if line.rtt and line.rtt_age >= STALE else None


def _of_machine(take: Callable[[Machine], float | None]) -> Callable[[Evidence], float | None]:
    return lambda known: None if known.house.machine is None else take(known.house.machine)


FACTS: Final[dict[str, Figure]] = {
    "rtt": Figure("µs", "RTT {}", _of_line(lambda line: line.rtt or None)),
    "rtt_age": Figure("s", "measured {} ago", _of_line(_old)),
    "rtt_min": Figure("µs", "{} at best", _of_line(lambda line: line.rtt_min or None)),
    "retransmitted": Figure("%", "{} sent again", lambda known: 100 * known.loss or None),
    "unsent": Figure("B", "{} unsent", lambda known: known.waiting or None),
    "unacknowledged": Figure("B", "{} not acknowledged", _of_line(lambda line: line.queued)),
    "drain": Figure("s", "gone in {}", lambda known: known.drain if known.drain < inf else None),
    "delivery_rate": Figure("B/s", "leaves at {}", _of_line(lambda line: line.delivery_rate or None)),
    "silent": Figure("s", "silent for {}", _of_line(lambda line: line.silent / 1000)),
    "backoff": Figure("", "{} timeouts in a row", _of_line(lambda line: line.backoff)),
    "window": Figure("B", "its window {}", _of_line(lambda line: line.window)),
    "reader_limited": Figure(
        "%",
        "kept waiting {} of the time",
        lambda known: 100 * known.reader_share if known.line is not None else None,
    ),
    "full": Figure("µs", "send queue full for {}", _of_line(lambda line: line.full or None)),
    "held_back": Figure("", "{} requests wait for their rate", lambda known: known.held_back),
    "held_for": Figure("s", "the last of them for {}", lambda known: known.held_for),
    "parted": Figure("s", "{} ago", lambda known: known.parted_ago if known.parted else None),
    "others_rtt": Figure("µs", "others here {}", lambda known: known.others.rtt or None),
    "lag_p99": Figure("µs", "event loop {} late", lambda known: known.house.lag_p99),
    "lag_max": Figure("µs", "{} at worst", lambda known: known.house.lag_max),
    "commit_p99": Figure("µs", "commits take {}", lambda known: known.house.commit_p99),
    "sync_p99": Figure("µs", "the disk takes {}", lambda known: known.house.sync_p99),
    "commit_waits": Figure("µs", "one waits for {}", lambda known: known.house.commit_waits or None),
    "cpu": Figure("%", "the server uses {} of a core", lambda known: 100 * known.house.cpu or None),
    "denied": Figure("%", "it gets {} less time than it wants", lambda known: 100 * known.denied or None),
    "busy": Figure("%", "all cores {} busy", _of_machine(lambda machine: 100 * machine.busy)),
    "stolen": Figure("%", "{} stolen", _of_machine(lambda one: 100 * one.stolen or None)),
    "memory": Figure(
        "%",
        "{} of the time short of memory",
        _of_machine(lambda one: 100 * one.pressure.get("memory", 0.0) or None),
    ),
}
"""By name: what a fact may be."""


def fact(name: str, known: Evidence) -> Fact | None:
    """That fact, if it is known."""
    figure = FACTS[name]
    value = figure.value(known)
    return None if value is None else Fact(name, round(float(value), 3), figure.unit)


def shown(fact: Fact) -> str:
    """A fact's value with its unit, as people read it."""
    return amount(fact.value, fact.unit)


def amount(value: float, unit: Unit) -> str:
    """A value with its unit, as people read it."""
    match unit:
        case "µs":
            return _time(value)
        case "s":
            return _time(value * 1e6)
        case "B":
            return _size(value)
        case "B/s":
            return f"{_size(value)}/s"
        case "%":
            return f"{_number(value)} %"
        case "":
            return f"{value:,.0f}"


def _time(micros: float) -> str:
    for limit, unit, name in ((1e3, 1.0, "µs"), (1e6, 1e3, "ms"), (120e6, 1e6, "s"), (7_200e6, 60e6, "min")):
        if micros < limit:
            return f"{_number(micros / unit)} {name}"
    return f"{micros / 3_600e6:,.0f} h"


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{_number(count)} {unit}"
        count /= 1024
    return f"{count:,.0f} TiB"


def _number(value: float) -> str:
    """Two digits are enough, and a whole number has no point."""
    return f"{value:.1f}".removesuffix(".0") if value < 10 else f"{value:,.0f}"
