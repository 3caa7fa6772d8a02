"""What the kernel was seen to do, kept: sums since the start, and histograms of the last hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from msgspec.structs import astuple

from hubbub.observe.heat import SECONDS, Heat
from hubbub.observe.kernel.buckets import quantile
from hubbub.observe.kernel.figures import CALLS, Buckets, Call, Report, SocketSums
from hubbub.observe.kernel.verdict import Cause

POWERS: Final = 24
_NANOSECONDS: Final = 8
"""Times are told from 2^8 ns on, up to 2^32 ns (4.3 s)."""
_BYTES: Final = 0
KINDS: Final = {
    "send": _NANOSECONDS,
    "receive": _NANOSECONDS,
    "sync": _NANOSECONDS,
    "waits": _NANOSECONDS,
    "sizes": _BYTES,
}
"""Of the heat: how long calls took, how long threads waited for a processor, how large sends were."""


class HeatView(msgspec.Struct, frozen=True):
    """The last hour, a column for each `seconds`, oldest first; the newest is not over.

    Of each column the counts by power of two: the first of them is 2^`first`, of nanoseconds or bytes. `at`
    is the Unix time, in seconds, at which the newest begins.
    """

    at: int
    seconds: int
    first: dict[str, int]
    columns: dict[str, list[list[int]]]


class CallSum(msgspec.Struct, gc=False):
    """Of one kind of call, since the start."""

    count: int = 0
    bytes: int = 0
    failed: int = 0
    again: int = 0


class Second(msgspec.Struct, gc=False):
    """What was seen between two samples; None: nobody looked, or nothing was timed. Microseconds, bytes."""

    sends: int | None = None
    send_bytes: int | None = None
    run_wait_p99: int | None = None
    run_delayed: int | None = None
    kernel_sync_p99: int | None = None
    rtt_median: int | None = None


class KernelSeen:
    """One server's."""

    def __init__(self, newest: Callable[[], Report | None]) -> None:
        """`newest`: of the last second; None: nothing looks just now."""
        self.calls: dict[Call, CallSum] = {call: CallSum() for call in CALLS}
        self.took: dict[Call, Counter[int]] = {call: Counter() for call in CALLS}
        """Nanoseconds, by bucket."""
        self.sizes: dict[Call, Counter[int]] = {"send": Counter(), "receive": Counter()}
        """Bytes, by bucket."""
        self.waits: Counter[int] = Counter()
        """Likewise, for a processor."""
        self.delayed = 0
        """Microseconds that threads were ready to run and did not."""
        self.happenings: Counter[str] = Counter()
        """How many of each kind."""
        self.sockets = SocketSums()
        """Of all connections."""
        self.verdicts: Callable[[], Mapping[Cause, int]] = dict
        """How many connections have each cause just now, by who can judge that; empty: nobody looks."""
        self.lost = 0
        self.missed = 0
        """See Report; over observers that came one after the other."""
        self.on_report: Callable[[], None] = lambda: None
        """Told of each that was taken in."""
        self._newest = newest
        self._heat = Heat(KINDS, POWERS)
        self._second = Second()
        self._waits: Counter[int] = Counter()
        self._syncs: Counter[int] = Counter()
        self._losses = (0, 0)

    @property
    def probes(self) -> bool:
        """Whether probes look just now."""
        report = self._newest()
        return report is not None and report.probes

    @property
    def rtt_median(self) -> int | None:
        """Of all connections, µs. None: nobody looks just now, or there is none."""
        report = self._newest()
        return None if report is None else report.rtt_median or None

    @property
    def size(self) -> int:
        """Bytes of the heat."""
        return self._heat.size

    def take(self, report: Report) -> None:
        """Take in what was seen since the report before: see `Probing.on_report`."""
        for call, figures in report.calls.items():
            sums = self.calls[call]
            sums.count += figures.count
            sums.bytes += figures.bytes
            sums.failed += figures.failed
            sums.again += figures.again
            self.took[call].update(figures.took)
            if call in self.sizes:
                self.sizes[call].update(figures.sizes)
            if call in KINDS:
                self._heat.add(report.at, call, figures.took.items())
        waits = report.run_queue.waits or {}
        self.waits.update(waits)
        self.delayed += report.run_queue.delayed
        self.happenings.update(what.kind for what in report.happenings)
        if report.sockets is not None:
            pairs = zip(astuple(self.sockets), astuple(report.sockets), strict=True)
            self.sockets = SocketSums(*(so_far + more for so_far, more in pairs))
        self._heat.add(report.at, "waits", waits.items())
        send = report.calls.get("send")
        self._heat.add(report.at, "sizes", send.sizes.items() if send is not None else ())
        lost, missed = self._losses
        self.lost += report.lost - lost if report.lost >= lost else report.lost
        self.missed += report.missed - missed if report.missed >= missed else report.missed
        self._losses = report.lost, report.missed
        self._count(report, waits)
        self.on_report()

    def _count(self, report: Report, waits: Buckets) -> None:
        """Into the second that runs."""
        second, send, sync = self._second, report.calls.get("send"), report.calls.get("sync")
        if send is not None:
            second.sends = (second.sends or 0) + send.count
            second.send_bytes = (second.send_bytes or 0) + send.bytes
        if sync is not None:
            self._syncs.update(sync.took)
        self._waits.update(waits)
        second.run_delayed = (second.run_delayed or 0) + report.run_queue.delayed
        second.rtt_median = report.rtt_median

    def turn(self) -> Second:
        """What was seen since the last time: for the sampler."""
        second, self._second = self._second, Second()
        second.run_wait_p99 = _micros(self._waits)
        second.kernel_sync_p99 = _micros(self._syncs)
        self._waits.clear()
        self._syncs.clear()
        return second

    def heat(self, at: float) -> HeatView:
        """The last hour, up to that moment of Unix time."""
        begins = int(at // SECONDS) * SECONDS
        return HeatView(begins, SECONDS, dict(KINDS), self._heat.read(at))


def _micros(counts: Counter[int]) -> int | None:
    value = quantile(counts, 0.99)
    return None if value is None else value // 1000
