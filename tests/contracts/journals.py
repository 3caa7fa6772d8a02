"""Journals to hold against the contract: the real one, and one that delays, fails and interleaves."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence

from hubbub.adapters.journal_memory import MemoryJournal
from hubbub.core.ports import (
    Entry,
    Group,
    JournalSink,
    JournalUnavailableError,
    Position,
    Record,
    Said,
)


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


def entry(stream: str, id: str, content: str = "hi") -> Entry:
    return Entry(stream, id, "2026-01-01T00:00:00.000Z", Said("Alice", 1, "lobby", content))


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
        self._heads: dict[str, int] = {}
        self._flight: list[tuple[int, Sequence[Entry]]] = []
        self._ticket = 0
        self._foreign_ids = itertools.count(1)
        self._closed = False
        self._scheduled = False

    def open(self, sink: JournalSink) -> None:
        self._sink = sink

    def append(self, entries: Sequence[Entry]) -> int:
        if self._closed:
            raise JournalUnavailableError("closed")
        self._ticket += 1
        self._flight.append((self._ticket, entries))
        self._wake()
        return self._ticket

    def head(self, stream: str) -> Position:
        return Position("e1", self._heads.get(stream, 0))

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
            failed, self._flight = [ticket for ticket, _ in self._flight], []
            self._sink.failed(failed, JournalUnavailableError("the disk is full"))
            return
        count = self._random.randint(1, len(self._flight))
        part, self._flight = self._flight[:count], self._flight[count:]
        groups: list[Group] = []
        for ticket, entries in part:
            if self._random.random() < self._foreign:
                other = entry(entries[0].stream, f"foreign-{next(self._foreign_ids)}", "from elsewhere")
                groups.append(Group(None, [self._keep(other)]))
            groups.append(Group(ticket, [self._keep(one) for one in entries]))
        self._sink.committed(groups)

    def _keep(self, one: Entry) -> Record:
        self._heads[one.stream] = self._heads.get(one.stream, 0) + 1
        return Record(one, "e1", self._heads[one.stream])


def memory(turns: Turns, seed: int) -> MemoryJournal:
    epochs = itertools.count(seed)
    return MemoryJournal(turns.call_soon, lambda: f"e{next(epochs)}")
