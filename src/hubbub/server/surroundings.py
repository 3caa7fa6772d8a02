"""What all connections of a server share, handed to each as one object."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Generic, TypeVar

from hubbub.core.model import Session
from hubbub.core.service import Service
from hubbub.net.timers import Wheel
from hubbub.observe.server_log import ServerLog
from hubbub.server.config import LimitSettings, TimerSettings
from hubbub.server.fanout import Fanout

ConnectionT = TypeVar("ConnectionT", bound=Session)


class Surroundings(Generic[ConnectionT]):
    """Limits, timers, the way into the domain and out of it, and who is connected."""

    __slots__ = (
        "clock",
        "fanout",
        "held",
        "limits",
        "log",
        "numbers",
        "open",
        "rate",
        "service",
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
        clock: Callable[[], float],
    ) -> None:
        """`clock` is monotonic, in seconds."""
        self.service = service
        self.fanout = fanout
        self.limits = limits
        self.timers = timers
        self.wheel = wheel
        self.log = log
        self.clock = clock
        self.rate = limits.message_rate if limits.enforce else 0.0
        self.numbers = count(1)
        """Of connections, so that the log can tell them apart."""
        self.held = 0
        """Bytes received and not yet dispatched, of all connections."""
        self.unread = 0
        """Bytes of long answers that may not be read yet, of all connections: never less than there are."""
        self.open: set[ConnectionT] = set()
