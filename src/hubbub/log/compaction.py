"""Compaction: sealed segments rewritten as one, sorted by stream, without what is erased or overwritten.

`choose` and `adopt` run where the log is open. `compact` is a pure function over files and belongs into
another
process: `python -m hubbub.log.compaction` reads a plan as JSON and prints lines of progress, then the result.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from dataclasses import replace as changed

from hubbub.log import index_file
from hubbub.log.catalog import Catalog
from hubbub.log.contents import Contents
from hubbub.log.errors import CorruptError, LogError
from hubbub.log.files import Directory, File, Files
from hubbub.log.frames import checked, read_segment_header, seal_frame, seed_of, segment_header
from hubbub.log.layout import (
    CHECKPOINT_NAME,
    CHECKSUM,
    COMPACTED_INDEX_NAME,
    COMPACTED_NAME,
    DELETE,
    ERASE,
    GONE,
    HOLE,
    INDEX_NAME,
    NAMED,
    PUT,
    SEGMENT_HEADER,
    SEGMENT_NAME,
    STREAM,
    TRIM,
)
from hubbub.log.options import Options
from hubbub.log.reading import fetch, fetch_one
from hubbub.log.recovery import open_sealed
from hubbub.log.sealed import Sealed, scan
from hubbub.log.writer import Writer

_FRAME_BYTES = 1 << 20
_AT_ONCE = 256
"""Messages of a stream that are read together."""

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""


@dataclass(frozen=True, slots=True)
class CompactionPlan:
    """What to rewrite: all that `compact` has to know."""

    directory: str
    identity: int
    number: int
    """Of the segment to be written."""
    segments: tuple[int, ...]
    """Neighbours, oldest first."""
    later: tuple[int, ...]
    """The sealed segments behind them, which may erase, trim or overwrite."""
    active: int | None
    """The active one, whose checkpoint tells the same; None: it has none that is durable."""
    oldest: bool
    """Nothing stands before them, so that nothing can come back."""
    bytes: int

    def to_json(self) -> str:
        """For another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> CompactionPlan:
        """What `to_json` gave."""
        found = json.loads(text)
        return cls(**{**found, "segments": tuple(found["segments"]), "later": tuple(found["later"])})


@dataclass(frozen=True, slots=True)
class CompactionResult:
    """What was written, for `Log.adopt`."""

    number: int
    segments: tuple[int, ...]
    before: int
    """Bytes of the segments that go."""
    after: int
    """Bytes of the one that comes."""

    def to_json(self) -> str:
        """For another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> CompactionResult:
        """What `to_json` gave."""
        found = json.loads(text)
        return cls(**{**found, "segments": tuple(found["segments"])})


def choose(
    sealed: Sequence[Sealed], options: Options, since: int, *, everything: bool
) -> CompactionPlan | None:
    """The first run of neighbours that is worth it: many not sorted yet, or one with much that is dead."""
    run: list[Sealed] = []
    for one in [*sealed, None]:
        eligible = one is not None and one.newest < since
        fits = one is not None and sum(other.size for other in run) + one.size <= options.compact_bytes
        if one is not None and eligible and (everything or _is_raw(one, options)) and (fits or not run):
            run.append(one)
            continue
        if run and _is_worth(run, options, everything=everything):
            break
        run = [one] if one is not None and eligible and (everything or _is_raw(one, options)) else []
    if not run or not _is_worth(run, options, everything=everything):
        return None
    begin = list(sealed).index(run[0])
    later = sealed[begin + len(run) :]
    return CompactionPlan(
        directory="",
        identity=0,
        number=0,
        segments=tuple(one.number for one in run),
        later=tuple(one.number for one in later),
        active=None,
        oldest=begin == 0,
        bytes=sum(one.size for one in run),
    )


def _is_dead(one: Sealed, options: Options) -> bool:
    return one.dead > 0 and one.dead >= options.compact_dead * one.entries


def _is_raw(one: Sealed, options: Options) -> bool:
    return not one.clustered or _is_dead(one, options)


def _is_worth(run: list[Sealed], options: Options, *, everything: bool) -> bool:
    if everything:
        return len(run) > 1 or not run[0].clustered or run[0].dead > 0
    return len(run) >= options.compact_segments or any(_is_dead(one, options) for one in run)


# --- carrying it out


class _Output:
    """The segment that is written: frames of about a megabyte."""

    def __init__(self, file: File, base: int, seed: int, time: int) -> None:
        self._file = file
        self._seed = seed
        self._time = time
        self._base = base
        self.end = SEGMENT_HEADER
        self._begin()

    def _begin(self) -> None:
        self._table = array("I")
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, kind: int, payload: bytes | None) -> None:
        """One entry; None: erased."""
        self._table.extend((kind, HOLE if payload is None else len(payload)))
        if payload is not None:
            self._parts += (payload, checked(payload))
            self._size += len(payload) + CHECKSUM
        if self._size >= _FRAME_BYTES or len(self._table) >= _FRAME_BYTES // 4:
            self.flush()

    def flush(self) -> None:
        """Write the frame."""
        count = len(self._table) // 2
        if not count:
            return
        frame = seal_frame(
            self._parts, self._table, (), base=self._base, synced=0, time=self._time, seed=self._seed
        )
        self._file.pwrite(frame, self.end)
        self.end += len(frame)
        self._base += count
        self._begin()


class _Source:
    """One of the segments that are read."""

    def __init__(self, files: Files, number: int, identity: int, opened: ExitStack) -> None:
        self.name = SEGMENT_NAME % number
        self.file = files.open(self.name, write=False)
        opened.callback(self.file.close)
        self.base, self.clustered = read_segment_header(self.file, self.name, number, identity)
        self.contents = _contents(files, self.file, number, identity)


def _contents(files: Files, file: File, number: int, identity: int) -> Contents:
    name = INDEX_NAME % number
    try:
        index = files.open(name, write=False)
    except FileNotFoundError:
        return scan(file, SEGMENT_NAME % number, number, identity)[0]
    try:
        directory, contents = index_file.read_contents(index, name)
    finally:
        index.close()
    if directory.segment != number or directory.end != file.size():
        raise CorruptError(name, 0, "the index does not belong to its segment")
    return contents


def _checkpoint(files: Files, number: int) -> list[Contents]:
    """What the active segment's checkpoint tells; nothing, if it has gone: the next compaction learns it."""
    name = CHECKPOINT_NAME % number
    try:
        file = files.open(name, write=False)
    except FileNotFoundError:
        return []
    try:
        return [index_file.read_contents(file, name)[1]]
    finally:
        file.close()


def compact(
    plan: CompactionPlan, progress: Progress | None = None, files: Files | None = None
) -> CompactionResult:
    """Write the new segment beside the old ones, under a name that recovery removes. Nothing else is touched.

    Raises CorruptError where anything that it reads is damaged; then there is no new segment.
    """
    files = files or Directory(plan.directory, make=False)
    later: list[Contents] = []
    for number in plan.later:
        with ExitStack() as opened:
            later.append(_Source(files, number, plan.identity, opened).contents)
    if plan.active is not None:
        later += _checkpoint(files, plan.active)
    with ExitStack() as opened:
        sources = [_Source(files, number, plan.identity, opened) for number in plan.segments]
        name = COMPACTED_NAME % plan.number
        file = files.create(name)
        opened.callback(file.close)
        file.pwrite(segment_header(plan.number, sources[0].base, plan.identity, clustered=True), 0)
        newest = max(source.contents.newest for source in sources)
        output = _Output(file, sources[0].base, seed_of(plan.identity, plan.number), newest)
        _write_streams(plan, sources, later, output, progress)
        _write_keys(plan, sources, later, output)
        output.flush()
        file.fdatasync()
        contents, base = scan(file, name, plan.number, plan.identity)  # what stands there, not what was meant
        index = files.create(COMPACTED_INDEX_NAME % plan.number)
        opened.callback(index.close)
        index.pwrite(index_file.encode(contents, plan.number, output.end, base), 0)
        index.fdatasync()
    return CompactionResult(plan.number, plan.segments, plan.bytes, output.end)


def _write_streams(
    plan: CompactionPlan,
    sources: list[_Source],
    later: list[Contents],
    output: _Output,
    progress: Progress | None,
) -> None:
    everything = [*(source.contents for source in sources), *later]
    erased: dict[int, set[int]] = {}
    trimmed: dict[int, int] = {}
    for contents in everything:
        for number, offset in contents.erased:
            erased.setdefault(number, set()).add(offset)
        for number, first in contents.trimmed:
            trimmed[number] = max(trimmed.get(number, 0), first)
    runs: dict[int, list[_Source]] = {}
    ends: dict[int, int] = {}
    for source in sources:
        for number, its_first in source.contents.firsts.items():
            runs.setdefault(number, []).append(source)
            if source.clustered and its_first > ends.get(number, its_first):
                trimmed[number] = max(trimmed.get(number, 0), its_first)  # the compaction before knew of it
            ends[number] = its_first + len(source.contents.places[number])
    done = 0
    begins: dict[int, int] = {}
    for number in sorted(runs):
        gone = erased.get(number, set())
        begins[number] = begin = runs[number][0].contents.firsts[number]
        last = runs[number][-1].contents
        first = max(begin, min(trimmed.get(number, 0), last.firsts[number] + len(last.places[number])))
        output.add(STREAM, NAMED.pack(number, first) + last.names[number])
        for source in runs[number]:
            its_first = source.contents.firsts[number]
            if begin < its_first <= first:
                begin = its_first  # an earlier compaction has left out what was trimmed
            if its_first != begin:
                raise CorruptError(source.name, 0, f"stream {number} does not go on at {begin}")
            places = source.contents.places[number]
            if gone:
                places = array("Q", [GONE if begin + i in gone else place for i, place in enumerate(places)])
            for i in range(max(first - begin, 0), len(places), _AT_ONCE):
                for payload in fetch(source.file, source.name, places[i : i + _AT_ONCE], holes=True):
                    output.add(number, payload)
            begin += len(places)
            done += 8 * len(places) + sum(place & 0xFFFFFFFF for place in places if place != GONE)
        if progress is not None:
            progress(min(done, plan.bytes), plan.bytes)
    mine = Contents()
    for source in sources:
        mine.erased += source.contents.erased
        mine.trimmed += source.contents.trimmed
    for number, offset in sorted(set(mine.erased)):
        if not plan.oldest and trimmed.get(number, 0) <= offset < begins.get(number, offset + 1):
            output.add(ERASE, NAMED.pack(number, offset))  # what it erases stands in an older segment
    for number, first in sorted({number: trimmed[number] for number, _ in mine.trimmed}.items()):
        if not plan.oldest:
            output.add(TRIM, NAMED.pack(number, first))


def _write_keys(plan: CompactionPlan, sources: list[_Source], later: list[Contents], output: _Output) -> None:
    newest: dict[bytes, tuple[_Source, int]] = {}
    for source in sources:
        for key, place in source.contents.keys:
            newest[key] = source, place
    for contents in later:
        for key, _ in contents.keys:
            newest.pop(key, None)
    for key, (source, place) in sorted(newest.items(), key=lambda item: item[0]):
        if place != GONE:
            output.add(PUT, fetch_one(source.file, source.name, place))
        elif not plan.oldest:
            output.add(DELETE, key)


# --- taking it over


def adopt(result: CompactionResult, files: Files, catalog: Catalog, writer: Writer) -> None:
    """Name the new segment in the manifest, read from it from now on, remove the old ones."""
    numbers = [one.number for one in catalog.sealed]
    count = len(result.segments)
    begin = numbers.index(result.segments[0]) if result.segments[0] in numbers else -1
    if begin < 0 or tuple(numbers[begin : begin + count]) != result.segments:
        raise LogError("this result does not fit: the segments it replaces are not there")
    files.rename(COMPACTED_NAME % result.number, SEGMENT_NAME % result.number)
    files.rename(COMPACTED_INDEX_NAME % result.number, INDEX_NAME % result.number)
    files.sync_directory()
    new, directory, _ = open_sealed(files, result.number, writer.manifest.identity, catalog, read_only=False)

    def live(old: tuple[int, ...]) -> tuple[int, ...]:
        at = old.index(result.segments[0])
        return (*old[:at], result.number, *old[at + count :])

    try:
        writer.change_manifest(lambda old: changed(old, live=live(old.live), following=writer.following))
    except OSError as error:
        new.close()
        writer.fail("compacting", error)
        raise
    old = catalog.sealed[begin : begin + count]
    catalog.replace(old, new, directory.keys)
    for one in old:
        one.close()
        files.unlink(SEGMENT_NAME % one.number)
        if INDEX_NAME % one.number in files.names():
            files.unlink(INDEX_NAME % one.number)


def main() -> int:
    """A plan on stdin; on stdout `{"done": …, "total": …}` lines, then the result."""
    plan = CompactionPlan.from_json(sys.stdin.read())

    def progress(done: int, total: int) -> None:
        sys.stdout.write(json.dumps({"done": done, "total": total}) + "\n")

    try:
        result = compact(plan, progress)
    except (LogError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(result.to_json() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
