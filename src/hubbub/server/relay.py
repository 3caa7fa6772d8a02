"""The relay (v0.1): a line goes to every connection, the sender's too, as it came.

No names, no history, no timers. The whole server in one small file, on the same streams as the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from hubbub.net.framing.frames import TEXT
from hubbub.net.framing.lines import Lines, line
from hubbub.net.stream import Stream
from hubbub.observe.server_log import ServerLog


class Relay:
    """All connections of the relay. What one turn of the loop brings is sent to each of them in one write."""

    def __init__(self, max_line: int, log: ServerLog, clock: Callable[[], float]) -> None:
        """`max_line` in bytes: a longer line is dropped, and its sender told. `clock` is monotonic."""
        self.max_line = max_line
        self.log = log
        self.clock = clock
        self.connections: dict[Stream, None] = {}
        self._numbers = count(1)

    def opened(self, stream: Stream) -> RelayConnection:
        """A connection stands."""
        self.connections[stream] = None
        name = f"relay-{next(self._numbers)}"
        self.log.connection_opened(name, stream.peer, "relay", secure=stream.secure)
        return RelayConnection(self, stream, name)

    def close(self) -> None:
        """Close all of them: there is nothing that a relay would say to them."""
        for stream in list(self.connections):
            stream.close()

    def send(self, data: bytes) -> None:
        """To everybody, now."""
        for stream in list(self.connections):
            stream.write(data)


class RelayConnection:
    """Implements `net.handler.Handler`."""

    __slots__ = ("_framing", "_made", "_name", "_relay", "_stream")

    def __init__(self, relay: Relay, stream: Stream, name: str) -> None:
        self._relay = relay
        self._stream = stream
        self._name = name
        self._made = relay.clock()
        # As it came: a carriage return is part of the line.
        self._framing = Lines(relay.max_line, strip_cr=False)

    def on_data(self, data: bytes) -> None:
        """See net.handler.Handler."""
        lines = []
        for frame in self._framing.feed(data):
            if frame.kind == TEXT:
                lines.append(line(frame.payload))
            else:
                self._stream.write(b"[Server] Error: the line is longer than %d bytes.\n" % frame.code)
        if lines:
            self._relay.send(b"".join(lines))

    def on_eof(self) -> None:
        """See net.handler.Handler."""
        self._stream.close()

    def on_close(self, error: Exception | None) -> None:
        """See net.handler.Handler."""
        relay = self._relay
        relay.connections.pop(self._stream, None)
        reason = str(error) if error else "closed"
        relay.log.connection_closed(self._name, self._stream.peer, None, reason, relay.clock() - self._made)

    def on_pause(self) -> None:
        """See net.handler.Handler. The stream bounds what is queued."""

    def on_resume(self) -> None:
        """See net.handler.Handler."""

    def on_overflow(self) -> None:
        """See net.handler.Handler. Who does not read is not waited for."""
        self._stream.abort()

    def on_broken(self) -> bool:
        """See net.handler.Handler. What it said before is said."""
        return True
