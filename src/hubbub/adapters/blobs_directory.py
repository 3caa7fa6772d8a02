"""Blobs in a directory: `ab/cdef…`, by the first two digits and the others of a blob's SHA-256.

A blob gets its name when its bytes are on the disk, and not before: a name that is there is a whole file,
after a crash as well (Pillai et al., OSDI 2014: fsync the file, name it, fsync the directory). A source on
the same file system that is ours alone is linked, not copied; any other is copied into a temporary file.

What waits for the disk runs in threads, in jobs of a few calls into C. A job is never left alone: whoever is
cancelled waits for the one that runs, so that no descriptor is closed under it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import secrets
import stat
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from hubbub.core.ports import BlobsUnavailableError
from hubbub.log.files import sync_file

ResultT = TypeVar("ResultT")

THREADS: Final = 4
PIECE: Final = 4 * 1024 * 1024
"""Bytes of a copy in one job: a few milliseconds, so that others get their turn."""
STATS: Final = 32
"""Files whose size is asked in one job."""
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_FAN_OUT: Final = re.compile(r"[0-9a-f]{2}")
_REST: Final = re.compile(r"[0-9a-f]{62}")
_TEMPORARY: Final = re.compile(r"put-[0-9a-f]{32}\.tmp")
_CANNOT: Final = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV, errno.EPERM}
_CANNOT_LINK: Final = _CANNOT | {errno.EMLINK}
_CANNOT_COPY_INSIDE: Final = _CANNOT | {errno.EINVAL}
_BINARY: Final = getattr(os, "O_BINARY", 0)  # Windows would change line ends
_READ: Final = os.O_RDONLY | _BINARY | getattr(os, "O_CLOEXEC", 0)
_ENTRY: Final = _READ | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # no link, no pipe
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY | getattr(os, "O_CLOEXEC", 0)


class DirectoryBlobs:
    """Implements `core.ports.Blobs`. What it has put survives a power cut, if the disk honours flush.

    After a flush that failed, nobody knows what is on the disk, and to flush again would tell nothing: then
    nothing more is put before a restart. What is there can still be read.
    """

    def __init__(
        self,
        directory: Path,
        loop: asyncio.AbstractEventLoop,
        *,
        files: ThreadPoolExecutor | None = None,
        tidy: bool = True,
    ) -> None:
        """Make the directory where there is none, and remove what was being put in a crash. Blocks.

        `files` are the threads to run in, and stay their owner's. `tidy` False: remove nothing, because the
        server of this directory may be running beside. Raises OSError.
        """
        self._directory = directory
        self._loop = loop
        self._own = files is None
        self._files = files or ThreadPoolExecutor(THREADS, thread_name_prefix="files")
        self._made: set[str] = set()
        """Fan-out directories that are known to be on the disk themselves."""
        self._distrust: BlobsUnavailableError | None = None
        self._closed = False
        self._putting = 0
        self._idle = asyncio.Event()
        self._idle.set()
        _make(directory)
        if tidy:
            for name in os.listdir(directory):  # noqa: PTH208 (names, not paths)
                if _TEMPORARY.fullmatch(name):
                    (directory / name).unlink()

    async def put(self, digest: str, source: str) -> None:
        """See the port."""
        path = self._path(digest)
        self._refuse()
        put = _Put(self._directory, path, source)
        self._putting += 1
        self._idle.clear()
        try:
            if await self.size(digest) is None and not (
                await self._run(put.begin) and await self._flushing(put.link)
            ):
                await self._run(put.copy)
                while await self._run(put.piece):
                    self._refuse()
                await self._flushing(put.name)
            # Also where it was there: it may have got its name a moment ago, or just before a crash.
            await self._flushing(lambda: self._settle(path.parent))
        finally:
            try:
                await self._run(put.discard, closing=True)
            finally:
                self._putting -= 1
                if not self._putting:
                    self._idle.set()

    async def size(self, digest: str) -> int | None:
        """See the port."""
        path = self._path(digest)
        return await self._run(lambda: _size(path))

    def descriptor(self, digest: str) -> int | None:
        """See the port. None where it is not there, too."""
        try:
            return os.open(self._path(digest), _ENTRY)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unavailable(error) from None

    async def read(self, digest: str, offset: int, count: int) -> bytes:
        """See the port."""
        path = self._path(digest)
        if offset < 0 or count < 0:
            raise ValueError(f"there is no range of {count} bytes from {offset} on")
        return await self._run(lambda: _read(path, offset, count))

    async def delete(self, digest: str) -> None:
        """See the port. A crash may bring it back, and then somebody has to delete it again."""
        path = self._path(digest)
        await self._run(lambda: path.unlink(missing_ok=True))

    async def all(self) -> AsyncIterator[tuple[str, int]]:
        """See the port. What has not the name of a blob is not ours, and is left alone."""
        for fan_out in await self._run(lambda: _names(self._directory)):
            if not _FAN_OUT.fullmatch(fan_out):
                continue
            names = await self._run(partial(_names, self._directory / fan_out))
            for first in range(0, len(names), STATS):
                some = names[first : first + STATS]
                digests = [fan_out + name for name in some if _REST.fullmatch(name)]
                sizes = await self._run(partial(self._sizes, digests))
                for digest, size in zip(digests, sizes, strict=True):
                    if size is not None:
                        yield digest, size

    async def close(self) -> None:
        """See the port. What is being put ends at its next piece."""
        self._closed = True
        await self._idle.wait()
        if self._own:
            await self._loop.run_in_executor(None, self._files.shutdown)

    def _path(self, digest: str) -> Path:
        """Where it is kept. Nothing but a digest ever becomes a path. Raises ValueError."""
        if _DIGEST.fullmatch(digest) is None:
            raise ValueError(f"{digest!r} is not a SHA-256 in 64 lower-case hexadecimal digits")
        return self._directory / digest[:2] / digest[2:]

    def _sizes(self, digests: Sequence[str]) -> list[int | None]:
        return [_size(self._path(digest)) for digest in digests]

    def _refuse(self) -> None:
        if self._closed:
            raise BlobsUnavailableError("the store of files is closed")
        if self._distrust is not None:
            raise BlobsUnavailableError(self._distrust.reason, full=self._distrust.full)

    def _settle(self, parent: Path) -> None:
        """Have the names in this fan-out directory, and its own, on the disk."""
        _sync_directory(parent)
        if parent.name not in self._made:
            _sync_directory(self._directory)
            self._made.add(parent.name)

    async def _flushing(self, work: Callable[[], ResultT]) -> ResultT:
        try:
            return await self._run(work)
        except _FlushError as error:
            cause = error.error
            reason = f"the disk failed ({cause.strerror}); restart the server"
            self._distrust = BlobsUnavailableError(reason, full=cause.errno in FULL)
            self._refuse()
            raise

    async def _run(self, work: Callable[[], ResultT], *, closing: bool = False) -> ResultT:
        """In a thread, to its end whatever comes."""
        if self._closed and not closing:
            raise BlobsUnavailableError("the store of files is closed")
        job = self._loop.run_in_executor(self._files, work)
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            while not job.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([job])
            job.exception()  # nobody is left to be told
            raise
        except OSError as error:
            raise _unavailable(error) from None


class _FlushError(Exception):
    """A flush failed: what is on the disk is not known any more."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


class _Put:
    """One file on its way in. Each method is one job, and leaves what it opened where `discard` finds it."""

    def __init__(self, directory: Path, path: Path, source: str) -> None:
        self._path = path
        self._source = source
        self._temporary = directory / f"put-{secrets.token_hex(16)}.tmp"
        self._from = self._to = -1
        self._left = 0
        self._inside = hasattr(os, "copy_file_range")

    def begin(self) -> bool:
        """Open the source, and say whether it can be linked: a second name must give nobody a way in."""
        self._from = os.open(self._source, _READ)
        source = os.fstat(self._from)
        if not stat.S_ISREG(source.st_mode):
            raise OSError(errno.EINVAL, "is not a file", self._source)
        self._left = source.st_size
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        return (
            os.path.samestat(source, os.lstat(self._source))
            and stat.S_IMODE(source.st_mode) == 0o600
            and source.st_uid == self._path.parent.stat().st_uid
        )

    def link(self) -> bool:
        """Give the source's file its second name. False: it cannot have one, as on another file system."""
        _flush(self._from)
        try:
            os.link(self._source, self._path)
        except FileExistsError:
            return True  # somebody has just put it
        except OSError as error:
            if error.errno not in _CANNOT_LINK:
                raise
            return False
        return True

    def copy(self) -> None:
        """Begin to copy."""
        self._to = os.open(self._temporary, _WRITE, 0o600)

    def piece(self) -> bool:
        """Copy the next bytes. False: that was all."""
        if not self._left:
            return False
        count = min(PIECE, self._left)
        copied = self._copied_inside(count) if self._inside else None
        if copied is None:
            piece = os.read(self._from, count)
            copied = os.write(self._to, piece)
            if copied < len(piece):
                os.lseek(self._from, copied - len(piece), os.SEEK_CUR)
        if not copied:
            raise OSError(errno.EIO, "became shorter while it was copied", self._source)
        self._left -= copied
        return True

    def name(self) -> None:
        """Have the copy on the disk, and then under its name."""
        _flush(self._to)
        os.close(self._to)
        self._to = -1
        self._temporary.replace(self._path)

    def discard(self) -> None:
        """Give back what is still held."""
        if self._to != -1:
            os.close(self._to)
        self._temporary.unlink(missing_ok=True)
        if self._from != -1:
            os.close(self._from)
        self._from = self._to = -1

    def _copied_inside(self, count: int) -> int | None:
        """By the system, without the bytes passing through here: copy_file_range(2). None: it cannot."""
        try:
            return os.copy_file_range(self._from, self._to, count)
        except OSError as error:
            if error.errno not in _CANNOT_COPY_INSIDE:
                raise
        self._inside = False
        return None


def _unavailable(error: OSError) -> BlobsUnavailableError:
    said = error.strerror or str(error)
    reason = f"{error.filename}: {said}" if error.filename else said
    return BlobsUnavailableError(reason, full=error.errno in FULL)


def _size(path: Path) -> int | None:
    """Bytes of a file; None: there is none of that name."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _names(directory: Path) -> list[str]:
    try:
        return os.listdir(directory)  # noqa: PTH208 (names, not paths)
    except NotADirectoryError:
        return []  # a foreign file


def _read(path: Path, offset: int, count: int) -> bytes:
    """Not by pread(2), which Windows does not have."""
    descriptor = os.open(path, _ENTRY)
    try:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, count)
    finally:
        os.close(descriptor)


def _make(directory: Path) -> None:
    """Make it, and what is missing above it, for its owner alone."""
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700)
        try:
            _sync_directory(path.parent)
        except _FlushError as error:
            raise error.error from None


def _flush(descriptor: int) -> None:
    try:
        sync_file(descriptor)
    except OSError as error:
        raise _FlushError(error) from None


def _sync_directory(path: Path) -> None:
    if sys.platform == "win32":  # it cannot open one
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise _FlushError(error) from None
    finally:
        os.close(descriptor)
