"""What is settled, and so visible: streams, keyed records, segments. Reading happens here."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Protocol
from zlib import crc32

from hubbub.log.active import Active, Written
from hubbub.log.contents import Contents
from hubbub.log.errors import CorruptError
from hubbub.log.index_file import Directory
from hubbub.log.layout import CHECKSUM, CONTROL, ERASE, GONE, KEY_LENGTH, LENGTH, MANIFEST, PLACES, RESIDUE
from hubbub.log.options import Options
from hubbub.log.reading import fetch, fetch_one, nowait
from hubbub.log.sealed import BlockCache, Sealed
from hubbub.log.streams import NOTHING, Stream, Tail

_PLACE = (1 << 64) - 1


class Read(Protocol):
    """`Log.read`."""

    def __call__(self, stream: bytes, first: int, count: int, *, wait: bool = True) -> list[bytes | None]:
        """Payloads, from `first` on."""
        ...


class Get(Protocol):
    """`Log.get`."""

    def __call__(self, key: bytes, *, wait: bool = True) -> bytes | None:
        """The value."""
        ...


class Catalog:
    """The index over all segments."""

    def __init__(self, options: Options) -> None:
        self.streams: dict[bytes, Stream] = {}
        self.by_number: dict[int, Stream] = {}
        self.keys: dict[bytes, int] = {}
        """Key → segment << 64 | place."""
        self.sealed: list[Sealed] = []
        self._newest_first: list[Sealed] = []
        self.active: Active
        self.cache = BlockCache(options.cache_bytes)
        self.tail = Tail(options.tail_bytes)
        self.next_number = 1
        self._files: dict[int, Active | Sealed] = {}
        self._shifts: list[Contents | Directory] = []

    # --- taking in segments

    def set_sealed(self, sealed: list[Sealed]) -> None:
        """These are the sealed segments now, oldest first."""
        self.sealed = sealed
        self._newest_first = sealed[::-1]
        self._files = {one.number: one for one in sealed}
        if hasattr(self, "active"):
            self._files[self.active.number] = self.active

    def set_active(self, active: Active) -> None:
        """New settled frames stand in this segment."""
        self.active = active
        self._files[active.number] = active

    def stream(self, name: bytes) -> Stream:
        """The stream of that name, new where there is none."""
        found = self.streams.get(name)
        if found is None:
            if self.next_number >= CONTROL:
                raise ValueError(f"a log has at most {CONTROL - 1} streams")
            found = self._add(self.next_number, name)
        return found

    def _add(self, number: int, name: bytes) -> Stream:
        stream = self.streams[name] = self.by_number[number] = Stream(number, name)
        self.next_number = max(self.next_number, number + 1)
        return stream

    def take_sealed(self, sealed: Sealed, directory: Directory) -> None:
        """Take in the next sealed segment, in their order."""
        rows = directory.rows
        for i, number in enumerate(directory.numbers):
            stream = self._meet(
                number, directory.names[i], directory.firsts[i], sealed.name, clustered=sealed.clustered
            )
            stream.start = directory.firsts[i] + rows[i + 1] - rows[i]
        self.set_sealed([*self.sealed, sealed])
        self._take_keys(sealed.number, directory.keys)
        self._shifts.append(directory)

    def take_active(self, active: Active) -> None:
        """Take in the active segment, last of all."""
        contents = active.contents
        for number, name in contents.names.items():
            stream = self._meet(number, name, contents.firsts[number], active.name)
            stream.start = contents.firsts[number]
            stream.places = contents.places[number]
            active.introduced[name] = stream
        self.set_active(active)
        self._take_keys(active.number, contents.keys)

    def _meet(self, number: int, name: bytes, first: int, file: str, *, clustered: bool = False) -> Stream:
        stream = self.streams.get(name)
        if stream is None:
            if number in self.by_number:
                raise CorruptError(file, 0, f"stream number {number} has two names")
            stream = self._add(number, name)
            stream.low = first
        elif stream.number != number or stream.start > first or (stream.start < first and not clustered):
            raise CorruptError(
                file, 0, f"stream {name!r} goes on at {first}, where {stream.start} was to follow"
            )
        elif stream.start < first:
            stream.low = max(stream.low, first)  # compaction has left out what was trimmed
        stream.known = True
        return stream

    def _take_keys(self, segment: int, keys: Sequence[tuple[bytes, int]]) -> None:
        for key, place in keys:
            self._set_key(key, segment, place)

    def _set_key(self, key: bytes, segment: int, place: int) -> None:
        if place == GONE:
            old = self.keys.pop(key, None)
        else:
            old = self.keys.get(key)
            self.keys[key] = segment << 64 | place
        if old is not None:
            self._files[old >> 64].dead += 1

    def finish_taking(self) -> None:
        """All segments were taken in: apply their trims and erasures."""
        shifts = [*self._shifts, self.active.contents]
        self._shifts = []
        for one in shifts:
            for number, first in one.trimmed:
                self._trim(self.by_number[number], first)
        for one in shifts:
            for number, offset in one.erased:
                self._erase(self.by_number[number], offset)
        for stream in self.streams.values():
            stream.next = stream.head + 1

    def close(self) -> None:
        """Give the descriptors back."""
        for one in self._files.values():
            if isinstance(one, Sealed):
                one.close()
            else:
                one.file.close()
        self._files.clear()

    def rewind(self) -> None:
        """Forget what was written and never settled; what follows begins behind the settled."""
        for name, stream in list(self.streams.items()):
            if stream.known:
                stream.next = stream.head + 1
            else:
                del self.streams[name], self.by_number[stream.number]

    # --- settling

    def settle(self, written: Written) -> None:
        """Make a frame of the active segment visible."""
        contents = self.active.contents
        for stream, first in written.introduced:
            stream.places = contents.introduce(stream.number, stream.name, first)
            stream.start = first
            stream.known = True
        young = self.tail.young
        for stream, place, payload in written.entries:
            stream.places.append(place)
            stream.tail.append(payload)
            if not stream.young:
                stream.young = True
                young.append(stream)
        segment = self.active.number
        for key, place in written.records:
            contents.keys.append((key, place))
            self._set_key(key, segment, place)
        for kind, stream, offset in written.shifts:
            if kind == ERASE:
                contents.erased.append((stream.number, offset))
                self._erase(stream, offset)
            else:
                contents.trimmed.append((stream.number, offset))
                self._trim(stream, offset)
        contents.pass_frame(written.position, written.count, written.time, written.tags)
        self.tail.grow(written.size)

    def seal(self, active: Active, sealed: Sealed, following: Active) -> None:
        """The active segment has become a sealed one, and another is active."""
        for number, places in active.contents.places.items():
            stream = self.by_number[number]
            stream.start += len(places)
            stream.places = NOTHING
        sealed.dead = active.dead
        self.set_active(following)
        self.set_sealed([*self.sealed, sealed])

    def replace(self, old: list[Sealed], new: Sealed, keys: Sequence[tuple[bytes, int]]) -> None:
        """Compaction has made one segment of several neighbours.

        What changed since it was planned counts as dead.
        """
        at = self.sealed.index(old[0])
        gone = {one.number for one in old}
        self.set_sealed([*self.sealed[:at], new, *self.sealed[at + len(old) :]])
        for key, place in keys:
            found = self.keys.get(key)
            if found is not None and found >> 64 in gone:
                self.keys[key] = new.number << 64 | place
            elif place != GONE:
                new.dead += 1
        for i, number in enumerate(new.numbers):
            stream = self.by_number[number]
            stream.run = None
            first, count = new.firsts[i], new.rows[i + 1] - new.rows[i]
            new.dead += max(min(stream.low - first, count), 0)
            if stream.erased:
                for offset in [one for one in stream.erased if first <= one < first + count]:
                    stream.erased.discard(offset)
                    self._erase(stream, offset)

    def _erase(self, stream: Stream, offset: int) -> None:
        if not stream.low <= offset <= stream.head:
            return
        back = offset - stream.head - 1
        if -back <= len(stream.tail):
            stream.tail[back] = None
        if stream.erased is None:
            stream.erased = set()
        elif offset in stream.erased:
            return
        if offset < stream.start:
            sealed, _, _, shift = self._run(stream, offset)
            if sealed.place(offset + shift) == GONE:
                return  # compaction has honoured it
            sealed.dead += 1
        else:
            self.active.dead += 1
        stream.erased.add(offset)

    def _trim(self, stream: Stream, first: int) -> None:
        first = min(first, stream.head + 1)
        if first <= stream.low:
            return
        for sealed in self.sealed:
            i = sealed.row(stream.number)
            if i >= 0:
                run = sealed.firsts[i]
                end = run + sealed.rows[i + 1] - sealed.rows[i]
                sealed.dead += max(min(first, end) - max(stream.low, run), 0)
        self.active.dead += max(first - max(stream.low, stream.start), 0)
        stream.low = first
        keep = stream.head + 1 - first
        if len(stream.tail) > keep:
            cut = len(stream.tail) - keep
            del stream.tail[:cut]
            stream.kept = max(stream.kept - cut, 0)
        if stream.erased:
            stream.erased = {one for one in stream.erased if one >= first} or None

    # --- reading

    def _run(self, stream: Stream, offset: int) -> tuple[Sealed, int, int, int]:
        """Where a sealed message stands. The stream keeps it: who reads one will read its neighbours."""
        run = stream.run
        if run is not None and run[1] <= offset < run[2]:
            return run
        number = stream.number
        for sealed in self._newest_first:
            numbers = sealed.numbers
            i = bisect_left(numbers, number)
            if i < len(numbers) and numbers[i] == number and (first := sealed.firsts[i]) <= offset:
                row = sealed.rows[i]
                stream.run = run = sealed, first, first + sealed.rows[i + 1] - row, row - first
                if offset < run[2]:
                    return run
                break
        raise CorruptError(MANIFEST, 0, f"no segment holds offset {offset} of stream {stream.name!r}")

    def read(self, stream: bytes, first: int, count: int, *, wait: bool = True) -> list[bytes | None]:
        """See `Log.read`."""
        found = self.streams.get(stream)
        if found is None:
            return []
        start = found.start
        head = start + len(found.places) - 1
        last = first + count - 1
        if last > head:
            last = head
        if first < found.low:
            first = found.low
        if first > last:
            return []
        tail = found.tail
        i = first - head - 1 + len(tail)
        if i >= 0:
            return tail[i : i + last - first + 1]
        erased = found.erased
        if first == last:
            if erased and first in erased:
                return [None]
            return [self._read_one(found, first, wait)]
        payloads = self._read_run(found, first, last, wait=wait)
        if erased:
            for offset in erased:
                if first <= offset <= last:
                    payloads[offset - first] = None
        return payloads

    def _read_one(self, stream: Stream, offset: int, wait: bool) -> bytes | None:
        """One payload. Written out, because every call that it does not make counts."""
        segment: Active | Sealed = self.active
        if offset >= stream.start:
            place = stream.places[offset - stream.start]
        else:
            run = stream.run
            if run is None or not run[1] <= offset < run[2]:
                run = self._run(stream, offset)
            segment = sealed = run[0]
            row = offset + run[3]
            block = self.cache.young.get(sealed.key | row // PLACES)
            place = sealed.place(row, wait=wait) if block is None else block[row % PLACES]
        if place == GONE:
            return None
        length = place & LENGTH
        file = segment.file
        data = (
            file.pread(length + CHECKSUM, place >> 32)
            if wait
            else nowait(file, length + CHECKSUM, place >> 32)
        )
        if crc32(data, RESIDUE) != RESIDUE or len(data) != length + CHECKSUM:
            raise CorruptError(segment.name, place >> 32, "the payload is damaged")
        return data[:length]

    def _read_run(self, stream: Stream, first: int, last: int, *, wait: bool) -> list[bytes | None]:
        parts: list[list[bytes | None]] = []
        if last >= stream.start:
            begin = max(first, stream.start)
            places = stream.places[begin - stream.start : last + 1 - stream.start]
            parts.append(fetch(self.active.file, self.active.name, places, wait=wait))
            last = begin - 1
        while last >= first:
            sealed, begin, _, shift = self._run(stream, last)
            begin = max(first, begin)
            places = sealed.places(begin + shift, last + 1 - begin, wait=wait)
            parts.append(fetch(sealed.file, sealed.name, places, holes=sealed.holes, wait=wait))
            last = begin - 1
        if len(parts) == 1:
            return parts[0]
        return [payload for part in reversed(parts) for payload in part]

    def get(self, key: bytes, *, wait: bool = True) -> bytes | None:
        """See `Log.get`."""
        found = self.keys.get(key)
        if found is None:
            return None
        home = self._files[found >> 64]
        place = found & _PLACE
        record = fetch_one(home.file, home.name, place, wait=wait)
        end = KEY_LENGTH.size + len(key)
        if record[KEY_LENGTH.size : end] != key:
            raise CorruptError(home.name, place >> 32, "another key stands where the index says")
        return record[end:]

    def scan(self, prefix: bytes, *, wait: bool = True) -> Iterator[tuple[bytes, bytes]]:
        """See `Log.scan`."""
        for key in sorted([key for key in self.keys if key.startswith(prefix)]):
            value = self.get(key, wait=wait)
            if value is not None:
                yield key, value
