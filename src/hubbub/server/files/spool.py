"""One unfinished upload's file: bytes come in at its end, and the SHA-256 of them all is kept beside.

What is taken waits here, at most about WINDOW of it, while a thread writes what came before. A thread's job
is a few calls into C, each without the interpreter's lock; what comes next is decided on the loop.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import Callable
from concurrent.futures import Executor
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol, TypeVar

from hubbub.core.errors import Code, Refusal
from hubbub.log.files import sync_file

ResultT = TypeVar("ResultT")

WINDOW: Final = 1_048_576
"""Bytes that may wait for the disk before whoever sends them has to."""
PIECE: Final = 1_048_576
"""Bytes that are read and hashed in one job."""
SPARE: Final = 8_388_608
"""Bytes of the disk that uploads leave free: twice what the log needs, so that people can talk on."""
_FLAGS: Final = (
    os.O_RDWR
    | os.O_CREAT
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)  # Windows would change line ends
)
_NONE: Final = -1
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
RETRY: Final = 10.0
"""Seconds after which to try again what failed for want of space, or of a store."""


class Hash(Protocol):
    """What hashlib makes."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Go on."""

    def digest(self) -> bytes:
        """Of all so far."""
        ...

    def hexdigest(self) -> str:
        """Likewise."""
        ...

    def copy(self) -> Hash:
        """Another one, as far as this."""
        ...


class Spool:
    """The bytes of one upload that are there.

    Where the disk fails, `failed` is told, and whoever waits may get the OSError: what was not written by
    then is forgotten, what was is kept, and it may be tried again.
    """

    __slots__ = (
        "_descriptor",
        "_hash",
        "_loop",
        "_pump",
        "_threads",
        "_trial",
        "_turn",
        "_undo",
        "_unwritten",
        "_waiting",
        "accepted",
        "failed",
        "path",
        "roomy",
        "synced",
        "touched",
        "written",
    )

    def __init__(
        self, path: Path, present: int, touched: float, loop: asyncio.AbstractEventLoop, threads: Executor
    ) -> None:
        """`present` bytes are there already; `touched` is when the last one came (Unix time)."""
        self.path = path
        self.touched = touched
        self.accepted = self.written = present
        """Bytes that were taken, and of these written."""
        self.synced = present
        """Bytes that survive the machine's crash; after a restart, those that were found."""
        self.roomy: Callable[[], None] = _nothing
        self.failed: Callable[[OSError], None] = _ignored
        self._loop = loop
        self._threads = threads
        self._descriptor = _NONE
        self._hash: Hash | None = None if present else sha256()  # None: to be computed from the file
        self._undo: tuple[int, Hash] | None = None  # where a chunk on trial begins, and the hash there
        self._trial: Hash | None = None  # of that chunk alone
        self._waiting: list[bytes] = []
        self._unwritten = 0
        self._turn = asyncio.Lock()
        """Whoever has it may use the descriptor and the hash."""
        self._pump: asyncio.Task[None] | None = None

    # -- bytes in

    @property
    def full(self) -> bool:
        """Whether whoever sends should wait."""
        return self._unwritten > WINDOW

    def push(self, data: bytes | memoryview) -> None:
        """Take bytes, at the end; a view is good until this returns. Never blocks."""
        self._waiting.append(bytes(data))
        self._unwritten += len(data)
        self.accepted += len(data)
        if self._pump is None:
            self._pump = self._loop.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._step()
                if not self.full:
                    self.roomy()
        except OSError:
            pass  # told
        finally:
            self._pump = None

    async def _step(self) -> None:
        """Write what waits."""
        async with self._turn:
            if not self._waiting:
                return
            try:
                whole = await self._ready()
                data, self._waiting = b"".join(self._waiting), []
                view = memoryview(data)
                while view:
                    count = await self._in_thread(
                        _store, self.path, self._descriptor, view, self.written, whole, self._trial
                    )
                    self.written += count
                    self._unwritten -= count
                    view = view[count:]
            except OSError as error:
                self._waiting.clear()
                self._unwritten = 0
                self.accepted = self.written
                self.failed(error)
                raise

    async def _ready(self) -> Hash:
        """See that it is open, and hashed up to its end."""
        if self._descriptor == _NONE:
            self._descriptor = await self._in_thread(os.open, str(self.path), _FLAGS, 0o600)
        if self._hash is None:
            fresh, at = sha256(), 0
            while at < self.written:
                count = await self._in_thread(_rehash, self._descriptor, at, self.written - at, fresh)
                if not count:
                    raise OSError(None, "the file became shorter", str(self.path))
                at += count
            self._hash = fresh
        return self._hash

    # -- what is sure

    async def sync(self) -> int:
        """Have all that was taken on the disk; return how much that is: less, if `failed` was told."""
        goal = self.accepted
        while self.written < goal and self._waiting:
            await self._step()
        async with self._turn:
            if self._descriptor != _NONE and self.synced < self.written:
                written = self.written
                try:
                    await self._in_thread(sync_file, self._descriptor)
                except OSError:
                    await self._distrust()
                    raise
                self.synced = written
        return self.synced

    async def _distrust(self) -> None:
        """A sync failed: what it was for may be lost, and another one would not tell (fsyncgate)."""
        self._waiting.clear()
        self._unwritten = 0
        self.accepted = self.written = self.synced
        self._hash = None
        await self._in_thread(os.truncate, self._descriptor, self.synced)

    async def digest(self) -> str:
        """The SHA-256 of all that was taken, in hexadecimal digits. Raises OSError."""
        await self.sync()
        async with self._turn:
            return (await self._ready()).hexdigest()

    async def shut(self) -> None:
        """Write and sync what was taken, and hold no descriptor. Raises OSError."""
        try:
            await self.sync()
        finally:
            async with self._turn:
                descriptor, self._descriptor = self._descriptor, _NONE
                if descriptor != _NONE:
                    await self._in_thread(os.close, descriptor)

    async def remove(self) -> None:
        """Forget everything, the file too. Raises OSError."""
        async with self._turn:
            self._waiting.clear()
            self._unwritten = self.accepted = self.written = self.synced = 0
            self._hash = sha256()
            descriptor, self._descriptor = self._descriptor, _NONE
            if descriptor != _NONE:
                await self._in_thread(os.close, descriptor)
            await self._in_thread(_unlink, self.path)

    # -- a chunk on trial

    @property
    def on_trial(self) -> bool:
        """Whether the last bytes may have to go again."""
        return self._undo is not None

    async def mark(self, trial: Hash) -> None:
        """What comes from here on is kept if its digest, by `trial`, is as it should be. Raises OSError."""
        await self.sync()
        async with self._turn:
            self._undo = (self.written, (await self._ready()).copy())
            self._trial = trial

    async def verdict(self, digest: bytes | None) -> bool:
        """Whether what came since `mark` is that. If not, be as then. None: not all came. Raises OSError."""
        await self.sync()
        async with self._turn:
            undo, trial = self._undo, self._trial
            if undo is None or trial is None:
                return True
            fine = trial.digest() == digest
            if not fine:
                self._waiting.clear()
                self._unwritten = 0
                await self._ready()
                await self._in_thread(os.truncate, self._descriptor, undo[0])
                self.accepted = self.written = self.synced = undo[0]
                self._hash = undo[1]
            self._undo = self._trial = None
            return fine

    def _in_thread(self, work: Callable[..., ResultT], *arguments: object) -> asyncio.Future[ResultT]:
        return self._loop.run_in_executor(self._threads, work, *arguments)


class Writer:
    """Puts bytes at the end of an upload. There is one at a time: a later one takes its place."""

    __slots__ = ("_clock", "_gone", "_most", "_spool", "closed", "failure", "on_failed", "on_room")

    def __init__(
        self, spool: Spool, most: int, clock: Callable[[], float], gone: Callable[[Writer], None]
    ) -> None:
        self._spool = spool
        self._most = most
        self._clock = clock
        self._gone = gone
        self.closed = False
        self.failure: Refusal | None = None
        """Why it takes nothing more, if it failed."""
        self.on_room: Callable[[], None] = lambda: None
        """There is room again, after `write` said that there was none. May be called without need."""
        self.on_failed: Callable[[Refusal], None] = lambda _: None
        """It takes nothing more. What was written stays, and may be gone on with."""

    @property
    def offset(self) -> int:
        """Where the next byte goes."""
        return self._spool.accepted

    def write(self, data: bytes | memoryview) -> bool:
        """Take bytes; it never blocks. False: no more now, wait for `on_room`."""
        if self.closed:
            return True
        if self._spool.accepted + len(data) > self._most:
            message = f"These are more bytes than the {self._most} that were announced."
            self.fail(Refusal(Code.TOO_LARGE, message, field="size"))
            return True
        self._spool.touched = self._clock()
        self._spool.push(data)
        return not self._spool.full

    async def sync(self) -> int:
        """Have everything on the disk. Return how much that is; less than `offset` was, if it failed."""
        try:
            return await self._spool.sync()
        except OSError as error:
            self.fail(refused(error))
            return self._spool.synced

    def close(self) -> None:
        """Write no more. What was taken gets to the disk."""
        if not self.closed:
            self.closed = True
            self._gone(self)

    def fail(self, refusal: Refusal) -> None:
        """Tell whoever writes that it is over."""
        if not self.closed:
            self.failure = refusal
            self.close()
            self.on_failed(refusal)


def refused(error: OSError) -> Refusal:
    """What whoever sends is told where the disk fails."""
    if error.errno in _FULL:
        return full()
    return Refusal(Code.INTERNAL, "The server's disk failed. What came before is kept.", retry_after=RETRY)


def full() -> Refusal:
    """There is no space left."""
    return Refusal(
        Code.READ_ONLY,
        "Nothing can be kept now: the disk is full. What came before stays; go on later.",
        retry_after=RETRY,
    )


def _store(
    path: Path, descriptor: int, data: memoryview, offset: int, whole: Hash, trial: Hash | None
) -> int:
    """Write at an offset, and hash what was written. Not by pwrite(2), which Windows does not have."""
    if shutil.disk_usage(path.parent).free < SPARE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    os.lseek(descriptor, offset, os.SEEK_SET)
    count = os.write(descriptor, data)
    whole.update(data[:count])
    if trial is not None:
        trial.update(data[:count])
    return count


def _rehash(descriptor: int, offset: int, most: int, whole: Hash) -> int:
    os.lseek(descriptor, offset, os.SEEK_SET)
    data = os.read(descriptor, min(PIECE, most))
    whole.update(data)
    return len(data)


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)


def _nothing() -> None: ...


def _ignored(_: OSError) -> None: ...
