"""The store of kept files as the server uses it: what is put cannot be taken away meanwhile, and what no file
needs goes.

A blob is put before its file is announced, and deleted after its last file is gone. A crash between leaves
one that nobody needs, never one that is missing; `collect` finds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, TypeVar
from weakref import WeakValueDictionary

from hubbub.core.file_records import Thumbnail
from hubbub.core.files import Files
from hubbub.core.model import Session
from hubbub.core.ports import Blobs, BlobsUnavailableError
from hubbub.observe.server_log import ServerLog
from hubbub.server.files.spool import PIECE

SessionT = TypeVar("SessionT", bound=Session)

PICTURES: Final = "image/"
"""What the media types begin with of which small pictures are made."""

_DELETING: Final = 2.0
"""Seconds of a stop for what is being deleted; `collect` finds later what was not."""


class Thumbnails(Protocol):
    """Makes small pictures. `adapters.thumbnails` does."""

    def make(self, source: Path, target: Path) -> Coroutine[Any, Any, tuple[int, int] | None]:
        """Write one to `target`, and return its width and height in pixels. None: it cannot be made."""
        ...


class Freed(NamedTuple):
    """What was given back."""

    blobs: int
    bytes: int


class Store:
    """Blobs, and whether they are needed."""

    def __init__(
        self,
        blobs: Blobs,
        files: Files[SessionT],
        thumbnails: Thumbnails | None,
        directory: Path,
        threads: Executor,
        loop: asyncio.AbstractEventLoop,
        log: ServerLog,
        entropy: Callable[[int], bytes],
    ) -> None:
        """`directory` is for what is being made. `threads` wait for the disk, and stay their owner's."""
        self.blobs = blobs
        self._kept = files.kept
        self._thumbnails = thumbnails
        self._directory = directory
        self._threads = threads
        self._loop = loop
        self._log = log
        self._entropy = entropy
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """One for each digest that is being put or deleted: one after the other."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._making: set[asyncio.Task[tuple[int, int] | None]] = set()
        """Small pictures: not worth a stop's time."""
        files.kept.unused = self._unused

    @asynccontextmanager
    async def keeping(self, digest: str, source: Path) -> AsyncIterator[None]:
        """Put it, and see that it stays within the block. Raises BlobsUnavailableError."""
        self._kept.hold(digest)
        try:
            async with self._lock(digest):
                there = await self.blobs.size(digest)
                found = await self._loop.run_in_executor(self._threads, source.stat)
                if there is not None and there != found.st_size:  # damaged: it gets its bytes anew
                    await self.blobs.delete(digest)
                await self.blobs.put(digest, str(source))
            yield
        finally:
            self._kept.release(digest)

    @asynccontextmanager
    async def thumbnail(self, kind: str, source: Path) -> AsyncIterator[Thumbnail | None]:
        """Make the small picture of a picture, put it, and see that it stays within the block.

        None: there is none. A picture that none can be made of is kept like any other file.
        """
        made = await self._made(source) if self._thumbnails and kind.startswith(PICTURES) else None
        if made is None:
            yield None
            return
        target, thumbnail = made
        try:
            async with self.keeping(thumbnail.sha256, target):
                yield thumbnail
        finally:
            target.unlink(missing_ok=True)

    async def _made(self, source: Path) -> tuple[Path, Thumbnail] | None:
        assert self._thumbnails is not None  # noqa: S101 (asked before)
        id = self._entropy(16).hex()
        target = self._directory / f"{id}.thumbnail"
        try:
            making = self._loop.create_task(self._thumbnails.make(source, target))
            self._making.add(making)
            making.add_done_callback(self._making.discard)
            await asyncio.wait([making])
            size = None if making.cancelled() else making.result()
            if size is not None:
                data = await self._loop.run_in_executor(self._threads, target.read_bytes)
                return target, Thumbnail(id, sha256(data).hexdigest(), len(data), *size)
        except OSError as error:
            self._log.warned("no small picture was made", reason=str(error))
        target.unlink(missing_ok=True)
        return None

    # -- what nobody needs

    def _unused(self, digest: str) -> None:
        task = self._loop.create_task(self._delete_quietly(digest))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _delete_quietly(self, digest: str) -> None:
        try:
            await self._delete(digest)
        except BlobsUnavailableError as error:
            self._log.warned("a blob was not deleted; it is tried again later", reason=error.reason)

    async def _delete(self, digest: str) -> bool:
        async with self._lock(digest):
            if self._kept.references(digest):
                return False
            await self.blobs.delete(digest)
            return True

    async def collect(self) -> Freed:
        """Delete every blob that no file needs. Raises BlobsUnavailableError."""
        count = size = 0
        async for digest, its in self.blobs.all():
            if not self._kept.references(digest) and await self._delete(digest):
                count += 1
                size += its
        return Freed(count, size)

    async def verify(self, digest: str, size: int, read: Callable[[int], None]) -> str | None:
        """Read a blob and say what is wrong with it; None: nothing. `read` is told how far it is.

        Raises BlobsUnavailableError.
        """
        there = await self.blobs.size(digest)
        if there is None:
            return "it is missing"
        if there != size:
            return f"it has {there} bytes instead of {size}"
        found, at = sha256(), 0
        while at < size:
            piece = await self.blobs.read(digest, at, min(PIECE, size - at))
            if not piece:
                return f"it ends after {at} bytes of {size}"
            await self._loop.run_in_executor(self._threads, found.update, piece)
            at += len(piece)
            read(at)
        return None if found.hexdigest() == digest else "its bytes are others"

    def _lock(self, digest: str) -> asyncio.Lock:
        lock = self._locks.get(digest)
        if lock is None:
            lock = self._locks[digest] = asyncio.Lock()
        return lock

    async def close(self) -> None:
        """Finish what is being deleted, and use the store no more."""
        for making in self._making:
            making.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_DELETING)
        await self.blobs.close()
