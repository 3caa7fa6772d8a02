"""Bring the search index up to the log, as a process of its own: `python -m hubbub.adapters.search_rebuild`.

It reads the log beside the server, in the order of time, and prints a line of progress now and then: the
entries that are done, and those in all.
"""

from __future__ import annotations

import heapq
import os
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from hubbub.adapters.log_reading import LogReader
from hubbub.adapters.search_fts5 import Behind, behind
from hubbub.adapters.search_table import SearchTable
from hubbub.core.entries import Record
from hubbub.core.ports import Reader
from hubbub.log import Log

_TRANSACTION: Final = 2_000
_READ_AHEAD: Final = 20_000
"""Entries held of all streams together."""


def rebuild(
    log_directory: Path, index: Path, progress: Callable[[int, int], None], *, anew: bool = False
) -> int:
    """Index what is missing, or with `anew` everything. Returns how many entries that were.

    `progress` is told the entries done, and in all. Raises LogError for a log that is damaged, OSError, and
    sqlite3.Error.
    """
    if anew:
        for end in ("", "-wal", "-shm"):
            Path(f"{index}{end}").unlink(missing_ok=True)
    log = Log.open(log_directory, read_only=True)
    try:
        reader = LogReader(log, wait=True)
        table = SearchTable(index, log.epoch)
        try:
            return _index(reader, table, progress)
        finally:
            table.close()
    finally:
        log.close()


def _index(reader: Reader, table: SearchTable, progress: Callable[[int, int], None]) -> int:
    streams = behind(reader, table)
    for stream, first, last in streams:
        kept = reader.first(stream)
        if kept > first:
            table.skip(stream, min(kept - 1, last))
    total = sum(one.last - one.first + 1 for one in streams)
    ahead = max(16, _READ_AHEAD // max(1, len(streams)))
    records = heapq.merge(
        *(_records(reader, one, ahead) for one in streams), key=lambda record: record.entry.at
    )
    done = 0
    progress(done, total)
    while batch := list(islice(records, _TRANSACTION)):
        table.add(batch)
        done += len(batch)
        progress(done, total)
    return done


def _records(reader: Reader, stream: Behind, ahead: int) -> Iterator[Record]:
    for first in range(stream.first, stream.last + 1, ahead):
        yield from reader.entries(stream.stream, first, min(first + ahead - 1, stream.last))


def main() -> int:
    """Arguments: the log's directory, the index's file, and `anew` where everything is to be indexed."""
    log_directory, index = map(Path, sys.argv[1:3])
    if hasattr(os, "nice"):
        os.nice(19)  # people are talking meanwhile
    rebuild(log_directory, index, _tell, anew="anew" in sys.argv[3:])
    return 0


def _tell(done: int, total: int) -> None:
    print(done, total, flush=True)  # noqa: T201 (the server reads it)


if __name__ == "__main__":
    sys.exit(main())
