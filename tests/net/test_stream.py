"""Streams on real sockets, on both event loops: what the fan-out relies on is pinned here."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from hubbub.net.handler import Handler
from hubbub.net.settings import NetSettings
from hubbub.net.stream import NO_FD, Stream
from hubbub.net.timers import UNSET, Wheel

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=["asyncio", "uvloop"], name="run")
def _run(request: pytest.FixtureRequest) -> Run:
    return asyncio.run if request.param == "asyncio" else uvloop.run


class Recorder:
    """A handler that writes down what it is told."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.told: list[str] = []
        self.data = b""
        self.changed = asyncio.Event()
        self.patient = False

    def _tell(self, what: str) -> None:
        self.told.append(what)
        self.changed.set()

    def on_data(self, data: bytes) -> None:
        self.data += data
        self._tell("data")

    def on_eof(self) -> None:
        self._tell("eof")

    def on_close(self, error: Exception | None) -> None:
        self._tell("close" if error is None else f"close: {type(error).__name__}")

    def on_pause(self) -> None:
        self._tell("pause")

    def on_resume(self) -> None:
        self._tell("resume")

    def on_overflow(self) -> None:
        self._tell("overflow")

    def on_broken(self) -> bool:
        self._tell("broken")
        return self.patient

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


async def _pair(
    settings: NetSettings | None = None, send_buffer: int | None = 8192
) -> tuple[Recorder, socket.socket]:
    """A stream on our side, a plain blocking socket on the peer's."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    ours.setblocking(False)
    if send_buffer is not None:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    peer.settimeout(10)
    handlers: list[Recorder] = []

    def opened(stream: Stream) -> Handler:
        handlers.append(Recorder(stream))
        return handlers[0]

    stream = Stream(settings or NetSettings(), Wheel(loop, 0.02), opened)
    await loop.connect_accepted_socket(lambda: stream, ours)
    return handlers[0], peer


def test_one_byte_too_many_pauses_at_once_and_resumes_when_drained(run: Run) -> None:
    async def main() -> None:
        handler, peer = await _pair()
        stream = handler.stream
        assert stream.fd == stream.descriptor != NO_FD
        sent = 0
        while True:  # fill the kernel's buffers, past `stream`, as the fan-out does
            try:
                sent += os.write(stream.fd, b"x" * 4096)
            except BlockingIOError:
                break
        assert handler.told == []
        stream.written(b"yz", 0)
        assert handler.told == ["pause"], "synchronously, with the first byte queued"
        assert stream.fd == NO_FD
        assert stream.paused
        assert stream.backlog == 2
        stream.write(b"!")
        loop = asyncio.get_running_loop()
        got = await loop.run_in_executor(None, _read, peer, sent + 3)
        assert got.endswith(b"xyz!"), "in order, nothing lost"
        await handler.until(lambda: "resume" in handler.told)
        assert stream.fd == stream.descriptor != NO_FD
        peer.close()
        await handler.until(lambda: "eof" in handler.told)
        stream.close()

    run(main())


def _read(peer: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += peer.recv(65_536)
    return data


def test_more_than_the_backlog_is_told_at_each_write(run: Run) -> None:
    async def main() -> None:
        handler, peer = await _pair(NetSettings(max_backlog=100_000))
        while "overflow" not in handler.told:
            handler.stream.write(b"x" * 50_000)
        assert handler.told[0] == "pause"
        handler.stream.abort()
        assert handler.told[-1] == "close"
        peer.close()

    run(main())


def test_corked_writes_leave_in_one_piece(run: Run) -> None:
    async def main() -> None:
        handler, peer = await _pair()
        stream = handler.stream
        stream.cork()
        stream.cork()
        stream.write(b"a")
        stream.write(b"b")
        stream.uncork()
        stream.write(b"c")
        peer.setblocking(False)
        with pytest.raises(BlockingIOError):
            peer.recv(10)
        stream.uncork()
        peer.setblocking(True)
        assert peer.recv(10) == b"abc"
        stream.abort()
        peer.close()

    run(main())


def test_close_leaves_at_once_and_the_last_words_arrive(run: Run) -> None:
    """Even with bytes of the peer unread: a reset would take the last message with it."""

    async def main() -> None:
        handler, peer = await _pair()
        stream = handler.stream
        peer.sendall(b"unread " * 1000)
        stream.write(b"first ")
        stream.close(b"last")
        assert handler.told == ["close"], "synchronously"
        assert stream.fd == stream.descriptor == NO_FD
        assert stream.closed
        stream.write(b"too late")
        loop = asyncio.get_running_loop()
        assert await loop.run_in_executor(None, _read_all, peer) == b"first last"
        peer.close()

    run(main())


def _read_all(peer: socket.socket) -> bytes:
    data = b""
    while more := peer.recv(65_536):
        data += more
    return data


def test_a_peer_that_does_not_close_is_cut_after_the_farewell(run: Run) -> None:
    async def main() -> None:
        handler, peer = await _pair(NetSettings(farewell=0.05))
        gone = asyncio.Event()
        handler.stream._gone = lambda _: gone.set()
        handler.stream.close(b"bye")
        async with asyncio.timeout(10):
            await gone.wait()
        peer.close()

    run(main())


def test_what_is_still_queued_has_the_linger_to_arrive(run: Run) -> None:
    """Far more than the kernel takes: at the end of `farewell` bytes are queued, and none is lost."""

    async def main() -> None:
        size = 16_000_000
        handler, peer = await _pair(NetSettings(farewell=0.05, linger=30, max_backlog=2 * size), None)
        handler.stream.write(b"x" * size)
        handler.stream.close(b"end")
        wheel = handler.stream._wheel
        rung = asyncio.Event()
        alarm = _Alarm(rung)
        wheel.set(alarm, 0.2)  # after the stream's own
        async with asyncio.timeout(10):
            await rung.wait()
        loop = asyncio.get_running_loop()
        data = await loop.run_in_executor(None, _read_all, peer)
        assert len(data) == size + 3
        assert data.endswith(b"xend")
        peer.close()

    run(main())


class _Alarm:
    def __init__(self, rung: asyncio.Event) -> None:
        self.due = UNSET
        self._rung = rung

    def on_timer(self) -> None:
        self._rung.set()


def test_a_reset_by_the_peer_is_told_once(run: Run) -> None:
    async def main() -> None:
        handler, peer = await _pair()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        await handler.until(lambda: any(one.startswith("close") for one in handler.told))
        handler.stream.close()
        handler.stream.abort()
        assert len(handler.told) == 1

    run(main())


def test_a_write_to_a_gone_peer_closes_and_raises_nothing(run: Run) -> None:
    async def main() -> None:
        handler, peer = await _pair()
        handler.stream.pause_reading()  # so that only the write can find out
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        while not handler.stream.closed:
            handler.stream.write(b"x")
        assert handler.told[0] == "broken"
        assert handler.told[-1].startswith("close: ")

    run(main())


@pytest.mark.parametrize("how", ["reset", "unread"])
def test_what_came_before_a_line_broke_is_read_to_its_end(run: Run, how: str) -> None:
    """A write finds out first; what the peer sent is in the kernel still, and the reset did not take it."""

    async def main() -> None:
        handler, peer = await _pair()
        stream, sent = handler.stream, os.urandom(20_000)
        handler.patient = True
        stream.pause_reading()
        peer.sendall(sent)
        if how == "reset":
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            stream.write(b"never read")
            peer.recv(1, socket.MSG_PEEK)
        peer.close()
        while not (stream.broken or stream.closed):
            stream.write(b"x")
        assert stream.broken
        assert not stream.closed
        assert stream.fd == NO_FD
        stream.write(b"for nobody")
        stream.cork()
        stream.write(b"for nobody")
        stream.uncork()
        assert stream.backlog == 0
        stream.resume_reading()
        await handler.until(lambda: handler.told[-1] == "eof" or handler.told[-1].startswith("close"))
        assert handler.data == sent
        stream.close(b"for nobody")
        async with asyncio.timeout(10):
            while stream._transport is not None:  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0)
        assert handler.told.count("broken") == 1
        assert [one for one in handler.told if one.startswith("close")] == handler.told[-1:]

    run(main())


def test_a_close_that_meets_a_reset_raises_nothing(run: Run) -> None:
    """It may be the end of somebody else's connection that closes this one, and must come to its own end."""

    async def main() -> None:
        handler, peer = await _pair()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        handler.stream.close()  # before the loop can tell of the reset
        async with asyncio.timeout(10):
            while handler.stream._transport is not None:  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0)
        assert handler.told == ["close"]

    run(main())


def test_reading_pauses_and_goes_on(run: Run) -> None:
    async def main() -> None:
        handler, peer = await _pair()
        handler.stream.pause_reading()
        handler.stream.pause_reading()
        peer.sendall(b"later")
        for _ in range(5):
            await asyncio.sleep(0)
        assert handler.data == b""
        handler.stream.resume_reading()
        await handler.until(lambda: handler.data == b"later")
        handler.stream.abort()
        peer.close()

    run(main())


def test_large_reads_go_to_their_taker_and_back(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hubbub.net.stream._LARGE", memoryview(bytearray(64)))

    async def main() -> None:
        handler, peer = await _pair()
        stream, sent, taken = handler.stream, os.urandom(1000), bytearray()

        def take(view: memoryview) -> None:
            taken.extend(view)
            if len(taken) >= 640:
                stream.read_large(None)
            handler.changed.set()

        stream.read_large(take)
        peer.sendall(sent)
        await handler.until(lambda: len(taken) + len(handler.data) == 1000)
        assert len(taken) == 640
        assert bytes(taken) + handler.data == sent
        peer.shutdown(socket.SHUT_WR)
        await handler.until(lambda: "eof" in handler.told)
        stream.abort()
        peer.close()

    run(main())


def test_a_flood_of_large_reads_lets_others_have_their_turn(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubbub.net.stream._LARGE", memoryview(bytearray(64)))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        handler, peer = await _pair()
        total, turns, reads_in_a_turn = 0, 0, [0]

        def turn() -> None:
            nonlocal turns
            turns += 1
            reads_in_a_turn.append(0)
            if total < 6400:
                loop.call_soon(turn)

        def take(view: memoryview) -> None:
            nonlocal total
            total += len(view)
            reads_in_a_turn[-1] += 1
            handler.changed.set()

        handler.stream.pause_reading()
        handler.stream.read_large(take)
        peer.sendall(bytes(6400))
        loop.call_soon(turn)
        handler.stream.resume_reading()
        await handler.until(lambda: total == 6400)
        handler.stream.abort()
        peer.close()
        most = max(reads_in_a_turn)
        assert most == 1

    run(main())
