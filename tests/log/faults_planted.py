"""Bugs, planted from outside: in the disk that the log writes to, or in place of one of its functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from hubbub.log import compaction, frames, log, recovery, writer
from hubbub.log.active import Active
from hubbub.log.catalog import Catalog
from hubbub.log.compaction import CompactionResult
from hubbub.log.errors import ReadOnlyError
from hubbub.log.files import Files
from hubbub.log.frames import Frame
from hubbub.log.layout import ENTRY, FRAME, FRAME_HEADER, FRAME_MAGIC, INDEX_NAME, SEGMENT_NAME
from log.simulated_files import SimulatedFile, SimulatedFiles

Patch = pytest.MonkeyPatch


def without_sync_of(part: str) -> type[SimulatedFiles]:
    """Return a disk that does not sync files with this in their names."""

    class Handle(SimulatedFile):
        def fdatasync(self) -> None:
            if part not in self.name:
                super().fdatasync()

    class Disk(SimulatedFiles):
        handle = Handle

    return Disk


class WithoutDirectorySync(SimulatedFiles):
    def sync_directory(self) -> None:
        pass


class _SyncedAfterRename(SimulatedFile):
    def fdatasync(self) -> None:
        if not self.name.endswith(".tmp"):
            super().fdatasync()


class RenameBeforeSync(SimulatedFiles):
    handle = _SyncedAfterRename

    def rename(self, old: str, new: str) -> None:
        super().rename(old, new)
        self.sync_directory()
        file = self.open(new, write=True)
        file.fdatasync()
        file.close()


class _Insistent(SimulatedFile):
    def fdatasync(self) -> None:
        try:
            super().fdatasync()
        except OSError:
            if not self.name.endswith(".seg"):
                raise
            super().fdatasync()


class RetriedSync(SimulatedFiles):
    handle = _Insistent


class _Trusting(SimulatedFile):
    def pwrite(self, data: bytes | bytearray | memoryview, offset: int) -> None:
        if self.inode.cache[offset : offset + len(data)] != data:
            super().pwrite(data, offset)


class TrustedCache(SimulatedFiles):
    """What the cache shows is not written again."""

    handle = _Trusting


class _Untruncated(SimulatedFile):
    def truncate(self, length: int) -> None:
        pass


class WithoutTruncation(SimulatedFiles):
    handle = _Untruncated


class TolerantUnlink(SimulatedFiles):
    def unlink(self, name: str) -> None:
        if name in self.directory:
            super().unlink(name)


def cut_too_much(patch: Patch) -> None:
    """Recovery takes the last frame for torn."""
    whole = frames.read_frames

    def all_but_the_last(*args: Any) -> Iterator[Frame]:
        yield from list(whole(*args))[:-1]

    patch.setattr(recovery, "read_frames", all_but_the_last)


def cut_at_the_proof(patch: Patch) -> None:
    """Recovery keeps only what is proved."""
    open_active = recovery._open_active

    def cut(files: Files, number: int, *rest: Any, read_only: bool) -> tuple[Active, int]:
        if not read_only:
            active, proof = open_active(files, number, *rest, read_only=False)
            active.file.truncate(proof)
            active.file.close()
        return open_active(files, number, *rest, read_only=read_only)

    patch.setattr(recovery, "_open_active", cut)


def no_crc(patch: Patch) -> None:
    def trusting(view: memoryview, position: int, seed: int) -> Frame | None:
        if len(view) < FRAME_HEADER:
            return None
        magic, _, length, count, _, _, _, tags, _ = FRAME.unpack_from(view)
        end = FRAME_HEADER + length
        if magic != FRAME_MAGIC or end > len(view) or count * ENTRY + tags > length:
            return None
        return Frame(view[:end], position)

    patch.setattr(frames, "frame_at", trusting)


def inputs_removed_first(patch: Patch) -> None:
    def adopt(result: CompactionResult, files: Files, catalog: Catalog, owner: writer.Writer) -> None:
        for number in result.segments:
            files.unlink(SEGMENT_NAME % number)
            files.unlink(INDEX_NAME % number)
        compaction.adopt(result, files, catalog, owner)

    patch.setattr(log, "adopt", adopt)


def no_mark(patch: Patch) -> None:
    """Recovery does not look at the mark."""
    patch.setattr(recovery, "read_mark", lambda _: None)


def no_synced(patch: Patch) -> None:
    """Frames do not tell how far the segment was durable, and there is no mark to tell it either."""
    seal = frames.seal_frame
    patch.setattr(writer, "seal_frame", lambda *args, **named: seal(*args, **{**named, "synced": 0}))


def late_sync(patch: Patch) -> None:
    """Frames are acknowledged before their sync: it happens with the next one."""
    sync = writer.Writer.sync
    due: set[int] = set()

    def later(self: writer.Writer) -> None:
        if self.failure is not None:
            raise ReadOnlyError(self.failure)
        if id(self) in due:
            sync(self)
        due.symmetric_difference_update({id(self)})

    patch.setattr(writer.Writer, "sync", later)


def early_mark(patch: Patch) -> None:
    """The mark tells of what is written, not of what is durable."""

    def note(self: log.Log, *, force: bool = False) -> None:
        active = self._writer.active
        if self._mark is not None and active.number in self._writer.manifest.live:
            self._mark.write(active.number, active.end)

    patch.setattr(log.Log, "_note", note)


def early_synced(patch: Patch) -> None:
    """A frame tells that all before it is durable."""
    seal = frames.seal_frame

    def boast(self: writer.Writer, active: Active, batches: Sequence[Any], written: Any) -> bytearray:
        patch.setattr(
            writer, "seal_frame", lambda *args, **named: seal(*args, **{**named, "synced": active.end})
        )
        return frame(self, active, batches, written)

    frame = writer.Writer._frame
    patch.setattr(writer.Writer, "_frame", boast)


def leftovers_stay(patch: Patch) -> None:
    patch.setattr(recovery, "_remove_leftovers", lambda *_: None)


def manifest_first(patch: Patch) -> None:
    """The manifest names a segment before its file is durable."""
    sync = writer.Writer.sync

    def hasty(self: writer.Writer) -> None:
        numbers = [one.number for one in self._open[1:] if one.number not in self.manifest.live]
        if numbers:
            self._name(numbers)
        sync(self)

    name = writer.Writer._name

    def once(self: writer.Writer, numbers: Sequence[int]) -> None:
        left = [number for number in numbers if number not in self.manifest.live]
        if left:
            name(self, left)

    patch.setattr(writer.Writer, "sync", hasty)
    patch.setattr(writer.Writer, "_name", once)


def erasures_forgotten(patch: Patch) -> None:
    """Compaction copies what was erased, and drops the note that it was."""
    write = compaction._write_streams

    def forgetful(plan: Any, sources: list[Any], *rest: Any) -> None:
        for source in sources:
            source.contents.erased = []
        write(plan, sources, *rest)

    patch.setattr(compaction, "_write_streams", forgetful)


def nothing(patch: Patch) -> None:
    """All is well in the log itself."""
