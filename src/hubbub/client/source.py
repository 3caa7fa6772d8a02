"""What is sent: something with a name and a size, whose bytes can be read from any offset on."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Protocol

from hubbub.client.errors import ChangedError, SourceError
from hubbub.client.tree import component
from hubbub.core.errors import Refusal

PIECE: Final = 262_144
"""Bytes that are read at once: enough that a system call a piece costs little, and memory stays small."""

# No symbolic link is followed that was put there after the walk, and no FIFO waited for.
_OPEN: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class Source(Protocol):
    """Something to send."""

    @property
    def name(self) -> str:
        """How the receiver is to call it."""
        ...

    @property
    def size(self) -> int:
        """Bytes in all."""
        ...

    def read_from(self, offset: int) -> Iterator[bytes]:
        """The bytes from `offset` to `size`, in pieces of at most `PIECE`; as often as one likes.

        Raises SourceError, ChangedError.
        """
        ...


def some(pieces: Iterator[bytes], size: int) -> list[bytes]:
    """About `size` bytes of pieces at once: fewer ways into a thread and back. []: that was all."""
    found: list[bytes] = []
    for piece in pieces:
        found.append(piece)
        size -= len(piece)
        if size <= 0:
            break
    return found


async def digest_of(source: Source, told: Callable[[int, int], None]) -> str:
    """SHA-256 of the whole of it, in a thread. Raises SourceError."""
    loop = asyncio.get_running_loop()
    digest = hashlib.sha256()
    pieces = source.read_from(0)
    done = 0
    while (size := await loop.run_in_executor(None, _hash_some, digest, pieces)) > 0:
        done += size
        told(done, source.size)
    return digest.hexdigest()


def _hash_some(digest: hashlib._Hash, pieces: Iterator[bytes]) -> int:
    size = 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
        if size >= 4 * 1_048_576:
            break
    return size


class Facts(NamedTuple):
    """What a file was like when it was first looked at."""

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Facts:
        """From a stat(2)."""
        return cls(status.st_size, status.st_mtime_ns)


def read_file(path: str, facts: Facts, offset: int) -> Iterator[bytes]:
    """The bytes of a file from `offset` on. Raises ChangedError where it is not as `facts` say.

    It is looked at after the last read, so that a change while it was read is seen too; four system calls
    for a file of one piece.
    """
    try:
        descriptor = os.open(path, _OPEN)
    except OSError as error:
        raise _gone(path, error) from error
    try:
        yield from _pieces(descriptor, path, facts, offset)
    finally:
        os.close(descriptor)


def _pieces(descriptor: int, path: str, facts: Facts, offset: int) -> Iterator[bytes]:
    while offset < facts.size:
        try:
            piece = os.pread(descriptor, min(PIECE, facts.size - offset), offset)
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
        offset += len(piece)
        # Looked at before the last piece is handed out: a file that changed is never sent whole.
        if (not piece or offset == facts.size) and Facts.of(os.fstat(descriptor)) != facts:
            raise ChangedError(path)
        if not piece:
            raise ChangedError(path)
        yield piece


def _gone(path: str, error: OSError) -> SourceError:
    if isinstance(error, PermissionError):
        return SourceError(f"{path} may not be read.")
    return ChangedError(path)


class PlainFile:
    """One file, as it is: a `Source`, and a descriptor for sendfile(2). To be closed, or used by `with`."""

    def __init__(self, path: str | os.PathLike[str], *, name: str | None = None) -> None:
        """Open it. Raises SourceError where it is no file, may not be read, or has a name that is refused."""
        self._path = os.fspath(path)
        allowed = component(Path(self._path).name if name is None else name)
        if isinstance(allowed, Refusal):
            raise SourceError(f"{self._path} cannot be sent. {allowed.message}")
        self.name = allowed
        try:
            self._descriptor = os.open(self._path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            raise SourceError(f"{self._path} cannot be read: {error.strerror}.") from error
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise SourceError(f"{self._path} is no file.")
        self._facts = Facts.of(status)
        self.size = status.st_size

    def fileno(self) -> int:
        """The descriptor, for sendfile(2); call `check` at the end."""
        return self._descriptor

    def read_from(self, offset: int) -> Iterator[bytes]:
        """See `Source`."""
        return _pieces(self._descriptor, self._path, self._facts, offset)

    def check(self) -> None:
        """Raise ChangedError where the file is not what it was when it was opened."""
        if Facts.of(os.fstat(self._descriptor)) != self._facts:
            raise ChangedError(self._path)

    def close(self) -> None:
        """Give the descriptor back. Twice does no harm."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> PlainFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
