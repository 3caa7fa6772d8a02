"""Files and folders moved to where they stay: never over something, and still there after a crash.

`rename(2)` replaces what has the name, so a free name that was looked for may be taken when it is used.
`link(2)` and `mkdir(2)` fail instead, whoever else is at work in the folder.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from hubbub.client.errors import PlaceError
from hubbub.client.tree import numbered

MAX_NUMBER: Final = 10_000
"""Names that are tried, from `cat.png` to `cat (10000).png`."""

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_LINKS: Final = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES}
_NOT_EMPTY: Final = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}


def no_space(error: OSError) -> bool:
    """Whether this is the disk, or a quota or a limit of the system's, that is full."""
    return error.errno in _FULL


def sync_directory(path: str | os.PathLike[str]) -> None:
    """Make creates, renames and unlinks in it durable."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move_file(file: Path, directory: Path, name: str) -> Path:
    """Give a file a free name in a folder of the same file system; its old name goes. Raises OSError."""
    return _to_a_free_name(directory, name, lambda target: _claim_file(file, target))


def move_folder(folder: Path, directory: Path, name: str) -> Path:
    """The same for a folder, which is there as a whole or not at all. Raises OSError."""
    return _to_a_free_name(directory, name, lambda target: _claim_folder(folder, target))


def _to_a_free_name(directory: Path, name: str, claim: Callable[[Path], bool]) -> Path:
    for number in range(1, MAX_NUMBER + 1):
        target = directory / numbered(name, number)
        if claim(target):
            return target
    raise PlaceError(f"{directory} has too many files that are called '{name}'.")


def _claim_file(file: Path, target: Path) -> bool:
    try:
        os.link(file, target, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _claim_without_links(file, target)
    file.unlink()
    return True


def _claim_without_links(file: Path, target: Path) -> bool:
    """For file systems such as FAT: an empty file takes the name, then gives way to ours."""
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    file.replace(target)
    return True


def _claim_folder(folder: Path, target: Path) -> bool:
    """An empty folder takes the name. rename(2) replaces that, and nothing that has something in it."""
    try:
        target.mkdir()
    except FileExistsError:
        return False
    try:
        folder.rename(target)
    except OSError as error:
        with suppress(OSError):
            target.rmdir()
        if error.errno in _NOT_EMPTY:  # somebody put a file there in between: it is theirs now
            return False
        raise
    return True
