"""Where received files go: into a part first, and under their name when they are whole and right.

A part is a hidden file beside the place where the file will be. It stays after a lost line, a crash or a
full disk, and the transfer goes on at its end. Nothing that is there is ever overwritten.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Protocol

from hubbub.client.durable import move_file, no_space, sync_directory
from hubbub.client.errors import BundleError, BusyError, DigestError, NoSpaceError, PlaceError
from hubbub.client.tree import shortened
from hubbub.client.unbundle import unpack
from hubbub.core.errors import Refusal
from hubbub.core.filenames import label

if sys.platform != "win32":
    import fcntl

NAMELESS: Final = "file"
"""What a file is called whose name is refused."""

_FILE: Final = ".part"
_BUNDLE: Final = ".tar.part"
_READ: Final = 1_048_576
_NAME_LIMIT: Final = 200  # bytes of the name in the name of a part; the rest of 255 is ours


class Place(Protocol):
    """Where the bytes of one file go as they arrive."""

    @property
    def offset(self) -> int:
        """So many bytes are here."""
        ...

    @property
    def sha256(self) -> str:
        """Of what is here."""
        ...

    def write(self, data: bytes | memoryview) -> None:
        """The next bytes. Raises NoSpaceError, PlaceError."""
        ...

    def finish(self, sha256: str | None) -> list[Path]:
        """All of it is here: where it is now. Raises DigestError, and what `write` raises."""
        ...

    def close(self) -> None:
        """Let go. What is not finished stays, to be gone on with."""
        ...


class Leftover(NamedTuple):
    """A part that an earlier attempt left. Its name may be a shortened one."""

    path: Path
    name: str
    bundle: bool


def safe_name(name: str) -> str:
    """A name from a peer as the name of a file here: itself in NFC, or `NAMELESS`. Never a path."""
    allowed = label(name)
    return NAMELESS if isinstance(allowed, Refusal) else allowed


def leftover(directory: Path, offer: str) -> Leftover | None:
    """The part of this offer in a folder, for whoever does not know the file's name (it was sealed)."""
    mark = _mark(offer)
    for path in sorted(directory.glob(f".*{mark}*")):
        for ending in (_BUNDLE, _FILE):
            if path.name.endswith(mark + ending):
                return Leftover(path, path.name[1 : -len(mark + ending)], ending == _BUNDLE)
    return None


class Partial:
    """A file, or a bundle, on its way into a folder: `.NAME.OFFER.part`, `.NAME.OFFER.tar.part`.

    `offer` is whatever tells this transfer from all others; it stands there as the beginning of its
    SHA-256, so any text will do. One process at a time has a part open, by flock(2).
    """

    def __init__(
        self,
        directory: Path,
        name: str,
        offer: str,
        size: int,
        *,
        bundle: bool = False,
        cut: Callable[[int], int] | None = None,
    ) -> None:
        """Open it, or go on with what is there; `offset` says where.

        `cut` says how much of so many bytes can be gone on from; a sealed stream only at a frame. What is
        here is read again for the digest. Raises BusyError, NoSpaceError (before anything is transferred,
        where the disk is too small), PlaceError.
        """
        self.directory = directory
        self.name = safe_name(name)
        self.bundle = bundle
        ending = _BUNDLE if bundle else _FILE
        self.path = directory / f".{shortened(self.name, _NAME_LIMIT)}{_mark(offer)}{ending}"
        self._size = size
        self._digest = hashlib.sha256()
        self.offset = 0
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._descriptor = self._open()
            try:
                self._go_on(cut)
            except BaseException:
                self.close()
                raise
        except OSError as error:
            raise self._failed(error) from error

    def write(self, data: bytes | memoryview) -> None:
        """See `Place`. After an error `offset` says how much was taken."""
        left = memoryview(data)
        if self.offset + len(left) > self._size:
            raise ValueError(f"more than the {self._size} bytes of this file")
        try:
            while left:
                written = os.write(self._descriptor, left)
                self._digest.update(left[:written])
                self.offset += written
                left = left[written:]
        except OSError as error:
            raise self._failed(error) from error

    @property
    def sha256(self) -> str:
        """Of what is here."""
        return self._digest.hexdigest()

    def finish(self, sha256: str | None) -> list[Path]:
        """See `Place`. Of a bundle: what it held, unpacked; BundleError where it may not be.

        A part with the wrong digest is removed, and so is a bundle that is refused.
        """
        if self.offset != self._size:
            raise ValueError(f"{self.offset} of {self._size} bytes are here")
        if sha256 is not None and sha256.lower() != self.sha256:
            self.discard()
            raise DigestError(f"'{self.name}' did not arrive as it was sent. It has to be sent again.")
        try:
            if self.bundle:
                placed = self._unpacked()
                self.path.unlink()
            else:
                os.fsync(self._descriptor)
                placed = [move_file(self.path, self.directory, self.name)]
            sync_directory(self.directory)
        except OSError as error:
            raise self._failed(error) from error
        self.close()
        return placed

    def _unpacked(self) -> list[Path]:
        try:
            return unpack(self.path, self.directory)
        except BundleError:
            self.discard()  # it will not be better the next time
            raise

    def discard(self) -> None:
        """Remove what is here: it is of no use."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """See `Place`. Twice does no harm. An empty part is of no use to anybody."""
        if self._descriptor >= 0:
            if not self.offset and _is_at(self.path, os.fstat(self._descriptor)):
                self.path.unlink(missing_ok=True)
            os.close(self._descriptor)  # and the lock with it
            self._descriptor = -1

    def _open(self) -> int:
        """The part, locked. Again, where whoever had it finished in between and the name is another's."""
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        while True:
            descriptor = os.open(self.path, flags, 0o666)  # what the umask leaves of it, as of any new file
            try:
                if sys.platform != "win32":
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                ours = os.fstat(descriptor)
                if ours.st_nlink == 1 and _is_at(self.path, ours):
                    return descriptor
                if ours.st_nlink > 1:  # finished, and stopped before this name went: not to be written to
                    self.path.unlink(missing_ok=True)
            except BlockingIOError:
                os.close(descriptor)
                raise BusyError(f"'{self.name}' is being received here already.") from None
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _go_on(self, cut: Callable[[int], int] | None) -> None:
        here = os.fstat(self._descriptor).st_size
        if here > self._size:  # of something else
            here = 0
        if cut is not None:
            here = cut(here)
        os.ftruncate(self._descriptor, here)
        while self.offset < here and (data := os.read(self._descriptor, min(_READ, here - self.offset))):
            self._digest.update(data)
            self.offset += len(data)
        free = shutil.disk_usage(self.directory).free
        needed = self._size - self.offset + (self._size if self.bundle else 0)
        if needed > free:
            raise NoSpaceError(f"'{self.name}' needs {needed} bytes in {self.directory}; {free} are free.")

    def _failed(self, error: OSError) -> PlaceError:
        if no_space(error):
            return NoSpaceError(f"There is no space left in {self.directory} for '{self.name}'.")
        return PlaceError(f"{self.directory} cannot be written: {error.strerror}.")


class Piped:
    """The target `-`: bytes go on to a pipe as they come, so nothing can be taken back or gone on with."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.offset = 0

    def write(self, data: bytes | memoryview) -> None:
        """See `Place`."""
        try:
            self._stream.write(data)
        except OSError as error:
            raise PlaceError(f"The output cannot be written: {error.strerror}.") from error
        self._digest.update(data)
        self.offset += len(data)

    @property
    def sha256(self) -> str:
        """See `Place`."""
        return self._digest.hexdigest()

    def finish(self, sha256: str | None) -> list[Path]:
        """See `Place`. A wrong digest can only be told: the reader of the pipe has the bytes."""
        try:
            self._stream.flush()
        except OSError as error:
            raise PlaceError(f"The output cannot be written: {error.strerror}.") from error
        if sha256 is not None and sha256.lower() != self.sha256:
            raise DigestError("What was written did not arrive as it was sent.")
        return []

    def close(self) -> None:
        """See `Place`. The stream belongs to whoever opened it."""


def _mark(offer: str) -> str:
    return "." + hashlib.sha256(offer.encode()).hexdigest()[:12]


def _is_at(path: Path, status: os.stat_result) -> bool:
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (status.st_dev, status.st_ino)
