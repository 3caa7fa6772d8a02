"""A consistent copy of a log, offline or beside a server; it is restored by opening it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hubbub.log.errors import CorruptError, ForeignDirectoryError, LogError
from hubbub.log.files import Directory, File
from hubbub.log.frames import read_frames, read_segment_header, seed_of
from hubbub.log.layout import SEGMENT_HEADER, SEGMENT_NAME
from hubbub.log.manifest import Manifest, check_marker, write_marker
from hubbub.log.mark import read_mark

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""

_CHUNK = 4 << 20
_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class BackUp:
    """What was copied."""

    epoch: str
    segments: int
    bytes: int


def back_up(
    source: str | os.PathLike[str], target: str | os.PathLike[str], progress: Progress | None = None
) -> BackUp:
    """Copy the log at `source` into `target`, which is empty or not there yet.

    The copy holds everything that was durable when it began, and nothing that was not, under an epoch of its
    own. It appears as a whole: until it is complete, `target` holds no log. Blocks for long: for a process of
    its own, and no thread of a server.
    """
    place = Path(target)
    if place.exists() and any(place.iterdir()):
        raise ForeignDirectoryError(f"{place} is not empty")
    files = Directory(source, make=False)
    check_marker(files)
    manifest, opened = _open_all(files)
    try:
        end = _durable_end(files, opened[-1][1], manifest)
        sizes = [file.size() for _, file in opened[:-1]] + [end]
        copy = Directory(target)
        done = 0
        for (name, file), size in zip(opened, sizes, strict=True):
            done = _copy(file, copy, name, size, done, sum(sizes), progress)
            _copy_index(files, copy, name.replace(".seg", ".idx"), last=file is opened[-1][1])
        copy.sync_directory()
        # Who has read beyond the copy must not go on in it as if nothing were missing.
        manifest = replace(manifest, epoch=secrets.token_hex(8))
        manifest.write(copy)
        write_marker(copy)
    finally:
        for _, file in opened:
            file.close()
    return BackUp(manifest.epoch, len(opened), sum(sizes))


def _open_all(files: Directory) -> tuple[Manifest, list[tuple[str, File]]]:
    """Every live segment, held open: compaction may unlink it, and it stays readable."""
    for _ in range(_ATTEMPTS):
        manifest = Manifest.read(files)
        opened: list[tuple[str, File]] = []
        for name in [SEGMENT_NAME % number for number in manifest.live]:
            try:
                opened.append((name, files.open(name, write=False)))
            except FileNotFoundError:
                if Manifest.read(files) == manifest:
                    raise CorruptError(name, 0, "the manifest names it, but it is missing") from None
                break
        else:
            return manifest, opened
        for _, file in opened:
            file.close()
    raise LogError("the log changes too fast to be copied")


def _durable_end(files: Directory, file: File, manifest: Manifest) -> int:
    """Up to where the last segment is proved durable."""
    number = manifest.live[-1]
    base, _ = read_segment_header(file, SEGMENT_NAME % number, number, manifest.identity)
    mark = read_mark(files)
    proof = mark.position if mark is not None and mark.segment == number else SEGMENT_HEADER
    ends = [SEGMENT_HEADER]
    for frame in read_frames(file, SEGMENT_HEADER, file.size(), seed_of(manifest.identity, number), base):
        proof = max(proof, frame.synced)
        ends.append(frame.end)
    if proof > ends[-1]:
        raise CorruptError(SEGMENT_NAME % number, ends[-1], f"damaged here, but acknowledged up to {proof}")
    return max(end for end in ends if end <= proof)


def _copy(
    file: File, target: Directory, name: str, size: int, done: int, total: int, progress: Progress | None
) -> int:
    copy = target.create(name)
    try:
        for at in range(0, size, _CHUNK):
            length = min(_CHUNK, size - at)
            data = file.pread(length, at)
            if len(data) < length:
                raise CorruptError(name, at + len(data), "the segment is cut")
            copy.pwrite(data, at)
            done += length
            if progress is not None:
                progress(done, total)
        copy.fdatasync()
    finally:
        copy.close()
    return done


def _copy_index(files: Directory, target: Directory, name: str, *, last: bool) -> None:
    """An index saves time at the first opening; without it, it is made anew."""
    if last:
        return
    try:
        shutil.copyfile(files.path / name, target.path / name)
    except FileNotFoundError:
        return
