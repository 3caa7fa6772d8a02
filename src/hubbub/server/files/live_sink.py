"""A file that nobody keeps, to somebody who fetches it by HTTP: bytes go out as they come in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hubbub.server.direct import Direct, Header
from hubbub.server.files.content import disposition


class LiveSink:
    """One response. Whoever has the bytes calls `start`, then `write`, and `end` or `abort`."""

    __slots__ = ("_left", "_over", "_request", "on_gone", "on_room")

    def __init__(self, request: Direct) -> None:
        self._request = request
        self._left = 0
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.on_room: Callable[[], None] = _nothing
        """There is room again, after `paused`."""
        self.on_gone: Callable[[], None] = _nothing
        """Whoever fetched it is gone, or reads nothing any more. Not told after `end` and `abort`."""
        request.on_gone = self._gone
        request.on_resume = self._room

    def start(self, name: str, size: int, content_type: str) -> None:
        """Say what comes: to be saved, not shown."""
        self._left = size
        headers = [
            *content_headers(name, content_type, inline=False),
            (b"Content-Length", str(size).encode()),
            (b"Cache-Control", b"no-store"),
        ]
        self._request.begin(200, headers)

    def write(self, data: bytes) -> None:
        """The next bytes. More than `start` said cut the connection."""
        if self._over.done():
            return
        self._left -= len(data)
        if self._left < 0:
            self.abort()
        else:
            self._request.stream.write(data)

    @property
    def paused(self) -> bool:
        """Whether whoever sends should wait for `on_room`."""
        return self._request.stream.paused

    def end(self) -> None:
        """That was all of it; where it was not, the connection is cut."""
        if self._left:
            self.abort()
        elif not self._over.done():
            self._over.set_result(None)

    def abort(self) -> None:
        """Cut the connection: half a file must not look whole. Before `start`: say that nothing comes."""
        if self._over.done():
            return
        self._over.set_result(None)
        if self._request.status:
            self._request.abort()
        else:
            self._request.refuse(
                503, "Whoever offered the file went away.", [(b"Cache-Control", b"no-store")]
            )

    async def over(self) -> None:
        """Wait for the end of the response. For whoever made the sink."""
        await self._over
        if not self._request.gone and not self._left and await self._request.room():
            self._request.done()

    def _room(self) -> None:
        if not self._over.done():
            self.on_room()

    def _gone(self) -> None:
        if not self._over.done():
            self._over.set_result(None)
            self.on_gone()


def content_headers(name: str, kind: str, *, inline: bool) -> list[Header]:
    """What a file is, and what must not be done with it; but for what every response says."""
    found = disposition(name, kind, inline=inline)
    return [(key.encode(), value.encode()) for key, value in found if key != "X-Content-Type-Options"]


def _nothing() -> None: ...
