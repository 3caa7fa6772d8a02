"""What can go wrong with a log. None of these is retried blindly: each says what its caller may do."""

from __future__ import annotations

from typing import Protocol


class LogError(Exception):
    """Anything the log reports."""


class CorruptError(LogError):
    """Acknowledged data or the files around it are damaged. Never repaired in silence."""

    def __init__(self, file: str, offset: int, problem: str) -> None:
        super().__init__(f"{file}, byte {offset}: {problem}")
        self.file = file
        self.offset = offset
        self.problem = problem


class ForeignDirectoryError(LogError):
    """The directory holds something and is not a log. Nothing was touched."""


class NewerFormatError(LogError):
    """The directory was written by a newer version. Nothing was touched."""


class LockedError(LogError):
    """Another process has the log open for writing."""


class ReadOnlyError(LogError):
    """No writing: opened read-only, or after a failure (see `Log.failure`). What was asked was not kept."""


class Readable(Protocol):
    """What a cold read is made good with."""

    def pread(self, length: int, offset: int, /) -> bytes:
        """The bytes, from the disk if need be."""
        ...


class ColdError(LogError):
    """The bytes are not in the page cache. Call `warm` on a thread, then read again."""

    def __init__(self, file: Readable, descriptor: int, offset: int, length: int) -> None:
        super().__init__(f"{length} bytes at {offset} are not in the page cache")
        self.descriptor = descriptor
        self.offset = offset
        self.length = length
        self._file = file

    def warm(self) -> None:
        """Bring the bytes into the page cache. Blocks. What cannot be read is reported by the read itself."""
        try:
            self._file.pread(self.length, self.offset)
        except (OSError, ValueError):
            return  # compacted away meanwhile: the reader finds the new place
