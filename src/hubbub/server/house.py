"""What all connections share, as evidence of a verdict: the server's own figures, and the machine's.

Of the last seconds: one of them alone says little.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median_low
from typing import TYPE_CHECKING, Final

from hubbub.observe.kernel.buckets import quantile
from hubbub.observe.kernel.evidence import House
from hubbub.observe.kernel.figures import Report

if TYPE_CHECKING:
    from hubbub.server.readings import Readings
    from hubbub.server.sampling import Sampler

SETTLED: Final = 3
"""Seconds until the loop's lag says something: at its start a server is late."""
_MICROS: Final = 1_000_000


def house(readings: Readings, sampler: Sampler, reports: Sequence[Report]) -> House:
    """`reports`: of the last seconds, none where nobody looks into the kernel."""
    samples = sampler.recent
    settled = samples if len(samples) >= SETTLED else ()
    cpu = (_middle(one.cpu for one in samples) or 0) / 1000
    seconds = sum(one.seconds for one in reports)
    if seconds:
        ran = sum(one.run_queue.ran for one in reports) / _MICROS / seconds
        delayed = sum(one.run_queue.delayed for one in reports) / _MICROS / seconds
    else:  # then of the loop's thread, by our own account
        ran, delayed = cpu, (_middle(one.run_delayed for one in samples) or 0) / _MICROS
    return House(
        lag_p99=_middle(one.lag_p99 for one in settled),
        lag_max=max((one.lag_max for one in settled if one.lag_max is not None), default=None),
        commit_p99=_middle(one.commit_p99 for one in samples),
        sync_p99=_kernel_sync(reports) or _middle(one.sync_p99 for one in samples),
        commit_waits=round(readings.commit_waits * _MICROS),
        read_only=readings.read_only,
        cpu=cpu,
        delayed=delayed,
        ran=ran,
        machine=reports[-1].machine if reports else None,
    )


def _middle(values: Iterable[int | None]) -> int | None:
    there = [value for value in values if value is not None]
    return median_low(there) if there else None


def _kernel_sync(reports: Iterable[Report]) -> int | None:
    """µs that the disk took, by the kernel's own clock. None: it was not timed, or nothing was synced."""
    counts = Counter[int]()
    for one in reports:
        if (sync := one.calls.get("sync")) is not None:
            counts.update(sync.took)
    took = quantile(counts, 0.99)
    return None if took is None else took // 1000
