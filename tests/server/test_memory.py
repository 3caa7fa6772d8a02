"""What ends is let go by its last reference: the server runs without full passes of the garbage collector."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator

import pytest
import uvloop

from hubbub.adapters.search_fts5 import Fts5Search
from hubbub.core.settings import GuestSettings
from hubbub.net.framing.websocket import masked_frame
from hubbub.observe.logs import open_log
from hubbub.observe.server_log import ServerLog
from hubbub.server.compose import Server, new_memory_journal
from hubbub.server.config import Config

_OURS = ("hubbub.", "h11", "starlette")


@contextlib.contextmanager
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _objects() -> Counter[str]:
    """How many objects there are of each type of ours, and of the libraries that hold ours."""
    names = (f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
    return Counter(name for name in names if name.startswith(_OURS))


async def _text(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"Alice\n/join den\nhello\n/list\n/quit\n")
    await reader.read()
    writer.close()


async def _http(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await reader.readuntil(b"}")
    writer.close()


async def _websocket(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    await reader.readuntil(b"welcome")
    for request in (
        b'{"id":"1","type":"request","action":"login","payload":{"username":"Wanda"}}',
        b'{"id":"2","type":"request","action":"publish","payload":{"room":"lobby","content":"hi"}}',
    ):
        writer.write(masked_frame(request, b"abcd"))
    await reader.readuntil(b'"content":"hi"')
    writer.close()


async def _ndjson(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b'{"command":"auth/login","id":"1","payload":{"username":"Nora"}}\n{"command":"nonsense"}\n')
    await reader.readuntil(b"unknown_action")
    writer.close()


@pytest.mark.parametrize("visit", [_text, _http, _websocket, _ndjson])
@pytest.mark.parametrize("loop", [asyncio.run, uvloop.run])
def test_nothing_of_a_connection_is_left(
    visit: Callable[[int], Coroutine[None, None, None]], loop: Callable[[object], None]
) -> None:
    async def main() -> None:
        log = ServerLog(open_log("error", "json", io.StringIO()))
        loop = asyncio.get_running_loop()
        search = Fts5Search(None, None, "", loop, log.warned)
        server = Server(Config(guests=GuestSettings(max_kept=0)), new_memory_journal(loop), search, log, loop)
        ((_, port),) = await server.doorman.listen("127.0.0.1", 0)

        async def once() -> None:
            await visit(port)
            await server.doorman.empty()
            await asyncio.sleep(0)  # the turn in which the last callback lets go

        await once()  # what is made once and kept
        with _no_collector():
            before = _objects()
            for _ in range(5):
                await once()
            left = _objects() - before
        for kept_on_purpose in (  # what was said; and of those who left, as many as DEPARTED
            "adapters.journal_memory._Stream",
            "core.dedupe.Window",
            "server.surroundings.Departed",
        ):
            del left[f"hubbub.{kept_on_purpose}"]
        kept = {name: count for name, count in left.items() if count >= 5}
        server.doorman.stop()
        server.wheel.stop()
        await search.close()
        assert kept == {}

    loop(main())
