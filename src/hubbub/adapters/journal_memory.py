"""The journal in memory: it commits once a turn of the loop, and survives nothing.

What one turn appends is one commit, as a durable journal's group commit would make it, so whoever works
with this one works with the others. The newest entries can be read again; the oldest are let go.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from hubbub.adapters.commit_times import NOBODY, CommitTimes
from hubbub.core.entries import (
    Change,
    Drop,
    Entry,
    Erase,
    Erased,
    Group,
    Kept,
    Position,
    Put,
    Record,
    Trim,
)
from hubbub.core.ports import JournalSink, JournalUnavailableError, Reader

ResultT = TypeVar("ResultT")

MOST_STREAMS: Final = 200_000
"""Streams that are known (about 300 bytes each). The one that rested longest then begins a new epoch."""
MOST_ENTRIES: Final = 200_000
"""Entries that can be read again, of all streams together (about 500 bytes each, and their content)."""


class _Stream:
    __slots__ = ("entries", "epoch", "first", "head")

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.head = 0
        self.first = 1
        self.entries: deque[Entry] = deque()
        """Those with the offsets `first` … `head`."""


class MemoryJournal:
    """Implements `core.ports.Journal`, and the Reader of it."""

    def __init__(
        self,
        call_soon: Callable[[Callable[[], None]], object],
        new_epoch: Callable[[], str],
        most_streams: int = MOST_STREAMS,
        most_entries: int = MOST_ENTRIES,
        times: CommitTimes = NOBODY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`call_soon` runs a function after this turn; `new_epoch` never names the same epoch twice."""
        self._call_soon = call_soon
        self._new_epoch = new_epoch
        self._most_streams = most_streams
        self._most_entries = most_entries
        self._times = times
        self._clock = clock
        self._since = 0.0
        """When the first of what waits was appended."""
        self._sink: JournalSink | None = None
        self._streams: dict[str, _Stream] = {}
        self._order: deque[_Stream] = deque()
        """Whose entry is the next oldest of all."""
        self._records: dict[str, bytes] = {}
        self._appended: list[tuple[Sequence[Entry], Sequence[Change]]] = []
        self._ticket = 0
        self._closed = False

    def open(self, sink: JournalSink) -> None:
        """See the port."""
        self._sink = sink

    def append(self, entries: Sequence[Entry], changes: Sequence[Change] = ()) -> int:
        """See the port."""
        if self._closed:
            raise JournalUnavailableError("the server is stopping")
        if not self._appended:
            self._since = self._clock()
            self._call_soon(self._commit)
        self._appended.append((entries, changes))
        self._ticket += 1
        return self._ticket

    def read(
        self,
        query: Callable[[Reader], ResultT],
        then: Callable[[ResultT | JournalUnavailableError], None],
    ) -> None:
        """See the port."""
        self._call_soon(lambda: then(query(self)))

    def look(self, query: Callable[[Reader], ResultT]) -> ResultT:
        """See the port."""
        return query(self)

    def recent(self) -> Iterator[Kept]:
        """See the port: nothing is there from before."""
        return iter(())

    async def close(self) -> None:
        """See the port."""
        self._closed = True
        self._commit()

    # -- Reader

    def head(self, stream: str) -> Position:
        """See the port."""
        found = self._streams.get(stream) or self._begin(stream)
        return Position(found.epoch, found.head)

    def first(self, stream: str) -> int:
        """See the port."""
        found = self._streams.get(stream)
        return found.first if found is not None else 1

    def entries(self, stream: str, first: int, last: int) -> Sequence[Record]:
        """See the port."""
        found = self._streams.get(stream)
        if found is None:
            return ()
        first, last = max(first, found.first), min(last, found.head)
        start, entries, epoch = found.first, found.entries, found.epoch
        return [Record(entries[offset - start], epoch, offset) for offset in range(first, last + 1)]

    def get(self, key: str) -> bytes | None:
        """See the port."""
        return self._records.get(key)

    def scan(self, prefix: str) -> Iterable[tuple[str, bytes]]:
        """See the port."""
        return sorted(item for item in self._records.items() if item[0].startswith(prefix))

    def streams(self, prefix: str) -> Iterable[str]:
        """See the port."""
        return [name for name, found in self._streams.items() if found.head and name.startswith(prefix)]

    # -- the commit

    def _begin(self, stream: str) -> _Stream:
        if len(self._streams) >= self._most_streams:
            del self._streams[next(iter(self._streams))]
        found = self._streams[stream] = _Stream(self._new_epoch())
        return found

    def _commit(self) -> None:
        appended, self._appended = self._appended, []
        if not appended:
            return
        streams, order = self._streams, self._order
        crowded = len(streams) > self._most_streams // 2
        ticket = self._ticket - len(appended)
        groups: list[Group] = []
        for entries, changes in appended:
            ticket += 1
            records: list[Record] = []
            for entry in entries:
                name = entry.stream
                stream = streams.get(name) or self._begin(name)
                if crowded:  # keep those in use away from the end that is cut off
                    del streams[name]
                    streams[name] = stream
                stream.head += 1
                stream.entries.append(entry)
                order.append(stream)
                records.append(Record(entry, stream.epoch, stream.head))
            for change in changes:
                self._change(change)
            groups.append(Group(ticket, records))
        while len(order) > self._most_entries:
            oldest = order.popleft()
            if oldest.entries:  # else a trim was there before
                oldest.entries.popleft()
                oldest.first += 1
        assert self._sink is not None  # noqa: S101 (opened before the first append)
        times, since = self._times, self._since
        times.committed(self._clock() - since, len(groups))
        times.taken = since
        try:
            self._sink.committed(groups)
        finally:
            times.taken = 0.0

    def _change(self, change: Change) -> None:
        match change:
            case Put(key, value):
                self._records[key] = value
            case Drop(key):
                self._records.pop(key, None)
            case Erase(name, offset):
                stream = self._streams.get(name)
                if stream is not None and stream.first <= offset <= stream.head:
                    stream.entries[offset - stream.first] = Entry(name, "", "", Erased())
            case Trim(name, first):
                stream = self._streams.get(name)
                while stream is not None and stream.first < min(first, stream.head + 1):
                    stream.entries.popleft()
                    stream.first += 1
