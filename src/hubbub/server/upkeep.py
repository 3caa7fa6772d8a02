"""What an admin may see and have done about storage while the server runs."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from hubbub.adapters.journal_log import LogJournal
from hubbub.adapters.search_fts5 import Fts5Search
from hubbub.core.errors import Code, Refusal
from hubbub.core.model import Session
from hubbub.core.service import Service
from hubbub.core.stamps import stamp
from hubbub.log import Log, LogError, Stat
from hubbub.observe.server_log import ServerLog
from hubbub.server.config import Config
from hubbub.server.control import ControlError
from hubbub.server.file_operations import FileOperations
from hubbub.server.maintenance import Maintenance
from hubbub.wire.admin_payloads import (
    Collected,
    CompactionBegun,
    CompactionShown,
    DiskShown,
    FilesShown,
    LogShown,
    SearchShown,
    StorageShown,
)

SessionT = TypeVar("SessionT", bound=Session)

_PATIENCE: Final = 5.0
"""Seconds that a disk may take before it is said to be busy."""
_IN_MEMORY: Final = Refusal(Code.UNSUPPORTED, "This server keeps everything in memory.")
_BUSY: Final = Refusal(Code.RATE_LIMITED, "The disk is busy. Try again.", retry_after=_PATIENCE)
_COLLECTING: Final = Refusal(Code.RATE_LIMITED, "That is being done already.", retry_after=1.0)


class StorageUpkeep(Generic[SessionT]):
    """Counts, compaction, and what nobody needs any more."""

    def __init__(
        self,
        config: Config,
        service: Service[SessionT],
        journal: LogJournal | None,
        maintenance: Maintenance | None,
        search: Fts5Search,
        files: FileOperations[SessionT],
        log: ServerLog,
        clock: Callable[[], float],
    ) -> None:
        """`journal` and `maintenance` None: everything is in memory. `clock` gives Unix time in seconds."""
        self._config = config
        self._service = service
        self._journal = journal
        self._maintenance = maintenance
        self._search = search
        self._files = files
        self._log = log
        self._clock = clock
        self._collecting = asyncio.Lock()
        self._compaction: asyncio.Task[None] | None = None
        self._last: CompactionShown | None = None

    async def close(self) -> None:
        """End at once; a compaction that runs is given up, and harms nothing."""
        if self._compaction is not None:
            self._compaction.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._compaction

    # -- what there is

    async def show(self) -> StorageShown | Refusal:
        """Everything that is kept. A Refusal: the disk does not answer."""
        log, disk = None, None
        if self._journal is not None:
            data, loop = self._config.server.data, asyncio.get_running_loop()
            try:
                async with asyncio.timeout(_PATIENCE):
                    stat = await _stat(self._journal)
                    usage = await loop.run_in_executor(None, shutil.disk_usage, data)
            except TimeoutError:
                return _BUSY
            except (OSError, LogError) as error:
                self._log.failed("look at the storage", error)
                return Refusal(Code.INTERNAL, "The storage cannot be looked at. The server's log says why.")
            disk = DiskShown(usage.free, usage.total)
            log = LogShown(
                bytes=stat.bytes,
                segments=stat.segments,
                streams=stat.streams,
                entries=stat.entries,
                dead=stat.dead,
                keys=stat.keys,
                read_only=self._journal.why_read_only(),
            )
        search = SearchShown(self._search.state, self._search.waiting)
        return StorageShown(log, disk, self._is_compacting(), self._last, self._kept_files(), search)

    def _kept_files(self) -> FilesShown:
        settings, files = self._config.files, self._service.files
        sizes: dict[str, int] = {}
        for file in files.kept.all():
            sizes[file.sha256] = file.size
            if file.thumbnail is not None:
                sizes[file.thumbnail.sha256] = file.thumbnail.size
        unfinished = [upload.size for upload in files.uploads() if upload.file is None]
        return FilesShown(
            files=len(files.kept),
            blobs=len(sizes),
            blob_bytes=sum(sizes.values()),
            unfinished=len(unfinished),
            unfinished_bytes=sum(unfinished),
            quota_used=files.kept.total,
            quota_total=settings.quota_total,
            quota_user=settings.quota_user,
            max_files=settings.max_files,
            store=self._config.blobs.store,
        )

    # -- what is to be done

    def compact(self) -> CompactionBegun | Refusal:
        """Begin to compact all there is, beside the server."""
        maintenance = self._maintenance
        if maintenance is None:
            return _IN_MEMORY
        if self._is_compacting():
            return CompactionBegun(begun=False)
        self._compaction = asyncio.get_running_loop().create_task(self._compact(maintenance))
        return CompactionBegun(begun=True)

    def _is_compacting(self) -> bool:
        own = self._compaction is not None and not self._compaction.done()
        return own or (self._maintenance is not None and self._maintenance.beside)

    async def _compact(self, maintenance: Maintenance) -> None:
        result = None
        try:
            result = await maintenance.compact_all()
        except Exception as error:  # noqa: BLE001 (nobody waits for this task)
            self._log.failed("compact the log", error)
        before, after = (0, 0) if result is None else (result.before, result.after)
        self._last = CompactionShown(stamp(self._clock()), result is not None, before, after)

    async def collect(self) -> Collected | Refusal:
        """Remove blobs and uploads that nobody needs."""
        if self._collecting.locked():
            return _COLLECTING
        async with self._collecting:
            try:
                freed = await self._files.collect()
            except ControlError as error:
                return Refusal(Code.READ_ONLY, str(error))
        return Collected(freed.blobs, freed.bytes, freed.uploads, freed.upload_bytes)


async def _stat(journal: LogJournal) -> Stat:
    """What the log counts, while nothing is written to it."""
    told: asyncio.Future[Stat] = asyncio.get_running_loop().create_future()

    def look(log: Log) -> None:
        if told.done():
            return
        try:
            told.set_result(log.stat())
        except (LogError, OSError) as error:
            told.set_exception(error)

    journal.alone(look)
    return await told
