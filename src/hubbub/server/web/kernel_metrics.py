"""What `/metrics` tells of the kernel: sums of what was seen there, see `kernel_seen`.

Times are known to a fourth (`observe/kernel/buckets.py`), and so is their sum, which is made of the middles
of the buckets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hubbub.observe.kernel.buckets import lowest
from hubbub.server.kernel_seen import CallSum
from hubbub.server.readings import Readings
from hubbub.server.web.families import Family, Labelled, Timed

_NANOSECONDS: Final = 1_000_000_000


class Bucketed:
    """Nanoseconds by bucket, as `Times`."""

    __slots__ = ("_counts", "labels")

    def __init__(self, counts: Mapping[int, int], *labels: str) -> None:
        self._counts = counts
        self.labels = labels

    @property
    def count(self) -> int:
        """See Times."""
        return sum(self._counts.values())

    @property
    def seconds(self) -> float:
        """See Times."""
        middles = ((lowest(one) + lowest(one + 1) - 1) / 2 * count for one, count in self._counts.items())
        return sum(middles) / _NANOSECONDS

    def below(self, bounds: Sequence[float]) -> list[int]:
        """See Times."""
        ends = {bucket: (lowest(bucket + 1) - 1) / _NANOSECONDS for bucket in self._counts}
        return [sum(self._counts[one] for one, end in ends.items() if end <= bound) for bound in bounds]


def _by_call(read: Callable[[CallSum], int]) -> Callable[[Readings], Labelled]:
    return lambda readings: [((call,), read(sums)) for call, sums in readings.kernel.calls.items()]


def _times(readings: Readings) -> Timed:
    return Timed([Bucketed(counts, call) for call, counts in readings.kernel.took.items()])


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
        "hubbub_kernel_run_queue_wait_seconds",
        "histogram",
        "How long a thread of the server was ready to run and did not, each time.",
        lambda r: Timed([Bucketed(r.kernel.waits)]),
    ),
    Family(
        "hubbub_kernel_run_queue_delay_seconds",
        "counter",
        "That time, of all threads together.",
        lambda r: [((), r.kernel.delayed / 1_000_000)],
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
        "Of these, those for which there was no room; sums miss nothing.",
        lambda r: [((), r.kernel.lost)],
    ),
    Family(
        "hubbub_kernel_calls_missed",
        "counter",
        "Calls that could not be counted by connection; sums have them.",
        lambda r: [((), r.kernel.missed)],
    ),
)
