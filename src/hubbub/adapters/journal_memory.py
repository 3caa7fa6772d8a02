"""The journal in memory: it commits once a turn of the loop, and survives nothing.

What one turn appends is one commit, as a durable journal's group commit would make it, so whoever works
with this one works with the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from hubbub.core.ports import Entry, Group, JournalSink, JournalUnavailableError, Position, Record

MOST_STREAMS: Final = 200_000
"""Streams whose head is known (about 150 bytes each). The one that rested longest then begins a new epoch."""


class MemoryJournal:
    """Implements `core.ports.Journal`."""

    def __init__(
        self,
        call_soon: Callable[[Callable[[], None]], object],
        new_epoch: Callable[[], str],
        most_streams: int = MOST_STREAMS,
    ) -> None:
        """`call_soon` runs a function after this turn; `new_epoch` never names the same epoch twice."""
        self._call_soon = call_soon
        self._new_epoch = new_epoch
        self._most_streams = most_streams
        self._sink: JournalSink | None = None
        self._heads: dict[str, tuple[str, int]] = {}
        self._appended: list[Sequence[Entry]] = []
        self._ticket = 0
        self._closed = False

    def open(self, sink: JournalSink) -> None:
        """See the port."""
        self._sink = sink

    def append(self, entries: Sequence[Entry]) -> int:
        """See the port."""
        if self._closed:
            raise JournalUnavailableError("the server is stopping")
        if not self._appended:
            self._call_soon(self._commit)
        self._appended.append(entries)
        self._ticket += 1
        return self._ticket

    def head(self, stream: str) -> Position:
        """See the port."""
        epoch, offset = self._heads.get(stream) or self._begin(stream)
        return Position(epoch, offset)

    async def close(self) -> None:
        """See the port."""
        self._closed = True
        self._commit()

    def _begin(self, stream: str) -> tuple[str, int]:
        if len(self._heads) >= self._most_streams:
            del self._heads[next(iter(self._heads))]
        head = self._heads[stream] = (self._new_epoch(), 0)
        return head

    def _commit(self) -> None:
        appended, self._appended = self._appended, []
        if not appended:
            return
        heads = self._heads
        crowded = len(heads) > self._most_streams // 2
        ticket = self._ticket - len(appended)
        groups: list[Group] = []
        for entries in appended:
            ticket += 1
            records: list[Record] = []
            for entry in entries:
                stream = entry.stream
                epoch, offset = heads.get(stream) or self._begin(stream)
                if crowded:  # keep those in use away from the end that is cut off
                    del heads[stream]
                heads[stream] = (epoch, offset + 1)
                records.append(Record(entry, epoch, offset + 1))
            groups.append(Group(ticket, records))
        assert self._sink is not None  # noqa: S101 (opened before the first append)
        self._sink.committed(groups)
