"""The scenarios, and what is asked of Hubbub in them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bench.drive import Load


@dataclass(frozen=True, slots=True)
class Ratio:
    """Hubbub's deliveries a server CPU second are at least so many times the peer's."""

    peer: str
    at_least: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """One load, the servers that bear it, and the targets."""

    name: str
    title: str
    load: Load
    peers: tuple[str, ...]
    ratios: tuple[Ratio, ...] = ()
    p99_ms: float | None = None
    """At a fixed rate: the latency that 99 of 100 deliveries stay under, with none lost or out of order."""

    @property
    def connections(self) -> int:
        return self.load.members + self.load.publishers


ALL_PEERS = ("redis", "nats", "websockets", "starlette", "node-ws")

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "A",
        "100 members, 1 publisher, 256 messages in flight",
        Load(members=100, publishers=1, in_flight=256),
        ALL_PEERS,
        (Ratio("starlette", 25), Ratio("redis", 0.8)),
    ),
    Scenario(
        "B",
        "1,000 members, 10 publishers, 256 messages in flight",
        Load(members=1_000, publishers=10, in_flight=256, sample=10),
        ALL_PEERS,
        (Ratio("starlette", 50), Ratio("redis", 1.5)),
    ),
    Scenario(
        "B1",
        "1,000 members, 1 publisher, one message in flight",
        Load(members=1_000, publishers=1, in_flight=1),
        ALL_PEERS,
        (Ratio("websockets", 1.3), Ratio("nats", 1.5), Ratio("redis", 0.9)),
    ),
    Scenario(
        "E",
        "100 rooms of 10 members, 1 publisher and one message in flight in each",
        Load(members=1_000, rooms=100, publishers=100, in_flight=100),
        ALL_PEERS,
        (Ratio("nats", 1.0), Ratio("redis", 0.9)),
    ),
    Scenario(
        "F",
        "100,000 deliveries/s: 1,000 members of one room, 10 publishers, 100 messages/s",
        Load(members=1_000, publishers=10, rate=100, seconds=5),
        ("redis", "nats"),
        p99_ms=40,
    ),
    Scenario(
        "G",
        "100,000 deliveries/s: 1,000 rooms of 10 members, 1 publisher in each, 10,000 messages/s",
        Load(members=10_000, rooms=1_000, publishers=1_000, rate=10_000, seconds=5),
        ("redis", "nats"),
        p99_ms=40,
    ),
)


def shortened(scenario: Scenario) -> Scenario:
    """The same for `--quick`: less time, and G at a tenth of its size and rate."""
    load = replace(scenario.load, warmup=0.2, seconds=0.5, drain=3.0)
    if scenario.name == "G":
        load = replace(load, members=1_000, rooms=100, publishers=100, rate=1_000)
        return replace(scenario, load=load, title=f"{scenario.title} (here a tenth of it)")
    return replace(scenario, load=load)


@dataclass(frozen=True, slots=True)
class Idle:
    """Connections that log in one after the other, and then say nothing."""

    connections: int = 10_000
    bytes_each: int = 4 * 1024
    logins_seconds: float = 20.0
    settle_seconds: float = 1.0
    """Rest before each weighing: buffers are given back, collectors run."""
    peers: tuple[str, ...] = ALL_PEERS


@dataclass(frozen=True, slots=True)
class Startup:
    """How long `hubbub --help` takes against a bare interpreter, and `serve` until it accepts."""

    repeats: int = 15
    help_factor: float = 2.0
    help_extra_seconds: float = 0.060
    accept_seconds: float = 1.0


NAMES: tuple[str, ...] = (*(scenario.name for scenario in SCENARIOS), "idle", "startup")
