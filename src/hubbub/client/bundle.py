"""Several files and whole folders as one stream, whose size is known before a byte of it is read.

The stream is an uncompressed tar in the pax format (POSIX.1-2017, `pax`, "ustar Interchange Format" and
"pax Header Block"). It is made while it is read and lies nowhere: what the walk noted gives the same bytes
each time, so a transfer goes on at any offset. One request for ten thousand files costs them four system
calls each.
"""

from __future__ import annotations

import os
import stat
import tarfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from hubbub.client.errors import SourceError
from hubbub.client.source import PIECE, Facts, PlainFile, read_file
from hubbub.client.tree import MAX_MEMBERS, component, numbered, too_far
from hubbub.core.errors import Refusal

BLOCK: Final = 512
"""Bytes: everything in a tar begins at a multiple of it."""
_END: Final = bytes(2 * BLOCK)
_PLAIN_SIZE: Final = 8**11  # what the eleven octal digits of a ustar header hold
_PLAIN_NAME: Final = 100  # bytes of a name there


class LeftOut(NamedTuple):
    """Something in a folder that is not in the bundle. `reason` is a whole sentence."""

    path: str
    reason: str


class _Member(NamedTuple):
    path: str
    name: str
    facts: Facts
    mode: int
    folder: bool

    @property
    def size(self) -> int:
        return 0 if self.folder else self.facts.size

    def header(self) -> bytes:
        """The same for the same file on every machine: no owner, two modes, whole seconds."""
        info = tarfile.TarInfo(self.name)
        info.type = tarfile.DIRTYPE if self.folder else tarfile.REGTYPE
        info.size = self.size
        info.mode = self.mode
        info.mtime = max(0, self.facts.mtime_ns // 1_000_000_000)
        return info.tobuf(tarfile.PAX_FORMAT)

    def header_size(self) -> int:
        length = len(self.name) + self.folder  # a folder's ends with a slash
        plain = length <= _PLAIN_NAME and self.name.isascii() and self.size < _PLAIN_SIZE
        return BLOCK if plain else len(self.header())


class Bundle:
    """Files and folders as one `Source`. `count`: how many files; `left_out`: what is not in it, and why."""

    def __init__(self, name: str, members: Sequence[_Member], left_out: Sequence[LeftOut]) -> None:
        self.name = name
        self.left_out = tuple(left_out)
        self.count = sum(not member.folder for member in members)
        self._members = members
        self._starts: list[int] = []
        at = 0
        for member in members:
            self._starts.append(at)
            at += member.header_size() + member.size + _padding(member.size)
        self.size = at + len(_END)

    @classmethod
    def of(cls, paths: Sequence[str | os.PathLike[str]]) -> Bundle:
        """Walk the paths. Raises SourceError where one is not there, or something may not be read.

        What is neither file nor folder is left out, symbolic links too; a path that is itself a link is
        followed, since it was named. Two paths of the same name become `cat.png` and `cat (2).png`.
        """
        walk = _Walk()
        names = [walk.top(os.fspath(path)) for path in paths]
        if not names:
            raise SourceError("There is nothing to send.")
        single = names[0] if len(names) == 1 else "files"
        return cls(f"{single}.tar", walk.members, walk.left_out)

    def read_from(self, offset: int) -> Iterator[bytes]:
        """See `Source`. Pieces of many small files are joined."""
        parts: list[bytes] = []
        filled = 0
        for part in self._parts(offset):
            if filled + len(part) > PIECE:
                yield b"".join(parts)
                parts.clear()
                filled = 0
            parts.append(part)
            filled += len(part)
        if parts:
            yield b"".join(parts)

    def _parts(self, offset: int) -> Iterator[bytes]:
        if not 0 <= offset <= self.size:
            raise ValueError(f"offset {offset} of {self.size} bytes")
        first = max(0, bisect_right(self._starts, offset) - 1)
        for index in range(first, len(self._members)):
            member = self._members[index]
            size = member.size
            skip = max(0, offset - self._starts[index])
            header = member.header()
            if skip < len(header):
                yield header[skip:]
            skip = max(0, skip - len(header))
            if skip < size:
                yield from read_file(member.path, member.facts, skip)
            if (padding := _padding(size) - max(0, skip - size)) > 0:
                yield bytes(padding)
        if (end := min(len(_END), self.size - offset)) > 0:
            yield _END[:end]


def source_of(paths: Sequence[str | os.PathLike[str]]) -> PlainFile | Bundle:
    """One file as it is, everything else as a bundle. Raises SourceError."""
    if len(paths) == 1 and not Path(paths[0]).is_dir():
        return PlainFile(paths[0])
    return Bundle.of(paths)


def _padding(size: int) -> int:
    return -size % BLOCK


class _Walk:
    """Everything below some paths, sorted, as members of a bundle."""

    def __init__(self) -> None:
        self.members: list[_Member] = []
        self.left_out: list[LeftOut] = []
        self._tops: set[str] = set()

    def top(self, path: str) -> str:
        """Take one path that was named; returns its name in the bundle."""
        try:
            status = os.stat(path)  # noqa: PTH116 - strings throughout: it is called ten thousand times
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
        real = os.path.realpath(path)  # `.` and `..` have a name too
        base = component(Path(real if Path(path).name in ("", "..") else path).name)
        if isinstance(base, Refusal):
            raise SourceError(f"{path} cannot be sent. {base.message}")
        taken = len(self._tops)
        name = next(one for n in range(1, taken + 2) if (one := numbered(base, n)) not in self._tops)
        self._tops.add(name)
        if stat.S_ISDIR(status.st_mode):
            self._folder(path, (name,), status)
        elif stat.S_ISREG(status.st_mode):
            self._file(real, (name,), status)
        else:
            raise SourceError(f"{path} is neither a file nor a folder.")
        return name

    def _folder(self, path: str, parts: tuple[str, ...], status: os.stat_result) -> None:
        self._add(_Member(path, "/".join(parts), Facts.of(status), 0o755, folder=True))
        try:
            with os.scandir(path) as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
        names: set[str] = set()
        for entry in entries:
            name = component(entry.name)
            if isinstance(name, Refusal):
                self._leave_out(entry.path, name.message)
            elif name in names:
                self._leave_out(entry.path, "Another has the same name, written with other characters.")
            elif (why := too_far((*parts, name))) is not None:
                self._leave_out(entry.path, why)
            else:
                names.add(name)
                self._entry(entry, (*parts, name))

    def _leave_out(self, path: str, reason: str) -> None:
        self.left_out.append(LeftOut(path, reason))

    def _entry(self, entry: os.DirEntry[str], parts: tuple[str, ...]) -> None:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            raise SourceError(f"{entry.path} cannot be read: {error.strerror}.") from error
        if stat.S_ISDIR(status.st_mode):
            self._folder(entry.path, parts, status)
        elif stat.S_ISREG(status.st_mode):
            self._file(entry.path, parts, status)
        elif stat.S_ISLNK(status.st_mode):
            self._leave_out(entry.path, "It is a symbolic link.")
        else:
            self._leave_out(entry.path, "It is neither a file nor a folder.")

    def _file(self, path: str, parts: tuple[str, ...], status: os.stat_result) -> None:
        if not os.access(path, os.R_OK):
            raise SourceError(f"{path} may not be read.")
        mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
        self._add(_Member(path, "/".join(parts), Facts.of(status), mode, folder=False))

    def _add(self, member: _Member) -> None:
        if len(self.members) >= MAX_MEMBERS:
            raise SourceError(f"There are more than {MAX_MEMBERS} files and folders to send.")
        self.members.append(member)
