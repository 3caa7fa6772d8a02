"""What a process may ask of its own connections without privilege: the socket's cookie, and TCP_INFO.

It is what there is where no helper looks (`probing`): a getsockopt a connection, so it is for a few of them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from itertools import takewhile
from statistics import median_low
from typing import TYPE_CHECKING, Final

from hubbub.net.stream import Stream
from hubbub.observe.kernel.figures import STALE, WINDOW, Line
from hubbub.observe.kernel.lines import line_of
from hubbub.observe.kernel.tcp_info import TcpInfo, read_tcp_info
from hubbub.server.socket_options import cookie_of, info_of, unacknowledged, unread

if TYPE_CHECKING:
    from hubbub.server.session import Connection

SPAN: Final = 1.0
"""Seconds between two looks, at least: what happened is the difference."""
AT_ONCE: Final = 500
"""New connections whose cookie is asked for in one go (2 ms): the next one goes on."""
_SEGMENT: Final = 1_448  # bytes, where nobody says better
_UNTOUCHED: Final = read_tcp_info(b"")
"""Of a connection at its beginning."""


def median_rtt(streams: Iterable[Stream]) -> tuple[int, int]:
    """How many of these have a round-trip time of now, and the median of it in µs (0: none has)."""
    told = (info for one in streams if (info := info_of(one)) is not None)
    times = [info.rtt for info in told if info.rtt and info.rtt_age < STALE]
    return len(times), median_low(times) if times else 0


def waiting(stream: Stream) -> int:
    """Bytes that the peer's kernel has not acknowledged, here and in ours."""
    queued = unacknowledged(stream)
    if queued is None and (info := info_of(stream)) is not None:
        queued = info.unsent + info.unacked * _SEGMENT
    return stream.backlog + (queued or 0)


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
        return line_of(
            cookie,
            (stream.local, stream.peer),
            info,
            _UNTOUCHED if before is None else before,
            now - at,
            state=info.state,
            queued=_or(unacknowledged(stream), info.unsent + info.unacked * _SEGMENT),
            unread=_or(unread(stream), 0),
        )


def _or(known: int | None, otherwise: int) -> int:
    """What TCP_INFO says where the descriptor is not ours to ask, under TLS."""
    return otherwise if known is None else known
