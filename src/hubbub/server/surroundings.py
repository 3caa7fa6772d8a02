"""What all connections of a server share, handed to each as one object."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from hubbub.core.model import Session
from hubbub.core.service import Service
from hubbub.net.timers import Wheel
from hubbub.observe.server_log import ServerLog
from hubbub.server.config import LimitSettings, TimerSettings
from hubbub.server.fanout import Fanout
from hubbub.server.paths import Paths

ConnectionT = TypeVar("ConnectionT", bound=Session)


DEPARTED: Final = 1_000
"""Connections that are remembered when they are gone: what the kernel tells of their end comes later."""


class Departed(NamedTuple):
    """One that closed: its number and its name, who was behind it, why, and when (by `clock`)."""

    number: int
    name: str
    user: str | None
    user_id: int | None
    reason: str
    at: float


class Looking(Protocol):
    """Who has files carried (see `carrier`), as far as a connection knows."""

    def look(self) -> None:
        """See whether something that waited for a connection can begin."""
        ...


class Surroundings(Generic[ConnectionT]):
    """Limits, timers, the way into the domain and out of it, and who is connected."""

    __slots__ = (
        "base_url",
        "carrier",
        "clock",
        "counts",
        "departed",
        "fanout",
        "held",
        "limits",
        "log",
        "numbers",
        "open",
        "paths",
        "rate",
        "service",
        "slow",
        "timers",
        "unread",
        "wheel",
    )

    def __init__(
        self,
        service: Service[ConnectionT],
        fanout: Fanout,
        limits: LimitSettings,
        timers: TimerSettings,
        wheel: Wheel,
        log: ServerLog,
        paths: Paths,
        clock: Callable[[], float],
        base_url: str | None = None,
    ) -> None:
        """`clock` is monotonic, in seconds. `base_url`: how people reach HTTP here, if not as they came."""
        self.service = service
        self.fanout = fanout
        self.limits = limits
        self.timers = timers
        self.wheel = wheel
        self.log = log
        self.counts = log.counts
        self.paths = paths
        self.clock = clock
        self.base_url = base_url
        self.carrier: Looking | None = None
        """Has files carried; set once it is made, since it needs the fan-out and the service."""
        self.rate = limits.message_rate if limits.enforce else 0.0
        self.numbers = count(1)
        """Of connections, so that the log can tell them apart."""
        self.held = 0
        """Bytes received and not yet dispatched, of all connections."""
        self.unread = 0
        """Bytes of long answers that may not be read yet, of all connections: never less than there are."""
        self.open: dict[int, ConnectionT] = {}
        """All connections by their numbers, so the oldest first."""
        self.departed: deque[Departed] = deque(maxlen=DEPARTED)
        """The last that closed, the newest last."""
        self.slow: set[ConnectionT] = set()
        """Those of them that read too slowly: bytes are queued for them."""
