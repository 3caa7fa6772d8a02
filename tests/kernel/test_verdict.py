"""The table of rules: each at its border, which one wins where several hold, and what is said then."""

from __future__ import annotations

import re
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hubbub.observe.kernel import verdict as verdicts
from hubbub.observe.kernel.evidence import Evidence, House, Others
from hubbub.observe.kernel.facts import FACTS, Fact, shown
from hubbub.observe.kernel.figures import STALE, Line, Machine
from hubbub.observe.kernel.verdict import (
    BACKLOG,
    BACKOFF,
    BUSY,
    DELAYED,
    DENIED,
    HELD_FOR,
    LAG,
    LAG_ALL,
    LAG_MAX,
    LAG_STARVED,
    LOSS,
    MEMORY,
    OTHERS,
    PARTED,
    READER_LIMITED,
    READER_SHARE,
    RETRANSMITTED,
    RTT,
    RULES,
    SILENT,
    SILENT_LONG,
    STOLEN,
    SYNC,
    SYNC_ALL,
    SYNC_TIMES,
    rank,
    verdict,
)

CALM = Line(7, "10.0.0.1:8080", "10.0.0.2:4711", "established", 10.0, rtt=12_000, rtt_min=8_000, segments=150)
HOUSE = House(lag_p99=1_000, lag_max=4_000, commit_p99=9_000, sync_p99=3_000, cpu=0.2, delayed=0.001, ran=0.2)


def line(**figures: Any) -> Evidence:
    return Evidence(line=replace(CALM, **figures), house=HOUSE, others=Others(20, 12_000))


def house(machine: Machine | None = None, **figures: Any) -> Evidence:
    return Evidence(line=CALM, house=replace(HOUSE, machine=machine, **figures), others=Others(20, 12_000))


def parted(why: str, ago: float) -> Evidence:
    return Evidence(house=HOUSE, parted=why, parted_ago=ago)


GONE = {"queued": 4_000, "unacked": 3, "backoff": BACKOFF, "silent": SILENT, "window": 30_000}
WAITS = {"queued": 4_000, "unacked": 3, "backoff": 1, "silent": 500, "window": 30_000, "retransmitted": 2}
ASLEEP = {"unsent": 180_000, "busy": 9_000_000, "reader_limited": 8_900_000, "window": 0}
"""It took nothing of what it was sent."""
NARROW = {"unsent": 40_000, "busy": BUSY, "acked": 20_000, "window": 60_000}
"""At that pace, 40,000 bytes take exactly a second."""
HOG: dict[str, Any] = {"lag_p99": LAG_STARVED, "delayed": DELAYED, "ran": 0.1}

HOLDS: dict[str, list[tuple[Evidence, Evidence]]] = {
    "silent": [
        (line(**GONE), line(**GONE | {"silent": SILENT - 1})),
        (line(**GONE), line(**GONE | {"backoff": BACKOFF - 1})),
        (line(**GONE), line(**GONE | {"queued": 0})),  # nothing is to be acknowledged
        (line(**GONE), line(**GONE | {"window": 0})),  # it answers that it is full
        (line(queued=1, silent=SILENT_LONG), line(queued=1, silent=SILENT_LONG - 1)),
        (line(queued=1, silent=SILENT_LONG), line(queued=0, silent=10 * SILENT_LONG)),  # he says nothing
    ],
    "let go": [
        (parted("slow", PARTED - 1), parted("slow", PARTED)),
        (parted("slow", 0), parted("closed by the peer", 0)),
    ],
    "given up": [(parted("idle", PARTED - 1), parted("idle", PARTED))],
    "starved badly": [
        (house(**HOG | {"lag_p99": LAG_ALL}), house(**HOG | {"lag_p99": LAG_ALL - 1})),
    ],
    "read-only": [(house(read_only=True), house())],
    "disk badly slow": [
        (house(sync_p99=SYNC_ALL), house(sync_p99=SYNC_ALL - 1)),
        (house(commit_waits=SYNC_ALL), house(commit_waits=SYNC_ALL - 1)),
    ],
    "loop badly late": [(house(lag_p99=LAG_ALL), house(lag_p99=LAG_ALL - 1))],
    "does not read": [
        (line(**ASLEEP), line(**ASLEEP | {"unsent": 0})),
        (line(**ASLEEP), line(**ASLEEP | {"acked": 10_000_000})),  # much waits, and it is soon gone
        (
            line(**ASLEEP | {"reader_limited": READER_LIMITED}),
            line(**ASLEEP | {"reader_limited": READER_LIMITED - 1}),
        ),
        (
            line(**ASLEEP | {"window": 500, "reader_limited": int(READER_SHARE * 9_000_000)}),
            line(**ASLEEP | {"window": 500, "reader_limited": int(READER_SHARE * 9_000_000) - 1}),
        ),
        (
            line(**ASLEEP | {"window": None}),
            line(**ASLEEP | {"window": None, "reader_limited": READER_LIMITED}),
        ),
    ],
    "held back": [
        (
            replace(line(), held_back=25, held_for=HELD_FOR),
            replace(line(), held_back=24, held_for=HELD_FOR - 0.01),
        ),
    ],
    "takes too little": [
        (line(**NARROW), line(**NARROW | {"busy": BUSY - 1})),
        (line(**NARROW), line(**NARROW | {"acked": 20_001})),
        (line(**NARROW), line(**NARROW | {"unsent": 39_999})),
        (replace(line(**NARROW | {"unsent": 0}), backlog=40_000), line(**NARROW | {"unsent": 0})),
        (line(**NARROW | {"acked": 0}), line(**NARROW | {"acked": 0, "unsent": 0})),
    ],
    "loses": [
        (
            line(retransmitted=RETRANSMITTED, segments=int(RETRANSMITTED / LOSS)),
            line(retransmitted=RETRANSMITTED, segments=int(RETRANSMITTED / LOSS) + 1),
        ),
        (line(retransmitted=RETRANSMITTED, segments=5), line(retransmitted=RETRANSMITTED - 1, segments=5)),
        (  # of what ran out of time just now nobody knows yet whether it was lost
            line(retransmitted=RETRANSMITTED + 2, segments=9, backoff=2, unacked=3),
            line(retransmitted=RETRANSMITTED + 1, segments=9, backoff=2, unacked=3),
        ),
    ],
    "far from all": [
        (
            replace(line(rtt=RTT), others=Others(OTHERS, RTT)),
            replace(line(rtt=RTT), others=Others(OTHERS - 1, RTT)),
        ),
        (replace(line(rtt=RTT), others=Others(9, RTT)), replace(line(rtt=RTT), others=Others(9, RTT - 1))),
        (
            replace(line(rtt=RTT), others=Others(9, RTT)),
            replace(line(rtt=RTT, rtt_age=STALE), others=Others(9, RTT)),
        ),
    ],
    "far": [
        (line(rtt=RTT), line(rtt=RTT - 1)),
        (line(rtt=RTT, rtt_age=STALE - 1), line(rtt=RTT, rtt_age=STALE)),
    ],
    "takes nothing": [
        (
            Evidence(backlog=BACKLOG, house=HOUSE),
            Evidence(backlog=BACKLOG - 1, house=HOUSE),
        ),
        (Evidence(backlog=BACKLOG, house=HOUSE), Evidence(line=CALM, backlog=BACKLOG, house=HOUSE)),
    ],
    "starved": [
        (house(**HOG), house(**HOG | {"delayed": DELAYED - 0.001})),
        (house(**HOG), house(**HOG | {"lag_p99": LAG_STARVED - 1})),
        (
            house(**HOG | {"delayed": 10 * DENIED, "ran": 10 - 10 * DENIED}),
            house(**HOG | {"delayed": 3.0, "ran": 7.1}),
        ),
        (house(Machine(stolen=STOLEN), lag_p99=LAG), house(Machine(stolen=STOLEN), lag_p99=LAG - 1)),
        (house(Machine(stolen=STOLEN), lag_p99=LAG), house(Machine(stolen=STOLEN - 0.01), lag_p99=LAG)),
        (
            house(Machine(pressure={"memory": MEMORY}), lag_p99=LAG),
            house(Machine(pressure={"memory": MEMORY - 0.01}), lag_p99=LAG),
        ),
        (house(lag_p99=LAG, delayed=0.03, ran=0.07), house(lag_p99=LAG, delayed=0.02, ran=0.07)),
    ],
    "disk slow": [
        (house(sync_p99=SYNC), house(sync_p99=SYNC - 1)),
        (house(commit_waits=SYNC), house(commit_waits=SYNC - 1)),
        (  # the loop has made it wait
            house(sync_p99=SYNC_TIMES * 60_000, lag_p99=60_000),
            house(sync_p99=SYNC_TIMES * 60_000 - 1, lag_p99=60_000),
        ),
    ],
    "loop late": [
        (house(lag_p99=LAG), house(lag_p99=LAG - 1)),
        (house(lag_max=LAG_MAX), house(lag_max=LAG_MAX - 1)),
    ],
    "too early": [
        (line(**WAITS), line(**WAITS | {"backoff": 0})),
        (line(**WAITS), line(**WAITS | {"unacked": 0})),
        (line(**WAITS), line(**WAITS | {"window": 0})),  # it answers that it is full
    ],
    "nothing": [(line(), line(rtt=RTT)), (Evidence(), Evidence(backlog=BACKLOG))],
}
"""By rule: evidence at its border, and evidence that just does not reach it."""


@pytest.mark.parametrize(
    ("rule", "there", "short"), [(rule, *pair) for rule, pairs in HOLDS.items() for pair in pairs]
)
def test_each_rule_holds_from_its_border_on(rule: str, there: Evidence, short: Evidence) -> None:
    told = verdict(there)
    assert told.rule == rule
    assert told.cause == next(one.cause for one in RULES if one.name == rule)
    assert verdict(short).rule != rule


def test_each_rule_has_a_test() -> None:
    assert list(HOLDS) == [rule.name for rule in RULES]


def test_where_several_hold_the_one_that_comes_first_wins() -> None:
    """All of it at once, and then without what the verdict was, one after the other."""
    machine = Machine(stolen=0.5)
    assert verdict(replace(parted("slow", 1), house=House(read_only=True))).rule == "let go"
    known = Evidence(
        line=replace(CALM, **GONE | ASLEEP | {"window": 30_000, "rtt": 900_000, "retransmitted": 50}),
        held_back=900,
        held_for=9.0,
        house=House(9_000_000, 9_000_000, 30_000_000, 20_000_000, 0, True, 0.9, 2.0, 0.5, machine),
        others=Others(20, 500_000),
    )
    better: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("unreachable", {"line": {"silent": 0}}, {}),
        ("machine", {}, {"machine": None, "delayed": 0.0}),
        ("disk", {}, {"read_only": False}),
        ("disk", {}, {"sync_p99": SYNC_ALL - 1}),
        ("loop", {}, {"lag_p99": 300_000}),
        ("reader", {"line": {"reader_limited": 0}}, {}),
        ("limits", {"held_for": 0.0}, {}),
        ("network", {"line": {"unsent": 0}}, {}),
        ("network", {"line": {"retransmitted": 0}}, {}),
        ("network", {"others": Others(20, 9_000)}, {}),
        ("network", {"line": {"rtt": 9_000}}, {"machine": machine}),
        ("machine", {}, {"machine": None}),
        ("disk", {}, {"sync_p99": 2_000}),
        ("loop", {}, {"lag_p99": 2_000, "lag_max": 3_000}),
    ]
    seen: list[str] = []
    for cause, of_line, of_house in better:
        told = verdict(known)
        assert told.cause == cause, (told, seen)
        seen.append(told.rule)
        assert known.line is not None
        if "line" in of_line:
            known = replace(known, line=replace(known.line, **of_line["line"]))
        elif of_line:
            known = replace(known, **of_line)
        known = replace(known, house=replace(known.house, **of_house))
    assert verdict(known).cause == "nothing"
    assert seen == [rule.name for rule in RULES if rule.name not in ELSEWHERE]


ELSEWHERE = ("nothing", "takes nothing", "let go", "given up", "too early")
"""Rules that hold where there is no connection, or the system tells nothing of it, or nothing yet."""


def test_a_burst_that_is_just_leaving_is_no_fault() -> None:
    assert verdict(line(unsent=2_000_000, busy=20_000, acked=0, window=60_000)).cause == "nothing"


def test_a_large_file_on_a_good_line_is_no_fault_though_the_window_holds_it_back() -> None:
    fast = line(unsent=4_000_000, busy=9_900_000, reader_limited=9_000_000, window=0, acked=900_000_000)
    assert verdict(fast).cause == "nothing"


def test_a_link_that_is_held_to_a_rate_is_network_and_not_the_reader() -> None:
    """A token bucket: it waits in a queue, so the RTT grows, few are lost, and the window stays open."""
    known = line(
        rtt=1_900_000,
        rtt_min=9_000,
        unsent=180 * 1024,
        busy=9_900_000,
        acked=80_000,
        window=60_000,
        retransmitted=1,
        delivery_rate=8_192,
    )
    told = verdict(known)
    assert told.cause == "network"
    assert told.sentence == (
        "network: it takes less than is sent; RTT 1.9 s, 9 ms at best, 0.7 % sent again, 180 KiB unsent,"
        " leaves at 8 KiB/s, gone in 23 s; others here 12 ms"
    )


def test_a_verdict_says_what_it_rests_on() -> None:
    told = verdict(line(rtt=310_000, rtt_min=290_000, retransmitted=6, unsent=180 * 1024))
    assert told.sentence == (
        "network: it loses packets; RTT 310 ms, 290 ms at best, 4 % sent again, 180 KiB unsent;"
        " others here 12 ms"
    )
    assert told.facts[0] == Fact("rtt", 310_000, "µs")
    assert told.facts[-1] == Fact("others_rtt", 12_000, "µs")


def test_how_far_somebody_was_once_is_told_as_such() -> None:
    told = verdict(line(rtt=554_000, rtt_min=7, rtt_age=33_000))
    assert told.sentence.startswith("nothing is wrong; RTT 554 ms, measured 33 s ago")


def test_while_a_line_that_was_cut_may_just_be_late_it_is_too_early_to_tell() -> None:
    told = verdict(line(**WAITS | {"segments": 2}))
    assert told.cause == "nothing"
    assert told.sentence.startswith(
        "too early to tell: what was sent is not acknowledged yet; silent for 500"
    )
    assert "sent again" not in told.sentence


def test_shared_causes_say_nothing_of_other_lines() -> None:
    told = verdict(house(sync_p99=400_000, commit_p99=900_000))
    assert (
        told.sentence == "the disk is slow; commits take 900 ms, the disk takes 400 ms, event loop 1 ms late"
    )


def test_without_any_evidence_nothing_is_wrong() -> None:
    assert verdict(Evidence()).sentence == "nothing is wrong"


def test_of_several_connections_the_rule_that_comes_first_counts() -> None:
    calm, far, gone = (verdict(known) for known in (line(), line(rtt=RTT), line(**GONE)))
    assert sorted([calm, far, gone, far], key=rank) == [gone, far, far, calm]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "µs", "0 µs"),
        (12, "µs", "12 µs"),
        (1_240, "µs", "1.2 ms"),
        (310_000, "µs", "310 ms"),
        (2_000_000, "µs", "2 s"),
        (90, "s", "90 s"),
        (600, "s", "10 min"),
        (36_000, "s", "10 h"),
        (1023, "B", "1,023 B"),
        (180 * 1024, "B", "180 KiB"),
        (3.5 * 2**20, "B/s", "3.5 MiB/s"),
        (2.0**60, "B", "1,048,576 TiB"),
        (4.0, "%", "4 %"),
        (0.66, "%", "0.7 %"),
        (37, "", "37"),
    ],
)
def test_figures_are_told_with_their_units(value: float, unit: Any, text: str) -> None:
    assert shown(Fact("x", value, unit)) == text


# -- whatever is known, there is a verdict

COUNTS = st.integers(0, 2**63)
TIMES = st.none() | COUNTS
SHARES = st.floats(0, 1e6, allow_nan=False)
LINES = st.builds(
    Line,
    cookie=COUNTS,
    local=st.just("[::1]:8080"),
    peer=st.just("[::1]:4711"),
    state=st.just("established"),
    span=st.floats(0, 10),
    window=TIMES,
    full=TIMES,
    **dict.fromkeys(
        (
            *("rtt", "rtt_min", "unacked", "unsent", "queued", "segments", "retransmitted", "backoff"),
            *("busy", "reader_limited", "delivery_rate", "acked", "silent", "rtt_age"),
        ),
        COUNTS,
    ),
)
MACHINES = st.builds(
    Machine,
    busy=SHARES,
    stolen=SHARES,
    pressure=st.dictionaries(st.sampled_from(["cpu", "io", "memory"]), SHARES),
)
HOUSES = st.builds(
    House,
    lag_p99=TIMES,
    lag_max=TIMES,
    commit_p99=TIMES,
    sync_p99=TIMES,
    commit_waits=COUNTS,
    read_only=st.booleans(),
    cpu=SHARES,
    delayed=SHARES,
    ran=SHARES,
    machine=st.none() | MACHINES,
)
KNOWN = st.builds(
    Evidence,
    line=st.none() | LINES,
    backlog=COUNTS,
    held_back=COUNTS,
    held_for=SHARES,
    parted=st.sampled_from(["", "slow", "idle", "drain"]),
    parted_ago=SHARES,
    house=HOUSES,
    others=st.builds(Others, count=COUNTS, rtt=COUNTS),
)


@given(KNOWN)
def test_there_is_always_one_verdict_with_facts_that_can_be_told(known: Evidence) -> None:
    told = verdict(known)
    rule = next(one for one in RULES if one.name == told.rule)
    assert told.cause == rule.cause
    assert told.sentence.startswith(rule.words)
    assert not re.search(r"nan|inf\b|None|-\d", told.sentence)
    names = [one.name for one in told.facts]
    assert len(set(names)) == len(names)
    for one in told.facts:
        assert isfinite(one.value)
        assert one.unit == FACTS[one.name].unit


# -- the page about it

PAGE = Path(__file__).parents[2] / "docs" / "probes.md"
WORTH = {"ms": 1e3, "s": 1e6, "min": 6e7, "%": 0.01, "KiB": 1024.0, "": 1.0}
"""Of a unit, in that of most constants: microseconds, shares, bytes."""


def rows(heading: str) -> list[list[str]]:
    """Of the table with that first column."""
    table = PAGE.read_text().partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_the_page_has_each_rule_in_its_order() -> None:
    told = [(name, cause, words) for name, cause, _, words, _ in rows("rule")]
    assert told == [(rule.name, rule.cause, rule.words) for rule in RULES]


def test_the_page_has_each_threshold_as_it_is() -> None:
    constants = {
        name: value
        for name, value in vars(verdicts).items()
        if name.isupper() and not name.startswith("_") and isinstance(value, int | float)
    }
    told = {}
    for name, text, why in rows("threshold"):
        number, _, unit = text.partition(" ")
        value = float(number) * WORTH[unit]
        if name in ("SILENT", "SILENT_LONG", "STALE"):
            value /= 1e3  # these are in milliseconds
        elif name in ("DRAIN", "HELD_FOR", "PARTED"):
            value /= 1e6  # and these in seconds
        told[name] = pytest.approx(value)
        assert why
    assert constants == told
    for name in constants:
        used = PAGE.read_text().partition("| threshold |")[0]
        assert f"`{name}`" in used, "a threshold of no rule"


def test_the_page_has_each_fact() -> None:
    assert {name: unit for name, unit, _ in rows("fact")} == {name: one.unit for name, one in FACTS.items()}
