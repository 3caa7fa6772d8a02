"""The search index in the server: it follows the journal in a thread of its own, some entries at a time.

What is committed waits here for a tenth of a second and goes into the table together. An index that is far
behind (a new one, or after an import) is built by another process from the log, since no thread of the server
runs Python in a loop; until then nothing can be searched, and everything else goes on.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeVar

from hubbub.adapters.python_child import python_child
from hubbub.adapters.search_table import SearchTable
from hubbub.core.entries import Record
from hubbub.core.ports import Journal, JournalUnavailableError, Reader

ResultT = TypeVar("ResultT")

DELAY: Final = 0.1
"""Seconds from a commit to the index: what gathers meanwhile is one transaction."""
BATCH: Final = 256
"""Entries in one transaction: about 4 ms, so that a query behind it does not wait long."""
REST: Final = 9
"""After a transaction the thread rests so many times as long: under load, it takes a tenth of a core."""
MOST_WAITING: Final = 50_000
"""Entries that may wait. Beyond, they are read again from the journal when there is time."""
BULK: Final = 20_000
"""Entries behind, from which on another process catches up."""
MOST_QUERIES: Final = 64
"""Queries that may wait."""
RETRY: Final = 5.0
"""Seconds after which a disk that failed the index is tried again."""


class Behind(NamedTuple):
    """A stream that is not indexed from `first` to `last`."""

    stream: str
    first: int
    last: int


class Fts5Search:
    """Implements `core.ports.SearchIndex`."""

    def __init__(
        self,
        path: Path | None,
        log_directory: Path | None,
        epoch: str,
        loop: asyncio.AbstractEventLoop,
        trouble: Callable[[str], None],
    ) -> None:
        """`path` None: in memory. `trouble` is told, in words for the log, when the index falls behind."""
        self._path = path
        self._log_directory = log_directory
        self._epoch = epoch
        self._loop = loop
        self._trouble = trouble
        self._table: SearchTable | None = SearchTable(path, epoch)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="search")
        self._new: deque[Record] = deque()
        self._trims: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._working = False
        self._began = loop.time()
        self._queries = 0
        self._behind = False
        self._failing = False
        self._child: asyncio.Task[int] | None = None
        self._journal: Journal | None = None
        self._closed = False

    # -- the port

    def add(self, records: Sequence[Record]) -> None:
        """See the port."""
        if len(self._new) >= MOST_WAITING or self._table is None:
            self._behind = True
            return
        self._new.extend(records)
        if self._timer is None and not self._working:
            self._later(DELAY)

    def trim(self, stream: str, first: int) -> None:
        """See the port."""
        self._trims[stream] = first
        if self._timer is None and not self._working:
            self._later(DELAY)

    def find(
        self,
        query: str,
        streams: Sequence[str],
        limit: int,
        then: Callable[[Sequence[tuple[str, int]] | None], None],
        before: tuple[str, int] | None = None,
    ) -> bool:
        """See the port."""
        if self._queries >= MOST_QUERIES:
            return False
        table = self._table
        if table is None:
            self._loop.call_soon(then, None)
            return True
        self._queries += 1

        def told(found: list[tuple[str, int]] | sqlite3.Error) -> None:
            self._queries -= 1
            if isinstance(found, sqlite3.Error):
                self._fail(found)
                then(None)
            else:
                then(found)

        self._run(lambda: table.find(query, streams, limit, before), told)
        return True

    # -- what else is asked of it

    @property
    def state(self) -> Literal["ready", "behind", "building", "failing"]:
        """How it stands: `behind` where entries were left out, that are read again; see above."""
        if self._table is None:
            return "building"
        if self._failing:
            return "failing"
        return "behind" if self._behind else "ready"

    @property
    def waiting(self) -> int:
        """Entries that are committed, and wait for their turn."""
        return len(self._new)

    # -- following

    def follow(self, journal: Journal) -> None:
        """Catch up with this journal, now and whenever something was left out."""
        self._journal = journal
        self._trims.update(journal.look(trimmed))
        self._catch_up()

    async def rebuild(self, progress: Callable[[float], None]) -> int:
        """Make it anew from the log; return how many entries that were. -1: it failed, and is in the log."""
        while self._working:  # noqa: ASYNC110 (the thread is at it, or another process)
            await asyncio.sleep(DELAY)
        if self._log_directory is None or self._table is None or self._closed:
            return -1
        self._working = True
        self._child = self._loop.create_task(self._build(self._log_directory, progress, "anew"))
        return await self._child

    async def close(self) -> None:
        """Finish what the thread is doing, and let go. What still waits is indexed at the next start."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._child is not None:
            self._child.cancel()
            await asyncio.gather(self._child, return_exceptions=True)
        await self._loop.run_in_executor(None, self._pool.shutdown)
        if self._table is not None:
            self._table.close()

    def _later(self, seconds: float) -> None:
        if not self._closed:
            self._timer = self._loop.call_later(seconds, self._work)

    def _work(self) -> None:
        self._timer = None
        table = self._table
        if table is None or self._working:
            return
        if self._trims:
            trims, self._trims = self._trims, {}
            self._working, self._began = True, self._loop.time()
            self._run(lambda: _trim(table, trims), self._worked)
            return
        if not self._new:
            if self._behind:
                self._catch_up()
            return
        batch = [self._new.popleft() for _ in range(min(BATCH, len(self._new)))]
        self._working = True
        self._began = self._loop.time()
        self._run(lambda: table.add(batch), self._worked)

    def _worked(self, missing: set[str] | sqlite3.Error) -> None:
        self._working = False
        if isinstance(missing, sqlite3.Error):
            self._fail(missing)
            return
        self._failing = False
        self._behind = self._behind or bool(missing)
        if self._new or self._behind or self._trims:
            self._later(max(DELAY, REST * (self._loop.time() - self._began)))

    def _fail(self, error: sqlite3.Error) -> None:
        if not self._failing:
            self._trouble(f"the search index cannot be written or read: {error}")
        self._failing = True
        self._behind = True
        self._new.clear()
        if self._timer is None:
            self._later(RETRY)

    def _run(self, work: Callable[[], ResultT], then: Callable[[ResultT | sqlite3.Error], None]) -> None:
        """In the thread, and its result back on the loop."""

        def run() -> None:
            result: ResultT | sqlite3.Error
            try:
                result = work()
            except sqlite3.Error as error:
                result = error
            if not self._closed:
                self._loop.call_soon_threadsafe(then, result)

        if not self._closed:
            self._pool.submit(run)

    # -- catching up

    def _catch_up(self) -> None:
        journal, table = self._journal, self._table
        if journal is None or table is None or self._working:
            return
        self._working, self._behind = True, False
        journal.read(lambda reader: behind(reader, table), self._found_behind)

    def _found_behind(self, found: list[Behind] | JournalUnavailableError) -> None:
        if isinstance(found, JournalUnavailableError):
            self._working = False
            self._trouble(f"the search index cannot catch up: {found.reason}")
            return
        streams = deque(found)
        if self._log_directory is not None and sum(one.last - one.first + 1 for one in streams) > BULK:
            self._child = self._loop.create_task(self._build(self._log_directory, lambda _: None))
        else:
            self._read_on(streams)

    def _read_on(self, streams: deque[Behind]) -> None:
        """The next entries of the first stream that is behind, and then the rest."""
        self._timer = None
        journal = self._journal
        if not streams or journal is None:
            self._worked(set())
            return
        stream, first, last = streams.popleft()
        upto = min(first + BATCH - 1, last)

        def told(records: Sequence[Record] | JournalUnavailableError) -> None:
            table = self._table
            if isinstance(records, JournalUnavailableError) or table is None:
                self._worked(set())
                return
            if upto < last:
                streams.appendleft(Behind(stream, upto + 1, last))

            def add() -> None:
                if not records or records[0].offset > first:  # trimmed meanwhile, or before
                    table.skip(stream, records[0].offset - 1 if records else upto)
                table.add(records)

            def added(result: sqlite3.Error | None) -> None:
                if isinstance(result, sqlite3.Error):
                    self._worked(result)
                else:
                    rest = REST * (self._loop.time() - self._began)
                    self._timer = self._loop.call_later(rest, self._read_on, streams)

            self._began = self._loop.time()
            self._run(add, added)

        journal.read(lambda reader: reader.entries(stream, first, upto), told)

    async def _build(self, log_directory: Path, progress: Callable[[float], None], *anew: str) -> int:
        """Have another process do it, then take the table over again."""
        assert self._table is not None  # noqa: S101 (the callers saw to it)
        assert self._path is not None  # noqa: S101 (one in memory has no log)
        table, self._table = self._table, None
        await self._loop.run_in_executor(self._pool, table.close)
        arguments = ("-m", "hubbub.adapters.search_rebuild", str(log_directory), str(self._path), *anew)
        done = 0
        async with python_child(*arguments) as process:
            assert process.stdout is not None  # noqa: S101 (piped)
            assert process.stderr is not None  # noqa: S101 (piped)
            async for line in process.stdout:
                done, total = map(int, line.split())
                progress(done / total if total else 1.0)
            words = await process.stderr.read()
            await process.wait()
        self._table = SearchTable(self._path, self._epoch)
        self._new.clear()
        self._working = False
        if process.returncode == 0:
            self._catch_up()
            return done
        said = words.decode("utf-8", "replace").strip()[-500:]
        self._trouble(f"the search index could not be built: {said}")
        self._behind = True
        self._later(RETRY)
        return -1


def _trim(table: SearchTable, trims: Mapping[str, int]) -> set[str]:
    for stream, first in trims.items():
        table.trim(stream, first)
    return set()


def behind(reader: Reader, table: SearchTable) -> list[Behind]:
    """The streams that are not indexed to their end."""
    upto = table.upto()
    found: list[Behind] = []
    for stream in reader.streams(""):
        done, head = upto.get(stream, 0), reader.head(stream).offset
        if done < head:
            found.append(Behind(stream, done + 1, head))
    return found


def trimmed(reader: Reader) -> dict[str, int]:
    """The streams whose beginning is no longer kept, and where they begin: a crash may have come between."""
    return {stream: first for stream in reader.streams("") if (first := reader.first(stream)) > 1}
