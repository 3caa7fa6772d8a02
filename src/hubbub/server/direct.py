"""A request that is served on the stream itself: for bodies too large to be copied from hand to hand.

HTTP is kept as elsewhere (RFC 9112), but what comes goes to whoever takes it, as it came, and what is sent
is written by whoever has it. `http.py` has read the head; an app here is a coroutine, one for each request.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Protocol

import h11

from hubbub.net.stream import NO_FD, Stream
from hubbub.server.http_head import Head, reason_of
from hubbub.server.responses import date, error_body, phrase
from hubbub.server.web.cookies import Visitor

if sys.platform != "win32":
    import fcntl
    import termios

Header = tuple[bytes, bytes]
DirectApp = Callable[["Direct"], Awaitable[None]]
"""Serves one request: it ends with `respond`, `done` or `abort`."""

_BEHIND: Final = 65_536
"""Bytes of requests behind this one that may wait before reading stops."""
_LARGE: Final = 262_144
"""Bytes of a body from which on it is read in large pieces."""
_SECURITY: Final = ((b"X-Content-Type-Options", b"nosniff"), (b"Referrer-Policy", b"no-referrer"))

GONE: Final = "gone"
STALLED: Final = "stalled"
STOPPING: Final = "stopping"
MALFORMED: Final = "malformed"
"""Why a body did not come whole, as `receive` says it."""


class Owner(Protocol):
    """The connection that a request came by. `on_done` is called once, and ends it, if anything is."""

    def on_done(self, keep: bool, leftover: bytes) -> None:
        """The response is out. Whether the connection may be kept, and what came behind the request."""
        ...

    def on_reading(self) -> None:
        """Look anew whether the peer is the one to go on: time it."""
        ...


class Direct:
    """From a request's head to the end of its response."""

    __slots__ = (
        "_behind",
        "_chunks",
        "_cut",
        "_early",
        "_end",
        "_full",
        "_gone",
        "_keep",
        "_left",
        "_owner",
        "_seen",
        "_sending",
        "_sink",
        "_stopping",
        "_stream",
        "_task",
        "_wake",
        "head",
        "on_gone",
        "on_resume",
        "status",
        "visitor",
    )

    def __init__(self, stream: Stream, head: Head, owner: Owner, visitor: Visitor) -> None:
        self.head = head
        self.visitor = visitor
        self.status = 0
        """Of the response, once it has begun."""
        self.on_gone: Callable[[], None] = _nothing
        """The connection is lost."""
        self.on_resume: Callable[[], None] = _nothing
        """What was written has left for the kernel, after it had not."""
        self._seen = (-1, -1)  # what the peer had not taken when it was last looked at
        self._stream = stream
        self._owner = owner
        length = head.values(b"content-length")
        chunked = bool(head.values(b"transfer-encoding"))
        self._chunks = head.connection if chunked else None
        self._left = int(length[0]) if length else int(chunked)  # of the body; of chunks, 1 until their end
        tokens = b",".join(head.values(b"connection")).lower()
        self._keep = head.request.http_version == b"1.1" and b"close" not in tokens
        self._early: list[bytes] = []  # came before anybody asked for it
        self._cut: str | None = None  # why it cannot come whole, known before anybody asked for it
        self._behind = b""
        self._sink: Callable[[bytes | memoryview], bool] | None = None
        self._end: asyncio.Future[str | None] | None = None
        self._wake: asyncio.Future[None] | None = None
        self._gone = self._full = self._sending = self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self, app: DirectApp, failed: Callable[[str, Exception], None]) -> asyncio.Task[None]:
        """Let the app serve it; `failed` is told of its faults. Keep a reference to the task."""
        self._task = asyncio.get_running_loop().create_task(self._run(app, failed))
        return self._task

    async def _run(self, app: DirectApp, failed: Callable[[str, Exception], None]) -> None:
        try:
            await app(self)
        except Exception as error:  # noqa: BLE001 (whatever went wrong must not end the server)
            failed("HTTP request", error)
        if not self._gone:  # it did not end what it began
            if self.status:
                self.abort()
            else:
                self.refuse(500, "Internal error.")

    # -- what was asked

    @property
    def method(self) -> bytes:
        """Of the request."""
        return self.head.request.method

    @property
    def length(self) -> int | None:
        """Bytes of its body, where they were said before."""
        return None if self._chunks is not None else self._left + sum(map(len, self._early))

    def value(self, name: bytes) -> bytes | None:
        """A header's value, where it stands once; `name` in lower case."""
        values = self.head.values(name)
        return values[0] if len(values) == 1 else None

    @property
    def stream(self) -> Stream:
        """Where the response goes."""
        return self._stream

    @property
    def gone(self) -> bool:
        """Whether the connection is lost, or the response is over: nothing more can be sent."""
        return self._gone

    # -- what the connection tells

    def feed(self, data: bytes | memoryview) -> None:
        """Bytes came, a view of them good until this returns; b"": no more will."""
        if not data:
            self.cut(GONE)
        elif self._chunks is not None and self._left:
            self._feed_chunks(self._chunks, data)
        elif self._left:
            piece, rest = (data, b"") if len(data) <= self._left else (data[: self._left], data[self._left :])
            self._left -= len(piece)
            self._take(piece)
            self._follow(rest)
        else:
            self._follow(data)

    def _feed_large(self, data: memoryview) -> None:
        self.feed(data)
        self._owner.on_reading()

    def _feed_chunks(self, chunks: h11.Connection, data: bytes | memoryview) -> None:
        chunks.receive_data(bytes(data))
        while not self._gone:
            try:
                event = chunks.next_event()
            except h11.RemoteProtocolError as error:
                self.cut(f"{MALFORMED}: {reason_of(error)}")
                return
            if isinstance(event, h11.Data):
                self._take(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self._left = 0
                self._follow(chunks.trailing_data[0])
                self._take(b"")
                return
            else:  # NEED_DATA
                return

    def _take(self, piece: bytes | memoryview) -> None:
        if self._sink is None:
            self._early.append(bytes(piece))
            self._stream.pause_reading()
        elif piece and not self._sink(piece):
            self._full = True
            self._stream.pause_reading()
        if not self._left and self._sink is not None:
            self.cut(None)

    def _follow(self, rest: bytes | memoryview) -> None:
        if rest:
            self._behind += rest
            if len(self._behind) > _BEHIND:
                self._stream.pause_reading()

    def resume(self) -> None:
        """The peer reads again."""
        self.wake()
        self.on_resume()

    def close(self) -> None:
        """The connection is gone. What runs in a thread is waited for, so the task is not cancelled."""
        self._gone = True
        self.cut(GONE)
        self.wake()
        self.on_gone()

    def stop(self) -> None:
        """The server is: a body ends here; a response goes on, as long as it may."""
        self._stopping = True
        self._keep = False
        self.cut(STOPPING)

    def fail(self, status: int, reason: str) -> None:
        """The peer was waited for, and did not go on."""
        del status, reason
        if self._end is not None:
            self.cut(STALLED)
        elif (seen := (self._stream.backlog, _unread(self._stream.descriptor))) != self._seen:
            self._seen = seen  # slow, and not dead
            self._owner.on_reading()
        else:
            self.abort()

    @property
    def receiving(self) -> bool:
        """Whether the peer is the one to go on: with its body, or by reading."""
        if self._end is not None:
            return not self._full
        return self._sending or (self.status != 0 and self._stream.paused)

    # -- the body

    async def receive(self, sink: Callable[[bytes | memoryview], bool]) -> str | None:
        """Let `sink` take the body, piece by piece; it says whether there is room for more (else: `read_on`).

        Return None when it has come whole, else why it has not; how much did, `sink` knows.
        """
        if self._gone or self._stopping:
            return GONE if self._gone else STOPPING
        waiting = not self._early and self._left
        if waiting and (self.value(b"expect") or b"").lower() == b"100-continue":
            self._stream.write(b"HTTP/1.1 100 Continue\r\n\r\n")  # RFC 9110 §10.1.1
        large = self._left > _LARGE
        if large:
            self._stream.read_large(self._feed_large)
        self._end = asyncio.get_running_loop().create_future()
        self._sink = sink
        early, self._early = self._early, []
        self._full = not all([sink(piece) for piece in early if piece])  # noqa: C419 (all are taken)
        if not self._full:
            self._stream.resume_reading()
        if not self._left or self._cut is not None:
            self.cut(self._cut if self._left else None)
        self._owner.on_reading()
        try:
            return await self._end
        finally:
            self._end, self._sink = None, _swallow
            if not self._gone:
                if large:
                    self._stream.read_large(None)
                self._owner.on_reading()

    def cut(self, why: str | None) -> None:
        """End `receive`: None where the body is whole."""
        if self._end is None:
            self._cut = self._cut or why
        elif not self._end.done():
            self._end.set_result(why)

    def read_on(self) -> None:
        """There is room for more of the body."""
        self._full = False
        if not self._gone:
            self._stream.resume_reading()
            self._owner.on_reading()

    # -- the response

    def respond(self, status: int, headers: Iterable[Header] = (), body: bytes = b"") -> None:
        """All of it. The connection is kept if the request came whole."""
        headers = list(headers)
        if body:
            headers.append((b"Content-Length", str(len(body)).encode()))
        elif status not in (204, 304) and self.method != b"HEAD":
            headers.append((b"Content-Length", b"0"))
        self.begin(status, headers, b"" if self.method == b"HEAD" else body)
        self.done()

    def refuse(self, status: int, message: str, headers: Iterable[Header] = ()) -> None:
        """An error, in the form that all have here."""
        self.respond(status, [(b"Content-Type", b"application/json"), *headers], error_body(status, message))

    def begin(self, status: int, headers: Iterable[Header], body: bytes = b"") -> None:
        """The head of a response, and what of its body is at hand."""
        if self._gone:
            return
        self.status = status
        if self._left:
            self._keep = False  # the rest of its body may come or not: no telling what follows
        lines = [
            f"HTTP/1.1 {status} {phrase(status)}".encode("ascii"),
            b"Date: " + date(),
            *(name + b": " + value for name, value in _SECURITY),
            *(name + b": " + value for name, value in headers),
        ]
        if not self._keep:
            lines.append(b"Connection: close")
        self._stream.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)

    def done(self) -> None:
        """The response is whole."""
        if not self._gone:
            self._gone = True
            self._owner.on_done(self._keep, self._behind)

    def abort(self) -> None:
        """Cut the connection: half of a response must not look whole."""
        if not self._gone:
            self._stream.abort()

    async def room(self) -> bool:
        """Wait until all that was written has left for the kernel. False: the connection is lost."""
        while self._stream.paused and not self._gone:
            await self.pause()
        return not self._gone

    async def pause(self) -> None:
        """Wait for `wake`, which the peer's reading calls, and the connection's end."""
        if self._gone:
            return
        self._wake = asyncio.get_running_loop().create_future()
        self._sending = True
        self._owner.on_reading()
        try:
            await self._wake
        finally:
            self._wake, self._sending = None, False
            if not self._gone:
                self._owner.on_reading()

    def wake(self) -> None:
        """Go on after `pause`."""
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)


def _nothing() -> None: ...


def _unread(descriptor: int) -> int:
    """Bytes that the kernel holds for the peer, where it says so."""
    if sys.platform == "win32" or descriptor == NO_FD:
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except OSError:
        return 0


def _swallow(_: bytes | memoryview) -> bool:
    return True
