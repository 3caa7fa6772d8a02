"""`python bench/durable.py`: the whole server on its log, against itself in memory and the disk alone.

What and how: bench/README.md. Writes the table there with `--write`.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import groups
from bench.asking import options, read, tell
from bench.drive import HERE, Load, compile_driver, drive, missing_compiler
from bench.engines import ENGINES
from bench.found import Found, Line, table
from bench.kept import Asker, copy, fill, ready, store, sync_ms
from bench.machine import Cores, facts, pick_cores, pinned, raise_file_limit
from bench.measure import Row, measure
from bench.report import write_block
from bench.scenarios import Scenario
from bench.servers import HUBBUB, bare_environment, hubbub_on, running
from hubbub.log import Log

BEGIN = "<!-- durable figures: written by `python bench/durable.py --write` -->"
END = "<!-- end of durable figures -->"

PUBLISH = Load(members=1_000, publishers=64, in_flight=64, sample=10)
LONE = Load(members=1, publishers=1, in_flight=1)
OLD = "[messages]\ndedupe_seconds = 1.0\n[storage]\ncompact = false\n"
"""As if all messages were from before: none is remembered for a retry, or kept from compaction by that."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything. `seconds` of each measurement."""

    rounds: int = 5
    messages: int = 1_000_000
    seconds: float = 3.0
    reads: int = 1_000


QUICK = Size(rounds=1, messages=5_000, seconds=0.5, reads=50)


class Bench:
    """One run."""

    def __init__(self, size: Size, where: Path) -> None:
        self.size = size
        self.where = where
        self.driver = compile_driver()
        self.cores: Cores = pick_cores()
        self.found = Found()

    def _load(self, load: Load, data: Path | None) -> Row:
        server = HUBBUB if data is None else hubbub_on(store(data))
        warmup = min(load.warmup, self.size.seconds)
        scenario = Scenario("", "", replace(load, seconds=self.size.seconds, warmup=warmup), ())
        row = measure(self.driver, scenario, server, 0, self.cores)
        self.found.faults += row.faults
        return row

    def publish(self, number: int) -> None:
        """64 messages in flight to 1,000 members, on the disk and in memory."""
        kinds = ["disk", "memory"]
        for kind in kinds if number % 2 else kinds[::-1]:
            row = self._load(PUBLISH, self.where / "publish" if kind == "disk" else None)
            self.found.add(f"publish {kind}", row.result.per_second)
            self.found.add(f"publish {kind} cpu", row.per_cpu_second)
            self.found.add(f"publish {kind} p99", row.result.latency_ms.p99)
            tell(f"publish {kind}: {row.result.per_second:,.0f}/s, {row.per_cpu_second:,.0f} a CPU second")

    def lone(self) -> None:
        """One message at a time, and the disk alone before and after it."""
        times = max(50, int(self.size.seconds * 200))
        syncs = [sync_ms(self.where, times)]
        row = self._load(LONE, self.where / "lone")
        syncs.append(sync_ms(self.where, times))
        self.found.add("lone", row.result.latency_ms.p50)
        self.found.add("sync", statistics.mean(syncs))
        tell(f"lone: {row.result.latency_ms.p50:.3f} ms, fdatasync {statistics.mean(syncs):.3f} ms")

    def group_commit(self, number: int) -> None:
        """512 clients on the journal, and on each of the other engines in a thread."""
        names = list(ENGINES)
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            per_second = groups.per_second(name, store(self.where / "groups"), self.size.seconds)
            self.found.add(f"group {name}", per_second)
            tell(f"group commit, {name}: {per_second:,.0f}/s")

    def reopen(self, filled: Path) -> None:
        """Killed, with everything in it and with nothing."""
        core = self.cores.server
        with ready(hubbub_on(store(self.where / "empty")), core):
            pass
        for what, source, settings in (
            ("empty", self.where / "empty", ""),
            ("full", filled, OLD),
            ("young", filled, ""),
        ):
            data = copy(source, self.where / "copy")
            with ready(hubbub_on(data, settings), core) as (_, seconds):
                self.found.add(f"ready {what}", seconds)
                tell(f"ready, {what}: {seconds:.3f} s")

    def history(self, filled: Path) -> None:
        """The last 50 of random rooms, over the wire and by the engine alone, in turns."""
        data = copy(filled, self.where / "copy")
        chance = random.Random(1)
        with (
            ready(hubbub_on(data), self.cores.server) as (process, _),
            pinned(self.cores.driver),
            closing(Asker(process.target.port, "reader")) as reader,
            Log.open(data / "log", read_only=True) as log,
        ):
            asked: list[tuple[bytes, bytes]] = []
            for number in range(90):  # few more may one be in
                room = f"bench-{number}"
                reader.ask("room/join", room=room)
                shown = reader.ask("message/history", room=room, limit=1)
                request = reader.request("message/history", room=room, limit=50)
                asked.append((request, shown["stream"].encode()))
            wire: list[float] = []
            engine: list[float] = []
            for request, stream in (chance.choice(asked) for _ in range(self.size.reads)):
                began = time.perf_counter()
                reader.answer(request)
                between = time.perf_counter()
                log.read(stream, log.head(stream) - 49, 50)
                wire.append(between - began)
                engine.append(time.perf_counter() - between)
        self.found.add("history wire", statistics.median(wire) * 1e6)
        self.found.add("history engine", statistics.median(engine) * 1e6)
        told, alone = (self.found.figures[f"history {what}"][-1] for what in ("wire", "engine"))
        tell(f"last 50: {told:.0f} µs over the wire, {alone:.0f} µs by the engine")

    def beside(self, filled: Path, number: int) -> None:
        """The first load again, on the full log: while it is compacted and indexed, and without."""
        load = replace(PUBLISH, seconds=self.size.seconds)
        for busy in (True, False) if number % 2 else (False, True):
            data = copy(filled, self.where / "copy")
            work = _Work(data)

            def on_mark(name: str, busy: bool = busy, work: _Work = work) -> None:
                if busy and name == "ready":
                    work.begin()
                elif busy and name == "stop":
                    self.found.add("beside at work", work.going_on())

            with running(hubbub_on(data, OLD), self.cores.server) as process:
                result = drive(self.driver, load, process.target, self.cores.driver, on_mark)
            work.end()
            what = "busy" if busy else "calm"
            self.found.faults += result.lost + result.duplicates + result.out_of_order + result.closed
            self.found.add(f"beside {what}", result.per_second)
            tell(f"beside, {what}: {result.per_second:,.0f}/s")


class _Work:
    """What makes a server compact and index: its own tools."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._tools: list[subprocess.Popen[bytes]] = []

    def begin(self) -> None:
        for verb in ("compact", "rebuild-index"):
            command = [sys.executable, "-m", "hubbub", "log", verb, "--data", str(self._data)]
            self._tools.append(
                subprocess.Popen(command, env=bare_environment(), cwd=self._data, stdout=subprocess.DEVNULL)
            )

    def going_on(self) -> int:
        """How many are at it still."""
        return sum(tool.poll() is None for tool in self._tools)

    def end(self) -> None:
        for tool in self._tools:
            tool.kill()
            tool.wait()


def lines(found: Found) -> list[Line]:
    """The targets, and what was measured."""
    publish, by_cpu = (found.ratio(f"publish disk{unit}", f"publish memory{unit}") for unit in ("", " cpu"))
    lone = found.beyond("lone", "sync")
    full, young = (found.beyond(f"ready {what}", "ready empty") for what in ("full", "young"))
    wire, beside = found.ratio("history wire", "history engine"), found.ratio("beside busy", "beside calm")
    at_work = found.figures["beside at work"]
    outlasted, jobs = round(sum(at_work)), 2 * len(at_work)
    told = [
        Line(
            "64 publishers, 1,000 members, durable: deliveries against in memory",
            "≥ 0.8 ×",
            f"{publish:.2f} × (a CPU second {by_cpu:.2f} ×): {found.median('publish disk') / 1e3:,.0f} k/s"
            f" against {found.median('publish memory') / 1e3:,.0f} k/s",
            publish >= 0.8,
        ),
        Line(
            "a lone publisher's message, until it is kept and told, p50",
            "≤ fdatasync + 1 ms",
            f"{found.median('lone'):.2f} ms (fdatasync {found.median('sync'):.2f} ms)",
            lone <= 1.0,
        ),
        Line(
            "`/ready` after kill -9 on the full log, beyond an empty one",
            "≤ 0.5 s",
            f"{full:.2f} s (empty {found.median('ready empty'):.2f} s)",
            full <= 0.5,
        ),
        Line(
            "the same, every message young enough for a retry",
            "≤ 0.5 s",
            f"{young:.2f} s",
            young <= 0.5,
        ),
        Line(
            "the last 50 of a room, over the wire against the engine alone",
            "≤ 2 ×",
            f"{wire:.2f} ×: {found.median('history wire'):.0f} µs against"
            f" {found.median('history engine'):.0f} µs",
            wire <= 2,
        ),
        Line(
            "the first row's load on the full log, beside compaction and indexing",
            "≥ 0.8 × of without",
            f"{beside:.2f} × ({outlasted} of {jobs} jobs outlasted it)",
            beside >= 0.8,
        ),
    ]
    for peer in [name for name in ENGINES if name != "hubbub"]:
        ratio = found.ratio("group hubbub", f"group {peer}")
        told.append(
            Line(
                f"group commit of 512 clients: the journal against {peer} in a thread",
                "",
                f"{ratio:.2f} ×: {found.median('group hubbub') / 1e3:,.0f} k/s against"
                f" {found.median(f'group {peer}') / 1e3:,.0f} k/s",
                None,
            )
        )
    return told


def report(found: Found, size: Size) -> str:
    """The table, in Markdown."""
    machine = ", ".join(f"{name} {value}" for name, value in facts().items())
    rounds = "1 round" if size.rounds == 1 else f"medians of {size.rounds} rounds"
    head = f"Machine: {machine}. Figures: {rounds}; {size.messages:,} messages in the full log."
    faults = f"Lost, doubled, out of order or cut off in all of it: {found.faults}."
    return "\n".join([head, "", *table(lines(found)), "", faults, ""])


def run(size: Size, where: Path) -> Found:
    """Everything, in turns."""
    bench = Bench(size, store(where))
    where.mkdir(parents=True)
    try:
        filled = where / "filled"
        began = time.perf_counter()
        fill(bench.driver, filled, size.messages, bench.cores)
        tell(f"{size.messages:,} messages kept in {time.perf_counter() - began:.0f} s, and the server killed")
        for number in range(size.rounds):
            tell(f"round {number + 1} of {size.rounds}")
            bench.publish(number)
            bench.lone()
            bench.group_commit(number)
            bench.reopen(filled)
            bench.history(filled)
            bench.beside(filled, number)
    finally:
        shutil.rmtree(where, ignore_errors=True)
    return bench.found


def main(arguments: list[str]) -> int:
    """Run it; 0 also where a target was missed, since that is a finding and no failure."""
    asked = read(options("durable", "Measure the server on its log.", rounds=5), arguments)
    if tool := missing_compiler():
        tell(f"the load generator needs a C compiler: {tool} is missing")
        return 1
    raise_file_limit()
    size = QUICK if asked.quick else Size(rounds=asked.rounds)
    text = report(run(size, asked.where), size)
    print(text)
    if asked.write:
        write_block(HERE / "README.md", text, BEGIN, END)
    return 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main(sys.argv[1:]))
