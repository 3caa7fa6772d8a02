"""The measurements: one server under one load, connections at rest, and the start of a process."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from bench.drive import OUT, Load, Result, drive, hold
from bench.machine import Cores, Memory, cpu_seconds, memory
from bench.scenarios import Idle, Scenario, Startup
from bench.servers import HUBBUB, Server, bare_environment, running

DRIVER_BOUND = 0.9
"""A driver busier than this share of the time may have been what set the pace."""


class Row(msgspec.Struct, frozen=True):
    """One server, one scenario, one round."""

    scenario: str
    server: str
    round: int
    server_cpu_seconds: float
    result: Result

    @property
    def per_cpu_second(self) -> float:
        """Deliveries a server CPU second, the unit of the ratios."""
        return self.result.deliveries / max(self.server_cpu_seconds, 0.01)  # one tick of /proc, at least

    @property
    def driver_share(self) -> float:
        return self.result.driver_cpu_seconds / self.result.seconds

    @property
    def server_share(self) -> float:
        return self.server_cpu_seconds / self.result.seconds

    @property
    def faults(self) -> int:
        """Messages lost, doubled or out of order, and members cut off."""
        result = self.result
        return result.lost + result.duplicates + result.out_of_order + result.closed


def measure(driver: Path, scenario: Scenario, server: Server, round_number: int, cores: Cores) -> Row:
    """Start the server, put the load on it, and take its CPU time between the driver's two marks."""
    at: dict[str, float] = {}
    with running(server, cores.server) as process:

        def on_mark(name: str) -> None:
            at[name] = cpu_seconds(process.pid)

        result = drive(driver, scenario.load, process.target, cores.driver, on_mark)
    return Row(scenario.name, server.name, round_number, at["stop"] - at["start"], result)


class IdleRow(msgspec.Struct, frozen=True):
    """Connections at rest. Bytes are of the server's process, a connection."""

    server: str
    connections: int
    pss_each: float
    rss_each: float
    logins_seconds: float


def measure_idle(driver: Path, idle: Idle, server: Server, cores: Cores) -> IdleRow:
    """Open the connections one after the other, each when the one before is answered; weigh them at rest."""
    weighed: list[Memory] = []
    with running(server, cores.server) as process:

        def weigh() -> None:
            time.sleep(idle.settle_seconds)
            weighed.append(memory(process.pid))

        # A few come and go first, so that what the first connection loads once is not counted as its own.
        hold(driver, Load(members=10, login_only=True), process.target, cores.driver, lambda: None)
        weigh()
        load = Load(members=idle.connections, setup_window=1, login_only=True)
        seconds = hold(driver, load, process.target, cores.driver, weigh)
    before, after = weighed
    count = idle.connections
    return IdleRow(
        server.name, count, (after.pss - before.pss) / count, (after.rss - before.rss) / count, seconds
    )


class StartupRow(msgspec.Struct, frozen=True):
    """Seconds, medians."""

    bare: float
    help: float
    accept: float


def _seconds(command: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=bare_environment(), cwd=OUT)
    return time.monotonic() - began


def measure_startup(startup: Startup) -> StartupRow:
    """Take turns: a bare interpreter, `hubbub --help`, `hubbub serve` until it accepts. Nothing is pinned."""
    script = Path(sys.executable).parent / "hubbub"
    hubbub = [str(script)] if script.exists() else [sys.executable, "-m", "hubbub"]
    bare: list[float] = []
    helped: list[float] = []
    accepted: list[float] = []
    for _ in range(startup.repeats):
        bare.append(_seconds([sys.executable, "-c", "pass"]))
        helped.append(_seconds([*hubbub, "--help"]))
        with running(HUBBUB, None) as process:
            accepted.append(process.accepted_after)
    return StartupRow(statistics.median(bare), statistics.median(helped), statistics.median(accepted))
