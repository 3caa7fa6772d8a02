"""Group commit: many asyncio clients, each with one append in flight, on the journal and on other engines."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

import uvloop

from bench.engines import ENGINES, Engine, Message
from hubbub.adapters.journal_log import LogJournal
from hubbub.adapters.log_codec import add_entry
from hubbub.core.entries import Entry, Group, Said
from hubbub.core.ports import JournalUnavailableError
from hubbub.log import Batch, Log

CLIENTS = 512
ROOMS = 1_000


class Store(Protocol):
    """What keeps an entry for a client."""

    def keep(self, room: int, entry: Entry) -> asyncio.Future[None]:
        """Done when it is on the disk."""
        ...

    async def close(self) -> None: ...


class _News:
    """A bench that fails says so by itself."""

    def journal_read_only(self, reason: str) -> None: ...

    def journal_writable(self) -> None: ...

    def commit_slow(self, seconds: float, appends: int) -> None: ...

    def failed(self, doing: str, error: BaseException) -> None: ...


class JournalStore:
    """The journal of the server. Implements `JournalSink`."""

    def __init__(self, path: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._journal = LogJournal(Log.open(path), path, self._loop, _News())
        self._journal.open(self)
        self._waiting: dict[int, asyncio.Future[None]] = {}

    def keep(self, _: int, entry: Entry) -> asyncio.Future[None]:
        future = self._waiting[self._journal.append((entry,))] = self._loop.create_future()
        return future

    def committed(self, groups: Sequence[Group]) -> None:
        for group in groups:
            assert group.ticket is not None
            self._waiting.pop(group.ticket).set_result(None)

    def failed(self, tickets: Sequence[int], error: JournalUnavailableError) -> None:
        for ticket in tickets:
            self._waiting.pop(ticket).set_exception(error)

    async def close(self) -> None:
        await self._journal.close()


class EngineStore:
    """Another engine in a thread: what comes while it commits is its next transaction."""

    def __init__(self, make: Callable[[], Engine]) -> None:
        self._loop = asyncio.get_running_loop()
        self._new: list[tuple[Message, asyncio.Future[None]]] = []
        self._idle = True
        self._jobs: SimpleQueue[list[tuple[Message, asyncio.Future[None]]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, args=(make,), daemon=True)
        self._thread.start()

    def keep(self, room: int, entry: Entry) -> asyncio.Future[None]:
        batch = Batch()
        add_entry(batch, entry)  # the same bytes, made by the same code
        future: asyncio.Future[None] = self._loop.create_future()
        if self._idle and not self._new:
            self._loop.call_soon(self._begin)
        self._new.append(((room, batch.appends[0][1]), future))
        return future

    def _begin(self) -> None:
        if self._idle and self._new:
            self._idle = False
            self._jobs.put(self._new)
            self._new = []

    def _landed(self, group: list[tuple[Message, asyncio.Future[None]]]) -> None:
        self._idle = True
        self._begin()
        for _, future in group:
            future.set_result(None)

    def _work(self, make: Callable[[], Engine]) -> None:
        engine = make()
        while (group := self._jobs.get()) is not None:
            engine.append([message for message, _ in group])
            self._loop.call_soon_threadsafe(self._landed, group)
        engine.close()

    async def close(self) -> None:
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)


async def _run(make: Callable[[], Store], seconds: float) -> float:
    store = make()
    body = "x" * 150
    kept = 0
    end = time.perf_counter() + seconds

    async def client(number: int) -> None:
        nonlocal kept
        room = number % ROOMS
        stream = f"room:{room}"
        while time.perf_counter() < end:
            said = Said("somebody", number, "bench", body)
            await store.keep(room, Entry(stream, f"{number}-{kept}", "2026-01-01T00:00:00.000Z", said))
            kept += 1

    began = time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    spent = time.perf_counter() - began
    await store.close()
    return kept / spent


def per_second(engine: str, path: Path, seconds: float) -> float:
    """Messages a second that the clients of this engine get kept."""

    def make() -> Store:
        if engine == "hubbub":
            return JournalStore(path)
        return EngineStore(lambda: ENGINES[engine](path))

    gc.collect()
    gc.freeze()
    thresholds = gc.get_threshold()
    gc.set_threshold(20_000, 50, 1_000_000)  # as in the server
    try:
        return uvloop.run(_run(make, seconds))
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
