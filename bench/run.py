"""`python bench/run.py`: measure Hubbub and its peers in turns. What and how: bench/README.md."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import msgspec

sys.path.pop(0)  # this folder, whose profile.py would hide the standard library's
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.drive import HERE, OUT, DriverFailedError, compile_driver, missing_compiler
from bench.machine import Cores, facts, pick_cores, raise_file_limit
from bench.measure import measure, measure_idle, measure_startup
from bench.report import Figures, tables, write_block
from bench.scenarios import NAMES, SCENARIOS, Idle, Scenario, Startup, shortened
from bench.servers import SERVERS, Server, ServerFailedError

SPARE_FILES = 100
"""Open files a process needs besides its connections."""


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _available(names: tuple[str, ...], figures: Figures) -> list[Server]:
    """Hubbub and those of the peers that this machine can run; the others are named once."""
    found = []
    for name in ("hubbub", *names):
        tool = SERVERS[name].missing()
        if tool is None:
            found.append(SERVERS[name])
        elif (sentence := f"{name} ({tool} is missing).") not in figures.skipped:
            figures.skipped.append(sentence)
    return found


def _enough_files(connections: int, limit: int, what: str, figures: Figures) -> bool:
    needed = connections + SPARE_FILES
    if needed <= limit:
        return True
    figures.skipped.append(f"{what}: it needs {needed} open files, and the hard limit is {limit}.")
    return False


def _run_scenarios(driver: Path, scenarios: list[Scenario], figures: Figures, cores: Cores) -> None:
    limit = raise_file_limit()
    for scenario in scenarios:
        if not _enough_files(scenario.connections, limit, scenario.name, figures):
            continue
        servers = _available(scenario.peers, figures)
        for number in range(figures.rounds):
            shift = number % len(servers)  # nobody is always first, or always after the same neighbour
            for server in servers[shift:] + servers[:shift]:
                try:
                    row = measure(driver, scenario, server, number, cores)
                except (DriverFailedError, ServerFailedError) as error:
                    figures.skipped.append(f"{scenario.name}, round {number + 1}, {server.name}: {error}")
                    _progress(figures.skipped[-1])
                    continue
                figures.rows.append(row)
                _progress(
                    f"{scenario.name:3} round {number + 1} {server.name:10} "
                    f"{row.per_cpu_second / 1000:8,.0f} k/CPU s {row.result.per_second / 1000:8,.0f} k/s "
                    f"driver {row.driver_share:4.0%}  p99 {row.result.latency_ms.p99:8.1f} ms  "
                    f"faults {row.faults}"
                )


def _run_idle(driver: Path, idle: Idle, figures: Figures, cores: Cores) -> None:
    if not _enough_files(idle.connections, raise_file_limit(), "idle", figures):
        return
    for server in _available(idle.peers, figures):
        try:
            row = measure_idle(driver, idle, server, cores)
        except (DriverFailedError, ServerFailedError) as error:
            figures.skipped.append(f"idle, {server.name}: {error}")
            _progress(figures.skipped[-1])
            continue
        figures.idle.append(row)
        _progress(f"idle {server.name:10} {row.pss_each / 1024:6.2f} KiB, {row.logins_seconds:.1f} s")


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run.py", description="Measure Hubbub and its peers.")
    parser.add_argument("--quick", action="store_true", help="one short round: does everything still run?")
    parser.add_argument("--only", action="append", choices=NAMES, help="this one; repeat for several")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which medians are taken (5)")
    parser.add_argument("--write", action="store_true", help="put the tables into bench/README.md")
    asked = parser.parse_args(arguments)
    if asked.write and (asked.quick or asked.only):
        parser.error("--write wants the whole run, without --quick or --only")
    if asked.rounds < 1:
        parser.error("--rounds begins at 1")
    return asked


def main(arguments: list[str]) -> int:
    """Run what was asked for; 0 also where a target was missed, since that is a finding and no failure."""
    asked = _parse(arguments)
    if tool := missing_compiler():
        _progress(f"the load generator needs a C compiler: {tool} is missing")
        return 1
    wanted = set(asked.only or NAMES)
    scenarios = [scenario for scenario in SCENARIOS if scenario.name in wanted]
    idle = Idle() if "idle" in wanted else None
    startup = Startup() if "startup" in wanted else None
    if asked.quick:
        scenarios = [shortened(scenario) for scenario in scenarios]
        idle = replace(idle, connections=1_000) if idle else None
        startup = replace(startup, repeats=3) if startup else None
    figures = Figures(facts(), 1 if asked.quick else asked.rounds)
    cores = pick_cores()
    if cores.server is None:
        figures.skipped.append("the two sides apart: this machine has one core, and they share it.")
    driver = compile_driver()
    _run_scenarios(driver, scenarios, figures, cores)
    if idle:
        _run_idle(driver, idle, figures, cores)
    if startup:
        try:
            figures.startup = measure_startup(startup)
        except ServerFailedError as error:
            figures.skipped.append(f"start-up: {error}")
    (OUT / "results.json").write_bytes(msgspec.json.format(msgspec.json.encode(figures)))
    report = tables(figures, scenarios, idle, startup)
    print(report)
    if asked.write:
        write_block(HERE / "README.md", report)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
