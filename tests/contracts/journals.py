"""Journals to hold against the contract: the real ones, and one that delays, fails and interleaves."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from hubbub.adapters.journal_log import LogJournal
from hubbub.adapters.journal_memory import MemoryJournal
from hubbub.core.entries import Change, Entry, Group, Kept, Position, Record, Said
from hubbub.core.ports import JournalSink, JournalUnavailableError, Reader
from hubbub.log import Files, Log, Options

ResultT = TypeVar("ResultT")


class Turns:
    """Stands for the loop: what is put off runs when the test says so."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] = []

    def call_soon(self, function: Callable[[], None]) -> None:
        self._waiting.append(function)

    def run(self) -> bool:
        """One turn. False: there was nothing to do."""
        waiting, self._waiting = self._waiting, []
        for function in waiting:
            function()
        return bool(waiting)

    def run_all(self) -> None:
        while self.run():
            pass

    def finish(self, work: Coroutine[Any, Any, None]) -> None:
        """Carry out a coroutine of the journal."""
        asyncio.run(work)


class RealTurns(Turns):
    """A real loop, for a journal that works beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.busy: Callable[[], bool] = lambda: False

    def call_soon(self, function: Callable[[], None]) -> None:
        self.loop.call_soon(function)

    def run(self) -> bool:
        self.loop.run_until_complete(asyncio.sleep(0))
        return self.busy()

    def run_all(self) -> None:
        """Until nothing is on its way to the disk, and what came of it has been told."""
        deadline = time.monotonic() + 20
        calm = 0
        while calm < 3:
            assert time.monotonic() < deadline, "the journal does not come to rest"
            calm = 0 if self.run() else calm + 1

    def finish(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(work)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Let the loop work until it is so."""
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, "it did not come true in time"
            self.loop.run_until_complete(asyncio.sleep(0.001))


class News:
    """Writes down what a journal tells the operator. Implements `JournalNews`."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def journal_read_only(self, reason: str) -> None:
        self.lines.append(f"read-only: {reason}")

    def journal_writable(self) -> None:
        self.lines.append("writable")

    def commit_slow(self, seconds: float, appends: int) -> None:
        self.lines.append(f"slow: {appends}")

    def failed(self, doing: str, error: BaseException) -> None:
        self.lines.append(f"failed: {doing}: {error}")


def on_log(
    turns: RealTurns,
    path: Path,
    interval: float | None = None,
    news: News | None = None,
    files: Files | None = None,
    options: Options = Options(),  # noqa: B008 (frozen)
) -> LogJournal:
    """The journal on a log at `path`."""
    log = Log.open(path, options, files=files)
    journal = LogJournal(log, path, turns.loop, news or News(), interval=interval)

    def busy() -> bool:
        return journal._flight is not None or bool(journal._batches or journal._reads._cold)

    turns.busy = busy
    return journal


def entry(stream: str, id: str, content: str = "hi", author: int = 0) -> Entry:
    return Entry(stream, id, "2026-01-01T00:00:00.000Z", Said("Alice", 1, "lobby", content), author)


class UnrulyJournal:
    """What a journal may do and the one in memory does not: commit late, in odd portions, fail a group and
    all behind it, and bring entries of other nodes in between. Implements `core.ports.Journal`.
    """

    def __init__(self, turns: Turns, seed: int, fail: float = 0.2, foreign: float = 0.3) -> None:
        self._turns = turns
        self._random = random.Random(seed)
        self._fail = fail
        self._foreign = foreign
        self._sink: JournalSink | None = None
        self._flight: list[tuple[int, Sequence[Entry], Sequence[Change]]] = []
        self._ticket = 0
        self._foreign_ids = itertools.count(1)
        self._closed = False
        self._scheduled = False
        self._kept: list[Group] = []
        self._held = Turns()
        self._store = MemoryJournal(self._held.call_soon, lambda: "e1")
        self._store.open(self)

    def open(self, sink: JournalSink) -> None:
        self._sink = sink

    def append(self, entries: Sequence[Entry], changes: Sequence[Change] = ()) -> int:
        if self._closed:
            raise JournalUnavailableError("closed")
        self._ticket += 1
        self._flight.append((self._ticket, entries, changes))
        self._wake()
        return self._ticket

    def head(self, stream: str) -> Position:
        return self._store.head(stream)

    def read(
        self,
        query: Callable[[Reader], ResultT],
        then: Callable[[ResultT | JournalUnavailableError], None],
    ) -> None:
        """As late as its appends, and anew each time."""

        def run() -> None:
            query(self._store)
            if self._random.random() < 0.5 and not self._closed:
                self._turns.call_soon(run)
            else:
                then(query(self._store))

        self._turns.call_soon(run)

    def look(self, query: Callable[[Reader], ResultT]) -> ResultT:
        return query(self._store)

    def recent(self) -> Iterator[Kept]:
        return iter(())

    async def close(self) -> None:
        self._closed = True
        self._fail = 0.0
        while self._flight:
            self._step()

    def _wake(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._turns.call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        if self._flight and self._random.random() < 0.5:  # a late one
            self._wake()
            return
        self._step()
        if self._flight:
            self._wake()

    def _step(self) -> None:
        assert self._sink is not None
        if not self._flight:
            return
        if self._random.random() < self._fail:
            failed, self._flight = [ticket for ticket, _, _ in self._flight], []
            self._sink.failed(failed, JournalUnavailableError("the disk is full"))
            return
        count = self._random.randint(1, len(self._flight))
        part, self._flight = self._flight[:count], self._flight[count:]
        groups: list[Group] = []
        for ticket, entries, changes in part:
            if entries and self._random.random() < self._foreign:
                other = entry(entries[0].stream, f"foreign-{next(self._foreign_ids)}", "from elsewhere")
                groups.append(Group(None, self._keep((other,), ())))
            groups.append(Group(ticket, self._keep(entries, changes)))
        self._sink.committed(groups)

    def _keep(self, entries: Sequence[Entry], changes: Sequence[Change]) -> Sequence[Record]:
        self._store.append(entries, changes)
        self._held.run_all()
        return self._kept.pop().records

    # -- what its store tells it (JournalSink)

    def committed(self, groups: Sequence[Group]) -> None:
        self._kept += groups

    def failed(self, tickets: Sequence[int], error: JournalUnavailableError) -> None:
        raise AssertionError("the one in memory never fails")


def memory(turns: Turns, seed: int) -> MemoryJournal:
    epochs = itertools.count(seed)
    return MemoryJournal(turns.call_soon, lambda: f"e{next(epochs)}")
