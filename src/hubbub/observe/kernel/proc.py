"""What `/proc` tells of a process and its machine (proc(5)); any of it may be missing, and is 0 or None then.

Files are opened once and read again from their beginning, where they stay: that is half of what it costs.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final, NamedTuple

from hubbub.observe.kernel.figures import Machine, RunQueue

PROC: Final = Path("/proc")
PRESSURES: Final = ("cpu", "io", "memory")
MOST_THREADS: Final = 512
"""Of the process, that are looked at each second."""
_READ: Final = 65_536


class ProcessFigures:
    """What one process has of the processors: that one alone, also once its number is another's."""

    def __init__(self, pid: int, proc: Path = PROC) -> None:
        """Raises FileNotFoundError where there is no such process."""
        self._directory = os.open(proc / str(pid), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._before: dict[str, tuple[int, int]] = {}
        self._begun = False
        self.run_queue()

    def close(self) -> None:
        """Read no more."""
        os.close(self._directory)

    def run_queue(self) -> RunQueue:
        """How long its threads ran, and waited to run, since the last time this was asked.

        Of threads that ended meanwhile, what they did since then is not known. Both are 0 on a kernel that
        does not keep it (CONFIG_SCHED_INFO).
        """
        now: dict[str, tuple[int, int]] = {}
        for thread in self._threads():
            with contextlib.suppress(OSError, ValueError):  # it has just ended; an odd kernel
                ran, delayed, *_ = map(int, self._read(f"task/{thread}/schedstat").split())
                now[thread] = ran, delayed
        none = (0, 0) if self._begun else None  # what a thread did before we looked is not asked for
        ran = delayed = 0
        for thread, there in now.items():
            before = self._before.get(thread, none) or there
            ran += max(0, there[0] - before[0])
            delayed += max(0, there[1] - before[1])
        self._before = now
        self._begun = True
        return RunQueue(delayed=delayed // 1000, ran=ran // 1000)

    @property
    def alive(self) -> bool:
        """Whether there is such a process; one that waits to be asked how it ended counts as alive."""
        return bool(self._threads())

    def sockets(self) -> frozenset[int] | None:
        """The inodes of its sockets. None: they are not for us to see."""
        found: set[int] = set()
        try:
            directory = os.open("fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._directory)
        except OSError:
            return None
        try:
            for name in os.listdir(directory):  # noqa: PTH208 (of a descriptor)
                with contextlib.suppress(OSError, ValueError):  # closed meanwhile
                    where = os.readlink(name, dir_fd=directory)
                    if where.startswith("socket:["):
                        found.add(int(where[8:-1]))
        except OSError:
            return None
        finally:
            os.close(directory)
        return frozenset(found)

    def _threads(self) -> list[str]:
        try:
            directory = os.open("task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._directory)
        except OSError:
            return []
        try:
            return os.listdir(directory)[:MOST_THREADS]  # noqa: PTH208 (of a descriptor)
        except OSError:
            return []
        finally:
            os.close(directory)

    def _read(self, name: str) -> bytes:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._directory)
        try:
            return os.read(descriptor, _READ)
        finally:
            os.close(descriptor)


class _Times(NamedTuple):
    """Of all processors since the machine began, in ticks."""

    whole: int = 0
    idle: int = 0
    stolen: int = 0


class MachineFigures:
    """What the whole machine is at."""

    def __init__(self, proc: Path = PROC) -> None:
        self._files = {
            name: found
            for name in ("stat", "meminfo", *(f"pressure/{kind}" for kind in PRESSURES))
            if (found := _opened(proc / name)) is not None
        }
        self._cores = os.cpu_count() or 1
        self._before = self._times()

    def close(self) -> None:
        """Read no more."""
        for descriptor in self._files.values():
            os.close(descriptor)
        self._files = {}

    def read(self) -> Machine:
        """How it was since the last time, and is now."""
        before, self._before = self._before, self._times()
        whole = max(self._before.whole - before.whole, 0)
        idle, stolen = self._before.idle - before.idle, self._before.stolen - before.stolen
        memory = self._memory()
        return Machine(
            cores=self._cores,
            busy=_share(whole - idle, whole),
            stolen=_share(stolen, whole),
            memory_free=memory.get("MemAvailable", 0),
            memory_total=memory.get("MemTotal", 0),
            pressure={kind: share for kind in PRESSURES if (share := self._pressure(kind)) is not None},
        )

    def _times(self) -> _Times:
        """`cpu user nice system idle iowait irq softirq steal …`; the rest is in `user` and `nice`, too."""
        first, *numbers = self._text("stat").partition("\n")[0].split()[:9] or [""]
        if first != "cpu":
            return _Times()
        try:
            ticks = [int(number) for number in numbers]
        except ValueError:
            return _Times()
        ticks += [0] * (8 - len(ticks))
        return _Times(sum(ticks), ticks[3] + ticks[4], ticks[7])

    def _memory(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for line in self._text("meminfo").splitlines():
            name, _, value = line.partition(":")
            if name in ("MemTotal", "MemAvailable"):
                number, _, _ = value.strip().partition(" ")
                if number.isascii() and number.isdecimal():
                    found[name] = int(number) * 1024
                if len(found) == 2:
                    break
        return found

    def _pressure(self, kind: str) -> float | None:
        """`some avg10=0.12 avg60=…`: per cent. None: the kernel does not tell (CONFIG_PSI, or it is off)."""
        for word in self._text(f"pressure/{kind}").partition("\n")[0].split():
            name, _, value = word.partition("=")
            if name == "avg10":
                with contextlib.suppress(ValueError):
                    return min(max(float(value) / 100, 0.0), 1.0)
        return None

    def _text(self, name: str) -> str:
        descriptor = self._files.get(name)
        if descriptor is None:
            return ""
        try:
            return os.pread(descriptor, _READ, 0).decode("ascii", "replace")
        except OSError:  # pressure that is switched off: EOPNOTSUPP
            return ""


def _opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def _share(part: int, whole: int) -> float:
    return min(max(part / whole, 0.0), 1.0) if whole > 0 else 0.0
