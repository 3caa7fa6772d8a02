"""Reading the log for the domain: on the loop, but never waiting there for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from hubbub.adapters.log_codec import entry_of
from hubbub.core.entries import Position, Record
from hubbub.core.ports import JournalUnavailableError, Reader
from hubbub.log import ColdError, Log

_THREADS: Final = 4
_COLD_READS: Final = 100
"""How often a query is run anew for cold bytes; then it waits for them, and the loop with it."""


class LogReader:
    """Implements `core.ports.Reader`. Raises LogError for what is damaged, and without `wait` ColdError."""

    def __init__(self, log: Log, *, wait: bool) -> None:
        self._log = log
        self._wait = wait

    def head(self, stream: str) -> Position:
        """See the port."""
        return Position(self._log.epoch, self._log.head(stream.encode()))

    def first(self, stream: str) -> int:
        """See the port."""
        return self._log.first(stream.encode())

    def entries(self, stream: str, first: int, last: int) -> Sequence[Record]:
        """See the port."""
        log, name = self._log, stream.encode()
        first = max(first, log.first(name))
        payloads = log.read(name, first, last - first + 1, wait=self._wait)
        epoch = log.epoch
        return [
            Record(entry_of(stream, offset, payload), epoch, offset)
            for offset, payload in enumerate(payloads, first)
        ]

    def get(self, key: str) -> bytes | None:
        """See the port."""
        return self._log.get(key.encode(), wait=self._wait)

    def scan(self, prefix: str) -> Iterable[tuple[str, bytes]]:
        """See the port."""
        found = self._log.scan(prefix.encode(), wait=self._wait)
        return [(key.decode(), value) for key, value in found]

    def streams(self, prefix: str) -> Iterable[str]:
        """See the port."""
        return [name.decode() for name in self._log.streams(prefix.encode())]


class _Read:
    __slots__ = ("query", "then", "tries")

    def __init__(self, query: Callable[[Reader], Any], then: Callable[[Any], None]) -> None:
        self.query = query
        self.then = then
        self.tries = 0


class Reads:
    """Queries on their way. One that meets cold bytes is run anew when a thread has brought them."""

    def __init__(
        self, log: Log, loop: asyncio.AbstractEventLoop, failed: Callable[[str, BaseException], None]
    ) -> None:
        """`failed` is told what could not be read, and why."""
        self._loop = loop
        self._failed = failed
        self._now = LogReader(log, wait=False)
        self.patient = LogReader(log, wait=True)
        self._cold: set[_Read] = set()
        self._threads = ThreadPoolExecutor(_THREADS, "files")
        self._closed: JournalUnavailableError | None = None

    def begin(self, query: Callable[[Reader], Any], then: Callable[[Any], None]) -> None:
        """See `Journal.read`."""
        self._loop.call_soon(self._run, _Read(query, then))

    def close(self, reason: str) -> None:
        """Tell all that wait that there will be no answer."""
        self._closed = JournalUnavailableError(reason)
        self._threads.shutdown(wait=False, cancel_futures=True)
        cold, self._cold = self._cold, set()
        for read in cold:
            read.then(self._closed)

    def _run(self, read: _Read) -> None:
        if self._closed is not None:
            read.then(self._closed)
            return
        try:
            result = read.query(self._now if read.tries < _COLD_READS else self.patient)
        except ColdError as cold:
            read.tries += 1
            self._cold.add(read)
            self._threads.submit(self._warm, cold, read)
            return
        except Exception as error:  # noqa: BLE001 (whoever asked has to be told something)
            self._failed("read the journal", error)
            result = JournalUnavailableError(str(error), read_only=False)
        read.then(result)

    def _warm(self, cold: ColdError, read: _Read) -> None:
        cold.warm()
        call_threadsafe(self._loop, self._run_anew, read)

    def _run_anew(self, read: _Read) -> None:
        if read in self._cold:  # else it was told that there will be no answer
            self._cold.remove(read)
            self._run(read)


def call_threadsafe(
    loop: asyncio.AbstractEventLoop, function: Callable[..., object], *arguments: object
) -> None:
    """Have it called on the loop; if that is closed, nobody is there any more to be told."""
    try:
        loop.call_soon_threadsafe(function, *arguments)
    except RuntimeError:
        if not loop.is_closed():
            raise
