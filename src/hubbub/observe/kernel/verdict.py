"""Why somebody's chat is slow: a verdict with its evidence, by a table of rules (docs/probes.md).

The first rule of `RULES` that holds is the verdict. What is certain and his own comes first: a peer that is
gone, or was let go. Then what is so bad that everybody suffers from it, whatever else there is: machine,
disk, event loop. Then what is his own, the nearest first: his client, our limits, his network. Then the
shared causes again, where they are bad enough to be noticed. All of it is arithmetic on one `Evidence`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import msgspec

from hubbub.observe.kernel.evidence import Evidence
from hubbub.observe.kernel.facts import FACTS, Fact, fact, shown
from hubbub.observe.kernel.figures import STALE, Machine

Cause = Literal["nothing", "unreachable", "network", "reader", "limits", "loop", "disk", "machine"]
"""`nothing` is wrong; nothing comes back from the peer; his network loses or delays; his client does not
read; our limits hold his requests back; our event loop is busy; our disk is slow; the machine has no time."""


class Verdict(msgspec.Struct, frozen=True):
    """What is wrong, in a sentence, and what says so."""

    cause: Cause
    sentence: str
    """English, for people: "network: it loses packets; 4 % sent again, RTT 310 ms; others here 12 ms"."""
    facts: tuple[Fact, ...] = ()
    rule: str = "nothing"
    """By its name in `RULES`."""


# -- thresholds (docs/probes.md says why; a test holds it to them)

BACKOFF: Final = 4
"""Retransmission timeouts in a row: 3 s at least, each twice as long as the one before (RFC 6298 §5.5)."""
SILENT: Final = 3_000
"""Milliseconds in which not even an acknowledgement came, though something is to be acknowledged."""
SILENT_LONG: Final = 150_000
"""The same for a peer with a closed window: it is asked every 120 s at least (RFC 9293 §3.8.6.1)."""
BUSY: Final = 500_000
"""µs of the last seconds with something to send: less is a burst that is just leaving."""
DRAIN: Final = 1.0
"""Seconds for which the newest byte will have waited."""
READER_LIMITED: Final = 500_000
"""µs of the last seconds in which a closed window kept bytes back."""
READER_SHARE: Final = 0.5
"""Of the time with something to send, that the window took; unless the window is closed now."""
BACKLOG: Final = 65_536
"""Bytes that wait, where the kernel tells nothing more."""
HELD_FOR: Final = 0.25
"""Seconds until the last of the requests that wait for their rate may be carried out."""
PARTED: Final = 600.0
"""Seconds for which it is told that somebody was let go: that is when one asks."""
RETRANSMITTED: Final = 3
"""Segments lost, and so sent again, in the last seconds: one or two are the weather."""
LOSS: Final = 0.02
"""Share of all segments."""
RTT: Final = 250_000
"""µs: more than half around the world and the 40 to 200 ms by which a peer may delay acknowledgements."""
OTHERS: Final = 3
"""Connections from which on the median of the others says something."""
LAG: Final = 100_000
"""µs that the event loop comes too late: what is noticed …"""
LAG_ALL: Final = 500_000
"""… and what everybody suffers from."""
LAG_MAX: Final = 1_000_000
"""µs for which it stood still once, in the last ten seconds."""
SYNC: Final = 100_000
"""µs that the disk takes for a commit: noticed, since nobody hears of a message before; …"""
SYNC_ALL: Final = 1_000_000
"""… and what everybody suffers from."""
SYNC_TIMES: Final = 2
"""How much longer than the loop's lag that is: else the loop has made it wait."""
DENIED: Final = 0.3
"""Of the processor's time that the server wanted, the share that it did not get …"""
DELAYED: Final = 0.2
"""… and seconds of each second: a server that hardly runs does not feel the rest."""
LAG_STARVED: Final = 25_000
"""µs that the loop then comes too late: below, nobody feels that the machine is full."""
STOLEN: Final = 0.1
"""Share of the machine's time that a hypervisor gave to others, with a loop that comes too late."""
MEMORY: Final = 0.2
"""Share of ten seconds in which some task waited for memory (PSI), with a loop that comes too late."""


# -- the rules


class Rule(NamedTuple):
    """When it `holds`, that is the cause: told in these words, and with these facts where they are known."""

    name: str
    cause: Cause
    words: str
    holds: Callable[[Evidence], bool]
    facts: tuple[str, ...]


def _silent(known: Evidence) -> bool:
    line = known.line
    if line is None or not line.queued:
        return False
    timed_out = line.unacked > 0 and line.backoff >= BACKOFF and line.silent >= SILENT and line.window != 0
    return timed_out or line.silent >= SILENT_LONG


def _waits(known: Evidence) -> bool:
    """For what may be silence soon."""
    line = known.line
    return line is not None and line.unacked > 0 and line.backoff > 0 and line.window != 0


def _starved(known: Evidence, lag: int) -> bool:
    """The loop is late because the machine lets it wait."""
    house = known.house
    if (house.lag_p99 or 0) < lag:
        return False
    machine = house.machine or Machine()
    short = machine.stolen >= STOLEN or machine.pressure.get("memory", 0.0) >= MEMORY
    return short or known.denied >= DENIED


def _waits_often(known: Evidence) -> bool:
    """Not long each time, but at every step that a message takes."""
    house = known.house
    late = (house.lag_p99 or 0) >= LAG_STARVED
    return late and house.delayed >= DELAYED and known.denied >= DENIED


def _slow_disk(known: Evidence, sync: int) -> bool:
    house = known.house
    took = max(house.sync_p99 or 0, house.commit_waits)
    return took >= sync and took >= SYNC_TIMES * (house.lag_p99 or 0)


def _stuck(known: Evidence) -> bool:
    """Bytes wait for him, and not just now."""
    return known.line is not None and known.line.busy >= BUSY and known.drain >= DRAIN


def _does_not_read(known: Evidence) -> bool:
    line = known.line
    if line is None or not _stuck(known) or line.reader_limited < READER_LIMITED:
        return False
    return line.window == 0 or known.reader_share >= READER_SHARE


def _loses(known: Evidence) -> bool:
    return known.lost >= RETRANSMITTED and known.loss >= LOSS


def _far(known: Evidence) -> bool:
    line = known.line
    return line is not None and line.rtt >= RTT and line.rtt_age < STALE


def _parted(known: Evidence, why: str) -> bool:
    return known.parted == why and known.parted_ago < PARTED


_SLOW: Final = "slow"
_IDLE: Final = "idle"
LET_GO: Final = (_SLOW, _IDLE)
"""Why a connection was ended by us, and not by anybody's wish: what the log says."""
_HIS_LINE: Final = ("rtt", "rtt_age", "rtt_min", "retransmitted", "unsent", "delivery_rate")
_TIME: Final = ("lag_p99", "lag_max", "denied", "cpu", "busy", "stolen", "memory")
_DISK: Final = ("commit_p99", "sync_p99", "commit_waits", "lag_p99")
_LOOP: Final = ("lag_p99", "lag_max", "cpu", "denied")

RULES: Final = (
    Rule(
        "silent",
        "unreachable",
        "nothing comes back from the other end",
        _silent,
        ("silent", "backoff", "unacknowledged", "unsent"),
    ),
    Rule(
        "let go",
        "reader",
        "was let go: its client read too slowly",
        lambda known: _parted(known, _SLOW),
        ("parted",),
    ),
    Rule(
        "given up",
        "unreachable",
        "was let go: nothing came from its client any more",
        lambda known: _parted(known, _IDLE),
        ("parted",),
    ),
    Rule(
        "starved badly",
        "machine",
        "the machine has no time for the server",
        lambda known: _starved(known, LAG_ALL),
        _TIME,
    ),
    Rule(
        "read-only",
        "disk",
        "nothing can be written to the disk, so nothing that is said is kept",
        lambda known: known.house.read_only,
        _DISK,
    ),
    Rule("disk badly slow", "disk", "the disk is slow", lambda known: _slow_disk(known, SYNC_ALL), _DISK),
    Rule(
        "loop badly late",
        "loop",
        "the server's event loop is busy",
        lambda known: (known.house.lag_p99 or 0) >= LAG_ALL,
        _LOOP,
    ),
    Rule(
        "does not read",
        "reader",
        "the client does not read what it is sent",
        _does_not_read,
        ("unsent", "reader_limited", "window", "full", "rtt", "rtt_age"),
    ),
    Rule(
        "held back",
        "limits",
        "the server's limits hold its requests back",
        lambda known: known.held_for >= HELD_FOR,
        ("held_back", "held_for", "rtt", "rtt_age"),
    ),
    Rule("takes too little", "network", "network: it takes less than is sent", _stuck, (*_HIS_LINE, "drain")),
    Rule("loses", "network", "network: it loses packets", _loses, _HIS_LINE),
    Rule(
        "far from all",
        "network",
        "network: far from everybody, so it may be the server's own line",
        lambda known: _far(known) and known.others.count >= OTHERS and known.others.rtt >= RTT,
        _HIS_LINE,
    ),
    Rule("far", "network", "network: a long way", _far, _HIS_LINE),
    Rule(
        "takes nothing",
        "reader",
        "the client or its network does not take what it is sent; the kernel does not tell which",
        lambda known: known.line is None and known.backlog >= BACKLOG,
        ("unsent",),
    ),
    Rule(
        "starved",
        "machine",
        "the machine has little time for the server",
        lambda known: _starved(known, LAG) or _waits_often(known),
        _TIME,
    ),
    Rule("disk slow", "disk", "the disk is slow", lambda known: _slow_disk(known, SYNC), _DISK),
    Rule(
        "loop late",
        "loop",
        "the server's event loop is busy",
        lambda known: (known.house.lag_p99 or 0) >= LAG or (known.house.lag_max or 0) >= LAG_MAX,
        _LOOP,
    ),
    Rule(
        "too early",
        "nothing",
        "too early to tell: what was sent is not acknowledged yet",
        _waits,
        ("silent", "backoff", "unacknowledged", "rtt", "rtt_age"),
    ),
    Rule(
        "nothing",
        "nothing",
        "nothing is wrong",
        lambda _: True,
        ("rtt", "rtt_age", "retransmitted", "unsent", "lag_p99", "commit_p99"),
    ),
)
"""In this order: the first that holds is the verdict, and the last one always does."""
_RANK: Final = {rule.name: rank for rank, rule in enumerate(RULES)}


def verdict(known: Evidence) -> Verdict:
    """What is wrong with one connection."""
    rule = next(rule for rule in RULES if rule.holds(known))
    return _told(rule, known)


def rank(one: Verdict) -> int:
    """Which place its rule has: the first one is the worst."""
    return _RANK[one.rule]


def _told(rule: Rule, known: Evidence) -> Verdict:
    facts = [one for name in rule.facts if (one := fact(name, known)) is not None]
    told = ", ".join(FACTS[one.name].words.format(shown(one)) for one in facts)
    parts = [rule.words, told]
    if rule.name not in _SHARED and (others := fact("others_rtt", known)) is not None:
        facts.append(others)
        parts.append(FACTS["others_rtt"].words.format(shown(others)))
    return Verdict(rule.cause, "; ".join(part for part in parts if part), tuple(facts), rule.name)


_SHARED: Final = frozenset(rule.name for rule in RULES if rule.cause in ("machine", "disk", "loop"))
