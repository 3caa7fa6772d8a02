"""The log: streams of opaque payloads and keyed records in one directory. README.md says what it promises."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from hubbub.log import index_file
from hubbub.log.active import Written
from hubbub.log.batch import Batch
from hubbub.log.catalog import Catalog, Get, Read
from hubbub.log.compaction import CompactionPlan, CompactionResult, adopt, choose
from hubbub.log.counts import Stat
from hubbub.log.errors import LogError, ReadOnlyError
from hubbub.log.files import Directory, File, Files
from hubbub.log.files import replace as replace_file
from hubbub.log.layout import CHECKPOINT_NAME, INDEX_NAME, MARK
from hubbub.log.mark import MarkFile
from hubbub.log.options import Options
from hubbub.log.recovery import Opened, claim, open_beside, open_segments
from hubbub.log.sealed import Held, Sealed
from hubbub.log.tags import newest_tags
from hubbub.log.writer import Writer


class Log:
    """One directory. All methods belong to one thread, but `sync`, which may run on one other beside them."""

    def __init__(
        self, files: Files, opened: Opened, options: Options, *, read_only: bool, clock: Callable[[], float],
        draw: Callable[[], str],
    ) -> None:  # fmt: skip
        self._files = files
        self._options = options
        self._clock = clock
        self._draw = draw
        self._opened = opened
        self._read_only = read_only
        self._catalog: Catalog = opened.catalog
        self._writer = Writer(files, opened.catalog, opened.manifest, options, clock)
        self._mark: MarkFile | None = None
        self._marked = (-1, -1)
        self._marked_at = clock()
        self._closed = False
        self.read: Read = self._catalog.read
        """The payloads of `first` … `first + count - 1`, clipped to `Log.first` and `Log.head`; None: erased.

        Raises CorruptError, and with `wait=False` ColdError where the disk would have to be waited for.
        """
        self.get: Get = self._catalog.get
        """The value of a keyed record; None: there is none. Errors as in `read`."""
        self.closed_cleanly = opened.closed
        """The last writer closed it in order; if not, interval mode may have lost its last moments."""
        if read_only:
            self._writer.failure = "opened for reading only"

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        options: Options = Options(),  # noqa: B008 - frozen
        *,
        read_only: bool = False,
        files: Files | None = None,
        clock: Callable[[], float] = time.time,
        new_epoch: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> Log:
        """Open the log at `path`, and make it where there is none.

        Raises ForeignDirectoryError, NewerFormatError, LockedError, CorruptError, OSError. With `read_only`
        it takes
        no lock, writes nothing, and works beside a running writer, showing what was there when it was opened.
        """
        if sys.byteorder != "little":
            raise LogError("the log's format is little-endian, and so has the machine to be")
        if sys.platform == "win32":
            raise LogError(
                "the log needs a POSIX system: it reads and writes by position, and locks by flock"
            )
        if files is None:
            files = Directory(path, make=not read_only)
        if read_only:
            return cls(
                files, open_beside(files, options), options, read_only=True, clock=clock, draw=new_epoch
            )
        claim(files, new_epoch, options)
        log: Log | None = None
        try:
            opened = open_segments(files, options, read_only=False)
            log = cls(files, opened, options, read_only=False, clock=clock, draw=new_epoch)
            log._begin_mark()
        except BaseException:
            if log is not None:
                log._close_files()
            files.unlock()
            raise
        return log

    def _begin_mark(self) -> None:
        """From here on the last closing does not count any more, and that is durable."""
        names = self._files.names()
        if MARK not in names:
            self._files.sync_directory()  # no mark without a manifest
        self._mark = MarkFile(self._files, self._opened.mark, names)
        self._note(force=True)
        self._mark.sync()
        self._files.sync_directory()

    # --- what it is

    @property
    def epoch(self) -> str:
        """One for the whole directory, in hex: positions are comparable only within it."""
        return self._writer.manifest.epoch

    def new_epoch(self) -> str:
        """Draw another, durably: after a restore, or a loss. Blocks."""
        self._check()
        epoch = self._draw()
        self._writer.change_manifest(lambda old: replace(old, epoch=epoch))
        return epoch

    @property
    def failure(self) -> str | None:
        """Why nothing can be written; None: all is well."""
        return self._writer.failure

    @property
    def failure_errno(self) -> int | None:
        """The errno of the failure, where the system gave one."""
        return self._writer.failure_errno

    # --- writing

    def write(self, batches: Sequence[Batch]) -> Written:
        """Write the batches as ONE frame: a commit group. Not durable and not visible yet.

        Erasing what is not there does nothing. Raises ReadOnlyError, and then nothing of it is kept.
        """
        return self._writer.write(batches)

    def sync(self) -> None:
        """Make all that was written before the call durable.

        Blocks; may run on another thread beside `write`.

        An OSError poisons the log (fsync is never retried: the kernel may have dropped the pages): what was
        not
        settled is not kept.
        """
        self._writer.sync()

    def settle(self, written: Written) -> None:
        """Make a frame visible: after its sync has returned, in the order of writing.

        In interval mode it may come before the sync; then a crash may take back what was seen.
        """
        active = written.segment
        while active is not self._catalog.active:
            self._seal()
        self._catalog.settle(written)
        active.settled = written.end
        if abs(self._clock() - self._marked_at) >= self._options.mark_seconds:
            self._note()
        behind = active.settled - active.checkpointed
        if behind >= self._options.checkpoint_bytes and active.durable >= active.settled:
            self._checkpoint()

    def commit(self, batch: Batch) -> list[int]:
        """Write, sync and settle one batch. The offsets of its appends. Raises ReadOnlyError."""
        written = self.write([batch])
        try:
            self.sync()
        except OSError as error:
            raise ReadOnlyError(str(self.failure)) from error
        self.settle(written)
        return written.offsets[0]

    def tidy(self) -> None:
        """Write the high-water mark: to be called when idle."""
        if self._mark is not None and self.failure is None:
            self._note()

    def recover(self) -> bool:
        """After a full disk: cut back to what is settled and go on in a new segment.

        Blocks. False: still not.

        To be called with no sync under way; what was written and not settled is given up. Never after a sync
        that
        failed for another reason: that needs a restart.
        """
        if self._read_only or self._closed:
            return False
        if self.failure is None:
            return True
        if not self._writer.recover():
            return False
        self._seal()
        return True

    # --- reading

    def head(self, stream: bytes) -> int:
        """The offset of its last payload; 0: nothing yet."""
        found = self._catalog.streams.get(stream)
        return found.head if found is not None else 0

    def first(self, stream: bytes) -> int:
        """The lowest offset that is not trimmed; head + 1 where all is."""
        found = self._catalog.streams.get(stream)
        return found.low if found is not None else 1

    def scan(self, prefix: bytes = b"", *, wait: bool = True) -> Iterator[tuple[bytes, bytes]]:
        """The keyed records whose keys begin so, sorted by key. Errors as in `read`."""
        return self._catalog.scan(prefix, wait=wait)

    def streams(self, prefix: bytes = b"") -> Iterator[bytes]:
        """The names of the streams, sorted."""
        streams = list(self._catalog.streams.items())  # one step, because `write` may run on another thread
        return iter(sorted(name for name, one in streams if one.known and name.startswith(prefix)))

    def tags(self) -> Iterator[tuple[bytes, int, bytes]]:
        """(stream, offset, tag) of the appends that had one, not older than `tag_seconds`, oldest first."""
        since = int((self._clock() - self._options.tag_seconds) * 1_000_000)
        identity = self._writer.manifest.identity
        return newest_tags(self._catalog, identity, since, self._options.tags_kept)

    def stat(self) -> Stat:
        """Counts and sizes, without reading anything."""
        catalog = self._catalog
        active, sealed = catalog.active, catalog.sealed
        return Stat(
            epoch=self.epoch,
            streams=sum(one.known for one in catalog.streams.values()),
            keys=len(catalog.keys),
            entries=active.contents.entries + sum(one.entries for one in sealed),
            dead=active.dead + sum(min(one.dead, one.entries) for one in sealed),
            segments=len(sealed) + 1,
            bytes=self.size,
            erased=sum(len(one.erased) for one in catalog.streams.values() if one.erased),
            cut=self._opened.cut,
            rebuilt=self._opened.rebuilt,
            failure=None if self._read_only else self.failure,
        )

    @property
    def size(self) -> int:
        """Bytes of its segments, without reading anything."""
        return self._catalog.active.settled + sum(one.size for one in self._catalog.sealed)

    # --- compaction

    def plan_compaction(self, *, everything: bool = False) -> CompactionPlan | None:
        """Which sealed segments are worth rewriting now; None: none are.

        `everything`: whether worth it or not.

        Segments whose tags are still given back are left alone.
        """
        self._check()
        since = int((self._clock() - self._options.tag_seconds) * 1_000_000)
        incomplete = self._writer.incomplete()  # in interval mode a segment may be sealed before it is synced
        sealed = [one for one in self._catalog.sealed if one.number not in incomplete]
        plan = choose(sealed, self._options, since, everything=everything)
        if plan is None:
            return None
        active = self._catalog.active
        told = active.contents.entries > 0 and active.durable >= active.settled and self._checkpoint()
        path = str(self._files.path) if isinstance(self._files, Directory) else ""
        return replace(
            plan,
            directory=path,
            identity=self._writer.manifest.identity,
            number=self._writer.take_number(),
            active=active.number if told else None,
        )

    def adopt(self, result: CompactionResult) -> None:
        """Put a compacted segment in the place of those it was made from. Blocks for a few syncs."""
        self._check()
        adopt(result, self._files, self._catalog, self._writer)

    def seal(self) -> None:
        """Seal the active segment, so that compaction may take it.

        Blocks. Nothing may be written and unsettled.
        """
        self._check()
        if self._catalog.active.contents.entries:
            self._writer.rotate()
            self._seal()

    # --- ending

    def close(self) -> None:
        """Sync, note that it was closed in order, and let others in. Twice does no harm."""
        if self._closed:
            return
        self._closed = True
        try:
            if not self._read_only:
                self._finish()
        finally:
            self._close_files()
            if not self._read_only:
                self._files.unlock()

    def _close_files(self) -> None:
        for segment in self._writer.ahead():
            segment.file.close()
        self._catalog.close()
        if self._mark is not None:
            self._mark.close()

    def _finish(self) -> None:
        self._writer.finish()
        active = self._catalog.active
        if self._mark is None or self.failure is not None:
            return
        if active.settled > active.checkpointed and active.end == active.settled:
            self._checkpoint()
        newest = self._writer.active
        self._mark.write(newest.number, newest.end, closed=True)
        self._mark.sync()

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # --- its own notes

    def _check(self) -> None:
        if self.failure is not None:
            raise ReadOnlyError(self.failure)
        if self._closed:
            raise ReadOnlyError("the log is closed")

    def _note(self, *, force: bool = False) -> None:
        """The high-water mark. One that cannot be written is a proof less, and no failure."""
        active = self._catalog.active
        mark = active.number, min(active.durable, active.settled)
        self._marked_at = self._clock()
        if active.number not in self._writer.manifest.live:
            return  # interval mode: settled before the sync that makes the segment part of the log
        if self._mark is not None and (mark != self._marked or force):
            try:
                self._mark.write(*mark)
                self._marked = mark
            except OSError:
                if force:
                    raise

    def _checkpoint(self) -> bool:
        """Write down the active segment's index, for a faster opening. False: it was not possible."""
        active = self._catalog.active
        active.checkpointed = active.settled
        data = index_file.encode(active.contents, active.number, active.settled, active.base)
        try:
            replace_file(self._files, CHECKPOINT_NAME % active.number, data, durable=False)
        except OSError:
            return False
        return True

    def _seal(self) -> None:
        """The active segment is complete, because frames of the next one are settled."""
        old = self._catalog.active
        new = old.following
        assert new is not None  # noqa: S101 - a frame stands in it
        data = index_file.encode(old.contents, old.number, old.settled, old.base)
        name = INDEX_NAME % old.number
        index: File
        try:
            replace_file(self._files, name, data, durable=False)
            index = self._files.open(name, write=False)
        except OSError:
            index = Held(data)
        directory = index_file.read_directory(index, name)
        sealed = Sealed(old.file, index, directory, self._catalog.cache, clustered=False, index_name=name)
        self._catalog.seal(old, sealed, new)
        try:
            self._files.unlink(CHECKPOINT_NAME % old.number)
        except OSError:
            return  # there was none, or the next opening removes it
