"""What `/metrics` tells of the kernel: sums of what was seen there, see `kernel_seen`.

Times and sizes are known to a fourth (`observe/kernel/buckets.py`), and so is the sum of times, which is made
of the middles of the buckets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hubbub.observe.kernel.buckets import lowest
from hubbub.server.kernel_seen import CallSum
from hubbub.server.readings import Readings
from hubbub.server.web.families import Family, Labelled, Spread

TIMES: Final = (
    *(0.000_001, 0.000_002_5, 0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5),
    *(0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
"""Seconds: a call into a socket takes some millionths."""
SIZES: Final = tuple(float(2**power) for power in range(4, 25, 2))
"""Bytes: 16 B … 16 MiB."""
_NANOSECONDS: Final = 1_000_000_000


class Bucketed:
    """Values by bucket, as `Values`; so many of them are one second, or one byte."""

    __slots__ = ("_counts", "_unit", "labels")

    def __init__(self, counts: Mapping[int, int], *labels: str, unit: int = _NANOSECONDS) -> None:
        self._counts = counts
        self._unit = unit
        self.labels = labels

    @property
    def count(self) -> int:
        """See Values."""
        return sum(self._counts.values())

    @property
    def sum(self) -> float:
        """See Values."""
        middles = ((lowest(one) + lowest(one + 1) - 1) / 2 * count for one, count in self._counts.items())
        return sum(middles) / self._unit

    def below(self, bounds: Sequence[float]) -> list[int]:
        """See Values."""
        ends = {bucket: (lowest(bucket + 1) - 1) / self._unit for bucket in self._counts}
        return [sum(self._counts[one] for one, end in ends.items() if end <= bound) for bound in bounds]


def _by_call(read: Callable[[CallSum], int]) -> Callable[[Readings], Labelled]:
    return lambda readings: [((call,), read(sums)) for call, sums in readings.kernel.calls.items()]


def _times(readings: Readings) -> Spread:
    return Spread([Bucketed(counts, call) for call, counts in readings.kernel.took.items()], TIMES)


class _Sized(Bucketed):
    """Sizes, of which the sum is known to the byte."""

    __slots__ = ("_sum",)

    def __init__(self, counts: Mapping[int, int], of: CallSum, call: str) -> None:
        super().__init__(counts, call, unit=1)
        self._sum = of.bytes

    @property
    def sum(self) -> float:
        """See Values."""
        return self._sum


def _sizes(readings: Readings) -> Spread:
    seen = readings.kernel
    return Spread([_Sized(counts, seen.calls[call], call) for call, counts in seen.sizes.items()], SIZES)


KERNEL_FAMILIES: Final = (
    Family(
        "hubbub_kernel_probes",
        "gauge",
        "1 while eBPF probes are attached to the server.",
        lambda r: [((), r.kernel.probes)],
    ),
    Family(
        "hubbub_kernel_calls",
        "counter",
        "System calls of the server, by kind: send, receive, wait (epoll), sync (fdatasync).",
        _by_call(lambda one: one.count),
        ("call",),
    ),
    Family(
        "hubbub_kernel_call_bytes",
        "counter",
        "Bytes that these calls sent or received.",
        _by_call(lambda one: one.bytes),
        ("call",),
    ),
    Family(
        "hubbub_kernel_calls_failed",
        "counter",
        "Those of them that ended with an error other than EAGAIN.",
        _by_call(lambda one: one.failed),
        ("call",),
    ),
    Family(
        "hubbub_kernel_calls_again",
        "counter",
        "Those of them that would have had to wait (EAGAIN).",
        _by_call(lambda one: one.again),
        ("call",),
    ),
    Family(
        "hubbub_kernel_call_seconds",
        "histogram",
        "How long these calls took, where they are timed (probes.everything).",
        _times,
        ("call",),
    ),
    Family(
        "hubbub_kernel_call_size_bytes",
        "histogram",
        "How many bytes each of these calls sent or received.",
        _sizes,
        ("call",),
    ),
    Family(
        "hubbub_kernel_rtt_median_seconds",
        "gauge",
        "The median of the round-trip times measured in the last ten seconds; none while nobody looks.",
        lambda r: [] if r.kernel.rtt_median is None else [((), r.kernel.rtt_median / 1_000_000)],
    ),
    Family(
        "hubbub_kernel_run_queue_wait_seconds",
        "histogram",
        "How long a thread of the server was ready to run and did not, each time.",
        lambda r: Spread([Bucketed(r.kernel.waits)], TIMES),
    ),
    Family(
        "hubbub_kernel_run_queue_delay_seconds",
        "counter",
        "That time, of all threads together.",
        lambda r: [((), r.kernel.delayed / 1_000_000)],
    ),
    Family(
        "hubbub_kernel_short_sends",
        "counter",
        "Sends of which the kernel did not take all, since the peer or its line takes too little.",
        lambda r: [((), r.kernel.sockets.short_sends)],
    ),
    Family(
        "hubbub_kernel_send_queue_full_seconds",
        "counter",
        "Time with a full send queue, of all connections together.",
        lambda r: [((), r.kernel.sockets.full / 1_000_000)],
    ),
    Family(
        "hubbub_kernel_retransmits",
        "counter",
        "Packets that were sent again, also those that were only late.",
        lambda r: [((), r.kernel.sockets.retransmits)],
    ),
    Family(
        "hubbub_kernel_receive_overflows",
        "counter",
        "Packets dropped at a full receive queue.",
        lambda r: [((), r.kernel.sockets.overflows)],
    ),
    Family(
        "hubbub_kernel_resets",
        "counter",
        "Resets of connections: sent by us, or received.",
        lambda r: [
            (("sent",), r.kernel.sockets.resets_sent),
            (("received",), r.kernel.sockets.resets_received),
        ],
        ("way",),
    ),
    Family(
        "hubbub_kernel_state_changes",
        "counter",
        "Changes of TCP's state: one when a connection opens, some while it closes.",
        lambda r: [((), r.kernel.sockets.state_changes)],
    ),
    Family(
        "hubbub_kernel_verdicts",
        "gauge",
        "Connections by what makes them slow, nothing among it (docs/probes.md); none while nobody looks.",
        lambda r: [((cause,), count) for cause, count in sorted(r.kernel.verdicts().items())],
        ("cause",),
    ),
    Family(
        "hubbub_kernel_happenings",
        "counter",
        "What the kernel told of connections: retransmit, reset_sent, overflow and others.",
        lambda r: [((kind,), count) for kind, count in sorted(r.kernel.happenings.items())],
        ("kind",),
    ),
    Family(
        "hubbub_kernel_happenings_lost",
        "counter",
        "Those that were too many to be told; sums miss nothing.",
        lambda r: [((), r.kernel.lost)],
    ),
    Family(
        "hubbub_kernel_calls_missed",
        "counter",
        "Calls that could not be counted by connection; sums have them.",
        lambda r: [((), r.kernel.missed)],
    ),
)
