"""`python bench/storage.py`: the log against RocksDB, LMDB and SQLite, in turns in one process.

What and how: bench/README.md. Writes the table there with `--write`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.pop(0)  # this folder, whose profile.py would hide the standard library's
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.engines import ENGINES, Engine, Hubbub, Message
from bench.machine import facts
from bench.report import write_block

HERE = Path(__file__).resolve().parent
ROOMS = 1000
SIZE = 200
"""Bytes of a message."""
BUSY, TALK = 100, 60
"""Rooms in which people talk just now, and messages that each of them got."""
BEGIN = "<!-- storage figures: written by `python bench/storage.py --write` -->"
END = "<!-- end of storage figures -->"

TARGETS = {
    ("commit of 1", "rocksdb"): 1.0, ("commit of 64", "rocksdb"): 1.0, ("commit of 1000", "rocksdb"): 1.0,
    ("commit of 1", "lmdb"): 1.7, ("commit of 64", "lmdb"): 1.7, ("commit of 1000", "lmdb"): 1.7,
    ("commit of 1", "sqlite"): 1.5, ("commit of 64", "sqlite"): 1.5, ("commit of 1000", "sqlite"): 1.5,
    ("point get", "lmdb"): 1.0, ("point get", "sqlite"): 4.0,
    ("last 50, sealed", "lmdb"): 1.2, ("last 50, tail", "lmdb"): 10.0,
}  # fmt: skip
"""How many times faster than whom, at least (the median of the rounds' ratios)."""


def _messages(count: int, chance: random.Random) -> list[Message]:
    return [(chance.randrange(ROOMS), chance.randbytes(SIZE)) for _ in range(count)]


def _microseconds(work: Callable[[], object], times: int) -> float:
    begin = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - begin) / times * 1e6


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Rounds:
    """Times in microseconds: by what was done, by engine, one a round."""

    def __init__(self) -> None:
        self.times: dict[str, dict[str, list[float]]] = {}

    def add(self, what: str, engine: str, microseconds: float) -> None:
        self.times.setdefault(what, {}).setdefault(engine, []).append(microseconds)

    def median(self, what: str, engine: str) -> float:
        return statistics.median(self.times[what][engine])

    def ratio(self, what: str, peer: str) -> float:
        """How many times longer the peer takes: the median of the rounds' ratios."""
        times = self.times[what]
        return statistics.median([b / a for a, b in zip(times["hubbub"], times[peer], strict=True)])


def _commits(where: Path, rounds: int, found: Rounds) -> None:
    engines = {name: make(where / f"commit-{name}") for name, make in ENGINES.items()}
    chance = random.Random(1)
    for number in range(rounds):
        for size, times in ((1, 200), (64, 60), (1000, 15)):
            batches = [_messages(size, chance) for _ in range(times)]
            for name in _turn(list(engines), number):
                each = iter(batches)
                engine = engines[name]
                spent = []
                for batch in each:
                    begin = time.perf_counter()
                    engine.append(batch)
                    spent.append((time.perf_counter() - begin) * 1e6)
                found.add(f"commit of {size}", name, statistics.median(spent))
        _tell(f"commits, round {number + 1} of {rounds}")
    for engine in engines.values():
        engine.close()


def _turn(names: list[str], number: int) -> list[str]:
    """Nobody is always first."""
    shift = number % len(names)
    return names[shift:] + names[:shift]


def _fill(engine: Engine, messages: int) -> list[int]:
    chance = random.Random(2)
    heads = [0] * ROOMS
    for _ in range(messages // 1000):
        batch = _messages(1000, chance)
        for room, _ in batch:
            heads[room] += 1
        engine.append(batch)
    return heads


def _compact(log: object) -> None:
    from hubbub.log import Log
    from hubbub.log.compaction import compact

    assert isinstance(log, Log)
    log.seal()
    while (plan := log.plan_compaction(everything=True)) is not None:
        log.adopt(compact(plan))
        if len(plan.segments) == 1:
            break


def _reads(where: Path, messages: int, rounds: int, found: Rounds) -> None:
    engines: dict[str, Engine] = {}
    heads: list[int] = []
    for name, make in ENGINES.items():
        begin = time.perf_counter()
        writer = make(where / f"read-{name}", sync=False)
        heads = _fill(writer, messages)
        if isinstance(writer, Hubbub):
            _compact(writer.log)
        writer.close()
        engines[name] = make(where / f"read-{name}")
        _tell(f"{name} holds {messages:,} messages after {time.perf_counter() - begin:.0f} s")
    chance = random.Random(3)
    places = [
        (room, chance.randrange(heads[room])) for room in (chance.randrange(ROOMS) for _ in range(2000))
    ]
    expected = [engines["sqlite"].last(room, 50, offset + 1) for room, offset in places[:50]]
    for name, engine in engines.items():
        got = [[bytes(one) for one in engine.last(room, 50, offset + 1)] for room, offset in places[:50]]
        assert got == expected, f"{name} reads something else"
    for number in range(rounds):
        for name in _turn(list(engines), number):
            get, last = engines[name].get, engines[name].last
            each = iter(places)
            found.add("point get", name, _microseconds(lambda: get(*next(each)), len(places)))  # noqa: B023
            some = iter(places[:800])
            found.add(
                "last 50, sealed",
                name,
                _microseconds(lambda: last((at := next(some))[0], 50, at[1] + 1), 800),  # noqa: B023
            )
    # The hot tail: rooms in which people talk just now.
    for name, engine in engines.items():
        if name != "hubbub":
            engine._heads = dict(enumerate(heads))  # type: ignore[attr-defined] # they were opened anew
        for _ in range(TALK):
            engine.append([(room, chance.randbytes(SIZE)) for room in range(BUSY)])
    for number in range(rounds):
        for name in _turn(list(engines), number):
            last = engines[name].last
            rooms = iter([chance.randrange(BUSY) for _ in range(800)])
            found.add(
                "last 50, tail",
                name,
                _microseconds(lambda: last(room := next(rooms), 50, heads[room] + TALK), 800),  # noqa: B023
            )
    for engine in engines.values():
        engine.close()


_REOPEN = """
import json, os, sys, time
from hubbub.log import Log
def rss():
    with open("/proc/self/statm") as statm: return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
before = rss()
begin = time.perf_counter()
log = Log.open(sys.argv[1])
seconds = time.perf_counter() - begin
log.read(b"room:1", 1, 1)
print(json.dumps({"seconds": seconds, "bytes": rss() - before, "entries": log.stat().entries}))
os._exit(0)
"""

_WRITE_AND_HANG = """
import sys, time
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from bench.storage import _fill
from bench.engines import Hubbub
engine = Hubbub(Path(sys.argv[1]), sync=False)
_fill(engine, int(sys.argv[2]) - 1000)
engine._sync = True
_fill(engine, 1000)
print("ready", flush=True)
time.sleep(600)
"""


def _reopen(where: Path, messages: int, rounds: int) -> dict[str, float]:
    """Seconds and bytes of opening after kill -9, medians."""
    path = where / f"reopen-{messages}"
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITE_AND_HANG, str(path), str(messages), str(HERE.parent)],
        stdout=subprocess.PIPE,
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    found = []
    for number in range(rounds):
        here = where / "reopened"
        shutil.copytree(path, here)  # each time as the kill left it
        run = subprocess.run([sys.executable, "-c", _REOPEN, str(here)], capture_output=True, check=True)
        found.append(json.loads(run.stdout))
        shutil.rmtree(here)
        _tell(f"reopened {messages:,}, round {number + 1}: {found[-1]['seconds']:.3f} s")
    shutil.rmtree(path)
    return {
        "seconds": statistics.median([one["seconds"] for one in found]),
        "bytes": statistics.median([one["bytes"] for one in found]) / messages,
    }


def report(found: Rounds, reopened: dict[int, dict[str, float]], rounds: int) -> str:
    """The table, in Markdown."""
    lines = [f"{', '.join(f'{name} {value}' for name, value in facts().items())}; {rounds} rounds.", ""]
    lines += [
        "| | hubbub µs | RocksDB | LMDB | SQLite FULL | target | met |",
        "|---|---|---|---|---|---|---|",
    ]
    for what in found.times:
        ratios = {peer: found.ratio(what, peer) for peer in ("rocksdb", "lmdb", "sqlite")}
        wanted = {peer: target for (name, peer), target in TARGETS.items() if name == what}
        met = all(ratios[peer] >= target for peer, target in wanted.items())
        cells = " | ".join(f"{value:.2f} ×" for value in ratios.values())
        targets = ", ".join(f"{peer} ≥ {target:g} ×" for peer, target in wanted.items())
        verdict = "yes" if met else "**no**"
        lines.append(f"| {what} | {found.median(what, 'hubbub'):.2f} | {cells} | {targets} | {verdict} |")
    lines += ["", "| after kill -9 | opened in | target | memory a message |", "|---|---|---|---|"]
    for messages, figures in reopened.items():
        limit = 0.2 if messages <= 1_000_000 else 0.5
        verdict = "yes" if figures["seconds"] <= limit else "**no**"
        lines.append(
            f"| {messages:,} messages | {figures['seconds']:.3f} s | ≤ {limit:g} s: {verdict}"
            f" | {figures['bytes']:.2f} B |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=1_000_000, help="held while reading")
    parser.add_argument("--where", type=Path, default=HERE / "out" / "storage", help="on the disk to measure")
    parser.add_argument("--quick", action="store_true", help="one small round: does everything still run?")
    parser.add_argument("--write", action="store_true", help="put the table into bench/README.md")
    arguments = parser.parse_args()
    rounds, messages = (1, 20_000) if arguments.quick else (arguments.rounds, arguments.messages)
    shutil.rmtree(arguments.where, ignore_errors=True)
    arguments.where.mkdir(parents=True)
    found = Rounds()
    try:
        _commits(arguments.where, rounds, found)
        _reads(arguments.where, messages, rounds, found)
        sizes = (messages,) if arguments.quick else (1_000_000, 5_000_000)
        reopened = {size: _reopen(arguments.where, size, rounds) for size in sizes}
    finally:
        shutil.rmtree(arguments.where, ignore_errors=True)
    text = report(found, reopened, rounds)
    print(text)
    if arguments.write:
        write_block(HERE / "README.md", text, BEGIN, END)
    return 0


if __name__ == "__main__":
    os.umask(0o077)
    raise SystemExit(main())
