"""The doorman in the loop of the test: how often he looks, what he asks the kernel for, whom he counts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import uvloop

from hubbub.net import doorman
from hubbub.net.doorman import Doorman
from hubbub.net.handler import Handler
from hubbub.net.settings import NetSettings
from hubbub.net.stream import Stream
from hubbub.net.timers import Wheel

Run = Callable[[Coroutine[Any, Any, None]], None]
TURNS = 50
"""Of the loop: each polls the sockets once, so a pending byte that wakes it would do so in each."""


@pytest.fixture(params=["asyncio", "uvloop"], name="run")
def _run(request: pytest.FixtureRequest) -> Run:
    return asyncio.run if request.param == "asyncio" else uvloop.run


@pytest.fixture(name="looks")
def _looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes the kernel was to wait for, at the end of each look."""
    looks: list[int] = []
    look = doorman._Waiting.look

    def counted(waiting: doorman._Waiting) -> None:
        look(waiting)
        looks.append(waiting.need)

    monkeypatch.setattr(doorman._Waiting, "look", counted)
    return looks


class Mute:
    """A handler that writes down what came."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.data = b""

    def on_data(self, data: bytes) -> None:
        self.data += data

    def on_eof(self) -> None:
        self.stream.close()

    def on_close(self, error: Exception | None) -> None: ...

    def on_pause(self) -> None: ...

    def on_resume(self) -> None: ...

    def on_overflow(self) -> None: ...

    def on_broken(self) -> bool:
        return False


class Door:
    """A doorman on a free port, and whom he has let in."""

    def __init__(self, settings: NetSettings) -> None:
        loop = asyncio.get_running_loop()
        self.wheel = Wheel(loop, tick=0.01)
        self.welcomed: list[tuple[str, Mute]] = []
        self.refused: list[str] = []
        self.doorman = Doorman(
            loop,
            settings,
            self.wheel,
            self.welcome,
            self.refuse,
            parting=lambda limit: f"over {limit}".encode(),
        )
        self.port = 0

    def welcome(self, kind: str, stream: Stream) -> Handler:
        handler = Mute(stream)
        self.welcomed.append((kind, handler))
        return handler

    def refuse(self, peer: str, reason: str) -> None:
        self.refused.append(reason)

    async def connect(self) -> socket.socket:
        peer = socket.socket()
        peer.setblocking(False)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(peer, ("127.0.0.1", self.port))
        return peer


@contextlib.asynccontextmanager
async def door(settings: NetSettings | None = None) -> AsyncIterator[Door]:
    here = Door(settings or NetSettings())
    [(_, here.port)] = await here.doorman.listen("127.0.0.1", 0)
    try:
        yield here
    finally:
        here.doorman.stop()
        here.doorman.abort_all()
        await until(lambda: not here.doorman.connections)
        here.wheel.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (there is nothing that would tell)
            await asyncio.sleep(0)


async def turns() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


@pytest.mark.parametrize("begun", [b"\x00", b"\x16", b"G", b"DELET", b"\x00\x00\x00\x05"])
def test_a_pending_byte_does_not_wake_the_loop(run: Run, looks: list[int], begun: bytes) -> None:
    async def main() -> None:
        async with door() as here:
            peer = await here.connect()
            peer.send(begun)
            await until(lambda: bool(looks) and looks[-1] > len(begun))
            seen = len(looks)
            await turns()
            assert len(looks) == seen
            assert here.welcomed == []
            peer.close()

    run(main())


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'\x00\x00\x00\x02{"', "json"),
        (b"\x00\x00\x00\x02\x08\x01", "protobuf"),
        (b"GET / HTTP/1.1\r\n", "http"),
        (b"PRI * HTTP/2.0", "http2"),
        (b"GEORGE\n", "text"),
        (b"{}", "ndjson"),
    ],
)
def test_the_first_bytes_may_come_one_by_one_and_none_is_lost(
    run: Run, looks: list[int], data: bytes, kind: str
) -> None:
    async def main() -> None:
        async with door() as here:
            peer = await here.connect()
            for end in range(1, len(data) + 1):
                peer.send(data[end - 1 : end])
                await turns()  # he has had every occasion to look
            await until(lambda: bool(here.welcomed) and here.welcomed[0][1].data == data)
            assert here.welcomed[0][0] == kind
            assert len(looks) <= len(data) + 1  # the first look, and one a byte at the most
            peer.close()

    run(main())


def test_who_says_too_little_is_closed_and_the_reason_is_told(run: Run) -> None:
    async def main() -> None:
        async with door(NetSettings(first_bytes=0.05, handshake=0.05)) as here:
            silent, begun = await here.connect(), await here.connect()
            begun.send(b"\x00")
            await until(lambda: len(here.refused) == 2)
            assert set(here.refused) == {"its first bytes did not come in time"}
            assert here.doorman.connections == 0
            for peer in (silent, begun):
                peer.close()

    run(main())


def test_one_too_many_is_told_so_whether_it_has_spoken_or_not(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with door(NetSettings(max_connections=1)) as here:
            kept = await here.connect()
            await until(lambda: here.doorman.connections == 1)
            for spoken in (b"", b"GET /", b"\x16\x03\x01", b"\0\0\0\2{}"):
                heard = b"" if spoken[:1] in (b"\x16", b"\0") else b"over max_connections"
                surplus = socket.socket()
                surplus.connect(("127.0.0.1", here.port))  # by the kernel; the doorman comes to it later
                surplus.send(spoken)
                surplus.setblocking(False)
                assert await loop.sock_recv(surplus, 100) == heard
                assert await loop.sock_recv(surplus, 100) == b""
                surplus.close()
            assert here.refused == 4 * ["over max_connections (1)"]
            kept.close()

    run(main())


def test_connections_are_counted_in_and_out(run: Run) -> None:
    async def main() -> None:
        limits = NetSettings(max_connections=3, max_per_address=2, limit_loopback=True)
        async with door(limits) as here:
            first, second = await here.connect(), await here.connect()
            await until(lambda: here.doorman.connections == 2)
            third = await here.connect()
            await until(lambda: here.refused == ["over max_per_address (2)"])
            first.close()
            await until(lambda: here.doorman.connections == 1)
            fourth = await here.connect()
            await until(lambda: here.doorman.connections == 2)
            assert len(here.refused) == 1
            for peer in (second, third, fourth):
                peer.close()

    run(main())
