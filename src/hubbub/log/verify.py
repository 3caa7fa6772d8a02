"""Verify: read every frame and every index, offline or beside a server, and say what is wrong and where."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from hubbub.log import index_file
from hubbub.log.contents import Contents
from hubbub.log.errors import CorruptError, LogError
from hubbub.log.files import Directory, File, Files
from hubbub.log.frames import latest_proof, read_frames, read_segment_header, seed_of
from hubbub.log.layout import (
    CHECKPOINT_NAME,
    CHECKSUM,
    HOLE,
    INDEX_NAME,
    RESIDUE,
    SEGMENT_HEADER,
    SEGMENT_NAME,
)
from hubbub.log.manifest import Manifest, check_marker
from hubbub.log.mark import read_mark
from hubbub.log.recovery import open_segment_file

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""


class Finding(NamedTuple):
    """One thing that is wrong."""

    file: str
    offset: int
    problem: str


def verify(
    path: str | os.PathLike[str], progress: Progress | None = None, *, files: Files | None = None
) -> Iterator[Finding]:
    """Everything that is damaged.

    Nothing is written; no lock is taken. Raises OSError, and LogError for no log.
    """
    files = files or Directory(path, make=False)
    try:
        check_marker(files)
        manifest = Manifest.read(files)
    except CorruptError as error:
        yield Finding(error.file, error.offset, error.problem)
        return
    except FileNotFoundError as error:
        raise LogError(f"not a log: {error.filename or error} is missing") from None
    yield from _mark_findings(files)
    opened: list[tuple[int, File]] = []
    try:
        for number in manifest.live:
            try:
                opened.append((number, open_segment_file(files, SEGMENT_NAME % number, write=False)))
            except CorruptError as error:
                yield Finding(error.file, error.offset, error.problem)
        total = sum(file.size() for _, file in opened)
        done = 0
        for number, file in opened:
            sealed = number != manifest.live[-1]
            try:
                yield from _segment_findings(files, file, number, manifest.identity, sealed=sealed)
            except CorruptError as error:
                yield Finding(error.file, error.offset, error.problem)
            done += file.size()
            if progress is not None:
                progress(min(done, total), total)
    finally:
        for _, file in opened:
            file.close()


def _mark_findings(files: Files) -> Iterator[Finding]:
    if read_mark(files) is None and "MARK" in files.names():
        yield Finding("MARK", 0, "neither slot is sound")


def _segment_findings(
    files: Files, file: File, number: int, identity: int, *, sealed: bool
) -> Iterator[Finding]:
    name = SEGMENT_NAME % number
    base, _ = read_segment_header(file, name, number, identity)
    index_name = (INDEX_NAME if sealed else CHECKPOINT_NAME) % number
    size = file.size()
    seed = seed_of(identity, number)
    contents = Contents()
    end = SEGMENT_HEADER
    covered = _covered(files, index_name)
    compared = covered is None
    if isinstance(covered, CorruptError):
        yield Finding(covered.file, covered.offset, covered.problem)
        compared = True
    for frame in read_frames(file, end, size, seed, base):
        for _, length, position in frame.entries():
            at = position - frame.position
            if length != HOLE and zlib.crc32(frame.view[at : at + length + CHECKSUM], RESIDUE) != RESIDUE:
                yield Finding(name, position, "the payload's CRC does not fit")
        contents.add(frame, name)
        end = frame.end
        if not compared and isinstance(covered, tuple) and end >= covered[0]:
            compared = True
            if end != covered[0] or not _same(contents, covered[1]):
                yield Finding(index_name, 0, "the index does not fit its segment")
    if isinstance(covered, tuple) and not compared and (covered[0] != end or not _same(contents, covered[1])):
        yield Finding(index_name, 0, "the index covers more than there is in the segment")
    if sealed:
        if end != size:
            yield Finding(name, end, "a frame of the sealed segment is damaged")
        return
    mark = read_mark(files)
    proof = latest_proof(file, end, size, seed)
    if mark is not None and mark.segment == number:
        proof = max(proof, mark.position)
    if proof > end and next(read_frames(file, end, file.size(), seed), None) is None:
        yield Finding(name, end, f"damaged here, but acknowledged up to {proof}")


def _covered(files: Files, name: str) -> tuple[int, Contents] | CorruptError | None:
    try:
        file = files.open(name, write=False)
    except FileNotFoundError:
        return None
    try:
        directory, contents = index_file.read_contents(file, name)
    except CorruptError as error:
        return error
    finally:
        file.close()
    return directory.end, contents


def _same(one: Contents, other: Contents) -> bool:
    return all(
        getattr(one, field) == getattr(other, field)
        for field in ("names", "firsts", "places", "erased", "trimmed", "keys", "entries", "holes")
    )
