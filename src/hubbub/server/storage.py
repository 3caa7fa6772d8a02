"""Where a server keeps what lasts: its directory, the log in it, and the journal on that."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from pathlib import Path
from typing import Final

from hubbub.adapters.blobs_directory import DirectoryBlobs
from hubbub.adapters.blobs_s3 import S3Blobs
from hubbub.adapters.journal_log import LogJournal
from hubbub.adapters.search_fts5 import Fts5Search
from hubbub.core.ports import Blobs, BlobsUnavailableError, Journal
from hubbub.log import (
    Batch,
    CorruptError,
    ForeignDirectoryError,
    LockedError,
    Log,
    LogError,
    NewerFormatError,
    Options,
)
from hubbub.observe.server_log import ServerLog
from hubbub.server.config import MEMORY, Config, parse_durability

LOG: Final = "log"
"""The log's directory within the data directory."""
INDEX: Final = "search.sqlite"
"""The search index, which can be made anew from the log."""
FILES: Final = "files"
"""Kept files, and uploads on their way to become one."""
BLOBS: Final = "blobs"
"""The whole ones, by their content, within that."""
_NOBODYS: Final = frozenset({"lost+found", ".DS_Store"})
"""What a file system puts into a directory that is empty for all who use it."""
_INTERVAL: Final = b"journal:interval"
"""The keyed record that is there while commits are acknowledged before they are on the disk."""


class StorageError(Exception):
    """The server cannot use its data directory. The message is for a person."""


def open_journal(config: Config, loop: asyncio.AbstractEventLoop, log: ServerLog) -> LogJournal:
    """Open the journal in `server.data`, and make it where there is none. Blocks. Raises StorageError."""
    data = Path(config.server.data)
    interval = parse_durability(config.server.durability)
    try:
        claim(data)
        opened = Log.open(data / LOG, options(config))
    except LockedError:
        raise StorageError(f"{data} is in use by another server") from None
    except ForeignDirectoryError as error:
        raise StorageError(f"{data / LOG} is not Hubbub's: {error}") from None
    except NewerFormatError as error:
        raise StorageError(f"{data} was written by a newer version of Hubbub: {error}") from None
    except CorruptError as error:
        raise StorageError(f"{data / LOG} is damaged, and nothing was changed: {error}") from None
    except LogError as error:
        raise StorageError(f"{data}: {error}") from None
    except OSError as error:
        raise StorageError(f"{error.filename or data}: {error.strerror or error}") from None
    try:
        if note_durability(opened, interval=interval is not None):
            log.positions_begin_anew()
    except LogError as error:
        opened.close()
        raise StorageError(f"{data}: {error}") from None
    most = config.storage.max_waiting
    return LogJournal(opened, data, loop, log, interval=interval, max_waiting=most, times=log.counts)


def open_search(
    config: Config, journal: Journal, loop: asyncio.AbstractEventLoop, log: ServerLog
) -> Fts5Search:
    """Open the index of what the journal keeps, beside it or in memory. Blocks. Raises StorageError."""
    if config.server.data == MEMORY:
        return Fts5Search(None, None, "", loop, log.warned)
    data = Path(config.server.data)
    try:
        return Fts5Search(data / INDEX, data / LOG, journal.head("").epoch, loop, log.warned)
    except sqlite3.Error as error:
        raise StorageError(f"{data / INDEX}: {error}") from None


def open_blobs(config: Config, data: Path, loop: asyncio.AbstractEventLoop, *, tidy: bool = True) -> Blobs:
    """Open the store of kept files: in `data`, or in a bucket. Blocks, but asks no bucket anything.

    `tidy` False: for a tool beside the server, whose half-made files stay. Raises StorageError.
    """
    blobs = config.blobs
    if blobs.store == "directory":
        directory = data / FILES / BLOBS
        try:
            return DirectoryBlobs(directory, loop, tidy=tidy)
        except OSError as error:
            raise StorageError(f"{error.filename or directory}: {error.strerror or error}") from None
    try:
        return S3Blobs(
            blobs.s3_bucket or "",
            blobs.s3_prefix or "",
            endpoint=blobs.s3_endpoint,
            region=blobs.s3_region,
            access_key=blobs.s3_access_key,
            secret_key=blobs.s3_secret_key,
            allow_http=blobs.s3_allow_http,
        )
    except BlobsUnavailableError as error:
        raise StorageError(error.reason) from None


def options(config: Config) -> Options:
    """How the log is to behave."""
    messages = config.messages
    return Options(
        segment_bytes=config.storage.segment_bytes,
        tag_seconds=messages.dedupe_seconds,
        tags_kept=min(messages.dedupe_restored, messages.dedupe_total),
    )


def claim(data: Path) -> None:
    """Make the data directory, or see that it is ours or empty. Raises StorageError, OSError."""
    missing = [path for path in (data, *data.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700 if path == data else 0o777)
        _sync_directory(path.parent)
    others = sorted({path.name for path in data.iterdir()} - _NOBODYS)
    if others and LOG not in others:
        raise StorageError(
            f"{data} holds {others[0]!r} and no data of Hubbub: name an empty directory, or one to be made"
        )


def note_durability(log: Log, *, interval: bool) -> bool:
    """Write down whether commits are acknowledged before they are on the disk.

    Where they were, and the log was not closed in order, something may be lost: positions begin a new epoch.
    True: they do. To be called once, right after opening. Raises LogError.
    """
    before = log.get(_INTERVAL) is not None
    lost = before and not log.closed_cleanly
    if lost:
        log.new_epoch()
    if interval != before:
        batch = Batch()
        if interval:
            batch.put(_INTERVAL, b"")
        else:
            batch.delete(_INTERVAL)
        log.commit(batch)
    return lost


def reopen(data: Path, config: Config) -> Log:
    """Open the log of a data directory for a tool that changes it. What the server would conclude from how it
    was left is concluded now, because the tool leaves it in order. Raises LogError, OSError.
    """
    log = Log.open(data / LOG, options(config))
    try:
        note_durability(log, interval=log.get(_INTERVAL) is not None)
    except BaseException:
        log.close()
        raise
    return log


def _sync_directory(path: Path) -> None:
    if sys.platform == "win32":  # it cannot open one
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
