"""The sampler: one timer that looks at the server each second, and keeps the last hour of it.

It runs whether somebody watches or not, so that a page opened now shows the past hour.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from hubbub.observe.ring import ROWS, Column, Ring
from hubbub.server.readings import Readings

SECOND: Final = 1.0
LAG_BEAT: Final = 0.05
"""Seconds between two looks how late the loop is."""
RECENT: Final = 10
"""Samples that are at hand one by one."""

_COUNT: Final = Column("H")
_RATE: Final = Column("I", "mean")
_TIME: Final = Column("I", "most", sparse=True)


class Sample(msgspec.Struct, frozen=True, gc=False):
    """One second. Rates are of that second; times in microseconds, null where nothing happened to be timed.

    `at` is in milliseconds since 1970, the end of the second; `memory`, `queued` and all `…bytes` in bytes;
    `cpu` in thousandths of one core; `connections_new` have not said yet what they speak. From `sends` on it
    is what the kernel tells: nulls where it does not (`kernel_seen`); `run_delayed` is of all threads,
    and where nobody looks into the kernel, of the one that runs the loop.
    """

    at: int
    people: int
    people_text: int
    people_json: int
    people_protobuf: int
    people_ndjson: int
    people_websocket: int
    connections_text: int
    connections_json: int
    connections_protobuf: int
    connections_ndjson: int
    connections_websocket: int
    connections_http: int
    connections_relay: int
    connections_new: int
    messages: int
    deliveries: int
    delivery_p50: int | None
    delivery_p99: int | None
    commit_p50: int | None
    commit_p99: int | None
    sync_p50: int | None
    sync_p99: int | None
    lag_p99: int | None
    lag_max: int | None
    memory: int
    cpu: int
    slow: int
    queued: int
    transfers: int
    transfer_bytes: int
    log_bytes: int
    compacting: int
    compactions: int
    rate_limited: int
    refused: int
    logins_failed: int
    errors: int
    sends: int | None
    send_bytes: int | None
    run_wait_p99: int | None
    run_delayed: int
    kernel_sync_p99: int | None
    rtt_median: int | None


_SPECIAL: Final = {
    "at": Column("Q"),
    **dict.fromkeys(("messages", "deliveries", "refused", "rate_limited", "logins_failed", "errors"), _RATE),
    **dict.fromkeys(("delivery_p50", "delivery_p99", "commit_p50", "commit_p99"), _TIME),
    **dict.fromkeys(("sync_p50", "sync_p99", "lag_p99", "lag_max"), _TIME),
    "memory": Column("Q"),
    "cpu": Column("I", "mean"),
    "slow": Column("H", "most"),
    "queued": Column("Q", "most"),
    "transfer_bytes": Column("Q", "mean"),
    "log_bytes": Column("Q"),
    "sends": Column("I", "mean", sparse=True),
    "send_bytes": Column("Q", "mean", sparse=True),
    "run_delayed": _RATE,
    **dict.fromkeys(("run_wait_p99", "kernel_sync_p99", "rtt_median"), _TIME),
    "compacting": Column("H", "most"),
    "compactions": Column("H", "mean"),
}
COLUMNS: Final = {name: _SPECIAL.get(name, _COUNT) for name in Sample.__struct_fields__}
"""How each number is kept, and thinned."""


class Sampler:
    """Takes the samples."""

    def __init__(
        self,
        readings: Readings,
        loop: asyncio.AbstractEventLoop,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        rows: int = ROWS,
    ) -> None:
        """`wall` gives Unix time in seconds."""
        self.ring = Ring(COLUMNS, rows)
        self.on_sample: Callable[[Sample], None] = lambda _: None
        """Told of each, once it is kept."""
        self.recent: deque[Sample] = deque(maxlen=RECENT)
        """The newest last."""
        self._readings = readings
        self._loop = loop
        self._clock = clock
        self._wall = wall
        self._timer: asyncio.TimerHandle | None = None
        self._beat: asyncio.TimerHandle | None = None
        self._due = self._beat_due = 0.0
        self._before = self._totals()
        self._taken = clock()

    def start(self) -> None:
        """Begin: the first second ends a second from now."""
        self._before, self._taken = self._totals(), self._clock()
        self._due = self._taken + SECOND
        self._timer = self._loop.call_later(SECOND, self._tick)
        self._beat_due = self._taken + LAG_BEAT
        self._beat = self._loop.call_later(LAG_BEAT, self._feel)

    def stop(self) -> None:
        """Take no more."""
        for timer in (self._timer, self._beat):
            if timer is not None:
                timer.cancel()

    def _feel(self) -> None:
        """How late is the loop?"""
        now = self._clock()
        self._readings.counts.lag.record(now - self._beat_due)
        self._beat_due = now + LAG_BEAT
        self._beat = self._loop.call_later(LAG_BEAT, self._feel)

    def _tick(self) -> None:
        self._due = max(self._due + SECOND, self._clock() + SECOND / 2)  # a second slept through has no row
        self._timer = self._loop.call_later(self._due - self._clock(), self._tick)
        self.on_sample(self.take())

    def take(self) -> Sample:
        """Look now, and keep what there is to see since the last look."""
        readings = self._readings
        counts, here = readings.counts, readings.here
        now, totals = self._clock(), self._totals()
        passed = max(now - self._taken, 0.001)
        since = [later - before for later, before in zip(totals, self._before, strict=True)]
        messages, deliveries, moved, compactions, limited, refused, failed, errors, cpu, delayed = since
        self._before, self._taken = totals, now
        delivery, commit, sync, lag = (
            one.turn() for one in (counts.delivery, counts.commit, counts.sync, counts.lag)
        )
        people, connections = here.people, here.connections
        kernel = readings.kernel.turn()
        run_delayed = round(delayed * 1_000_000) if kernel.run_delayed is None else kernel.run_delayed
        sample = Sample(
            at=int(self._wall() * 1000),
            people=readings.people,
            people_text=people["text"],
            people_json=people["json"],
            people_protobuf=people["protobuf"],
            people_ndjson=people["ndjson"],
            people_websocket=people["websocket"],
            connections_text=connections["text"],
            connections_json=connections["json"],
            connections_protobuf=connections["protobuf"],
            connections_ndjson=connections["ndjson"],
            connections_websocket=connections["websocket"],
            connections_http=readings.http,
            connections_relay=readings.relay,
            connections_new=readings.silent,
            messages=int(messages),
            deliveries=int(deliveries),
            delivery_p50=delivery.p50,
            delivery_p99=delivery.p99,
            commit_p50=commit.p50,
            commit_p99=commit.p99,
            sync_p50=sync.p50,
            sync_p99=sync.p99,
            lag_p99=lag.p99,
            lag_max=lag.most,
            memory=readings.process.memory(),
            cpu=round(1000 * cpu / passed),
            slow=readings.slow,
            queued=readings.queued,
            transfers=readings.transfers,
            transfer_bytes=int(moved),
            log_bytes=readings.log_bytes,
            compacting=int(readings.compacting),
            compactions=int(compactions),
            rate_limited=int(limited),
            refused=int(refused),
            logins_failed=int(failed),
            errors=int(errors),
            sends=kernel.sends,
            send_bytes=kernel.send_bytes,
            run_wait_p99=kernel.run_wait_p99,
            run_delayed=run_delayed,
            kernel_sync_p99=kernel.kernel_sync_p99,
            rtt_median=kernel.rtt_median,
        )
        self.ring.put(msgspec.structs.astuple(sample))
        self.recent.append(sample)
        return sample

    def _totals(self) -> tuple[float, ...]:
        """What only grows, in the order in which `take` has it."""
        readings = self._readings
        counts = readings.counts
        return (
            counts.messages,
            counts.deliveries,
            sum(readings.file_bytes().values()),
            readings.compactions,
            readings.rate_limited,
            counts.refused,
            readings.logins_failed,
            readings.errors,
            readings.process.processor(),
            readings.process.delayed(),
        )
