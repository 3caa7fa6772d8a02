"""What a process may ask of its own connections without privilege: the socket's cookie, and TCP_INFO.

It is what there is where no helper looks (`probing`): a getsockopt a connection, so it is for a few of them.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from itertools import takewhile
from statistics import median_low
from typing import TYPE_CHECKING, Final

from hubbub.net.stream import NO_FD, Stream
from hubbub.observe.kernel.figures import WINDOW, Line
from hubbub.observe.kernel.tcp_info import SIZE, STATES, TcpInfo, read_tcp_info

if TYPE_CHECKING:
    from hubbub.server.session import Connection

SPAN: Final = 1.0
"""Seconds between two looks, at least: what happened is the difference."""
AT_ONCE: Final = 500
"""New connections whose cookie is asked for in one go (2 ms): the next one goes on."""
_COOKIE: Final = 57  # SO_COOKIE (asm-generic/socket.h); `socket` has no name for it
_UNSENT_AND_UNACKED: Final = 0x5411  # SIOCOUTQ
_UNREAD: Final = 0x541B  # SIOCINQ
_SEGMENT: Final = 1_448  # bytes, where nobody says better
_HERE: Final = sys.platform == "linux"


def cookie_of(stream: Stream) -> int:
    """The kernel's name for the socket; 0: it is closed, or the system has none."""
    told = stream.option(socket.SOL_SOCKET, _COOKIE, 8) if _HERE else None
    return 0 if told is None or len(told) < 8 else int.from_bytes(told, sys.byteorder)


def info_of(stream: Stream) -> TcpInfo | None:
    """What the kernel keeps of the connection. None: it is closed, or the system does not tell."""
    told = stream.option(socket.IPPROTO_TCP, socket.TCP_INFO, SIZE) if _HERE else None
    return None if told is None else read_tcp_info(told)


def median_rtt(streams: Iterable[Stream]) -> tuple[int, int]:
    """How many of these have a round-trip time, and the median of it in µs (0: none has)."""
    times = [info.rtt for one in streams if (info := info_of(one)) is not None and info.rtt]
    return len(times), median_low(times) if times else 0


class Cookies:
    """Which connection is behind a cookie. Each is asked for once."""

    def __init__(self, connections: dict[int, Connection]) -> None:
        """`connections`: those that are open by their numbers, which grow."""
        self._connections = connections
        self._numbers: dict[int, int] = {}
        """By their cookies; of some that are gone, too."""
        self._cookies: dict[int, int] = {}
        """The other way round."""
        self._unasked: deque[int] = deque()
        """Numbers of connections whose cookie will be asked for."""
        self._newest = 0

    def of(self, one: Connection) -> int:
        """A connection's. 0: there is none."""
        cookie = self._cookies.get(one.number)
        if cookie is None:
            cookie = cookie_of(one.stream)
            if cookie:
                self._cookies[one.number] = cookie
                self._numbers[cookie] = one.number
                self._forget()
        return cookie

    def number(self, cookie: int) -> int | None:
        """Of the connection that is or was behind it, as far as it is known."""
        return self._numbers.get(cookie)

    def behind(self, cookie: int) -> Connection | None:
        """The connection, as long as it is open."""
        return self._connections.get(self._numbers.get(cookie, 0))

    def learn(self) -> None:
        """Ask for the cookies of those who came since, some at once, and forget of those who left."""
        before = self._newest
        new = [*takewhile(lambda number: number > before, reversed(self._connections))]
        if new:
            self._newest = new[0]
            self._unasked.extend(reversed(new))
        for _ in range(min(AT_ONCE, len(self._unasked))):
            one = self._connections.get(self._unasked.popleft())
            if one is not None:
                self.of(one)

    def _forget(self) -> None:
        """Those who left, once they are more than those who are here."""
        if len(self._cookies) > 2 * len(self._connections) + AT_ONCE:
            here = self._connections
            self._cookies = {number: one for number, one in self._cookies.items() if number in here}
            self._numbers = {cookie: number for number, cookie in self._cookies.items()}


class Sockets:
    """Looks at a few connections, and remembers each look for as long as a Line reaches back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looks: dict[int, tuple[float, TcpInfo]] = {}

    def look(self, cookie: int, stream: Stream) -> Line | None:
        """A line over the time since the look before, else over the connection's whole life (`span` 0).

        None: the system tells nothing.
        """
        now = self._clock()
        while self._looks and now - self._looks[oldest := next(iter(self._looks))][0] > WINDOW:
            del self._looks[oldest]  # they stand in the order of their time
        info = info_of(stream)
        if info is None:
            return None
        at, before = self._looks.get(cookie, (now, None))
        if before is None:
            self._looks[cookie] = now, info
        return _line(cookie, stream, info, before, now - at)


def _line(cookie: int, stream: Stream, info: TcpInfo, before: TcpInfo | None, span: float) -> Line:
    def since(take: Callable[[TcpInfo], int]) -> int:
        return take(info) - (take(before) if before is not None else 0)

    return Line(
        cookie,
        stream.local,
        stream.peer,
        STATES[info.state] if info.state < len(STATES) else STATES[0],
        span,
        rtt=info.rtt,
        rtt_var=info.rtt_var,
        rtt_min=info.rtt_min,
        cwnd=info.cwnd,
        unacked=info.unacked,
        unsent=info.unsent,
        queued=_asked(stream, _UNSENT_AND_UNACKED, info.unsent + info.unacked * _SEGMENT),
        unread=_asked(stream, _UNREAD, 0),
        window=info.window,
        segments=since(lambda one: one.data_segs_out),
        retransmitted=since(lambda one: one.total_retrans),
        backoff=info.retransmits,
        busy=since(lambda one: one.busy),
        reader_limited=since(lambda one: one.reader_limited),
        buffer_limited=since(lambda one: one.buffer_limited),
        delivery_rate=info.delivery_rate,
        sent=since(lambda one: one.bytes_sent),
        acked=since(lambda one: one.bytes_acked),
        silent=min(info.last_data_recv, info.last_ack_recv),
    )


def _asked(stream: Stream, request: int, otherwise: int) -> int:
    """A number of bytes (tcp(7)); what TCP_INFO says where the descriptor is not ours to ask, under TLS."""
    if stream.descriptor == NO_FD:
        return otherwise
    try:
        told: bytes = fcntl.ioctl(stream.descriptor, request, bytes(4))
    except OSError:
        return otherwise
    return int(struct.unpack("i", told)[0])
