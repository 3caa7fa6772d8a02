"""What a verdict on a connection rests on: the line, the server's own figures, the machine's, the others'."""

from __future__ import annotations

from math import inf

import msgspec

from hubbub.observe.kernel.figures import Line, Machine


class House(msgspec.Struct, frozen=True, gc=False):
    """What all connections share: the server's own figures of the last seconds, and the machine's."""

    lag_p99: int | None = None
    """By how much the event loop came too late, µs, in the middle one of those seconds; …"""
    lag_max: int | None = None
    """… and at worst."""
    commit_p99: int | None = None
    """From a message to its commit, µs; …"""
    sync_p99: int | None = None
    """… the disk's part in it: the kernel's own time of `fdatasync` where probes tell it."""
    commit_waits: int = 0
    """µs for which the commit on its way has been waiting."""
    read_only: bool = False
    """Nothing can be kept."""
    cpu: float = 0.0
    """Of one core, that the server used: 0 … cores."""
    delayed: float = 0.0
    """Seconds of each second for which the server's threads were ready to run, and did not, …"""
    ran: float = 0.0
    """… and for which they ran. Of several threads, so it may be more than 1."""
    machine: Machine | None = None


class Others(msgspec.Struct, frozen=True, gc=False):
    """The other connections with a round-trip time: how many, and the median in µs (0: there are none)."""

    count: int = 0
    rtt: int = 0


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """All that a verdict on one connection rests on."""

    line: Line | None = None
    """None: the kernel does not tell."""
    backlog: int = 0
    """Bytes that the server has queued over what the kernel takes."""
    held_back: int = 0
    """Requests that came, and wait for their rate; …"""
    held_for: float = 0.0
    """… seconds until the last of them may be carried out."""
    parted: str = ""
    """Where there is no connection: why the last one ended, as the log says it; …"""
    parted_ago: float = 0.0
    """… and how many seconds ago."""
    house: House = House()
    others: Others = Others()

    @property
    def waiting(self) -> int:
        """Bytes that were not sent yet, in the kernel or before it."""
        return self.backlog + (self.line.unsent if self.line is not None else 0)

    @property
    def drain(self) -> float:
        """Seconds until that is gone, at the pace at which the peer took bytes while there were any."""
        line = self.line
        if line is None or not self.waiting:
            return 0.0
        return self.waiting * line.busy / 1e6 / line.acked if line.acked > 0 else inf

    @property
    def denied(self) -> float:
        """Of the processor's time that the server wanted, the share that it did not get."""
        wanted = self.house.delayed + self.house.ran
        return self.house.delayed / wanted if wanted > 0 else 0.0

    @property
    def lost(self) -> int:
        """Segments that were sent again since they were lost. Of those that ran out of time just now, nobody
        knows yet: they may be acknowledged late."""
        line = self.line
        return max(0, line.retransmitted - line.backoff) if line is not None else 0

    @property
    def loss(self) -> float:
        """Of the segments, the share that is."""
        line = self.line
        return self.lost / line.segments if line is not None and line.segments > 0 else 0.0

    @property
    def reader_share(self) -> float:
        """Of the time with something to send, the share in which the peer's window kept it back."""
        line = self.line
        return min(line.reader_limited / line.busy, 1.0) if line is not None and line.busy > 0 else 0.0
