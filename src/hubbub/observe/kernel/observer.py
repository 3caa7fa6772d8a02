"""The observer: what probes, `sock_diag` and `/proc` tell of one process, joined into a report a second."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Collection
from typing import Final, Literal, NamedTuple

import msgspec

from hubbub.observe.kernel.figures import (
    HAPPENINGS,
    Buckets,
    Call,
    CallFigures,
    Line,
    Report,
    SocketSums,
    Source,
)
from hubbub.observe.kernel.lines import Lines
from hubbub.observe.kernel.probes import Probes, ProbesError, Trace
from hubbub.observe.kernel.proc import MachineFigures, ProcessFigures
from hubbub.observe.kernel.sock_diag import Listener, SockDiag, SockDiagError, Socket, place

Probing = Literal["auto", "on", "off"]
"""With probes where they may be attached; not at all without them; without."""

SHARE: Final = 0.03
"""Of one core, that looking at connections may take: with very many, it is done less often than that."""
LISTENERS: Final = 10.0
"""Seconds after which it is looked again where the server listens."""


class ObserverError(Exception):
    """There is nothing to observe: a sentence for people."""


class _Sums(NamedTuple):
    """What only grows, as the probes tell it."""

    calls: dict[Call, CallFigures]
    waits: Buckets | None
    sockets: SocketSums | None


class Observer:
    """Observes one process of this machine until it ends, or `close`."""

    def __init__(
        self,
        pid: int,
        probing: Probing = "auto",
        everything: bool = False,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Begin. Raises ObserverError without such a process, ProbesError where probes must be and cannot."""
        try:
            self._process = ProcessFigures(pid)
        except OSError as error:
            raise ObserverError(f"process {pid} cannot be observed: {error.strerror}") from None
        self._pidfd = _pidfd(pid)
        self._clock = clock
        self._wall = wall
        self._probes: Probes | None = None
        self._diag: SockDiag | None = None
        self._machine = MachineFigures()
        self._missing: dict[str, str] = {}
        try:
            if probing == "off":
                self._missing["probes"] = "they were not asked for"
            else:
                self._probes = self._attached(pid, probing, everything)
        except BaseException:
            self.close()
            raise
        try:
            self._diag = SockDiag(pid)
        except SockDiagError as error:
            self._missing["sock_diag"] = str(error)
        self._lines = Lines()
        self._ports: dict[int, frozenset[int]] = {}
        self._places: dict[tuple[int, int], frozenset[bytes]] = {}
        self._listeners: frozenset[int] = frozenset()
        self._look_again = 0.0
        self._next_sample = 0.0
        self._untold = 0  # happenings that came, and were too many for a report
        self._before = self._sums()
        self._at = clock()
        self._sample(self._at)

    def _attached(self, pid: int, probing: Probing, everything: bool) -> Probes | None:
        try:
            return Probes.open(pid, everything=everything)
        except ProbesError as error:
            if probing == "on":
                raise
            self._missing["probes"] = str(error)
            return None

    @property
    def source(self) -> Source:
        """Where the figures come from."""
        if self._probes is None:
            return Source(probes=False, missing=dict(self._missing))
        source = self._probes.source
        return msgspec.structs.replace(source, missing={**source.missing, **self._missing})

    @property
    def ended(self) -> bool:
        """Whether the process is gone."""
        if self._pidfd is None:  # before Linux 5.3: its directory is empty then
            return not self._process.alive
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(0))

    @property
    def descriptor(self) -> int | None:
        """Readable once the process is gone. None: the kernel has no such thing."""
        return self._pidfd

    def close(self) -> None:
        """Observe no more; its programs leave the kernel."""
        if self._probes is not None:
            self._probes.close()
        if self._diag is not None:
            self._diag.close()
        self._machine.close()
        self._process.close()
        if self._pidfd is not None:
            os.close(self._pidfd)

    def report(self) -> Report:
        """What was seen since the report before."""
        now = self._clock()
        seconds, self._at = max(now - self._at, 0.001), now
        if now >= self._next_sample:
            self._sample(now)
        run_queue = self._process.run_queue()
        sums, before = self._sums(), self._before
        self._before = sums
        if sums.waits is not None:
            run_queue.waits = _less(sums.waits, before.waits or {})
        report = Report(
            at=self._wall(),
            seconds=seconds,
            probes=self._probes is not None,
            calls={call: _since(figures, before.calls.get(call)) for call, figures in sums.calls.items()},
            run_queue=run_queue,
            machine=self._machine.read(),
            sockets=_grown(sums.sockets, before.sockets),
            lines=self._known_lines,
            rtt_median=self._lines.rtt_median,
            rtt_count=self._lines.rtt_count,
            worst=self._lines.worst(),
        )
        if self._probes is not None:
            happened = self._probes.happenings()
            report.happenings = happened[-HAPPENINGS:]
            self._untold += len(happened) - len(report.happenings)
            report.lost = self._probes.lost + self._untold
            report.missed = self._probes.missed
        return report

    @property
    def _known_lines(self) -> int | None:
        if self._lines or not {"sock_diag", "connections"} & set(self._missing):
            return len(self._lines)
        return None

    def lines(self, cookies: Collection[int]) -> list[Line]:
        """Of these connections, with the round-trip times of the last minute. Unknown ones are left out."""
        return self._lines.of(cookies)

    def trace(self) -> Trace:
        """Begin to record each call. Raises ProbesError where there are no probes, or somebody does."""
        if self._probes is None:
            raise ProbesError(self._missing["probes"])
        return self._probes.trace()

    def _sums(self) -> _Sums:
        if self._probes is None:
            return _Sums({}, None, None)
        probes = self._probes
        return _Sums(probes.calls(), probes.run_queue().waits, probes.socket_sums())

    def _sample(self, now: float) -> None:
        """Look at all connections, and not again before that has cost no more than its share."""
        if self._diag is None:
            return
        began = time.thread_time()
        try:
            if now >= self._look_again or not self._ports:
                self._ports = self._find_ports(self._diag)
                self._look_again = now + LISTENERS
            sockets = self._own(self._diag.connections(self._ports))
        except SockDiagError as error:  # what is known stays, and grows old: its `span` says so
            self._missing["sock_diag"] = str(error)
            return
        counts = self._probes.sockets() if self._probes is not None else None
        self._lines.take(now, sockets, counts)
        self._next_sample = now + (time.thread_time() - began) / SHARE
        self._missing.pop("sock_diag", None)

    def _find_ports(self, diag: SockDiag) -> dict[int, frozenset[int]]:
        """Where the process listens, by address family. Its descriptors are read when others listen."""
        listeners = diag.listeners()
        if frozenset(listeners) == self._listeners:
            return self._ports
        sockets = self._process.sockets()
        if sockets is None:
            self._missing["connections"] = "which sockets are the server's is for its user and root to see"
            self._places = {}
            return {}
        self._missing.pop("connections", None)
        self._listeners = frozenset(listeners)
        own = [one for inode, one in listeners.items() if inode in sockets]
        self._places = _places(own)
        ports: dict[int, set[int]] = {}
        for one in own:
            ports.setdefault(one.family, set()).add(one.port)
        return {family: frozenset(some) for family, some in ports.items()}

    def _own(self, sockets: list[Socket]) -> list[Socket]:
        """Without those of other programs, that listen at the same port of another address."""
        places = self._places
        if not places:
            return sockets
        own = []
        for one in sockets:
            there = places.get((one.identity[0], one.port))
            if there is None or place(one.identity) in there:
                own.append(one)
        return own


def _places(own: list[Listener]) -> dict[tuple[int, int], frozenset[bytes]]:
    """By address family and port: at which addresses it is the server's, where not at every one."""
    found: dict[tuple[int, int], set[bytes]] = {}
    for one in own:
        found.setdefault((one.family, one.port), set()).add(one.address)
    everywhere = bytes(16)
    return {where: frozenset(some) for where, some in found.items() if everywhere not in some}


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):  # it has just ended; a kernel before 5.3, another system
        return None


def _less(now: Buckets, before: Buckets) -> Buckets:
    return {
        bucket: count - before.get(bucket, 0)
        for bucket, count in now.items()
        if count > before.get(bucket, 0)
    }


def _grown(now: SocketSums | None, before: SocketSums | None) -> SocketSums | None:
    if now is None or before is None:
        return now
    pairs = zip(msgspec.structs.astuple(now), msgspec.structs.astuple(before), strict=True)
    return SocketSums(*(max(0, one - other) for one, other in pairs))


def _since(now: CallFigures, before: CallFigures | None) -> CallFigures:
    if before is None:
        return now
    return CallFigures(
        count=max(0, now.count - before.count),
        bytes=max(0, now.bytes - before.bytes),
        failed=max(0, now.failed - before.failed),
        again=max(0, now.again - before.again),
        took=_less(now.took, before.took),
        sizes=_less(now.sizes, before.sizes),
    )
