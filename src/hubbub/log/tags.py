"""The tags of the newest appends, read from the frames without touching a payload."""

from __future__ import annotations

from collections.abc import Iterator

from hubbub.log.active import Active
from hubbub.log.catalog import Catalog
from hubbub.log.contents import Contents
from hubbub.log.errors import CorruptError
from hubbub.log.frames import Frame, read_frames, seed_of
from hubbub.log.layout import SEGMENT_HEADER
from hubbub.log.sealed import Sealed


def newest_tags(catalog: Catalog, identity: int, since: int, most: int) -> Iterator[tuple[bytes, int, bytes]]:
    """(stream, offset, tag) of frames not older than `since` (µs), the newest `most`, oldest first.

    Raises CorruptError where a frame is damaged: a tag that is missing would let something be done twice.
    """
    chosen: list[tuple[Sealed | Active, int]] = []
    count = 0
    segments: list[Sealed | Active] = [catalog.active, *reversed(catalog.sealed)]
    for segment in segments:
        contents = segment.contents if isinstance(segment, Active) else segment
        if (contents.entries and contents.newest < since) or count >= most:
            break
        if contents.tags and not (isinstance(segment, Sealed) and segment.clustered):
            chosen.append((segment, contents.tags))
            count += contents.tags
    skip = count - most
    for segment, _ in reversed(chosen):
        contents = segment.contents if isinstance(segment, Active) else segment.contents()
        end = segment.settled if isinstance(segment, Active) else segment.size
        start = SEGMENT_HEADER
        for position, time in contents.landmarks:
            if time >= since or skip > 0:
                break
            start = position
        frames = _all_frames(segment, start, end, identity)
        for time, stream, offset, tag in _tags_of(frames, contents):
            if skip > 0:
                skip -= 1
            elif time >= since:
                yield stream, offset, tag


def _all_frames(segment: Sealed | Active, start: int, end: int, identity: int) -> Iterator[Frame]:
    for frame in read_frames(segment.file, start, end, seed_of(identity, segment.number)):
        yield frame
        start = frame.end
    if start < end:
        raise CorruptError(segment.name, start, "a frame is damaged")


def _tags_of(frames: Iterator[Frame], contents: Contents) -> Iterator[tuple[int, bytes, int, bytes]]:
    rows: dict[int, int] = {}
    for frame in frames:
        for number, position, tag in frame.tags():
            row = rows.get(number, 0)
            places = contents.places[number]
            if row >= len(places) or places[row] >> 32 != position:
                row = contents.row_of(number, position)
            rows[number] = row + 1
            yield frame.time, contents.names[number], contents.firsts[number] + row, tag
