"""A file system in memory that does, by a seed, the worst that ext4, XFS and Btrfs are allowed to do.

What it knows comes from ALICE (Pillai et al., OSDI 2014), "fsyncgate" (Rebello et al., ATC 2020), the fault
injection of RocksDB and the crash tests of SQLite (test6.c):

- A write is volatile until `fdatasync` of its file returned. At a power cut each 512-byte sector holds any of
  the states it had since then; the size may have grown over zeros, or over garbage.
- Creating, renaming and unlinking are volatile until `sync_directory`. Then the first few survive, or any.
- A `fdatasync` that failed marks the pages clean: they are read from the cache, and never written.
- A full disk takes half of a write. It may have space again later.
- Any call may be the last one, half done. After kill -9 the page cache lives on; a power cut empties it.

What a disk is trusted with: it honours a flush, and a write leaves alone the bytes that it does not name.
"""

from __future__ import annotations

import errno
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from hubbub.log.layout import LOCK
from log.simulated_pages import PAGE, SECTOR, Inode, Write


class Crashed(BaseException):
    """The process is no more. Not an Exception: nothing that it does about it may reach the disk."""


@dataclass(slots=True)
class Entry:
    """One change of the directory."""

    name: str
    inode: Inode | None  # None: the name is gone
    former: str | None = None  # the name that the file had before

    def apply(self, directory: dict[str, Inode]) -> None:
        if self.former is not None:
            directory.pop(self.former, None)
        if self.inode is None:
            directory.pop(self.name, None)
        else:
            directory[self.name] = self.inode


class SimulatedFile:
    """An open file. Implements `hubbub.log.files.File`."""

    def __init__(self, files: SimulatedFiles, name: str, inode: Inode, *, write: bool) -> None:
        self.files = files
        self.name = name
        self.inode = inode
        self.writable = write
        self.closed = False
        files.handles.add(self)

    def pwrite(self, data: bytes | bytearray | memoryview, offset: int) -> None:
        last = self._begin("pwrite", write=True)
        whole = Write(offset, bytes(data))
        if last:
            self._change(Write(offset, whole.data[: self.files.rng.randrange(len(whole.data) + 1)]))
            raise Crashed
        if self.files.is_full():
            self._change(Write(offset, whole.data[: len(whole.data) // 2]))
            raise self.files.no_space(self.name)
        self._change(whole)

    def pread(self, length: int, offset: int) -> bytes:
        self._alive()
        return bytes(self.inode.cache[offset : offset + length])

    def pread_nowait(self, length: int, offset: int) -> bytes | None:
        self._alive()
        if self.files.rng.random() < self.files.cold:
            return None
        return bytes(self.inode.cache[offset : offset + length])

    def fdatasync(self) -> None:
        last = self._begin("fdatasync", write=False)
        count = len(self.inode.pending)
        if self.files.during_sync is not None:
            self.files.during_sync()  # what is written meanwhile is not covered
        if last:
            if self.files.rng.random() < 0.5:
                self.inode.flush(count)
            raise Crashed
        if self.files.sync_fails():
            written = self.files.rng.randrange(count + 1) if self.files.rng.random() < 0.5 else 0
            self.inode.flush(written)
            self.inode.forget(count - written)
            raise OSError(self.files.sync_errno, "simulated: the sync failed", self.name)
        self.inode.flush(count)

    def truncate(self, length: int) -> None:
        self._last_or(self._begin("truncate", write=True), Write(length, cut=True))

    def preallocate(self, offset: int, length: int) -> None:
        last = self._begin("preallocate", write=True)
        if self.files.is_full():
            raise self.files.no_space(self.name)
        if len(self.inode.cache) < offset + length:
            self._last_or(last, Write(offset + length))
        elif last:
            raise Crashed

    def size(self) -> int:
        self._alive()
        return len(self.inode.cache)

    def close(self) -> None:
        self.closed = True
        self.files.handles.discard(self)

    def _last_or(self, last: bool, change: Write) -> None:
        if not last or self.files.rng.random() < 0.5:
            self._change(change)
        if last:
            raise Crashed

    def _change(self, change: Write) -> None:
        if change.data or change.cut or change.offset > len(self.inode.cache):
            self.inode.write(change, self.files.grain)

    def _begin(self, call: str, *, write: bool) -> bool:
        self._alive()
        if write and not self.writable:
            raise OSError(errno.EBADF, "simulated: not open for writing", self.name)
        return self.files.begin(call)

    def _alive(self) -> None:
        self.files.check_alive()
        if self.closed:
            raise OSError(errno.EBADF, "simulated: the file is closed", self.name)


class SimulatedFiles:
    """A directory of such files, as one process sees it. Implements `hubbub.log.files.Files`.

    `begin` counts the calls that change something; the faults are set by that number:
    `crash_at` is the process's last call, `sync_fails_at` the earliest one that can fail as a sync,
    and within `full` the disk takes nothing new.
    """

    handle = SimulatedFile

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.calls = 0
        self.crash_at = 0
        self.sync_fails_at = 0
        self.sync_errno = errno.EIO
        self.full = range(0)
        self.cold = 0.1  # of the reads that must not wait, so many find nothing in the cache
        self.during_sync: Callable[[], None] | None = None
        self.ordered = rng.random() < 0.7  # whether the directory's journal keeps the order of changes
        self.grain = rng.choice((SECTOR, PAGE))
        self.handles: set[SimulatedFile] = set()
        self.directory: dict[str, Inode] = {}
        self._on_disk: dict[str, Inode] = {}
        self._pending: list[Entry] = []
        self._dead = False
        self.faulted = False
        self._read_only = False  # a journal that failed lets nothing change any more
        self._locked = False

    def create(self, name: str) -> SimulatedFile:
        if name in self.directory:
            raise FileExistsError(errno.EEXIST, "simulated: file exists", name)
        self._change("create", Entry(name, Inode()), allocates=True)
        return self.handle(self, name, self.directory[name], write=True)

    def open(self, name: str, *, write: bool) -> SimulatedFile:
        self.check_alive()
        if write and self._read_only:
            raise OSError(errno.EROFS, "simulated: read-only file system", name)
        return self.handle(self, name, self._inode(name), write=write)

    def names(self) -> list[str]:
        self.check_alive()
        return list(self.directory)

    def rename(self, old: str, new: str) -> None:
        self._change("rename", Entry(new, self._inode(old), old), allocates=True)

    def unlink(self, name: str) -> None:
        self._inode(name)
        self._change("unlink", Entry(name, None))

    def sync_directory(self) -> None:
        last = self.begin("sync_directory")
        covered = list(self._pending)
        if self.during_sync is not None:
            self.during_sync()
        if not last and self.sync_fails():
            self._read_only = self.rng.random() < 0.5
            raise OSError(self.sync_errno, "simulated: the sync of the directory failed")
        if not last or self.rng.random() < 0.5:
            for entry in covered:
                entry.apply(self._on_disk)
            del self._pending[: len(covered)]
        if last:
            raise Crashed

    def lock(self) -> bool:
        if LOCK not in self.directory:
            self._change("lock", Entry(LOCK, Inode()))
        self.check_alive()
        taken, self._locked = self._locked, True
        return not taken

    def unlock(self) -> None:
        self._locked = False

    # What the test does to it.

    def killed(self) -> Self:
        """Return what a new process finds after kill -9: the page cache."""
        after = self._successor()
        after.directory, after._on_disk, after._pending = self.directory, self._on_disk, self._pending
        after.faulted = after._read_only = self._read_only
        for inode in self.directory.values():
            if inode.lost_pages and self.rng.random() < 0.5:
                inode.evict()
        return after

    def power_cut(self) -> Self:
        """Return what may be found when the power is back."""
        after = self._successor()
        directory = dict(self._on_disk)
        arrived = self._pending
        if self.ordered:
            arrived = arrived[: self.rng.randrange(len(arrived) + 1)]
        else:
            arrived = [entry for entry in arrived if self.rng.random() < 0.5]
        for entry in arrived:
            entry.apply(directory)
        for name, inode in directory.items():
            image = inode.after_power_cut(self.rng, self._garbage)
            after.directory[name] = Inode(image, bytearray(image))
        after._on_disk = dict(after.directory)
        return after

    def contents(self, name: str) -> bytes:
        return bytes(self.directory[name].cache)

    def overwrite(self, name: str, data: bytes) -> None:
        """Put other bytes on the disk, as bit rot or somebody's hand does."""
        self.directory[name] = self._on_disk[name] = Inode(bytearray(data), bytearray(data))

    def begin(self, call: str) -> bool:
        """Count a call; return whether the process dies in it."""
        self.check_alive()
        if self._read_only:
            raise OSError(errno.EROFS, "simulated: read-only file system")
        self.calls += 1
        self._dead = self.calls == self.crash_at
        return self._dead

    def check_alive(self) -> None:
        if self._dead:
            raise Crashed

    def is_full(self) -> bool:
        full = self.calls in self.full
        self.faulted = self.faulted or full
        return full

    def sync_fails(self) -> bool:
        fails = 0 < self.sync_fails_at <= self.calls
        if fails:
            self.sync_fails_at = 0
            self.faulted = True
        return fails

    @staticmethod
    def no_space(name: str) -> OSError:
        return OSError(errno.ENOSPC, "simulated: no space left", name)

    def _successor(self) -> Self:
        self._dead = True
        after = type(self)(self.rng)
        after.ordered, after.grain, after.cold = self.ordered, self.grain, self.cold
        return after

    def _inode(self, name: str) -> Inode:
        self.check_alive()
        if name not in self.directory:
            raise FileNotFoundError(errno.ENOENT, "simulated: no such file", name)
        return self.directory[name]

    def _change(self, call: str, entry: Entry, *, allocates: bool = False) -> None:
        last = self.begin(call)
        if allocates and self.is_full():
            raise self.no_space(entry.name)
        if not last or self.rng.random() < 0.5:
            self._pending.append(entry)
            entry.apply(self.directory)
        if last:
            raise Crashed

    def _garbage(self, length: int) -> bytes:
        """Return what a block may hold that was never written: noise, or a file's old bytes."""
        old = max((inode.disk for inode in self.directory.values()), key=len, default=bytearray())
        if self.rng.random() < 0.5 and len(old) > length:
            start = self.rng.randrange(len(old) - length)
            return bytes(old[start : start + length])
        return self.rng.randbytes(length)
