"""Stream: one TCP connection, as whoever speaks a protocol on it wants to see it.

Why not asyncio's own streams: no task and no buffer per connection, writes that go to the kernel at
once where nothing is queued, and a bound on what may be queued.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Final, cast

from hubbub.net.handler import NOBODY, Handler
from hubbub.net.settings import NetSettings
from hubbub.net.timers import UNSET, Wheel

NO_FD: Final = -1
_LARGE: Final = memoryview(bytearray(1_048_576))
"""Where large reads go: one for all, as each is dealt with before the next."""
Data = bytes | memoryview
_CORKED_MOST: Final = 65_536  # bytes: one large write costs no more than its parts beyond this


class Stream(asyncio.Protocol):
    """A connection's two directions, its limits, and the way to close it well."""

    __slots__ = (
        "_closed",
        "_cork_depth",
        "_corked",
        "_corked_size",
        "_fd",
        "_gone",
        "_lingering",
        "_opened",
        "_peer_done",
        "_reading",
        "_settings",
        "_taker",
        "_transport",
        "_wheel",
        "broken",
        "due",
        "fd",
        "handler",
        "local",
        "loopback_listener",
        "paused",
        "peer",
        "secure",
    )

    def __init__(
        self,
        settings: NetSettings,
        wheel: Wheel,
        opened: Callable[[Stream], Handler],
        gone: Callable[[Stream], None] | None = None,
        *,
        peer: str = "",
        local: str = "",
        secure: bool = False,
        loopback_listener: bool = False,
    ) -> None:
        """`opened` names the handler once the connection stands; `gone` is told when the socket is closed."""
        self.handler: Handler  # from connection_made on
        self._opened: Callable[[Stream], Handler] | None = opened
        self._settings = settings
        self._wheel = wheel
        self._gone = gone
        self._transport: asyncio.Transport | None = None
        self._corked: list[bytes] | None = None
        self._corked_size = 0
        self._cork_depth = 0
        self._fd = NO_FD
        self._reading = True
        self._taker: Callable[[memoryview], None] | None = None
        self._closed = False
        self._peer_done = False
        self._lingering = False  # closing, with bytes still queued after `farewell`
        self.due = UNSET
        self.fd = NO_FD
        """Where `os.write` may go: NO_FD under TLS, while anything is queued, and once broken or closed."""
        self.broken = False
        """Whether the peer has reset it, and only what it sent before is still read (see `on_broken`)."""
        self.paused = False
        """Whether bytes are queued because the peer reads too slowly."""
        self.peer = peer
        """The peer's address, without its port."""
        self.local = local
        """The address on our side, without its port."""
        self.secure = secure
        """Whether it is TLS."""
        self.loopback_listener = loopback_listener
        """Whether it came in by a listener that only this machine can reach."""

    # -- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.BaseProtocol."""
        self._transport = cast("asyncio.Transport", transport)
        if not self.secure:  # under TLS the raw descriptor would let bytes out in clear
            # Before the first write: pause_writing then comes as soon as one byte is queued, synchronously.
            self._transport.set_write_buffer_limits(0, 0)
            self._fd = self.fd = transport.get_extra_info("socket").fileno()
        opened, self._opened = self._opened, None
        assert opened is not None  # noqa: S101 (a transport calls this once)
        self.handler = opened(self)

    def data_received(self, data: Data) -> None:
        """See asyncio.Protocol. A view where reads are large."""
        if self._closed:
            return  # lingering: read and forgotten, so that the last message is not lost to a reset
        self._cork_depth += 1
        try:
            if self._taker is not None:
                self._taker(memoryview(data))
            else:
                self.handler.on_data(bytes(data))
        finally:
            self.uncork()

    def eof_received(self) -> bool:
        """See asyncio.Protocol."""
        self._peer_done = True
        if self._closed:
            return False
        self.handler.on_eof()
        return not (self.secure or self._closed)  # TLS has no half-open state in asyncio

    def pause_writing(self) -> None:
        """See asyncio.BaseProtocol."""
        self.fd = NO_FD
        self.paused = True
        if not self._closed:
            self.handler.on_pause()

    def resume_writing(self) -> None:
        """See asyncio.BaseProtocol."""
        self.paused = False
        if not self._closed:
            self.fd = self._fd
            self.handler.on_resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.BaseProtocol."""
        try:
            self._leave(exc)
        finally:  # whatever the handler makes of it, the connection is counted out
            self._wheel.unset(self)
            self._transport = None
            # Handler and stream hold each other: let go here, and neither needs the garbage collector.
            self.handler = NOBODY
            if self._gone is not None:
                self._gone(self)

    # -- writing

    def write(self, data: Data) -> None:
        """Send, in order: to the kernel at once where nothing is queued, else bounded by `max_backlog`."""
        if self._cork_depth:
            if self._corked is None:
                self._corked = [bytes(data)]
            else:
                self._corked.append(bytes(data))
            self._corked_size += len(data)
            if self._corked_size < _CORKED_MOST:
                return
            data = self.take_corked()
        if self._closed or not data:
            return
        if self.fd != NO_FD:
            try:
                sent = os.write(self.fd, data)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                self._break(error)
                return
            self.written(data, sent)
        else:
            self._queue(bytes(data))

    def written(self, data: Data, sent: int) -> None:
        """Of `data`, `sent` bytes went to `fd` by the caller's own `os.write`; take care of the rest."""
        if sent != len(data):
            self._queue(bytes(data[sent:]))

    def cork(self) -> None:
        """Collect what is written until as many `uncork` calls have come; 64 KiB leave all the same."""
        self._cork_depth += 1

    def uncork(self) -> None:
        """Send what was collected, in one write."""
        self._cork_depth -= 1
        if not self._cork_depth and self._corked is not None:
            self.write(self.take_corked())

    def take_corked(self) -> bytes:
        """What was collected so far, for a caller that sends it himself, before anything else."""
        chunks, self._corked = self._corked, None
        self._corked_size = 0
        if chunks is None:
            return b""
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    @property
    def descriptor(self) -> int:
        """The socket's number, whether `fd` may be written just now or not; NO_FD under TLS."""
        return self._fd

    def option(self, level: int, name: int, size: int) -> bytes | None:
        """A socket option that is a struct of at most `size` bytes (getsockopt(2)). None: it is closed."""
        if self._transport is None:
            return None
        try:
            read: bytes = self._transport.get_extra_info("socket").getsockopt(level, name, size)
        except OSError:
            return None
        return read

    @property
    def url(self) -> str:
        """How HTTP on the same listener is reached from where the peer is: scheme, our address, port."""
        name = None if self._transport is None else self._transport.get_extra_info("sockname")
        host = f"[{self.local}]" if ":" in self.local else self.local
        return f"{'https' if self.secure else 'http'}://{host}:{name[1] if name else 0}"

    @property
    def backlog(self) -> int:
        """Bytes queued over the kernel's own buffer."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def _break(self, error: OSError) -> None:
        # A reset does not take what lies in our receive queue (Linux: `tcp_reset`); closing at once would.
        if isinstance(error, ConnectionError) and self.handler.on_broken():
            self.broken = True
            self.fd = NO_FD
        else:
            self.abort(error)

    def _queue(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or self._closed or self.broken:
            return
        transport.write(data)
        if transport.get_write_buffer_size() > self._settings.max_backlog:
            self.handler.on_overflow()

    # -- reading

    def pause_reading(self) -> None:
        """Leave what comes in the kernel's buffer; its window then slows the peer down."""
        if self._reading and not self._closed and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if not self._reading and not self._closed and self._transport is not None:
            self._reading = True
            self._transport.resume_reading()

    def read_large(self, taker: Callable[[memoryview], None] | None) -> None:
        """Read up to 1 MiB at once, since each turn of the loop costs, and give it to `taker`; None: no more.

        What `taker` gets is good until it returns: the next read overwrites it. Under TLS it comes as ever.
        """
        transport, self._taker = self._transport, taker
        if transport is not None and not self.secure:
            transport.set_protocol(self if taker is None else _LargeReads(self))

    def let_others(self) -> None:
        """Read on in the next turn: libuv fills a buffer up to 32 times before anybody else is served."""
        if self._reading and not self._closed and self._transport is not None:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._read_again)

    def _read_again(self) -> None:
        if self._reading and not self._closed and self._transport is not None:
            self._transport.resume_reading()

    # -- closing

    @property
    def fresh(self) -> bool:
        """Whether the connection never stood (so `gone` was not and will not be told)."""
        return self._opened is not None

    @property
    def closed(self) -> bool:
        """Whether it takes no more."""
        return self._closed

    def close(self, last: bytes = b"") -> None:
        """Send what is queued and `last`, say that this was all, and close when the peer has closed too.

        It has `farewell` s for that, and `linger` s in all while bytes are still queued.

        The peer's unread bytes are read and forgotten first: a close with bytes unread is a reset
        (RFC 9293 §3.6.1, RFC 2525 §2.17), and a reset may take our last message with it.
        """
        if self._closed or self._transport is None:
            return
        if last:
            self.write(last)
        if self._corked is not None:
            depth, self._cork_depth = self._cork_depth, 0
            self.write(self.take_corked())
            self._cork_depth = depth
        if self._closed:  # the write itself failed
            return
        if self.broken:
            self.abort()
            return
        self.resume_reading()
        self._leave(None)
        self._wheel.set(self, self._settings.farewell)
        if self.secure or self._peer_done:
            self._transport.close()
        else:
            try:
                self._transport.write_eof()
            except OSError:  # the peer has reset it, and the loop has not told us yet
                self._transport.abort()

    def abort(self, error: Exception | None = None) -> None:
        """Close at once, whatever is queued."""
        self._leave(error)
        if self._transport is not None:
            self._transport.abort()

    def on_timer(self) -> None:
        """The peer did not close in time after our close."""
        if self._transport is None:
            return
        if self.backlog and not self._lingering:
            self._lingering = True
            self._wheel.set(self, max(0.0, self._settings.linger - self._settings.farewell))
        else:
            self._transport.abort()

    def _leave(self, error: Exception | None) -> None:
        """From here on nobody may write to `fd`: the kernel gives its number to the next connection."""
        if not self._closed:
            self._closed = True
            self.fd = self._fd = NO_FD
            self._corked = self._taker = None
            if self._opened is None:
                self.handler.on_close(error)


class _LargeReads(asyncio.BufferedProtocol):
    """Takes the place of a Stream at its transport, and tells it everything."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def get_buffer(self, sizehint: int) -> memoryview:
        """See asyncio.BufferedProtocol."""
        del sizehint
        return _LARGE

    def buffer_updated(self, nbytes: int) -> None:
        """See asyncio.BufferedProtocol."""
        self._stream.data_received(_LARGE[:nbytes])
        if nbytes == len(_LARGE):
            self._stream.let_others()

    def eof_received(self) -> bool:
        """See asyncio.BufferedProtocol; so below."""
        return self._stream.eof_received()

    def pause_writing(self) -> None:
        """See above."""
        self._stream.pause_writing()

    def resume_writing(self) -> None:
        """See above."""
        self._stream.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """See above."""
        self._stream.connection_lost(exc)
