"""`GET /api/v1/admin/live`: the server's last hour, then each second, and the lines of its log, as they come.

One stream of Server-Sent Events (html.spec.whatwg.org, §9.2). What a second brings is encoded once, for all
who watch; who does not read is let go, and his browser comes back by itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Annotated, Final, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hubbub.core.errors import Code, Refusal
from hubbub.core.files import Bearer
from hubbub.observe.ring import ROWS, Ring
from hubbub.observe.tail import LogLine, Tail
from hubbub.server.kernel_seen import HeatView
from hubbub.server.sampling import Sample
from hubbub.server.web.admins import FRESH, queried, refused
from hubbub.server.why import KernelView
from hubbub.wire.openapi import Endpoint

PATH: Final = "/api/v1/admin/live"
MOST_WAITING: Final = 20
"""Ten seconds' worth of events that may wait for one who does not read."""
_RETRY: Final = 2_000
"""Milliseconds after which a browser comes back."""
_AGAIN: Final = 10.0
FAREWELL: Final = 5.0
"""Seconds that one has to read why it ends."""
_GREETING: Final = b": the server, live\nretry: %d\n\n" % _RETRY

_KIND: Final = "text/event-stream"
_HEADERS: Final = {**FRESH, "X-Accel-Buffering": "no"}  # nginx in front would hold it back

Reason = Literal["drain", "logged_out", "forbidden"]
Who = Callable[[Request], Bearer | Refusal]


class Past(msgspec.Struct, frozen=True):
    """The last hour, or what there is of it. `columns` has an array for each field of Sample, oldest first.

    `started` and `every` are in milliseconds; where `every` is more than 1,000, a row stands for several
    seconds: with the mean of what is counted a second, the largest of times and queues, the last of the rest.
    """

    server: str
    version: str
    started: int
    every: int
    columns: dict[str, list[int | None]]


class End(msgspec.Struct, frozen=True):
    """Why the stream ends: the server stops, the login has ended, the role was taken.

    Who does not read is told none of it, and cut off.
    """

    reason: Reason


class LiveQuery(msgspec.Struct, frozen=True):
    """`points`: the past in at most so many rows; without it, a row a second."""

    points: Annotated[int, msgspec.Meta(ge=1, le=ROWS)] | None = None


LIVE_ENDPOINTS: Final = (
    Endpoint(
        "get",
        PATH,
        "What the server does, as Server-Sent Events: `past` (an hour), then `sample` each second, and"
        " `log` (lines of its log); `heat` (an hour of the kernel's), then `kernel` each second; `end` says"
        " why it ends.",
        _KIND,
        query=LiveQuery,
        refusals=(400, 401, 403, 429),
        security="admin",
        tag="admin",
    ),
)
EVENTS: Final[dict[str, object]] = {
    "past": Past,
    "sample": Sample,
    "log": list[LogLine],
    "heat": HeatView,
    "kernel": KernelView,
    "end": End,
}
"""What stands in the `data` of each event, as JSON."""


class Live:
    """All who watch."""

    def __init__(
        self,
        ring: Ring,
        tail: Tail,
        who: Who,
        *,
        server: str,
        version: str,
        started: float,
        most: int,
        kernel: Callable[[], tuple[HeatView, KernelView]],
        farewell: float = FAREWELL,
    ) -> None:
        """`ring` has the columns of Sample; `started` is Unix time in seconds; `most` may watch at once.

        `kernel` tells what the kernel did, in the last hour and now.
        """
        self._ring = ring
        self._tail = tail
        self._who = who
        self._server = server
        self._version = version
        self._started = int(started * 1000)
        self._most = most
        self._kernel = kernel
        self.farewell = farewell
        self._watchers: dict[_Watcher, None] = {}
        self._told = tail.number
        """The last line of the log that was sent."""
        self._past: dict[int | None, bytes] = {}
        """Encoded since the last sample, by `points`."""
        self._closed = False

    @property
    def watching(self) -> int:
        """How many watch."""
        return len(self._watchers)

    def on_sample(self, sample: Sample) -> None:
        """A second has passed: see `Sampler.on_sample`."""
        self._past.clear()
        if not self._watchers:
            self._told = self._tail.number
            return
        lines = self._tail.since(self._told)
        self._told = self._tail.number
        data = _event("sample", sample) + (_event("log", lines) if lines else b"")
        for watcher in list(self._watchers):
            asker = self._who(watcher.request)
            if isinstance(asker, Bearer):
                watcher.push(data)
            else:
                watcher.end("logged_out" if asker.code is Code.UNAUTHENTICATED else "forbidden")

    def on_kernel(self, view: KernelView) -> None:
        """Something was seen in the kernel: see `KernelSeen.on_report`."""
        data = _event("kernel", view)
        for watcher in list(self._watchers):
            watcher.push(data)

    def close(self) -> None:
        """The server stops: nobody watches any more, nor will."""
        self._closed = True
        for watcher in list(self._watchers):
            watcher.end("drain")

    async def serve(self, request: Request) -> Response:
        """The endpoint."""
        asker = self._who(request)
        if isinstance(asker, Refusal):
            return refused(asker)
        query = queried(request, LiveQuery)
        if isinstance(query, Refusal):
            return refused(query)
        if request.method == "HEAD":
            return Response(None, 200, _HEADERS, _KIND)
        if self._closed or len(self._watchers) >= self._most:
            message = f"{self._most} are watching already, which is the limit."
            limit = "metrics.max_watchers"
            return refused(Refusal(Code.RATE_LIMITED, message, limit=limit, retry_after=_AGAIN))
        return _Watcher(self, request, query.points)

    # -- for a watcher

    def enter(self, watcher: _Watcher) -> bytes:
        """From now on it is told; what it is told first."""
        self._watchers[watcher] = None
        number = self._tail.number
        fresh = number - self._told  # these come with the next sample, for all
        lines = self._tail.since(0)
        lines = lines[: max(0, len(lines) - fresh)]
        heat, kernel = self._kernel()
        told = [_GREETING, self._encoded_past(watcher.points)]
        if lines:
            told.append(_event("log", lines))
        return b"".join([*told, _event("heat", heat), _event("kernel", kernel)])

    def leave(self, watcher: _Watcher) -> None:
        """It watches no more."""
        self._watchers.pop(watcher, None)

    def _encoded_past(self, points: int | None) -> bytes:
        known = self._past.get(points)
        if known is None:
            group, columns = self._ring.read(points)
            past = Past(self._server, self._version, self._started, 1000 * group, columns)
            known = self._past[points] = _event("past", past)
        return known


class _Watcher(Response):
    """One response that goes on: a queue, and a task that empties it."""

    def __init__(self, live: Live, request: Request, points: int | None) -> None:
        super().__init__(None, 200, _HEADERS, _KIND)
        self.request = request
        self.points = points
        self._live = live
        self._waiting: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._over = False
        self._patience = asyncio.timeout(None)

    def push(self, data: bytes) -> None:
        """Have it sent. Who has not read for so long is cut off: in the middle, as he does not read it."""
        if len(self._waiting) >= MOST_WAITING:
            self._live.leave(self)
            self._wait_for(0.0)
        else:
            self._waiting.append(data)
            self._wake.set()

    def end(self, reason: Reason) -> None:
        """Say why, and end."""
        self._live.leave(self)
        self._over = True
        self._waiting.append(_event("end", End(reason)))
        self._wake.set()
        self._wait_for(self._live.farewell)

    def _wait_for(self, seconds: float) -> None:
        """So long, and no longer, until he has read what waits."""
        self._patience.reschedule(asyncio.get_running_loop().time() + seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI. When it returns before the response is whole, the connection is cut."""
        del scope, receive
        try:
            async with self._patience:
                self._waiting.append(self._live.enter(self))
                await self._send_all(send)
        except OSError:  # TimeoutError is one, too
            pass  # the peer is gone, or does not read
        finally:
            self._live.leave(self)

    async def _send_all(self, send: Send) -> None:
        headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while self._waiting or not self._over:
            data = b"".join(self._waiting)
            self._waiting.clear()
            if data:
                await send({"type": "http.response.body", "body": data, "more_body": True})
            else:
                self._wake.clear()
                await self._wake.wait()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _event(name: str, content: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode("ascii"), msgspec.json.encode(content))
