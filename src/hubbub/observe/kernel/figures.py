"""What is seen of a server's life in the kernel, as types: from the observer, which may be another process.

Times are in microseconds where nothing else is said, sizes in bytes. Figures that only probes give are None
without them.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Call = Literal["send", "receive", "wait", "sync"]
"""Kinds of system calls: into sockets, out of them, `epoll_wait`, `fdatasync` and `fsync`."""
CALLS: Final[tuple[Call, ...]] = ("send", "receive", "wait", "sync")

Buckets = dict[int, int]
"""A histogram: how many values by the number of their bucket (`buckets.py`). Empty buckets are left out."""


class Source(msgspec.Struct, frozen=True):
    """Where the figures come from on this machine; found out once, when observing begins."""

    probes: bool
    """Whether eBPF programs are attached."""
    attached: tuple[str, ...] = ()
    """Each by the name of its hook, such as `sock_send_length`."""
    missing: dict[str, str] = {}
    """What is not attached, and why, in words for people: by hook, or by `probes` for all of them."""
    everything: bool = False
    """Whether those that cost more are attached, too."""

    @property
    def sentence(self) -> str:
        """One line for people."""
        if self.probes:
            also = f"; without {', '.join(self.missing)}" if self.missing else ""
            return f"kernel probes: {len(self.attached)} attached{also}"
        why = self.missing.get("probes", "they were not asked for")
        return f"kernel probes: none ({why}); using TCP_INFO and /proc"


class CallFigures(msgspec.Struct, gc=False):
    """One kind of call, over the time of a report. `failed` counts errors; EAGAIN is `again` and no error."""

    count: int = 0
    bytes: int = 0
    failed: int = 0
    again: int = 0
    took: Buckets = {}
    """Nanoseconds."""
    sizes: Buckets = {}
    """Bytes that were sent or received."""


class RunQueue(msgspec.Struct, gc=False):
    """How long the server's threads were ready to run, and did not."""

    delayed: int = 0
    """Microseconds of all threads, over the time of a report."""
    ran: int = 0
    """Microseconds that they ran."""
    waits: Buckets | None = None
    """Nanoseconds of each wait."""


class Machine(msgspec.Struct, gc=False):
    """The whole machine, over the time of a report."""

    cores: int = 1
    busy: float = 0.0
    """Share of all cores' time, 0 … 1."""
    stolen: float = 0.0
    """Share that a hypervisor gave to others."""
    memory_free: int = 0
    """Bytes that could be had without swapping."""
    memory_total: int = 0
    pressure: dict[str, float] = {}
    """Share of the last ten seconds in which some task waited for `cpu`, `io` or `memory` (PSI), 0 … 1."""


class Line(msgspec.Struct, gc=False):
    """One TCP connection of the server's. Counts and times without another word are of the last `span`."""

    cookie: int
    """The kernel's own name for the socket (SO_COOKIE): never used twice until the next boot."""
    local: str
    peer: str
    """`HOST:PORT`, an IPv6 address in brackets."""
    state: str
    """Of TCP, such as `established`."""
    span: float
    """Seconds: up to ten, less for what is younger."""
    # -- TCP_INFO (Linux, include/uapi/linux/tcp.h)
    rtt: int = 0
    """Smoothed round-trip time; `rtt_var` its variance, `rtt_min` the least of the last minutes."""
    rtt_var: int = 0
    rtt_min: int = 0
    rtt_age: int = 0
    """Milliseconds since it was measured, at most: it stays as it is where nothing is sent (see `STALE`)."""
    cwnd: int = 0
    """Congestion window, in segments."""
    unacked: int = 0
    """Segments under way."""
    unsent: int = 0
    """Bytes in the send queue that were not sent yet …"""
    queued: int = 0
    """… and all that the peer has not acknowledged."""
    unread: int = 0
    """Bytes that came and that the server has not read."""
    window: int | None = None
    """Bytes that the peer would still take; None: the kernel does not tell (before 6.2)."""
    segments: int = 0
    """Segments sent, and those sent again because they were lost: not those that the peer had already."""
    retransmitted: int = 0
    backoff: int = 0
    """How many times in a row the retransmission timer has run out; now."""
    busy: int = 0
    """Time with something to send, …"""
    reader_limited: int = 0
    """… of it limited by the peer's window: he does not read; …"""
    buffer_limited: int = 0
    """… and by our send buffer."""
    delivery_rate: int | None = None
    """Bytes a second, as the kernel measured it last; None: there was too little to send, so it tells nothing
    of the line."""
    sent: int = 0
    """Bytes, and those the peer's kernel has acknowledged."""
    acked: int = 0
    silent: int = 0
    """Milliseconds since anything, an acknowledgement too, came from the peer."""
    rtt_past: tuple[int, ...] = ()
    """One a second, oldest first, at most 60: in answers to a question, not in reports."""
    rtt_var_past: tuple[int, ...] = ()
    """Of the same seconds."""
    # -- probes
    sends: int | None = None
    """Calls, and those of which the kernel took less than it was given, or nothing."""
    short_sends: int | None = None
    send_bytes: int | None = None
    receives: int | None = None
    receive_bytes: int | None = None
    full: int | None = None
    """Microseconds with a full send queue."""
    overflows: int | None = None
    """Packets dropped at a full receive queue."""
    resets_sent: int | None = None
    resets_received: int | None = None
    """Most resets end their connection at once: `SocketSums` has those, too."""
    state_changes: int | None = None
    """Of TCP's states: to become `established` is the first, each step of closing another. What a connection
    did before the probes came is not among them."""


class SocketSums(msgspec.Struct, gc=False):
    """What probes counted at all connections, also those that are gone, over the time of a report."""

    short_sends: int = 0
    full: int = 0
    """Microseconds with a full send queue: two connections full for a second are two seconds."""
    retransmits: int = 0
    overflows: int = 0
    resets_sent: int = 0
    resets_received: int = 0
    state_changes: int = 0


class Happening(msgspec.Struct, gc=False):
    """Something rare that the kernel told of: see `KINDS`."""

    at: float
    """Unix time in seconds."""
    kind: Literal["opened", "closed", "retransmit", "reset_sent", "reset_received", "overflow", "full"]
    cookie: int
    local: str
    peer: str
    detail: str = ""
    """Such as `established → close_wait`."""


class Report(msgspec.Struct):
    """What was seen since the report before."""

    at: float
    """Unix time in seconds, the end of it."""
    seconds: float
    probes: bool
    calls: dict[Call, CallFigures] = {}
    """Empty without probes; `took` is empty where calls are not timed."""
    run_queue: RunQueue = msgspec.field(default_factory=RunQueue)
    machine: Machine = msgspec.field(default_factory=Machine)
    sockets: SocketSums | None = None
    """None without probes."""
    lines: int | None = None
    """How many connections there are. None: nobody may look, which the source says."""
    rtt_median: int = 0
    """Of those whose round-trip time was measured in the last seconds (`STALE`), and how many these are."""
    rtt_count: int = 0
    worst: list[Line] = []
    """At most `WORST`: those whose figures stand out most, the worst first."""
    happenings: list[Happening] = []
    """At most `HAPPENINGS`, newest last."""
    lost: int = 0
    """Happenings that are in no report, since there was no room: the aggregated figures miss nothing."""
    missed: int = 0
    """Calls on sockets for which the kernel had no room to count, since observing began."""


WORST: Final = 50
HAPPENINGS: Final = 100
WINDOW: Final = 10
"""Seconds over which a Line's counts are taken."""
STALE: Final = 1_000 * WINDOW
"""Milliseconds after which a round-trip time says nothing of now."""
