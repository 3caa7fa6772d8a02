"""HTTP on a real socket for the tests: a small ASGI app, a server around it, and raw exchanges."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import uvloop
from starlette.types import Receive, Scope, Send

from hubbub.net.handler import Handler
from hubbub.net.settings import NetSettings
from hubbub.net.stream import Stream
from hubbub.net.timers import Wheel
from hubbub.observe.logs import open_log
from hubbub.observe.server_log import ServerLog
from hubbub.server.config import Config
from hubbub.server.http import HttpConnection
from hubbub.server.http_server import HttpServer
from hubbub.server.web.cookies import Visitor

PATIENCE = 10.0
CHUNK = b"x" * 65_536
LOOPS = [
    pytest.param(asyncio.new_event_loop, id="asyncio"),
    pytest.param(uvloop.new_event_loop, id="uvloop"),
]
LoopFactory = Callable[[], asyncio.AbstractEventLoop]


@dataclass
class App:
    """Answers by path, and remembers what it was asked."""

    scopes: list[Scope] = field(default_factory=list)
    sent: int = 0
    cancelled: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        await getattr(self, "do_" + scope["path"].strip("/").replace("-", "_"))(receive, send)

    async def do_hello(self, receive: Receive, send: Send) -> None:
        await _answer(send, b"hello")

    async def do_echo(self, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            assert message["type"] == "http.request"
            body += message["body"]
            more = message["more_body"]
        await _answer(send, body)

    async def do_gated_echo(self, receive: Receive, send: Send) -> None:
        await self.gate.wait()
        await self.do_echo(receive, send)

    async def do_count(self, receive: Receive, send: Send) -> None:
        await _answer(send, str(len(self.scopes)).encode())

    async def do_stream(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for part in (b"one ", b"two ", b"three"):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def do_large(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(256):
            await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
            self.sent += 1
        await send({"type": "http.response.body", "body": b""})

    async def do_raise(self, receive: Receive, send: Send) -> None:
        raise RuntimeError("the secret of the house")

    async def do_raise_late(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("the secret of the house")

    async def do_too_much(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
        await send({"type": "http.response.body", "body": b"more than one"})

    async def do_silent(self, receive: Receive, send: Send) -> None:
        return

    async def do_wait(self, receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def _answer(send: Send, body: bytes) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Site:
    """A running server and what can be seen of it."""

    port: int
    app: App
    server: HttpServer
    streams: list[Stream]
    upgrades: list[tuple[Stream, bool, bytes]]
    log: io.StringIO

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def exchange(self, data: bytes) -> bytes:
        """Send, and read until the server closes."""
        reader, writer = await self.connect()
        writer.write(data)
        try:
            return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()


class AfterUpgrade:
    """Collects what comes once HTTP is over."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def on_data(self, data: bytes) -> None:
        self.stream.write(b"raw:" + data)

    def on_eof(self) -> None:
        self.stream.close()

    def on_close(self, error: Exception | None) -> None: ...

    def on_pause(self) -> None: ...

    def on_resume(self) -> None: ...

    def on_overflow(self) -> None: ...

    def on_broken(self) -> bool:
        return False


@asynccontextmanager
async def site(config: Config | None = None, **changes: Any) -> AsyncIterator[Site]:
    """Serve on a free loopback port. `changes` replace fields of the HttpServer."""
    loop = asyncio.get_running_loop()
    wheel = Wheel(loop, tick=0.02)
    log = io.StringIO()
    app = App()
    upgrades: list[tuple[Stream, bool, bytes]] = []
    streams: list[Stream] = []

    def upgraded(stream: Stream, deflate: bool, leftover: bytes, _visitor: Visitor) -> None:
        upgrades.append((stream, deflate, leftover))
        stream.handler = AfterUpgrade(stream)
        if leftover:
            stream.handler.on_data(leftover)

    server = replace(
        HttpServer.of(
            config or Config(), app, upgraded, ServerLog(open_log("debug", "json", log), debug=True), wheel
        ),
        **changes,
    )

    def opened(stream: Stream) -> Handler:
        return HttpConnection(stream, server)

    def connected() -> Stream:
        stream = Stream(
            NetSettings(), wheel, opened, peer="127.0.0.1", local="127.0.0.1", loopback_listener=True
        )
        streams.append(stream)
        return stream

    listener = await loop.create_server(connected, "127.0.0.1", 0)
    try:
        yield Site(listener.sockets[0].getsockname()[1], app, server, streams, upgrades, log)
    finally:
        listener.close()
        for stream in streams:
            stream.abort()
        await until(lambda: not server.tasks)
        wheel.stop()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, not for a time."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 (there is nothing that would tell)
            await asyncio.sleep(0.005)


def run(factory: LoopFactory, main: Callable[[], Awaitable[None]]) -> None:
    """Run a test on a loop of its own."""

    async def timed() -> None:
        async with asyncio.timeout(PATIENCE * 3):
            await main()

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(timed())


def request(target: str = "/hello", *headers: str, method: str = "GET", host: str = "127.0.0.1") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


async def response(
    reader: asyncio.StreamReader, *, bodiless: bool = False
) -> tuple[int, dict[str, str], bytes]:
    """Read one response with a Content-Length or chunks."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split()[1])
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
    if bodiless or status in (100, 101, 204, 304):
        return status, headers, b""
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return status, headers, body
    return status, headers, await reader.readexactly(int(headers["content-length"]))
