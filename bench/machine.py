"""The machine under the bench: its cores, its limits, and what /proc says of a process."""

from __future__ import annotations

import os
import platform
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cores:
    """Where the two sides run. Both None on a machine with one core: then they share it."""

    server: int | None
    driver: int | None


def pick_cores() -> Cores:
    """The first two cores this process may use."""
    allowed = sorted(os.sched_getaffinity(0))
    return Cores(allowed[0], allowed[1]) if len(allowed) > 1 else Cores(None, None)


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Let what is started inside run on that core alone.

    A child inherits the affinity before it runs a line, so Go sees one core and sets GOMAXPROCS by it.
    """
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def raise_file_limit() -> int:
    """Lift the number of open files, which children inherit, to the hard limit, and return it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, all its threads, user and system (/proc/PID/stat, fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: resident, and resident with shared pages divided among those who share them."""

    rss: int
    pss: int


def memory(pid: int) -> Memory:
    """What a process holds now (/proc/PID/smaps_rollup)."""
    sizes: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, size, *_ = line.split()
        sizes[name.rstrip(":")] = int(size) * 1024
    return Memory(rss=sizes["Rss"], pss=sizes["Pss"])


def facts() -> dict[str, str]:
    """What a reader needs to place the figures. No dates, no host name."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "processor": model,
        "kernel": platform.release(),
        "Python": platform.python_version(),
    }
