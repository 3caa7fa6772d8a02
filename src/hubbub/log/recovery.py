"""Opening a directory: whose it is, what is live in it, and what of its end was acknowledged.

Recovery cuts only what lies beyond every proof of durability: a frame tells how far the segment was durable
when it
was written (`synced`), the mark tells the same, and so does a checkpoint. Damage below a proof stops the
opening.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import NamedTuple

from hubbub.log import index_file
from hubbub.log.active import Active
from hubbub.log.catalog import Catalog
from hubbub.log.contents import Contents
from hubbub.log.errors import CorruptError, ForeignDirectoryError, LockedError, LogError
from hubbub.log.files import File, Files, replace
from hubbub.log.frames import latest_proof, read_frames, read_segment_header
from hubbub.log.layout import (
    CHECKPOINT_NAME,
    INDEX_NAME,
    LOCK,
    MANIFEST,
    MARKER,
    OUR_NAMES,
    SEGMENT_HEADER,
    SEGMENT_NAME,
    TEMPORARY,
)
from hubbub.log.manifest import Manifest, check_marker, write_marker
from hubbub.log.mark import Mark, read_mark
from hubbub.log.options import Options
from hubbub.log.sealed import Held, Sealed, scan

_OURS = re.compile(OUR_NAMES)


_OPENINGS = 20
"""A reader beside a writer tries again so often when compaction takes a segment away under its feet."""


class Opened(NamedTuple):
    """What opening found."""

    manifest: Manifest
    catalog: Catalog
    mark: Mark | None
    closed: bool
    """It was closed in order, and all that was durable then is there."""
    cut: int
    """Bytes that were cut from the end: written, and never proved durable."""
    rebuilt: int
    """Indexes that were made anew from their segments."""


def claim(files: Files, draw: Callable[[], str], options: Options) -> None:
    """Take the directory for writing: lock it, and make the log where there is none."""
    names = files.names()
    if MARKER in names:
        check_marker(files)
    else:
        refuse_foreign(names)
    if not files.lock():
        raise LockedError("another process has this log open")
    try:
        names = files.names()
        if MARKER not in names:
            refuse_foreign(names)
            write_marker(files)
        if MANIFEST not in names:
            _create(files, names, draw, options)
    except BaseException:
        files.unlock()
        raise


def refuse_foreign(names: list[str]) -> None:
    """ForeignDirectoryError where something stands here that is not ours."""
    foreign = [name for name in names if name not in (LOCK, MARKER + TEMPORARY)]
    if foreign:
        raise ForeignDirectoryError(f"not a log: there is no {MARKER} here, but {foreign[0]}")


def _create(files: Files, names: list[str], draw: Callable[[], str], options: Options) -> None:
    """The first segment and the manifest. What an earlier attempt left was never acknowledged."""
    first = SEGMENT_NAME % 0
    files.sync_directory()  # an earlier attempt may have ended before the marker was durable
    left = [name for name in names if name not in (LOCK, MARKER, MARKER + TEMPORARY, MANIFEST + TEMPORARY)]
    for name in left:
        if name != first or _holds_frames(files, name):
            raise CorruptError(MANIFEST, 0, f"it is missing, but {name} is there")
        files.unlink(name)
    identity = int.from_bytes(hashlib.blake2b(draw().encode(), digest_size=8).digest())
    segment = Active.create(files, 0, 0, identity, options.preallocate)
    try:
        segment.file.fdatasync()
    finally:
        segment.file.close()
    files.sync_directory()
    Manifest(identity, draw(), (0,), 1).write(files)


def _holds_frames(files: Files, name: str) -> bool:
    file = files.open(name, write=False)
    try:
        return any(file.pread(SEGMENT_HEADER, SEGMENT_HEADER))
    finally:
        file.close()


def open_segments(files: Files, options: Options, *, read_only: bool) -> Opened:
    """Take in all live segments. For writing, also tidy the directory and the end of the active segment."""
    if MARKER not in files.names():
        refuse_foreign(files.names())
        raise ForeignDirectoryError(f"not a log: there is no {MARKER} here")
    check_marker(files)
    try:
        manifest = Manifest.read(files)
    except FileNotFoundError:
        raise CorruptError(MANIFEST, 0, "it is missing") from None
    mark = read_mark(files)
    *sealed, last = manifest.live
    if mark is not None and mark.segment > last:
        raise CorruptError(MANIFEST, 0, f"it is older than the mark, which tells of segment {mark.segment}")
    if not read_only:
        _remove_leftovers(files, manifest)
    catalog = Catalog(options)
    rebuilt = 0
    try:
        for number in sealed:
            one, directory, made = open_sealed(files, number, manifest.identity, catalog, read_only=read_only)
            catalog.take_sealed(one, directory)
            rebuilt += made
        active, proof = _open_active(files, last, manifest.identity, mark, read_only=read_only)
        catalog.set_active(active)
        cut = 0
        if not read_only:
            cut = _settle_end(active, proof)
        catalog.take_active(active)
        catalog.finish_taking()
    except BaseException:
        catalog.close()
        raise
    closed = mark is not None and mark.closed and (mark.segment, mark.position) == (last, active.end)
    return Opened(manifest, catalog, mark, closed, cut, rebuilt)


def open_beside(files: Files, options: Options) -> Opened:
    """Open for reading while a writer may rotate and compact."""
    for _ in range(_OPENINGS):
        before = Manifest.read(files) if MANIFEST in files.names() else None
        try:
            return open_segments(files, options, read_only=True)
        except (LogError, FileNotFoundError):
            if before is None or Manifest.read(files) == before:
                raise
    return open_segments(files, options, read_only=True)


def _remove_leftovers(files: Files, manifest: Manifest) -> None:
    """What is ours by name, and named by nobody: half-made files, replaced segments."""
    keep = {MANIFEST, MARKER, CHECKPOINT_NAME % manifest.live[-1]}
    keep |= {SEGMENT_NAME % number for number in manifest.live}
    keep |= {INDEX_NAME % number for number in manifest.live[:-1]}  # an active one's is stale
    left = [name for name in files.names() if name not in keep and _OURS.fullmatch(name)]
    if left:
        files.sync_directory()  # else this manifest may be lost after all, and what the one before it names
    for name in left:
        files.unlink(name)


def open_segment_file(files: Files, name: str, *, write: bool) -> File:
    """A segment that the manifest names."""
    try:
        return files.open(name, write=write)
    except FileNotFoundError:
        raise CorruptError(name, 0, "the manifest names it, but it is missing") from None


def open_sealed(
    files: Files, number: int, identity: int, catalog: Catalog, *, read_only: bool
) -> tuple[Sealed, index_file.Directory, bool]:
    """A sealed segment, and whether its index had to be made anew from its frames."""
    name, index_name = SEGMENT_NAME % number, INDEX_NAME % number
    file = open_segment_file(files, name, write=False)
    made = False
    try:
        base, clustered = read_segment_header(file, name, number, identity)
        size = file.size()
        index: File | None = None
        directory: index_file.Directory | None = None
        try:
            index = files.open(index_name, write=False)
            directory = index_file.read_directory(index, index_name)
            if not clustered:  # written without a sync, so a crash may have torn it anywhere
                index_file.read_places(index, index_name, directory)
        except (FileNotFoundError, CorruptError):
            directory = None
        if directory is not None and directory.segment == number and directory.base == base:
            if directory.end != size:
                raise CorruptError(name, min(size, directory.end), f"{size} bytes long, not {directory.end}")
        else:
            if index is not None:
                index.close()
            index = rebuild_index(files, file, number, identity, write=not read_only)
            directory = index_file.read_directory(index, index_name)
            made = True
        assert index is not None  # noqa: S101 - for the type checker
        sealed = Sealed(file, index, directory, catalog.cache, clustered=clustered, index_name=index_name)
    except BaseException:
        file.close()
        raise
    return sealed, directory, made


def rebuild_index(files: Files, file: File, number: int, identity: int, *, write: bool) -> File:
    """Make the index of a sealed segment from its frames; CorruptError where a frame is damaged."""
    contents, base = scan(file, SEGMENT_NAME % number, number, identity)
    data = index_file.encode(contents, number, file.size(), base)
    if not write:
        return Held(data)
    replace(files, INDEX_NAME % number, data)
    return files.open(INDEX_NAME % number, write=False)


def _open_active(
    files: Files, number: int, identity: int, mark: Mark | None, *, read_only: bool
) -> tuple[Active, int]:
    """The active segment up to its last sound frame, and up to where it is proved durable."""
    name = SEGMENT_NAME % number
    file = open_segment_file(files, name, write=not read_only)
    try:
        base, _ = read_segment_header(file, name, number, identity)
        active = Active(file, number, base, identity)
        size = file.size()
        proof = SEGMENT_HEADER
        checkpoint = _checkpoint(files, number, base)
        if checkpoint is not None:
            proof, active.contents = checkpoint
            if proof > size:
                raise CorruptError(name, size, f"the segment is cut: a checkpoint covers {proof} bytes of it")
        end = active.checkpointed = proof
        sequence = base + active.contents.entries
        for frame in read_frames(file, end, size, active.seed, sequence):
            active.contents.add(frame, name)
            end = frame.end
            if frame.synced <= frame.position:
                proof = max(proof, frame.synced)
        damage = max(proof, latest_proof(file, end, size, active.seed))
        if mark is not None and mark.segment == number:
            damage = max(damage, mark.position)
        if damage > end and not (read_only and _still_damaged(file, end, active.seed) is False):
            raise CorruptError(name, end, f"damaged here, but acknowledged up to {damage}")
    except BaseException:
        file.close()
        raise
    active.end = active.settled = active.durable = end
    active.sequence = base + active.contents.entries
    return active, max(proof, min(damage, end))


def _still_damaged(file: File, end: int, seed: int) -> bool:
    """A reader beside a writer may have looked just before a frame was complete."""
    return next(read_frames(file, end, file.size(), seed), None) is None


def _checkpoint(files: Files, number: int, base: int) -> tuple[int, Contents] | None:
    """What the checkpoint of the active segment covers; None where there is none that is sound."""
    name = CHECKPOINT_NAME % number
    try:
        file = files.open(name, write=False)
    except FileNotFoundError:
        return None
    try:
        directory, contents = index_file.read_contents(file, name)
    except CorruptError:
        return None
    finally:
        file.close()
    return (directory.end, contents) if (directory.segment, directory.base) == (number, base) else None


def _settle_end(active: Active, proof: int) -> int:
    """Make what was found durable before anyone sees it, and cut the rest. The number of bytes that were cut.

    What lies past the proof may stand in the page cache alone, behind a sync that failed: it is written
    again.
    """
    file, end = active.file, active.end
    torn = file.pread(file.size() - end, end).rstrip(b"\0")
    if file.size() > end:
        file.truncate(end)
    if end > proof:
        file.pwrite(file.pread(end - proof, proof), proof)
    file.fdatasync()
    active.allocated = end
    return len(torn)
