"""The journal on the log: group commit beside the loop, and reading that never waits on it.

The loop builds a frame of all that was appended and writes it into the page cache; the commit thread waits
for the disk, and the next frame forms meanwhile. Where writing itself has to wait for the disk, that thread
writes as well.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Final, TypeVar

from hubbub.adapters.commit_thread import CommitThread
from hubbub.adapters.commit_times import NOBODY, CommitTimes
from hubbub.adapters.journal_news import JournalNews
from hubbub.adapters.log_codec import add_change, add_entry, kept
from hubbub.adapters.log_flight import Flight
from hubbub.adapters.log_reading import Reads
from hubbub.core.entries import Change, Entry, Kept, Position
from hubbub.core.ports import JournalSink, JournalUnavailableError, Reader
from hubbub.log import Batch, Log

ResultT = TypeVar("ResultT")

_FRAME_BYTES: Final = 1 << 20
"""A frame takes no more appends past this, so that building it does not hold up the loop."""
_SLOW_WRITE: Final = 0.005
"""Seconds that a write may wait for the disk before writing moves to the commit thread."""
_SLOW_FOR: Final = 10.0
"""Seconds until the loop tries again."""
_SLOW_COMMIT: Final = 1.0
"""Seconds after which a commit is worth a line in the log."""
_RETRY: Final = 1.5
"""Seconds between two looks whether a full disk has space again."""
_IDLE: Final = 0.05
"""Seconds after a commit, until the log may write its high-water mark."""
_SPACE: Final = frozenset({ENOSPC, EDQUOT})
_STOPPING: Final = "the server is stopping"


class LogJournal:
    """Implements `core.ports.Journal` on a log that is open; closes it."""

    def __init__(
        self,
        log: Log,
        path: Path,
        loop: asyncio.AbstractEventLoop,
        news: JournalNews,
        *,
        interval: float | None = None,
        max_waiting: int = 64 << 20,
        spare: int = 4 << 20,
        clock: Callable[[], float] = time.monotonic,
        times: CommitTimes = NOBODY,
    ) -> None:
        """`interval`: acknowledge before the disk has it, and sync this often, in seconds. None: never so.

        `max_waiting`: bytes of appends that may wait for the disk; more are refused. `spare`: bytes that have
        to be free on the disk at `path` before one that was full is tried again.
        """
        self._log = log
        self._path = path
        self._loop = loop
        self._news = news
        self._interval = interval
        self._max_waiting = max_waiting
        self._spare = spare
        self._clock = clock
        self._times = times
        self._since = 0.0
        """When the oldest of what waits was appended."""
        self._disk = 0.0
        """Seconds of the last sync."""
        self._epoch = log.epoch
        self._sink: JournalSink | None = None
        self._reads = Reads(log, loop, news.failed)
        self._ticket = 0
        self._entries: list[Sequence[Entry]] = []
        self._batches: list[Batch] = []
        """What waits, and is not on its way yet, with the entries that stand in it."""
        self._waiting = 0
        """Its bytes."""
        self._flight: Flight | None = None
        self._held: Flight | None = None
        """What the disk has, and nobody was told of, because it is told with the one on its way."""
        self._telling = 0.0
        """Seconds that it took to tell of the last commit."""
        self._refusal: str | None = None
        self._closed = False
        self._landed: asyncio.Future[None] | None = None
        """For `close`: what was on its way has been told."""
        self._alone: list[Callable[[Log], None]] = []
        self._slow_until = 0.0
        self._rest_timer: asyncio.TimerHandle | None = None
        self._sync_timer: asyncio.TimerHandle | None = None
        self._retry_timer: asyncio.TimerHandle | None = None
        self._syncing = False
        """Interval mode: a sync is on its way …"""
        self._unsynced = False
        """… and something was acknowledged since it began."""
        self._thread = CommitThread(loop)

    # -- the port

    def open(self, sink: JournalSink) -> None:
        """See the port."""
        self._sink = sink

    def append(self, entries: Sequence[Entry], changes: Sequence[Change] = ()) -> int:
        """See the port."""
        if self._refusal is not None:
            raise JournalUnavailableError(self._refusal)
        if self._waiting >= self._max_waiting:
            raise JournalUnavailableError("the disk does not keep up (storage.max_waiting)")
        batch = Batch()
        for entry in entries:
            add_entry(batch, entry)
        for change in changes:
            add_change(batch, change)
        if not self._batches:
            self._since = self._clock()
            if self._flight is None:
                self._loop.call_soon(self._begin)
        self._entries.append(entries)
        self._batches.append(batch)
        self._waiting += batch.size
        self._ticket += 1
        return self._ticket

    def head(self, stream: str) -> Position:
        """See the port."""
        return Position(self._epoch, self._log.head(stream.encode()))

    def read(
        self,
        query: Callable[[Reader], ResultT],
        then: Callable[[ResultT | JournalUnavailableError], None],
    ) -> None:
        """See the port."""
        self._reads.begin(query, then)

    def look(self, query: Callable[[Reader], ResultT]) -> ResultT:
        """See the port. Raises LogError where something is damaged."""
        return query(self._reads.patient)

    def recent(self) -> Iterator[Kept]:
        """See the port."""
        for stream, offset, tag in self._log.tags():
            yield kept(stream, self._epoch, offset, tag)

    async def close(self) -> None:
        """See the port. Reads that are under way are told that there will be no answer."""
        if self._closed:
            return
        self._closed = True
        self._refusal = _STOPPING
        while self._flight is not None or self._batches:
            self._landed = self._loop.create_future()
            self._begin()
            await self._landed
        for timer in (self._rest_timer, self._sync_timer, self._retry_timer):
            if timer is not None:
                timer.cancel()
        self._reads.close(_STOPPING)
        ended: asyncio.Future[Exception | None] = self._loop.create_future()
        self._thread.do(self._log.close, ended.set_result)
        self._thread.end()
        error = await ended
        if error is not None:
            self._news.failed("close the journal", error)

    # -- what else the server asks of it

    def why_read_only(self) -> str | None:
        """Why nothing can be kept now; None: all is well."""
        return self._refusal

    @property
    def commit_waits(self) -> float:
        """Seconds for which the commit on its way has been waiting; 0: none is on its way."""
        return 0.0 if self._flight is None else self._clock() - self._flight.began

    @property
    def size(self) -> int:
        """Bytes of the log."""
        return self._log.size

    def alone(self, action: Callable[[Log], None]) -> None:
        """Run `action` on the loop while nothing is being written or synced: soon, or after the commit."""
        self._alone.append(action)
        self._loop.call_soon(self._begin)

    # -- commits, on the loop

    def _begin(self) -> None:
        """Send off what waits, unless something is on its way; when that is back, this is called again."""
        if self._flight is not None:
            return
        if self._alone and not self._syncing:
            actions, self._alone = self._alone, []
            for action in actions:
                action(self._log)
        if not self._batches:
            return
        flight = self._flight = self._take()
        if flight.began < self._slow_until:
            self._thread.do(lambda: self._commit(flight), self._land, flight)
            return
        worked = time.thread_time()
        try:
            flight.written = self._log.write(flight.batches)
        except Exception as error:  # noqa: BLE001 (its tickets have to be told)
            self._break(error)
            return
        took = self._clock() - flight.began
        if took > _SLOW_WRITE and took - (time.thread_time() - worked) > _SLOW_WRITE:
            self._slow_until = self._clock() + _SLOW_FOR
        if self._interval is None:
            self._thread.do(self._wait, self._land, flight)
        else:
            self._land(flight, None)

    def _take(self) -> Flight:
        entries, batches = self._entries, self._batches
        first = self._ticket - len(batches) + 1
        if self._waiting <= _FRAME_BYTES:
            self._entries, self._batches, self._waiting = [], [], 0
        else:
            count = size = 0
            while size < _FRAME_BYTES and count < len(batches):
                size += batches[count].size
                count += 1
            self._entries, self._batches = entries[count:], batches[count:]
            self._waiting -= size
            entries, batches = entries[:count], batches[:count]
        return Flight(first, entries, batches, self._clock(), self._since)

    def _land(self, flight: Flight, error: Exception | None) -> None:
        """What was on its way is kept, or never will be."""
        if flight is not self._flight:
            return  # it failed with a sync before it
        if error is not None:
            self._break(error)
            return
        now = self._clock()
        took = now - flight.began
        self._times.committed(now - flight.since, len(flight.batches))
        if self._interval is None:
            self._times.synced(self._disk)
        if took > _SLOW_COMMIT:
            self._news.commit_slow(took, len(flight.batches))
        if self._rest_timer is None:
            self._rest_timer = self._loop.call_later(_IDLE, self._rest)
        if self._may_hold() and took < self._telling:
            self._flight, self._held = None, flight
            self._begin()
            return
        landed = [flight] if self._held is None else [self._held, flight]
        self._flight, self._held = landed[0], None
        try:
            self._settle(landed)
        except Exception as failure:  # noqa: BLE001 (its tickets have to be told)
            self._break(failure)
            return
        self._flight = None
        if self._interval is None:
            self._begin()  # before anybody is told: the disk works meanwhile
        else:
            self._unsynced = True
            self._sync_later(self._interval)
        began = self._clock()
        try:
            self._tell(landed)
        finally:
            self._times.taken = 0.0
            self._told()
        self._telling = self._clock() - began
        if self._batches and self._flight is None:
            self._loop.call_soon(self._begin)

    def _may_hold(self) -> bool:
        """What has landed may be told with what waits: where many hear it, that costs more than a commit."""
        return bool(self._batches) and self._held is None and self._interval is None and not self._alone

    def _settle(self, landed: Sequence[Flight]) -> None:
        for flight in landed:
            assert flight.written is not None  # noqa: S101 (it did not fail)
            self._log.settle(flight.written)

    def _tell(self, landed: Sequence[Flight]) -> None:
        assert self._sink is not None  # noqa: S101 (opened before the first append)
        self._times.taken = landed[0].since
        self._sink.committed([group for flight in landed for group in flight.groups(self._epoch)])

    def _told(self) -> None:
        if self._landed is not None and not self._landed.done():
            self._landed.set_result(None)

    def _rest(self) -> None:
        self._rest_timer = None
        if self._flight is None:
            self._log.tidy()

    # -- failures

    def _break(self, error: Exception) -> None:
        """What was on its way failed, and so does all behind it."""
        flight, self._flight = self._flight, None
        held, self._held = self._held, None
        first = flight.first if flight is not None else self._ticket - len(self._batches) + 1
        tickets = range(first, self._ticket + 1)
        self._entries, self._batches, self._waiting = [], [], 0
        failure = self._log.failure
        if failure is None:  # the log is well: these alone could not be kept
            self._news.failed("write the journal", error)
            unavailable = JournalUnavailableError(str(error), read_only=False)
        else:
            full = self._log.failure_errno in _SPACE
            reason = "the disk is full" if full else f"the disk failed ({failure}); restart the server"
            if self._refusal is None:
                self._refusal = reason
                self._news.journal_read_only(reason)
            if full and not self._closed:
                self._retry_later()
            unavailable = JournalUnavailableError(reason)
        self._loop.call_soon(self._tell_failed, tickets, unavailable)
        if held is not None:
            self._settle([held])
            self._tell([held])

    def _tell_failed(self, tickets: Sequence[int], error: JournalUnavailableError) -> None:
        """Later than `append`, and later than what was committed before it is told."""
        assert self._sink is not None  # noqa: S101 (opened before the first append)
        try:
            self._sink.failed(tickets, error)
        finally:
            self._told()

    def _retry_later(self) -> None:
        if self._retry_timer is None:
            self._retry_timer = self._loop.call_later(_RETRY, self._retry)

    def _retry(self) -> None:
        """Space may be back. To look is cheap; to recover takes a few syncs, for which the loop waits."""
        self._retry_timer = None
        try:
            possible = not self._syncing and shutil.disk_usage(self._path).free >= self._spare
        except OSError:
            possible = False
        if possible and self._log.recover():
            self._refusal = None
            self._news.journal_writable()
        elif self._log.failure_errno in _SPACE:
            self._retry_later()
        else:
            self._refusal = f"the disk failed ({self._log.failure}); restart the server"
            self._news.journal_read_only(self._refusal)

    # -- interval mode

    def _sync_later(self, interval: float) -> None:
        if self._sync_timer is None and not self._syncing:
            self._sync_timer = self._loop.call_later(interval, self._sync)

    def _sync(self) -> None:
        self._sync_timer = None
        self._syncing, self._unsynced = True, False
        self._thread.do(self._wait, self._synced)

    def _synced(self, error: Exception | None) -> None:
        self._syncing = False
        if error is not None:
            self._break(error)
            return
        self._times.synced(self._disk)
        if self._unsynced and self._interval is not None:
            self._sync_later(self._interval)
        self._begin()

    # -- in the commit thread

    def _commit(self, flight: Flight) -> None:
        flight.written = self._log.write(flight.batches)
        if self._interval is None:
            self._wait()

    def _wait(self) -> None:
        began = self._clock()
        self._log.sync()
        self._disk = self._clock() - began
