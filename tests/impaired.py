"""A bad line: a TCP proxy on loopback that cuts, delays, throttles, freezes and splits what goes through it.

What happens to a connection is drawn from a `Plan` by the seed and the connection's number (from 0), and by
nothing else: a run that failed is run again by its seed.

    with Impaired(server.port, seed, Plan(cut=(1_000, 90_000), whole_after=20)) as line:
        client = JsonClient(line.port)
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import random
import socket
import struct
import termios
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TypeAlias

PATIENCE = 10.0
"""Seconds until starting or stopping is called stuck."""
LINGER = 1.0
"""Seconds that what was let through before a cut may take to be taken by its receiver."""
PIECE = 65_536

Span: TypeAlias = "float | tuple[float, float]"
"""A figure, or a range to draw one from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What may happen to each connection. Without arguments: nothing."""

    cut: Span | None = None
    """Cut both ways once so many bytes went through, those of both directions counted together.

    Never more; what one direction was just about to pass on when the other reached it may be missing."""
    reset: bool | None = None
    """A cut is an RST, or (False) a FIN; None: one or the other."""
    whole_after: int | None = None
    """Only the first so many connections are cut: what tries again and again gets through in the end."""
    freeze: Span = 0.0
    """Seconds during which nothing passes, in either direction: accepted, and then silence."""
    freeze_at: Span = 0
    """After so many bytes; 0: before the server is reached at all."""
    delay: Span = 0.0
    """Seconds that each piece is held back."""
    rate: int = 0
    """Bytes a second, each way by itself; 0: as fast as they come."""
    segment: Span = PIECE
    """Bytes of a piece, which leaves as one segment."""


@dataclass(slots=True)
class Counts:
    """What the line did so far. Bytes are of those that were passed on."""

    accepted: int = 0
    up: int = 0
    down: int = 0
    pieces: int = 0
    reset: int = 0
    """Cut by an RST."""
    ended: int = 0
    """Cut by a FIN."""
    frozen: int = 0
    delayed: int = 0
    throttled: int = 0

    @property
    def cut(self) -> int:
        return self.reset + self.ended


def _drawn(chance: random.Random, span: Span) -> float:
    return chance.uniform(*span) if isinstance(span, tuple) else span


class _Connection:
    """One connection through the line, with what is to happen to it."""

    def __init__(self, plan: Plan, chance: random.Random, number: int, counts: Counts) -> None:
        self._plan = plan
        self._counts = counts
        # Drawn in this order, each time: the fate of one number is the same whatever the others do.
        limit = None if plan.cut is None else round(_drawn(chance, plan.cut))
        self._reset = chance.random() < 0.5 if plan.reset is None else plan.reset
        self._freeze_at = round(_drawn(chance, plan.freeze_at))
        self._freeze = _drawn(chance, plan.freeze)
        cut = plan.whole_after is None or number < plan.whole_after
        self._left = limit if cut else None
        self._chances = [random.Random(chance.random()) for _ in range(2)]
        self._passed = 0
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._cut = asyncio.Event()

    def cut_now(self) -> None:
        self._cut.set()

    async def carry(self, client: socket.socket, target_port: int) -> None:
        """Until it ends: by itself, or as planned."""
        loop = asyncio.get_running_loop()
        await self._freeze_when_due()
        with socket.socket() as server:
            server.setblocking(False)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                await loop.sock_connect(server, ("127.0.0.1", target_port))
            except OSError:
                return
            ways = [
                asyncio.create_task(self._pass(client, server, up=True)),
                asyncio.create_task(self._pass(server, client, up=False)),
            ]
            cut = asyncio.create_task(self._cut.wait())
            both = asyncio.gather(*ways)
            try:
                await asyncio.wait((asyncio.ensure_future(both), cut), return_when=asyncio.FIRST_COMPLETED)
                broken = both.exception() if both.done() else None
            finally:
                for task in (*ways, cut):
                    task.cancel()
                await asyncio.gather(*ways, cut, both, return_exceptions=True)
            if self._cut.is_set():
                await self._carry_out_cut(client, server)
            elif isinstance(broken, OSError):  # one side reset it: the other is to know
                await _delivered(asyncio.get_running_loop().time() + LINGER, client, server)
                _reset_on_close(client, server)
            elif broken is not None:
                raise broken

    async def _pass(self, source: socket.socket, sink: socket.socket, *, up: bool) -> None:
        """One direction, up to its end, which is passed on as well."""
        loop = asyncio.get_running_loop()
        chance = self._chances[up]
        began, sent = loop.time(), 0
        while data := await loop.sock_recv(source, self._piece(chance)):
            await self._thawed.wait()
            if delay := _drawn(chance, self._plan.delay):
                self._counts.delayed += 1
                await asyncio.sleep(delay)
            if self._left is not None:
                data = data[: self._left]
                self._left -= len(data)  # before anything is awaited: both directions draw on it
            await loop.sock_sendall(sink, data)
            self._count(len(data), up=up)
            if self._left == 0:
                self._cut.set()
                await loop.create_future()  # nothing passes any more; `carry` ends this
            await self._freeze_when_due()
            sent += len(data)
            if self._plan.rate and (early := began + sent / self._plan.rate - loop.time()) > 0:
                self._counts.throttled += 1
                await asyncio.sleep(early)
        sink.shutdown(socket.SHUT_WR)

    def _piece(self, chance: random.Random) -> int:
        """How many bytes the next piece may have: a slow line is slow in small steps."""
        size = max(1, round(_drawn(chance, self._plan.segment)))
        return min(size, max(1, self._plan.rate // 20)) if self._plan.rate else size

    def _count(self, size: int, *, up: bool) -> None:
        self._passed += size
        self._counts.pieces += 1
        if up:
            self._counts.up += size
        else:
            self._counts.down += size

    async def _freeze_when_due(self) -> None:
        if self._freeze and self._passed >= self._freeze_at:
            seconds, self._freeze = self._freeze, 0.0
            self._counts.frozen += 1
            self._thawed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._cut.wait()
            self._thawed.set()

    async def _carry_out_cut(self, *sockets: socket.socket) -> None:
        """End both ways, when what was let through before has arrived."""
        deadline = asyncio.get_running_loop().time() + LINGER
        if self._reset:
            self._counts.reset += 1
            await _delivered(deadline, *sockets)
            _reset_on_close(*sockets)
        else:
            self._counts.ended += 1
            await asyncio.gather(*(_end(one, deadline) for one in sockets))


def _reset_on_close(*sockets: socket.socket) -> None:
    for one in sockets:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _delivered(deadline: float, *sockets: socket.socket) -> None:
    """Wait until the other sides have acknowledged everything: an RST throws away what is on its way."""
    loop = asyncio.get_running_loop()
    while any(_unacknowledged(one) for one in sockets) and loop.time() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def _unacknowledged(one: socket.socket) -> int:
    """Bytes."""
    (waiting,) = struct.unpack("i", fcntl.ioctl(one, termios.TIOCOUTQ, b"\0" * 4))
    return int(waiting)


async def _end(one: socket.socket, deadline: float) -> None:
    """Close with a FIN: what still comes is read and thrown away, since closing over it would be an RST."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError, TimeoutError):
        one.shutdown(socket.SHUT_WR)
        async with asyncio.timeout_at(deadline):
            while await loop.sock_recv(one, PIECE):
                pass


class Impaired:
    """The line to `target_port`, on a free `port`, carried by a thread with a loop of its own."""

    def __init__(self, target_port: int, seed: int, plan: Plan) -> None:
        self.counts = Counts()
        self.port = 0
        self._target_port = target_port
        self._seed = seed
        self._plan = plan
        self._connections: dict[asyncio.Task[None], _Connection] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._listens = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="impaired line", daemon=True)

    def __enter__(self) -> Impaired:
        self._thread.start()
        if not self._listens.wait(PATIENCE):
            raise TimeoutError("the line does not begin")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tell("stop")
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            raise TimeoutError("the line does not end")
        if self._failure is not None and error is None:
            raise self._failure

    def cut(self) -> None:
        """Cut every connection that is there now, planned or not."""
        self._tell("cut")

    def _tell(self, what: str) -> None:
        assert self._loop is not None
        assert self._stop is not None
        work = self._stop.set if what == "stop" else self._cut_all
        with contextlib.suppress(RuntimeError):  # it has ended by itself: `_failure` says why
            self._loop.call_soon_threadsafe(work)

    def _cut_all(self) -> None:
        for connection in self._connections.values():
            connection.cut_now()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 (raised again where the test leaves the line)
            self._failure = error
            self._listens.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        with _listening() as listener:
            self.port = listener.getsockname()[1]
            self._listens.set()
            accepting = asyncio.create_task(self._accept(listener))
            try:
                stopped = asyncio.create_task(self._stop.wait())
                await asyncio.wait([accepting, stopped], return_when=asyncio.FIRST_COMPLETED)
                stopped.cancel()
                if accepting.done():
                    accepting.result()
            finally:
                tasks = [accepting, *self._connections]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(listener)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number = self.counts.accepted
            self.counts.accepted += 1
            chance = random.Random(f"{self._seed}/{number}")
            connection = _Connection(self._plan, chance, number, self.counts)
            task = asyncio.create_task(connection.carry(client, self._target_port))
            self._connections[task] = connection
            task.add_done_callback(partial(self._forget, client))

    def _forget(self, client: socket.socket, task: asyncio.Task[None]) -> None:
        client.close()  # here, since a task that is cancelled before its first step closes nothing
        del self._connections[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = error


@contextlib.contextmanager
def _listening() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        listener.setblocking(False)
        yield listener
