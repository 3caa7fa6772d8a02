"""The port to the operating system, the only one: a directory of files.

Tests put a simulated one in its place.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from hubbub.log.layout import LOCK

if sys.platform != "win32":
    import fcntl

_NOWAIT = getattr(os, "RWF_NOWAIT", 0)
_NOT_THERE = {errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


class File(Protocol):
    """An open file. Not shared between writers; reading is safe from several threads."""

    def pwrite(self, data: bytes | bytearray | memoryview, offset: int) -> None:
        """Write all of it, or raise OSError. Not durable before `fdatasync`."""
        ...

    def pread(self, length: int, offset: int, /) -> bytes:
        """Up to `length` bytes; fewer at the end of the file."""
        ...

    def pread_nowait(self, length: int, offset: int) -> bytes | None:
        """The same without waiting for the disk; None: not (wholly) in the page cache."""
        ...

    def fdatasync(self) -> None:
        """All that was written is on the disk when this returns. After an OSError nothing is known."""
        ...

    def truncate(self, length: int) -> None:
        """Cut the file; durable with the next `fdatasync`."""
        ...

    def preallocate(self, offset: int, length: int) -> None:
        """Take the space now and make the file that long, with zeros. Nothing where the system cannot."""
        ...

    def size(self) -> int:
        """Bytes."""
        ...

    def close(self) -> None:
        """Give the descriptor back."""
        ...


class Files(Protocol):
    """A directory. A create, rename or unlink is durable once `sync_directory` has returned."""

    def create(self, name: str) -> File:
        """A new file, readable by its owner only. FileExistsError where there is one."""
        ...

    def open(self, name: str, *, write: bool) -> File:
        """A file that is there; FileNotFoundError otherwise."""
        ...

    def names(self) -> list[str]:
        """What is in the directory."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Atomic; replaces `new`."""
        ...

    def unlink(self, name: str) -> None:
        """Remove it; open files stay readable."""
        ...

    def sync_directory(self) -> None:
        """Make creates, renames and unlinks durable."""
        ...

    def lock(self) -> bool:
        """One process a directory; False: held by another."""
        ...

    def unlock(self) -> None:
        """Let others in."""
        ...


def sync_file(descriptor: int) -> None:
    """fdatasync(2); on macOS F_FULLFSYNC, because its fsync leaves the data in the drive's cache."""
    if sys.platform == "darwin":
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    elif hasattr(os, "fdatasync"):
        os.fdatasync(descriptor)
    else:
        os.fsync(descriptor)


class OsFile:
    """A file of the real file system."""

    __slots__ = ("descriptor", "pread")

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.pread: Callable[[int, int], bytes] = partial(os.pread, descriptor)
        """See `File`. No method, because a point read would spend a tenth of its time in one."""

    def pwrite(self, data: bytes | bytearray | memoryview, offset: int) -> None:
        """See `File`."""
        done = os.pwrite(self.descriptor, data, offset)
        if done < len(data):
            view = memoryview(data)
            while done < len(view):
                done += os.pwrite(self.descriptor, view[done:], offset + done)

    def pread_nowait(self, length: int, offset: int) -> bytes | None:
        """See `File`.

        preadv2(2) with RWF_NOWAIT; an ordinary read where the system or file system has it not.
        """
        if not _NOWAIT:
            return self.pread(length, offset)
        buffer = bytearray(length)
        try:
            got = os.preadv(self.descriptor, [buffer], offset, _NOWAIT)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno in _NOT_THERE:
                return self.pread(length, offset)
            raise
        if got == length:
            return bytes(buffer)
        return self.pread(length, offset) if offset + length > self.size() else None

    def fdatasync(self) -> None:
        """See `File`."""
        sync_file(self.descriptor)

    def truncate(self, length: int) -> None:
        """See `File`."""
        os.ftruncate(self.descriptor, length)

    def preallocate(self, offset: int, length: int) -> None:
        """See `File`."""
        if not hasattr(os, "posix_fallocate"):
            return
        try:
            os.posix_fallocate(self.descriptor, offset, length)
        except OSError as error:
            if error.errno not in _NOT_THERE:
                raise

    def size(self) -> int:
        """See `File`."""
        return os.fstat(self.descriptor).st_size

    def close(self) -> None:
        """See `File`. Twice does no harm."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
            self.pread = partial(os.pread, -1)  # never the file that gets the number next


class Directory:
    """`Files` on a real path, made (0700) where it is not there, unless for reading only."""

    def __init__(self, path: str | os.PathLike[str], *, make: bool = True) -> None:
        self.path = Path(path)
        self._lock: int | None = None
        missing = [one for one in (self.path, *self.path.parents) if not one.is_dir()]
        if make and missing:
            self.path.mkdir(parents=True, mode=0o700)
            for one in missing:
                self._sync(one.parent)

    def create(self, name: str) -> OsFile:
        """See `Files`."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        return OsFile(os.open(self.path / name, flags, 0o600))

    def open(self, name: str, *, write: bool) -> OsFile:
        """See `Files`."""
        return OsFile(os.open(self.path / name, (os.O_RDWR if write else os.O_RDONLY)))

    def names(self) -> list[str]:
        """See `Files`."""
        return sorted(os.listdir(self.path))  # noqa: PTH208 - names are wanted, not paths

    def rename(self, old: str, new: str) -> None:
        """See `Files`."""
        (self.path / old).replace(self.path / new)

    def unlink(self, name: str) -> None:
        """See `Files`."""
        (self.path / name).unlink()

    def sync_directory(self) -> None:
        """See `Files`."""
        self._sync(self.path)

    @staticmethod
    def _sync(path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def lock(self) -> bool:
        """flock(2) on LOCK; the system lets go when the process ends, however it ends."""
        descriptor = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True

    def unlock(self) -> None:
        """See `Files`."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def replace(files: Files, name: str, data: bytes, *, durable: bool = True) -> None:
    """Put a whole file in the place of another, so that after a crash it is the old or the new one.

    Write beside it, sync, rename, sync the directory (Pillai et al., "All File Systems Are Not Created
    Equal", OSDI 2014). Without `durable` a crash may leave neither: only for files that can be made anew.
    """
    temporary = name + ".tmp"
    try:
        file = files.create(temporary)
    except FileExistsError:
        files.unlink(temporary)
        file = files.create(temporary)
    try:
        file.pwrite(data, 0)
        if durable:
            file.fdatasync()
    finally:
        file.close()
    files.rename(temporary, name)
    if durable:
        files.sync_directory()
