"""MANIFEST: which segments are live, and in what order. Replacing it is the only commit point of the engine.

The marker file beside it tells a directory of ours from any other.
"""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass

from hubbub.log.errors import CorruptError, NewerFormatError
from hubbub.log.files import Files, replace
from hubbub.log.layout import FORMAT, MANIFEST, MANIFEST_HEAD, MARKER, MARKER_TEXT

_LIMIT = 64 << 20
_HEAD = re.compile(rb"hubbub-log (\d+) ([0-9a-f]{8})\n")
_MARKER = re.compile(rb"This directory is a Hubbub log, format (\d+)\.")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The live segments, oldest first; the last is the active one."""

    identity: int
    """Drawn when the directory was made: its segments bear it, and their CRCs start from it.

    Not shown to anyone.
    """
    epoch: str
    live: tuple[int, ...]
    following: int
    """The lowest number that no segment has borne."""

    def write(self, files: Files) -> None:
        """Make this the truth: durable when it returns."""
        text = {
            "identity": f"{self.identity:016x}",
            "epoch": self.epoch,
            "live": self.live,
            "following": self.following,
        }
        body = json.dumps(text).encode() + b"\n"
        replace(files, MANIFEST, MANIFEST_HEAD % (FORMAT, zlib.crc32(body)) + body)

    @classmethod
    def read(cls, files: Files) -> Manifest:
        """FileNotFoundError where there is none."""
        file = files.open(MANIFEST, write=False)
        try:
            data = file.pread(_LIMIT, 0)
        finally:
            file.close()
        head = _HEAD.match(data)
        if head is None:
            raise CorruptError(MANIFEST, 0, "the first line is damaged")
        body = data[head.end() :]
        if zlib.crc32(body) != int(head[2], 16):
            raise CorruptError(MANIFEST, head.end(), "the CRC does not fit")
        if int(head[1]) != FORMAT:
            _check_format(MANIFEST, int(head[1]))
        try:
            text = json.loads(body)
            found = cls(
                int(text["identity"], 16),
                str(text["epoch"]),
                tuple(map(int, text["live"])),
                int(text["following"]),
            )
        except (ValueError, KeyError, TypeError):
            raise CorruptError(MANIFEST, head.end(), "this is not a manifest") from None
        if not found.live or min(found.live) < 0 or max(found.live) >= found.following:
            raise CorruptError(MANIFEST, head.end(), "the numbers of the segments make no sense")
        return found


def _check_format(name: str, number: int) -> None:
    if number > FORMAT:
        raise NewerFormatError(f"{name}: format {number} is newer than {FORMAT}, the newest known here")
    raise CorruptError(name, 0, f"there has never been a format {number}")


def write_marker(files: Files) -> None:
    """Make the directory ours."""
    replace(files, MARKER, MARKER_TEXT % FORMAT)


def check_marker(files: Files) -> None:
    """Refuse a marker that is damaged or of a newer format."""
    file = files.open(MARKER, write=False)
    try:
        text = file.pread(BOUND, 0)
    finally:
        file.close()
    found = _MARKER.match(text)
    if found is None or text != MARKER_TEXT % int(found[1]):
        raise CorruptError(MARKER, 0, "the marker is damaged")
    if int(found[1]) != FORMAT:
        _check_format(MARKER, int(found[1]))


BOUND = 4096
"""More than this of a marker is never read."""
