"""What there is to see of a running server, read off its parts: for `sampling` and for `/metrics`.

Everything is read when it is asked for, from counters that exist; only who is here by which dialect is
counted anew, and only when somebody came or went.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from hubbub.adapters.journal_log import LogJournal
from hubbub.core.errors import Code
from hubbub.observe.process import Process
from hubbub.server.dialects import base_of

if TYPE_CHECKING:
    from hubbub.adapters.journal_memory import MemoryJournal
    from hubbub.net.doorman import Doorman
    from hubbub.observe.tail import Tail
    from hubbub.server.files.carrier import FileCarrier
    from hubbub.server.files.traffic import Traffic
    from hubbub.server.kernel_seen import KernelSeen
    from hubbub.server.maintenance import Maintenance
    from hubbub.server.relay import Relay
    from hubbub.server.session import Connection
    from hubbub.server.surroundings import Surroundings

DIALECTS: Final = ("text", "json", "protobuf", "ndjson", "websocket")
"""Those in which people speak. A WebSocket that deflates is a WebSocket."""


class Here:
    """Who is here by which dialect."""

    __slots__ = ("connections", "people")

    def __init__(self) -> None:
        self.connections = dict.fromkeys(DIALECTS, 0)
        self.people = dict.fromkeys(DIALECTS, 0)


class Readings:
    """One server's."""

    def __init__(
        self,
        shared: Surroundings[Connection],
        doorman: Doorman,
        relay: Relay,
        journal: LogJournal | MemoryJournal,
        maintenance: Maintenance | None,
        carrier: FileCarrier,
        traffic: Traffic,
        tail: Tail,
        kernel: KernelSeen,
        http: Callable[[], int],
    ) -> None:
        """`http` says how many connections speak HTTP."""
        self.counts = shared.counts
        self.process = Process()
        self.kernel = kernel
        self._shared = shared
        self._doorman = doorman
        self._relay = relay
        self._journal = journal
        self._maintenance = maintenance
        self._carrier = carrier
        self._traffic = traffic
        self._tail = tail
        self._http = http
        self._here = Here()
        self._moves = -1

    # -- who is here

    @property
    def here(self) -> Here:
        """By dialect. Somebody who is here by two of them is counted in both."""
        moves = self.counts.moves
        if moves != self._moves:
            self._moves = moves
            self._here = here = Here()
            known: dict[str, set[int]] = {name: set() for name in DIALECTS}
            for connection in self._shared.open.values():
                name = base_of(connection.dialect.name)
                here.connections[name] += 1
                if connection.user is not None:
                    known[name].add(connection.user.id)
            here.people = {name: len(ids) for name, ids in known.items()}
        return self._here

    @property
    def people(self) -> int:
        """Each once."""
        return len(self._shared.service.people)

    @property
    def http(self) -> int:
        """Connections."""
        return self._http()

    @property
    def relay(self) -> int:
        """Connections."""
        return len(self._relay.connections)

    @property
    def silent(self) -> int:
        """Connections of which nobody knows yet what they speak."""
        known = len(self._shared.open) + self.http + self.relay
        return max(0, self._doorman.connections - known)

    @property
    def slow(self) -> int:
        """Connections that read too slowly."""
        return len(self._shared.slow)

    @property
    def queued(self) -> int:
        """Bytes that wait for them."""
        return sum(one.stream.backlog for one in self._shared.slow)

    # -- files and the log

    @property
    def transfers(self) -> int:
        """Files that are on their way."""
        return self._carrier.running + self._traffic.running

    def file_bytes(self) -> dict[str, int]:
        """Bytes of files since the start, by their way: through connections, into and out of HTTP."""
        traffic = self._traffic
        return {
            "connection": self._carrier.carried,
            "upload": traffic.uploaded,
            "download": traffic.downloaded,
        }

    @property
    def log_bytes(self) -> int:
        """0: it is all in memory."""
        return self._journal.size if isinstance(self._journal, LogJournal) else 0

    @property
    def commit_waits(self) -> float:
        """Seconds for which the commit on its way has been waiting for the disk; 0: none is on its way."""
        return self._journal.commit_waits if isinstance(self._journal, LogJournal) else 0.0

    @property
    def read_only(self) -> bool:
        """Whether nothing can be kept just now."""
        return isinstance(self._journal, LogJournal) and self._journal.why_read_only() is not None

    @property
    def compacting(self) -> bool:
        """Whether a compaction is running."""
        return self._maintenance is not None and self._maintenance.beside

    @property
    def compactions(self) -> int:
        """How many have ended well, since the start."""
        return 0 if self._maintenance is None else self._maintenance.compactions

    # -- what went wrong

    @property
    def rate_limited(self) -> int:
        """Requests that had to wait for their rate, or were refused for one, since the start."""
        return self.counts.throttled + self.counts.refusals.get(Code.RATE_LIMITED, 0)

    @property
    def logins_failed(self) -> int:
        """Since the start."""
        return sum(self.counts.logins_failed.values())

    @property
    def errors(self) -> int:
        """Lines of level error in the log, since the start."""
        return self._tail.errors
