"""A bundle back into files and folders, held to be hostile until it is read.

It is unpacked when all of it is here and its digest was checked, not while it arrives: a transfer then goes
on after a crash by the length of one file, and half a folder never looks whole. The price is space for the
bundle and for what is in it, for the moment of unpacking.

Our own reader of ustar and pax headers, because `tarfile` ends quietly at a damaged header, and knows links,
devices and sparse files, none of which may be in a bundle. Whatever is not a plain file or a folder below
the one that it is unpacked into is refused, and with it the whole bundle.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from hubbub.client.bundle import BLOCK
from hubbub.client.durable import move_file, move_folder, no_space, sync_directory
from hubbub.client.errors import BundleError, NoSpaceError, PlaceError
from hubbub.client.tree import MAX_MEMBERS, component, too_far
from hubbub.core.errors import Refusal

_PIECE: Final = 1_048_576
_EXTENSION_LIMIT: Final = 65_536  # bytes of one pax header: a path and a few numbers
_FILE: Final = (tarfile.REGTYPE, tarfile.AREGTYPE)
_YEAR_3000: Final = 32_503_680_000
_SYNC_EACH: Final = 64
"""Up to so many files are synced one by one; more of them by sync(2), which does not wait for each."""


class Member(NamedTuple):
    """One file or folder of a bundle. The file's bytes stand at the reader's position when it is yielded."""

    parts: tuple[str, ...]
    size: int
    mtime: float
    executable: bool
    folder: bool


def unpack(part: Path, directory: Path) -> list[Path]:
    """Unpack a bundle into a folder; returns what is new there, under free names. Nothing is overwritten.

    It is first unpacked into a hidden folder beside `part`, whose name is `part`'s with a `.d` behind it
    (what an interrupted attempt left there is removed), and synced. Then each thing at the top is moved to
    its place; a folder by one rename(2). `part` is left for the caller to remove.
    Raises BundleError, NoSpaceError, PlaceError; nothing that was not whole is left behind then.
    """
    temporary = directory / (part.name + ".d")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(mode=0o700)
        try:
            with part.open("rb", buffering=_PIECE) as stream:
                tops = _Unpacking(temporary).all(Reader(stream))
            placed = [_place(temporary / name, directory) for name in tops]
            sync_directory(directory)
            return placed
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        if no_space(error):
            raise NoSpaceError(f"There is no space left to unpack in {directory}.") from error
        raise PlaceError(f"{directory} cannot be written: {error.strerror}.") from error


def _place(found: Path, directory: Path) -> Path:
    move = move_folder if found.is_dir() else move_file
    return move(found, directory, found.name)


class _Unpacking:
    """Members of a bundle becoming files below a folder that is empty, and ours alone."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self._folders: set[tuple[str, ...]] = set()
        self._descriptors = 0

    def all(self, reader: Reader) -> list[str]:
        """Write everything and sync it; returns the names at the top, as they came."""
        tops: dict[str, None] = {}
        files: list[str] = []
        for member in reader:
            tops[member.parts[0]] = None
            self._folder(member.parts if member.folder else member.parts[:-1])
            if not member.folder:
                files.append(self._file(member, reader))
        if not tops:
            raise BundleError("The bundle is empty.")
        self._sync(files)
        return list(tops)

    def _folder(self, parts: tuple[str, ...]) -> None:
        if not parts or parts in self._folders:
            return
        self._folder(parts[:-1])
        try:
            os.mkdir(self._path(parts), 0o755)  # noqa: PTH102 - strings: it runs ten thousand times
        except FileExistsError:
            raise _twice(parts) from None
        self._folders.add(parts)

    def _file(self, member: Member, reader: Reader) -> str:
        path = self._path(member.parts)
        # Never through a link, never into a file that is there. The two modes have no set-uid bits.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        try:
            descriptor = os.open(path, flags, 0o755 if member.executable else 0o644)
        except FileExistsError:
            raise _twice(member.parts) from None
        try:
            for piece in reader.pieces(member.size):
                left = memoryview(piece)
                while left:
                    left = left[os.write(descriptor, left) :]
            os.utime(descriptor if os.utime in os.supports_fd else path, (member.mtime, member.mtime))
        finally:
            os.close(descriptor)
        return path

    def _sync(self, files: list[str]) -> None:
        if len(files) > _SYNC_EACH and hasattr(os, "sync"):
            os.sync()
            return
        for path in files:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        for parts in self._folders:
            sync_directory(self._path(parts))
        sync_directory(self._top)

    def _path(self, parts: tuple[str, ...]) -> str:
        return os.path.join(self._top, *parts)  # noqa: PTH118 - likewise


class Reader:
    """The members of a tar in the ustar or pax format, in order; strict about every header.

    Whoever iterates reads the bytes of a file with `pieces` before the next member, or they are skipped.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = 0  # bytes of the present member that were not read
        self._padding = 0

    def __iter__(self) -> Iterator[Member]:
        for _ in range(MAX_MEMBERS):
            member = self._next()
            if member is None:
                self._nothing_follows()
                return
            yield member
            for _skipped in self.pieces(self._left):
                pass
            self._take(self._padding)
        raise BundleError(f"The bundle has more than {MAX_MEMBERS} files and folders.")

    def pieces(self, size: int) -> Iterator[bytes]:
        """The next bytes of the present member."""
        if size > self._left:
            raise ValueError("more than the member has")
        while size:
            piece = self._stream.read(min(size, _PIECE))
            if not piece:
                raise _truncated()
            size -= len(piece)
            self._left -= len(piece)
            yield piece

    def _next(self) -> Member | None:
        extended: dict[str, str] = {}
        block = self._take(BLOCK)
        while (info := _header(block)) is not None and info.type in (tarfile.XHDTYPE, tarfile.XGLTYPE):
            found = self._extension(info)
            if info.type == tarfile.XHDTYPE:
                if extended:
                    raise BundleError("The bundle has two extended headers for one file.")
                extended = found
            elif found.keys() & {"path", "size", "linkpath"}:
                raise BundleError("The bundle has one name or size for all of its files.")
            block = self._take(BLOCK)
        if info is None:
            if extended or self._take(BLOCK).strip(b"\0"):
                raise BundleError("The bundle has an end in its middle.")
            return None
        return self._member(info, extended)

    def _member(self, info: tarfile.TarInfo, extended: dict[str, str]) -> Member:
        folder = info.type == tarfile.DIRTYPE
        if not folder and info.type not in _FILE:
            raise BundleError(f"The bundle has something that is no file and no folder: {_shown(info.name)}.")
        if any(key.startswith("GNU.sparse.") for key in extended):
            raise BundleError(f"The bundle has a sparse file: {_shown(info.name)}.")
        name = extended.get("path", info.name)
        size = _number(extended["size"]) if "size" in extended else info.size
        if size < 0 or (folder and size):
            raise BundleError(f"The bundle has a size that cannot be: of {_shown(name)}.")
        try:
            mtime = float(extended.get("mtime", info.mtime))
        except ValueError:
            raise BundleError(f"The bundle has a time that is none: of {_shown(name)}.") from None
        self._left = size
        self._padding = -size % BLOCK
        executable = bool(info.mode & 0o100)
        mtime = mtime if 0 <= mtime <= _YEAR_3000 else 0.0
        return Member(_parts(name, folder=folder), size, mtime, executable, folder)

    def _extension(self, info: tarfile.TarInfo) -> dict[str, str]:
        """POSIX.1-2017, `pax`, "pax Extended Header": records of `LENGTH KEY=VALUE\\n`."""
        if not 0 <= info.size <= _EXTENSION_LIMIT:
            raise BundleError(f"The bundle has an extended header of over {_EXTENSION_LIMIT} bytes.")
        data = self._take(info.size)
        self._take(-info.size % BLOCK)
        records: dict[str, str] = {}
        at = 0
        while at < len(data):
            digits, space, _ = data[at : at + 8].partition(b" ")
            length = int(digits) if space and digits.isdigit() else 0
            record = data[at : at + length]
            key, equals, value = record[len(digits) + 1 : -1].partition(b"=")
            if len(record) != length or record[-1:] != b"\n" or not equals:
                raise BundleError("The bundle has a damaged extended header.")
            with suppress(UnicodeDecodeError):  # of the keys that matter none is lost by it: see `_text`
                records[key.decode()] = _text(key, value)
            at += length
        return records

    def _take(self, length: int) -> bytes:
        data = self._stream.read(length)
        if len(data) != length:
            raise _truncated()
        return data

    def _nothing_follows(self) -> None:
        """Other programs fill the last record up with zeros."""
        while data := self._stream.read(_PIECE):
            if data.strip(b"\0"):
                raise BundleError("Something follows the end of the bundle.")


def _header(block: bytes) -> tarfile.TarInfo | None:
    """One header; None: a block of zeros, which ends the tar."""
    if not block.strip(b"\0"):
        return None
    if block[257:262] != b"ustar":
        raise BundleError("The bundle has a header that is none.")
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError) as error:
        raise BundleError("The bundle has a damaged header.") from error


def _text(key: bytes, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        if key in (b"path", b"size", b"mtime"):
            raise BundleError("The bundle has a name that is no UTF-8.") from None
        raise


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise BundleError("The bundle has a size that is no number.")
    return int(text)


def _parts(name: str, *, folder: bool) -> tuple[str, ...]:
    """The name as a way down from the folder that it is unpacked into."""
    parts: list[str] = []
    for one in (name.removesuffix("/") if folder else name).split("/"):
        allowed = component(one)
        if isinstance(allowed, Refusal):
            raise BundleError(f"The bundle has a name that is refused: {_shown(name)}. {allowed.message}")
        parts.append(allowed)
    if (why := too_far(tuple(parts))) is not None:
        raise BundleError(f"The bundle has a name that is refused: {_shown(name)}. {why}")
    return tuple(parts)


def _shown(name: str) -> str:
    """For a message: a name that is refused may hold what steers a terminal."""
    return f"'{''.join(one if one.isprintable() else '�' for one in name[:200])}'"


def _twice(parts: tuple[str, ...]) -> BundleError:
    return BundleError(f"The bundle has '{'/'.join(parts)}' twice, or as a file and as a folder.")


def _truncated() -> BundleError:
    return BundleError("The bundle ends too early.")
