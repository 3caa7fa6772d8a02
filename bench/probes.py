"""`python bench/probes.py`: what kernel probes cost a server, and whether their figures are true.

What and how: bench/README.md. Writes the table there with `--write`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.asking import options, read, tell
from bench.drive import HERE, DriverFailedError, compile_driver
from bench.ends import NotMeasuredError
from bench.found import Found, Line, table
from bench.machine import Cores, facts, pick_cores, pinned, raise_file_limit
from bench.measure import measure
from bench.report import write_block
from bench.scenarios import SCENARIOS
from bench.servers import HUBBUB, Server, ServerFailedError

BEGIN = "<!-- probes figures: written by `python bench/probes.py --write` -->"
END = "<!-- end of probes figures -->"

KINDS = {"off": 0.0, "default": 0.03, "everything": 0.08}
"""Sets of probes, and which share of the deliveries each may cost."""
SCENARIO = "B"
"""The one that the targets are for: full fan-out."""
ALSO = ("B1", "E")
READER = 0.02
"""Of a core, that who reads the figures may take at `RATE`."""
RATE = 100_000.0
"""Sends a second."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    rounds: int = 9
    seconds: float = 3.0
    sending: float = 10.0


QUICK = Size(rounds=1, seconds=0.5, sending=2.0)


def observed(kind: str) -> Server:
    """Hubbub with these probes."""

    def command(port: int, folder: Path) -> list[str]:
        everything = "true" if kind == "everything" else "false"
        (folder / "hubbub.toml").write_text(f"[probes]\neverything = {everything}\n")
        own = [*HUBBUB.command(port, folder)]
        return [*own, "--probes", "off" if kind == "off" else "on"]

    return replace(HUBBUB, name=f"hubbub-{kind}", command=command)


def overhead(number: int, size: Size, cores: Cores, driver: Path, found: Found) -> None:
    """Each set in turn, beginning with another one each round."""
    kinds = [*KINDS]
    shift = number % len(kinds)
    for scenario in (one for one in SCENARIOS if one.name in (SCENARIO, *ALSO)):
        load = replace(scenario.load, seconds=size.seconds, warmup=min(1.0, size.seconds))
        for kind in kinds[shift:] + kinds[:shift]:
            row = measure(driver, replace(scenario, load=load), observed(kind), number, cores)
            found.faults += row.faults
            found.add(f"{scenario.name} {kind}", row.result.per_second)
            tell(f"{scenario.name}, {kind}: {row.result.per_second:,.0f} deliveries a second")


def truth(size: Size, cores: Cores, found: Found, *, everything: bool) -> None:
    """A process that counts what it sends, and `hubbub probe` beside it."""
    core = -1 if cores.driver is None else cores.driver
    sender = [sys.executable, str(HERE / "sends.py"), f"{RATE}", f"{size.sending}", "100", "120", str(core)]
    with ExitStack() as stack:
        with pinned(cores.server):
            sending = stack.enter_context(
                subprocess.Popen(sender, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
        stack.callback(sending.kill)
        assert sending.stdin is not None
        assert sending.stdout is not None
        sending.stdout.readline()
        asked = ["--pid", str(sending.pid), "--json", *(["--all"] if everything else [])]
        with pinned(cores.driver):
            probing = stack.enter_context(
                subprocess.Popen([sys.executable, "-m", "hubbub", "probe", *asked], stdout=subprocess.PIPE)
            )
        stack.callback(probing.kill)
        assert probing.stdout is not None
        if not json.loads(probing.stdout.readline())["source"]["probes"]:
            raise NotMeasuredError("probes cannot be attached here")
        before = _own_seconds(probing.pid)
        sending.stdin.write("go\n")
        sending.stdin.flush()
        calls, sent, seconds = map(float, sending.stdout.readline().split())
        took = _own_seconds(probing.pid) - before
        sending.stdin.close()  # it ends, and whoever observes it with it
        sending.wait()
        reports = [json.loads(line)["report"] for line in probing.stdout]
        probing.wait()
    seen = [report["calls"]["send"] for report in reports]
    # Its `ready` and its figures go into a pipe, which is no socket.
    kind = "everything" if everything else "default"
    found.add(f"rate {kind}", calls / seconds)
    found.add(f"calls wrong {kind}", abs(sum(one["count"] for one in seen) - calls))
    found.add(f"bytes wrong {kind}", abs(sum(one["bytes"] for one in seen) - sent))
    found.add(f"reader {kind}", took / seconds)
    tell(f"{kind}: {calls / seconds:,.0f} sends a second, the reader took {took / seconds:.2%} of a core")


def _own_seconds(pid: int) -> float:
    """Processor time of a process, to the nanosecond (/proc/PID/schedstat of each thread)."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def lines(found: Found) -> list[Line]:
    """The targets, and what was measured."""
    told: list[Line] = []
    for name in (SCENARIO, *ALSO):
        for kind, most in [*KINDS.items()][1:]:
            what = f"{name}: deliveries a second, {kind} against off"
            aim = f"≥ {1 - most:.0%}" if name == SCENARIO else ""
            if not found.has(f"{name} {kind}", f"{name} off"):
                told.append(Line(what, aim, "not measured", None))
                continue
            ratio = found.ratio(f"{name} {kind}", f"{name} off")
            shown = f"{ratio:.1%} ({found.median(f'{name} off'):,.0f} without)"
            told.append(Line(what, aim, shown, ratio >= 1 - most if aim else None))
    for kind in ("default", "everything"):
        if not found.has(f"rate {kind}", f"reader {kind}"):
            continue
        rate = f"{found.median(f'rate {kind}'):,.0f} sends/s, {kind}"
        wrong = [found.median(f"{what} wrong {kind}") for what in ("calls", "bytes")]
        shown = "exactly" if not any(wrong) else f"off by {wrong[0]:,.0f} calls, {wrong[1]:,.0f} bytes"
        told.append(Line(f"{rate}: figures add up to what was sent", "exactly", shown, not any(wrong)))
        reader = found.median(f"reader {kind}")
        told.append(Line(f"{rate}: reader", f"≤ {READER:.0%} of a core", f"{reader:.2%}", reader <= READER))
    return told


def main(arguments: list[str]) -> int:
    asked = read(options("probes", "What kernel probes cost, and whether they are true.", 9), arguments)
    size = QUICK if asked.quick else replace(Size(), rounds=asked.rounds)
    raise_file_limit()
    found, cores, driver = Found(), pick_cores(), compile_driver()
    try:
        for number in range(size.rounds):
            overhead(number, size, cores, driver, found)
        for everything in (False, True):
            for _ in range(min(3, size.rounds)):
                truth(size, cores, found, everything=everything)
    except (NotMeasuredError, ServerFailedError, DriverFailedError) as error:
        found.skip(str(error))
    text = "\n".join([*table(lines(found)), "", *(f"Not measured: {one}." for one in found.skipped)])
    print(text)
    if found.faults:
        print(f"{found.faults} deliveries were lost, doubled or out of order")
    if asked.write:
        machine = ", ".join(f"{name} {value}" for name, value in facts().items())
        write_block(HERE / "README.md", f"{text}\n{machine}; medians of {size.rounds} rounds.\n", BEGIN, END)
    return 1 if found.faults or found.skipped else 0


if __name__ == "__main__":
    os.environ.pop("HUBBUB_PROBES_MODE", None)
    sys.exit(main(sys.argv[1:]))
