"""Unfinished uploads: their spool, `DATA/files/uploads/ID.part`, and the way from there to a message.

A file is announced only when it is whole, has the digest that was promised, and is in the store; each step
may be done twice, so that a crash between two of them costs nothing:

    bytes ─▶ spool ─▶ digest ─▶ blob in the store ─▶ message, record, end of the upload, in one commit
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, Final, TypeVar

from hubbub.core.errors import Code, Refusal
from hubbub.core.file_commands import OfferFile
from hubbub.core.file_records import StoredFile, Upload
from hubbub.core.files import Bearer, Files
from hubbub.core.model import Session
from hubbub.core.ports import BlobsUnavailableError
from hubbub.observe.server_log import ServerLog
from hubbub.server.files.spool import RETRY, Hash, Spool, Writer, full, refused
from hubbub.server.files.store import Store

SessionT = TypeVar("SessionT", bound=Session)
ResultT = TypeVar("ResultT")

UPLOADS: Final = "uploads"
"""The spool's directory within that of files."""
NO_UPLOAD: Final = Refusal(Code.NOT_FOUND, "There is no such upload.", field="offer")
ELSEWHERE: Final = Refusal(Code.RATE_LIMITED, "Another request goes on with this upload.", retry_after=1.0)
_NAME: Final = re.compile(r"([0-9a-f]{32})\.part")
_COLLECT: Final = 3_600.0
"""Seconds between two looks through the whole store."""


class _Open:
    """An upload whose bytes somebody has touched since the start."""

    __slots__ = ("spool", "writer")

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.writer: Writer | None = None


class Uploads:
    """All unfinished uploads, by id."""

    def __init__(
        self,
        directory: Path,
        files: Files[SessionT],
        store: Store,
        threads: Executor,
        loop: asyncio.AbstractEventLoop,
        log: ServerLog,
        clock: Callable[[], float],
        rest: float,
    ) -> None:
        """Look at what is there. Blocks. `threads` wait for the disk, and stay their owner's. Raises OSError.

        `clock` gives Unix time in seconds; an upload may `rest` for so many.
        """
        self._directory = directory / UPLOADS
        self._files = files
        self._store = store
        self._threads = threads
        self._loop = loop
        self._log = log
        self._clock = clock
        self._rest = rest
        self._open: dict[str, _Open] = {}
        self._finishing: dict[str, asyncio.Task[StoredFile | Refusal]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._found: dict[str, tuple[int, float]] = {}
        """Bytes of the spools that were there at the start, and when they were touched."""
        with os.scandir(self._directory) as found:
            for entry in found:
                match = _NAME.fullmatch(entry.name)
                upload = files.upload(match[1]) if match is not None else None
                if match is None or upload is None or upload.file is not None:
                    os.unlink(entry.path)  # noqa: PTH108 (an upload that is over)
                else:
                    status = entry.stat(follow_symlinks=False)
                    self._found[upload.id] = (status.st_size, status.st_mtime)
        self._sweeping: asyncio.Task[None] | None = None
        files.dropped = self._dropped

    # -- the bytes

    async def begin(self, who: Bearer, command: OfferFile) -> Upload | Refusal:
        """Have an upload known from here on, or say why it may not be."""
        upload = self._files.plan(who, command)
        if isinstance(upload, Refusal):
            return upload
        told: asyncio.Future[Refusal | None] = self._loop.create_future()
        self._files.begin(upload, _tell(told))
        return await told or upload

    def offset(self, upload: Upload) -> int:
        """How many bytes are there, and sure. `settle` first, where somebody may be writing."""
        if upload.file is not None:
            return upload.size
        known = self._open.get(upload.id)
        return self._found.get(upload.id, (0, 0.0))[0] if known is None else known.spool.synced

    async def settle(self, upload: Upload) -> int | Refusal:
        """Take it from whoever writes, and return how many bytes are there."""
        known = self._open.get(upload.id)
        if known is None:
            return self.offset(upload)
        if known.writer is not None:
            known.writer.fail(ELSEWHERE)
        try:
            await known.spool.verdict(None)
            await known.spool.shut()
        except OSError as error:
            return refused(error)
        return known.spool.synced

    def writer(self, upload: Upload) -> Writer | Refusal:
        """Whoever is to write from now on. One who did is told that it is over."""
        upload = self._files.upload(upload.id) or upload
        if self._files.upload(upload.id) is None or upload.file is not None:
            return NO_UPLOAD
        known = self._opened(upload)
        if upload.id in self._finishing or known.spool.on_trial:
            return ELSEWHERE
        if known.writer is not None:
            known.writer.fail(ELSEWHERE)
        writer = known.writer = Writer(
            known.spool, upload.size, self._clock, lambda writer: self._closed(upload.id, writer)
        )
        known.spool.roomy = lambda: writer.on_room()
        known.spool.failed = lambda error: writer.fail(refused(error))
        return writer

    async def mark(self, upload: Upload, trial: Hash) -> Refusal | None:
        """What its writer takes from here on is kept only if `verdict` finds its digest right."""
        try:
            await self._opened(upload).spool.mark(trial)
        except OSError as error:
            return refused(error)
        return None

    async def verdict(self, upload: Upload, digest: bytes | None) -> bool:
        """See `mark`. False: it was not right, and is gone. None: it did not come whole."""
        try:
            return await self._opened(upload).spool.verdict(digest)
        except OSError:
            return False

    def _closed(self, id: str, writer: Writer) -> None:
        """Hold no descriptor for an upload that nobody writes."""
        known = self._open.get(id)
        if known is not None and known.writer is writer:
            known.writer = None
            self._spawn(self._shut(known.spool))

    def _opened(self, upload: Upload) -> _Open:
        known = self._open.get(upload.id)
        if known is None:
            present, touched = self._found.pop(upload.id, (0, self._clock()))
            path = self._directory / f"{upload.id}.part"
            known = self._open[upload.id] = _Open(Spool(path, present, touched, self._loop, self._threads))
        return known

    async def _shut(self, spool: Spool) -> None:
        try:
            await spool.shut()
        except OSError as error:
            self._log.warned("an upload was not written", reason=str(error))

    # -- the end

    async def finish(self, upload: Upload) -> StoredFile | Refusal:
        """All bytes are there: have it announced, once, whoever asks and how often."""
        task = self._finishing.get(upload.id)
        if task is None:
            task = self._finishing[upload.id] = self._loop.create_task(self._finish(upload.id))
            task.add_done_callback(lambda _: self._finishing.pop(upload.id))
        return await asyncio.shield(task)

    async def _finish_quietly(self, upload: Upload) -> None:
        await self.finish(upload)

    async def _finish(self, id: str) -> StoredFile | Refusal:
        upload = self._files.upload(id)
        if upload is None:
            return NO_UPLOAD
        if upload.file is not None:
            return self._files.kept.get(upload.file) or NO_UPLOAD
        known = self._opened(upload)
        if known.writer is not None:
            known.writer.close()
        try:
            digest = await known.spool.digest()
            if known.spool.written != upload.size:
                message = f"{known.spool.written} of {upload.size} bytes are there."
                return Refusal(Code.BAD_REQUEST, message, field="size")
            if upload.sha256 not in (None, digest):
                self._files.abandon(upload)
                message = "What came has another SHA-256 than was announced. Send it again."
                return Refusal(Code.BAD_REQUEST, message, field="sha256")
            if not upload.size:
                known.spool.path.touch(0o600)
            await known.spool.shut()
            file = await self._kept(upload, digest, known.spool.path)
            if not isinstance(file, Refusal):
                await self._removed(upload.id)
        except OSError as error:
            self._log.failed("finish an upload", error)
            return refused(error)
        except BlobsUnavailableError as error:
            self._log.warned("a file could not be stored", reason=error.reason)
            return full() if error.full else unavailable()
        return file

    async def _kept(self, upload: Upload, digest: str, path: Path) -> StoredFile | Refusal:
        async with (
            self._store.keeping(digest, path),
            self._store.thumbnail(upload.type, path) as thumbnail,
        ):
            told: asyncio.Future[StoredFile | Refusal] = self._loop.create_future()
            self._files.post(upload, digest, thumbnail, _tell(told))
            return await told

    async def abandon(self, upload: Upload) -> None:
        """It is wanted no more: nothing of it stays."""
        known = self._files.upload(upload.id)
        if known is not None:
            self._files.abandon(known)
            await self._removed(upload.id)

    def _dropped(self, id: str) -> None:
        self._spawn(self._removed(id))

    async def _removed(self, id: str) -> None:
        found = self._found.pop(id, None)
        known = self._open.pop(id, None)
        try:
            if known is not None:
                if known.writer is not None:
                    known.writer.fail(NO_UPLOAD)
                await known.spool.remove()
            elif found is not None:
                (self._directory / f"{id}.part").unlink(missing_ok=True)
        except OSError as error:
            self._log.warned("an upload was not removed", reason=str(error))

    # -- now and then, and at the end

    def expire(self) -> int:
        """Give up what has rested for too long; return how many bytes of it were there."""
        size = 0
        for upload in list(self._files.uploads()):
            known = self._open.get(upload.id)
            if upload.file is not None or upload.id in self._finishing:
                continue
            if known is not None and known.writer is not None and not known.writer.closed:
                continue
            touched = self._found.get(upload.id, (0, 0.0))[1] if known is None else known.spool.touched
            if self._files.expired(upload, touched):
                size += self.offset(upload)
                self._files.abandon(upload)
        return size

    def expires(self, upload: Upload) -> float:
        """When that will be, if nothing comes (Unix time)."""
        known = self._open.get(upload.id)
        touched = self._found.get(upload.id, (0, 0.0))[1] if known is None else known.spool.touched
        return max(upload.created, touched) + self._rest

    def start(self, seconds: float, sweep: Callable[[], None]) -> None:
        """Go on with what is whole and was not announced before the last stop; then look every `seconds`.

        `sweep` is the domain's part of that.
        """
        for id, (size, _) in list(self._found.items()):
            upload = self._files.upload(id)
            if upload is not None and 0 < size == upload.size:
                self._spawn(self._finish_quietly(upload))
        self._sweeping = self._loop.create_task(self._sweep(seconds, sweep))

    async def _sweep(self, seconds: float, sweep: Callable[[], None]) -> None:
        collected = -_COLLECT
        while True:
            await asyncio.sleep(seconds)
            try:
                self.expire()
                sweep()
                if self._loop.time() - collected >= _COLLECT:
                    collected = self._loop.time()
                    await self._store.collect()
            except BlobsUnavailableError as error:
                self._log.warned("the store was not looked through", reason=error.reason)
            except Exception as error:  # noqa: BLE001 (the next round tries again)
                self._log.failed("look after files", error)

    async def close(self) -> None:
        """Have what came on the disk, and take no more."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.wait([self._sweeping])
        for known in self._open.values():
            if known.writer is not None:
                known.writer.fail(Refusal(Code.READ_ONLY, "The server stops.", retry_after=RETRY))
        if self._finishing:
            await asyncio.wait(self._finishing.values())
        for known in list(self._open.values()):
            with contextlib.suppress(OSError):
                await known.spool.verdict(None)
            await self._shut(known.spool)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _tell(told: asyncio.Future[ResultT]) -> Callable[[ResultT], None]:
    def then(result: ResultT) -> None:
        if not told.done():
            told.set_result(result)

    return then


def unavailable() -> Refusal:
    """The store does not answer."""
    message = "The file is whole, and its store cannot be reached now. Ask again later."
    return Refusal(Code.READ_ONLY, message, retry_after=RETRY)
