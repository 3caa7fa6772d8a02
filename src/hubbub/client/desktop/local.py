"""The server of this machine: the one that runs on the data directory, else one of the window's own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hubbub.client.desktop.address import Origin, read_address
from hubbub.client.desktop.own_server import InUseError, OwnServer


class Local:
    """Finds it, or starts it, once it is wanted."""

    def __init__(self, own: OwnServer, running: Callable[[], str | None], port: int) -> None:
        """`running` says where the server on the data directory is, if one is. `port` is tried first."""
        self._own = own
        self._running = running
        self._port = port
        self._started: Origin | None = None
        self._one_at_a_time = threading.Lock()

    @property
    def port(self) -> int:
        """Of the window's own server, now or the last time."""
        return self._port if self._started is None else self._started.port

    @property
    def is_own(self) -> bool:
        """Whether the window's own server was started."""
        return self._started is not None

    def origin(self) -> Origin:
        """Return where it is. Blocks. Raises OwnServerError, AddressError."""
        with self._one_at_a_time:
            if self._started is not None and self._own.runs:
                return self._started
            where = self._running()
            if where is not None:
                return read_address(where)
            try:
                self._started = self._own.start(self.port)
            except InUseError:
                where = self._running()  # it came between
                if where is None:
                    raise
                return read_address(where)
            return self._started

    def stop(self) -> None:
        """End the own one, in order."""
        self._own.stop()
