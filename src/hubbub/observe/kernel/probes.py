"""The probes of one process: loaded, attached, read. Nothing of them outlives the process that opened them.

All figures are sums since they were attached; who wants those of a second, takes the difference.
"""

from __future__ import annotations

import errno
import os
import select
import sys
from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple, Self

from hubbub.observe.kernel import hooks
from hubbub.observe.kernel.buckets import BUCKETS
from hubbub.observe.kernel.figures import (
    CALLS,
    Buckets,
    Call,
    CallFigures,
    Happening,
    RunQueue,
    SocketSums,
    Source,
)
from hubbub.observe.kernel.hooks import Hook
from hubbub.observe.kernel.layouts import (
    CALL_FIGURES,
    CONTROL,
    FIGURES,
    LOSSES,
    NOBODY,
    SOCKET_ROW,
    read,
    write,
)
from hubbub.observe.kernel.libbpf import LIBRARY, Libbpf, LibbpfError, Link, ProbesError, Ring, libbpf
from hubbub.observe.kernel.loading import Loaded, load
from hubbub.observe.kernel.records import TracedCall, behind_unix_time, happening
from hubbub.observe.kernel.tracing import Trace

__all__ = ["Probes", "ProbesError", "SocketCounts", "Trace", "TracedCall"]

OBJECT: Final = Path(__file__).with_name("hubbub.bpf.o")
"""What `scripts/probes.py` makes of `probes/`."""
TYPES: Final = Path("/sys/kernel/btf/vmlinux")
"""Where the running kernel tells its types (BTF)."""
RING: Final = 256 << 10
"""Bytes for happenings that were not fetched yet: about 3,600."""
TRACE_RING: Final = 1 << 20
"""Bytes for records of calls: about 21,800, a fifth of a second at 100,000 calls a second."""
DRAINED: Final = 10_000
"""Happenings that are fetched at once, at most."""

PRIVILEGES: Final = "root is needed, or the capabilities CAP_BPF and CAP_PERFMON"
_INITIAL_NAMESPACE: Final = 0xEFFF_FFFC
"""Inode of the kernel's first PID namespace, whose numbers are the kernel's own (PROC_PID_INIT_INO)."""


class SocketCounts(NamedTuple):
    """What was counted at one socket since it was known."""

    sends: int
    short_sends: int
    """Of them, those of which the kernel did not take all, for want of room."""
    send_bytes: int
    receives: int
    receive_bytes: int
    full: int
    """Microseconds with a full send queue: from a short send to the next that is none, or to now."""
    overflows: int
    """Packets dropped at a full receive queue."""
    resets_sent: int
    resets_received: int
    state_changes: int
    """Of TCP's states: to become `established` is the first."""


class Probes:
    """Programs that count what one process does. Open them with `Probes.open`; close them, or end."""

    def __init__(
        self, library: Libbpf, loaded: Loaded, pidfd: int, everything: bool, owned: ExitStack
    ) -> None:
        """Use `open`."""
        self._library = library
        self._loaded = loaded
        self._pidfd = pidfd
        self._everything = everything
        self._owned = owned
        self._missing = {
            name: why for name, why in loaded.missing.items() if everything or name not in hooks.COSTLY
        }
        self._hooks: dict[str, Hook] = {}
        self._sockets: Link | None = None
        self._figures = loaded.object.map("figures").sized(FIGURES.size)
        self._losses = loaded.object.map(".bss").sized(LOSSES.size).memory()
        self._control = loaded.object.map(".data").sized(CONTROL.size).memory()
        owned.callback(self._losses.close)
        owned.callback(self._control.close)
        self._told = Ring(library, loaded.object.map("happenings"))
        owned.callback(self._told.close)
        self._trace: Trace | None = None
        self._tracing = ExitStack()
        self._ended = False
        self._open = True

    @classmethod
    def open(
        cls,
        pid: int,
        *,
        everything: bool = False,
        without: Collection[str] = (),
        ring: int = RING,
        trace_ring: int = TRACE_RING,
        library: str = LIBRARY,
        program: Path = OBJECT,
        types: Path = TYPES,
    ) -> Probes:
        """Observe a process from now on. ProbesError: not here, and why; nothing is left then.

        `everything`: also what costs more (see `hooks.HOOKS`). `without`: hooks to leave out. `ring` and
        `trace_ring`: bytes. The rest says where to find what is needed.
        """
        with _explaining(), ExitStack() as owned:
            pidfd = _pidfd(pid)
            owned.callback(os.close, pidfd)
            content = _content(program, types)
            found = libbpf(library)
            loaded = load(found, content, {"happenings": ring, "calls": trace_ring}, without)
            owned.callback(loaded.object.close)
            probes = cls(found, loaded, pidfd, everything, owned)
            probes._begin(pid)
            probes._owned = owned.pop_all()
            return probes
        raise AssertionError  # an ExitStack swallows nothing

    def _begin(self, pid: int) -> None:
        """Attach all that is wanted, to that process alone."""
        write(self._control, CONTROL, target=self._translated(pid))
        for hook in self._loaded.hooks:
            if hook.wanted == "default" or self._everything:
                try:
                    self._attach(hook, self._owned)
                except LibbpfError as error:
                    self._missing[hook.name] = str(error)
                else:
                    self._hooks[hook.name] = hook
        if not self._hooks:
            raise ProbesError(f"nothing can be attached: {next(iter(self._missing.values()))}")
        write(self._control, CONTROL, timing=self._is_timed)
        self._adopt()
        self._summed()  # what cannot be read now, never can
        if self.ended:
            raise ProbesError(f"the process {pid} has ended")

    def _attach(self, hook: Hook, owned: ExitStack) -> None:
        """All programs of a hook, or none. LibbpfError: none."""
        with ExitStack() as links:
            for program in hook.programs:
                links.callback(self._loaded.object.attach(program).close)
            owned.push(links.pop_all())

    def _translated(self, pid: int) -> int:
        """The kernel's own number of a process: `pid` is that of our PID namespace."""
        try:
            namespace = Path("/proc/self/ns/pid").stat().st_ino
        except OSError:
            raise ProbesError("/proc is not mounted, or not for this PID namespace") from None
        if hooks.FINDS not in self._loaded.iterators:
            if namespace == _INITIAL_NAMESPACE:
                return pid
            raise ProbesError(f"the process {pid} cannot be found from inside a PID namespace")
        write(self._control, CONTROL, wanted_pid=pid, wanted_namespace=namespace)
        link = self._loaded.object.attach_iterator(hooks.FINDS)
        try:
            found = link.iterate()
        finally:
            link.close()
        if len(found) < 4:
            raise ProbesError(f"there is no process {pid}")
        return int.from_bytes(found[:4], sys.byteorder)

    def _adopt(self) -> None:
        """Know the sockets that are there, and prepare to read the figures of all."""
        object_ = self._loaded.object
        for name in (hooks.ADOPTS, hooks.READS):
            if name not in self._loaded.iterators:
                continue
            try:
                if name == hooks.ADOPTS:
                    link = object_.attach_iterator(name)
                    with closing(link):
                        link.iterate()
                else:
                    self._sockets = object_.attach_iterator(name, object_.map("sockets"))
                    self._owned.callback(self._sockets.close)
            except LibbpfError as error:
                self._missing[name] = str(error)

    @property
    def _is_timed(self) -> bool:
        return not hooks.TIMING.isdisjoint(self._hooks)

    @property
    def source(self) -> Source:
        """What is attached, and what is not; of what a function stands in for, nothing is missed."""
        replaced = {hook.instead for hook in self._hooks.values() if hook.kind == "function"}
        if hooks.TELLS_ASKED in self._hooks:
            replaced.add(hooks.ASKED)
        missing = {name: why for name, why in self._missing.items() if name not in replaced}
        return Source(True, tuple(self._hooks), missing, self._everything)

    @property
    def ended(self) -> bool:
        """Whether the process is gone: nothing is counted any more, not of another by its number either."""
        if self._open and not self._ended:
            ready, _, _ = select.select([self._pidfd], [], [], 0)
            if ready:
                self._ended = True
                write(self._control, CONTROL, target=NOBODY)  # where sched_process_exit is missing
        return self._ended

    def calls(self) -> dict[Call, CallFigures]:
        """The sums of each kind of call that is counted; `took` where they are timed."""
        numbers = self._summed()
        has_times = hooks.TIMES in self._hooks
        counted: dict[Call, CallFigures] = {}
        for at, call in enumerate(CALLS):
            of = numbers[at * _OF_CALL : (at + 1) * _OF_CALL]
            count, bytes_, failed, again, timed, timed_failed = of[:_HEAD]
            took = _filled(of[_HEAD + BUCKETS :]) if self._is_timed else {}
            if call in ("wait", "sync"):
                if has_times:
                    counted[call] = CallFigures(timed, 0, timed_failed, 0, took)
            elif not hooks.COUNTING[call].isdisjoint(self._hooks):
                sizes = _filled(of[_HEAD : _HEAD + BUCKETS])
                counted[call] = CallFigures(count, bytes_, failed, again, took, sizes)
        return counted

    def run_queue(self) -> RunQueue:
        """The waits of its threads; `delayed` and `ran` are not asked here."""
        if hooks.WAITS not in self._hooks:
            return RunQueue()
        return RunQueue(waits=_filled(self._summed(len(CALLS) * _OF_CALL)[:BUCKETS]))

    def sockets(self) -> dict[int, SocketCounts]:
        """What was counted at each of its sockets (IPv4 and IPv6), by the socket's cookie."""
        if self._sockets is None or not self._open:
            return {}
        rows = self._sockets.iterate()
        return {
            cookie: SocketCounts(sends, short, sent, receives, received, full // 1_000, *rare)
            for cookie, sends, short, sent, receives, received, full, *rare in SOCKET_ROW.iter_unpack(rows)
        }

    def socket_sums(self) -> SocketSums:
        """The sums of all its sockets, also of those that are gone; `full` as `sockets` found it last."""
        sums = SocketSums(*self._summed(len(CALLS) * _OF_CALL + BUCKETS))
        sums.full //= 1_000
        return sums

    def happenings(self) -> list[Happening]:
        """Return what happened since the last time, oldest first, without waiting; at most `DRAINED`."""
        behind = behind_unix_time()
        return [happening(record, behind) for record in self._told.drain(DRAINED)]

    @property
    def lost(self) -> int:
        """Happenings for which there was no room."""
        return self._loss("happenings")

    @property
    def missed(self) -> int:
        """Calls on sockets for which the kernel had no room to count: `calls` has them."""
        return self._loss("missed")

    def trace(self) -> Trace:
        """Begin to record each call, until what is returned is closed; one at a time."""
        if self._trace is not None or not self._open:
            raise ProbesError("somebody traces already" if self._open else "the probes are closed")
        with ExitStack() as owned:
            if not self._is_timed:
                self._time_for_a_while(owned)
            self._trace = Trace(
                self._library, self._loaded.object.map("calls"), self._lost_calls, self._untraced
            )
            write(self._control, CONTROL, tracing=1)
            self._tracing = owned.pop_all()
        return self._trace

    def _time_for_a_while(self, owned: ExitStack) -> None:
        """Attach what times calls; where that is refused, records have neither `fd` nor `took`."""
        for hook in self._loaded.hooks:
            if hook.name in hooks.TIMING:
                try:
                    self._attach(hook, owned)
                except LibbpfError as error:
                    self._missing[hook.name] = str(error)
                else:
                    write(self._control, CONTROL, timing=1)

    def _untraced(self) -> None:
        if self._open:
            write(self._control, CONTROL, tracing=0, timing=self._is_timed)
            self._tracing.close()
        self._trace = None

    def _lost_calls(self) -> int:
        return self._loss("calls")

    def _loss(self, member: str) -> int:
        return read(self._losses, LOSSES, member) if self._open else 0

    def _summed(self, since: int = 0) -> list[int]:
        """`FIGURES` as numbers, of all processors together; without the first of them."""
        one = FIGURES.size // 8
        if not self._open:
            return [0] * (one - since)
        _ = self.ended
        numbers = memoryview(self._figures.first(FIGURES.size, per_processor=True)).cast("Q")
        return [sum(numbers[at::one]) for at in range(since, one)]

    def close(self) -> None:
        """Detach and unload. Again: nothing. All figures are 0 from then on."""
        if self._open:
            if self._trace is not None:
                self._trace.close()
            self._open = False
            self._owned.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _explaining() -> Iterator[None]:
    """To a refusal for want of privilege, what would do."""
    try:
        yield
    except LibbpfError as error:
        if error.number in (errno.EPERM, errno.EACCES):
            raise ProbesError(f"{error}: {PRIVILEGES}") from None
        raise


_HEAD: Final = len(CALL_FIGURES.members) - 2
_OF_CALL: Final = CALL_FIGURES.size // 8


def _filled(counts: list[int]) -> Buckets:
    return {bucket: count for bucket, count in enumerate(counts) if count}


def _pidfd(pid: int) -> int:
    if not hasattr(os, "pidfd_open"):
        raise ProbesError("probes are for Linux alone")
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise ProbesError(f"there is no process {pid}") from None
    except OSError as error:
        raise ProbesError(f"the process {pid} cannot be watched: {error.strerror}") from None


def _content(program: Path, types: Path) -> bytes:
    """The object, once it is sure that this kernel can take one."""
    if not types.exists():
        raise ProbesError("this kernel does not tell its types (BTF; CONFIG_DEBUG_INFO_BTF)")
    try:
        return program.read_bytes()
    except OSError:
        raise ProbesError("the probes were not built: clang was missing (make probes)") from None
