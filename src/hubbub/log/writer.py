"""The one who writes: frames into the newest segment, and what makes them durable.

`write` runs on the owner's thread, `sync` may run on one other thread beside it. What both touch is under
`_lock`.
"""

from __future__ import annotations

import errno
import threading
import zlib
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace as changed

from hubbub.log.active import Active, Written
from hubbub.log.batch import Batch
from hubbub.log.catalog import Catalog
from hubbub.log.errors import ReadOnlyError
from hubbub.log.files import Files
from hubbub.log.frames import checked, seal_frame
from hubbub.log.layout import (
    CHECKSUM,
    ERASE,
    FRAME_HEADER,
    FRAME_LIMIT,
    GONE,
    KEY_LENGTH,
    NAMED,
    PUT,
    RESIDUE,
    STREAM,
    TRIM,
)
from hubbub.log.manifest import Manifest
from hubbub.log.options import Options
from hubbub.log.streams import Stream

SPACE = {errno.ENOSPC, errno.EDQUOT}
"""What a log can recover from without a restart."""


class Writer:
    """Writes frames and syncs them; knows nothing of reading."""

    def __init__(
        self, files: Files, catalog: Catalog, manifest: Manifest, options: Options, clock: Callable[[], float]
    ) -> None:
        self._files = files
        self._catalog = catalog
        self._options = options
        self._clock = clock
        self._lock = threading.Lock()
        self._manifest_lock = threading.Lock()
        self._open = [catalog.active]
        """Segments with frames that are not durable yet; the last is written to."""
        self._time = max([catalog.active.contents.newest, *(one.newest for one in catalog.sealed)])
        self.manifest = manifest
        self.following = manifest.following
        self.failure: str | None = None
        self.failure_errno: int | None = None

    @property
    def active(self) -> Active:
        """The segment that is written to."""
        return self._open[-1]

    def fail(self, doing: str, error: OSError) -> None:
        """Write no more: what is on the disk is not what was asked for."""
        with self._lock:
            if self.failure is None:
                self.failure = f"{doing}: {error.strerror or error}"
                self.failure_errno = error.errno

    # --- writing

    def write(self, batches: Sequence[Batch]) -> Written:
        """See `Log.write`."""
        if self.failure is not None:
            raise ReadOnlyError(self.failure)
        size = sum(batch.size for batch in batches)
        if size > FRAME_LIMIT:
            raise ValueError(f"batches of {size} bytes together are over the limit of {FRAME_LIMIT}")
        active = self._open[-1]
        if active.end >= self._options.segment_bytes:
            active = self._begin()
        self._time = now = max(self._time, int(self._clock() * 1_000_000))
        written = Written(active, active.end, now)
        try:
            frame = self._frame(active, batches, written)
        except BaseException:
            self._undo(active, written)
            raise
        try:
            need = active.end + len(frame)
            if need > active.allocated and self._options.preallocate:
                step = max(self._options.preallocate, need - active.allocated)
                active.file.preallocate(active.allocated, step)
                active.allocated += step
            active.file.pwrite(frame, active.end)
        except OSError as error:
            self._undo(active, written)
            self.fail("writing", error)
            raise ReadOnlyError(str(self.failure)) from error
        with self._lock:
            active.end = written.end = need
        active.sequence += written.count
        return written

    def _frame(self, active: Active, batches: Sequence[Batch], written: Written) -> bytearray:
        table = array("I")
        parts: list[bytes] = []
        tags: list[bytes] = []
        entries = written.entries
        known = active.introduced
        extend = table.extend
        crc32 = zlib.crc32
        at = written.position + FRAME_HEADER

        def control(kind: int, payload: bytes) -> int:
            """One more entry that is no append. Its place."""
            nonlocal at
            extend((kind, len(payload)))
            parts.extend((payload, checked(payload)))
            place = at << 32 | len(payload)
            at += len(payload) + CHECKSUM
            return place

        def introduce(name: bytes) -> Stream:
            stream = self._catalog.stream(name)
            written.introduced.append((stream, stream.next))
            control(STREAM, NAMED.pack(stream.number, stream.next) + name)
            known[name] = stream
            return stream

        for batch in batches:
            offsets: list[int] = []
            for name, payload, tag in batch.appends:
                stream = known.get(name) or introduce(name)
                length = len(payload)
                extend((stream.number, length))
                parts += (payload, crc32(payload, RESIDUE).to_bytes(4, "little"))
                entries.append((stream, at << 32 | length, payload))
                at += length + CHECKSUM
                offset = stream.next
                stream.next = offset + 1
                offsets.append(offset)
                tags.append(tag)
            written.offsets.append(offsets)
            for kind, key, value in batch.records:
                if kind == PUT:
                    written.records.append((key, control(PUT, KEY_LENGTH.pack(len(key)) + key + value)))
                else:
                    control(kind, key)
                    written.records.append((key, GONE))
            for kind, name, offset in batch.shifts:
                known_stream = self._catalog.streams.get(name)
                if known_stream is None:
                    continue
                stream = known.get(name) or introduce(name)
                if kind == TRIM:
                    offset = min(offset, stream.next)
                if offset < stream.low or (kind == ERASE and offset >= stream.next):
                    continue
                control(kind, NAMED.pack(stream.number, offset))
                written.shifts.append((kind, stream, offset))
        if not any(tags):
            tags = []
        written.tags = len(tags) - tags.count(b"")
        written.count = len(table) // 2
        written.size = at - written.position
        synced = active.durable
        return seal_frame(
            parts, table, tags, base=active.sequence, synced=synced, time=written.time, seed=active.seed
        )

    @staticmethod
    def _undo(active: Active, written: Written) -> None:
        """Give back the offsets of a frame that was not written."""
        for stream, _, _ in reversed(written.entries):
            stream.next -= 1
        for stream, _ in written.introduced:
            del active.introduced[stream.name]

    def _begin(self) -> Active:
        """Go on in a new segment. It becomes part of the log with the next sync."""
        old = self._open[-1]
        number = self.take_number()
        try:
            new = Active.create(
                self._files, number, old.sequence, self.manifest.identity, self._options.preallocate
            )
        except OSError as error:
            self.fail("beginning a segment", error)
            raise ReadOnlyError(str(self.failure)) from error
        old.following = new
        with self._lock:
            self._open.append(new)
        return new

    def rotate(self) -> None:
        """Go on in a new segment at once. Blocks."""
        self._begin()
        try:
            self.sync()
        except OSError as error:
            raise ReadOnlyError(str(self.failure)) from error

    def incomplete(self) -> set[int]:
        """The numbers of the segments that a sync has still to complete or to name."""
        with self._lock:
            return {segment.number for segment in self._open}

    def take_number(self) -> int:
        """A number for a new segment."""
        self.following += 1
        return self.following - 1

    # --- making it durable

    def sync(self) -> None:
        """See `Log.sync`."""
        with self._lock:
            if self.failure is not None:
                raise OSError(self.failure_errno, self.failure)
            todo = [(segment, segment.end) for segment in self._open]
        *complete, (newest, end) = todo
        if not complete and newest.durable == end:
            return
        try:
            for segment, its_end in complete:
                segment.file.truncate(its_end)
                segment.file.fdatasync()
            newest.file.fdatasync()
            if complete:
                self._files.sync_directory()
                self._name([segment.number for segment, _ in todo[1:]])
        except OSError as error:
            self.fail("syncing", error)
            raise
        with self._lock:
            for segment, its_end in todo:
                segment.durable = its_end
            del self._open[: len(complete)]

    def _name(self, numbers: Sequence[int]) -> None:
        """Segments become part of the log."""
        self.change_manifest(lambda old: changed(old, live=(*old.live, *numbers), following=self.following))

    def change_manifest(self, change: Callable[[Manifest], Manifest]) -> None:
        """Replace the manifest: the commit point. Blocks for two syncs."""
        with self._manifest_lock:
            new = change(self.manifest)
            new.write(self._files)
            self.manifest = new

    # --- after a failure

    def ahead(self) -> list[Active]:
        """The segments behind the one in which the last settled frame stands."""
        found = []
        segment = self._catalog.active.following
        while segment is not None:
            found.append(segment)
            segment = segment.following
        return found

    def recover(self) -> bool:
        """Cut back to what is settled and begin a new segment, once there is space again."""
        if self.failure is None:
            return True
        if self.failure_errno not in SPACE:
            return False
        old = self._catalog.active
        dropped = self.ahead()
        kept = self._open[: self._open.index(old) + 1] if old in self._open else [old]
        try:
            if dropped:  # a sync may have named them already, even if it failed late
                gone = {segment.number for segment in dropped}
                self.change_manifest(
                    lambda manifest: changed(
                        manifest, live=tuple(one for one in manifest.live if one not in gone)
                    )
                )
            for segment in kept:  # more than one in interval mode alone
                durable, settled = segment.durable, segment.settled
                segment.file.truncate(settled)
                if settled > durable:  # a failed sync may have dropped these pages
                    segment.file.pwrite(segment.file.pread(settled - durable, durable), durable)
                segment.file.fdatasync()
            sequence = old.base + old.contents.entries
            new = Active.create(
                self._files, self.take_number(), sequence, self.manifest.identity, self._options.preallocate
            )
            try:
                new.file.fdatasync()
                self._files.sync_directory()
                known = self.manifest.live
                self._name([one.number for one in (*kept, new) if one.number not in known])
            except OSError:
                new.file.close()  # the file stays: the manifest may name it, or the next open removes it
                raise
        except OSError as error:
            self.failure_errno = error.errno
            self.failure = f"recovering: {error.strerror or error}"
            return False
        for segment in dropped:
            segment.file.close()
            self._files.unlink(segment.name)
        self._catalog.rewind()
        with self._lock:
            for segment in kept:
                segment.end = segment.durable = segment.settled
            old.following = new
            self._open = [new]
            self.failure = self.failure_errno = None
        return True

    def finish(self) -> None:
        """Nothing follows: sync, and give back the space that was taken ahead."""
        if self.failure is None:
            self.sync()
            newest = self._open[-1]
            newest.file.truncate(newest.end)
            newest.file.fdatasync()
            return
        # What failed was reported so: best it does not come back. If this fails too, it may.
        active = self._catalog.active
        if len(self._open) > 1:
            return  # the manifest may name the second, which goes on where the first ends
        try:
            active.file.truncate(max(active.settled, active.durable))
            active.file.fdatasync()
        except OSError:
            return
