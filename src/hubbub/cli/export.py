"""`hubbub log export` and `import`: everything as JSON, one object a line, and back into an empty directory.

The first line names the format; then come the keyed records, `{"key","value"}` with the value in base64, and
the entries, `{"stream","offset","entry"}`. An erased one has no `entry`; a trimmed one is not there.
Positions stay; the epoch is another one, so that nobody goes on from a position that a copy does not have.
"""

from __future__ import annotations

import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from hubbub.adapters.log_codec import add_change, add_entry
from hubbub.adapters.log_reading import LogReader
from hubbub.cli.data import Data, with_data
from hubbub.cli.progress import progress
from hubbub.core.entries import Entry, Erase, Erased, Put, Trim
from hubbub.log import Batch, Log, LogError
from hubbub.server.storage import claim

VERSION: Final = 1
_AT_ONCE: Final = 1_000
"""Entries read together, and lines in one commit."""


class _Head(msgspec.Struct):
    hubbub: str
    version: int


class _Line(msgspec.Struct, omit_defaults=True):
    key: str | None = None
    value: bytes | None = None
    stream: str | None = None
    offset: int = 0
    entry: Entry | None = None


def export(arguments: Namespace) -> int:
    """Write everything to a file that only its owner may read, or to stdout (`-`)."""

    def write(data: Data) -> int:
        with Log.open(data.log, read_only=True) as log:
            if arguments.file == "-":
                _write(log, sys.stdout.buffer)
                return 0
            descriptor = os.open(arguments.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    _write(log, file)
                    file.flush()
                    os.fsync(file.fileno())
            except BaseException:
                Path(arguments.file).unlink(missing_ok=True)  # half an export must not pass for a whole one
                raise
        return 0

    return with_data(arguments, write)


def _write(log: Log, file: BinaryIO) -> None:
    reader = LogReader(log, wait=True)
    encode = msgspec.json.encode
    file.write(encode(_Head("export", VERSION)) + b"\n")
    for key, value in reader.scan(""):
        file.write(encode(_Line(key=key, value=value)) + b"\n")
    streams = list(reader.streams(""))
    total, done = sum(reader.head(name).offset for name in streams), 0
    with progress("exporting", "entries") as told:
        for name in streams:
            head = reader.head(name).offset
            for first in range(reader.first(name), head + 1, _AT_ONCE):
                for record in reader.entries(name, first, min(first + _AT_ONCE - 1, head)):
                    entry = None if isinstance(record.entry.body, Erased) else record.entry
                    file.write(encode(_Line(stream=name, offset=record.offset, entry=entry)) + b"\n")
            done += head
            told(done, total)


def bring_in(arguments: Namespace) -> int:
    """Read an export into a directory that has no log yet."""

    def read(data: Data) -> int:
        if data.log.exists() and any(data.log.iterdir()):
            raise LogError(f"{data.log} holds something already; an import needs an empty place")
        with (
            nullcontext(sys.stdin.buffer)
            if arguments.file == "-"
            else Path(arguments.file).open("rb") as file
        ):
            claim(data.directory)
            try:
                with Log.open(data.log) as log:
                    count = _read(log, file)
            except BaseException:
                shutil.rmtree(data.log, ignore_errors=True)  # nor half an import
                raise
        print(f"{count:,} lines imported.", file=sys.stderr)
        return 0

    return with_data(arguments, read, new=True)


def _read(log: Log, file: BinaryIO) -> int:
    count = 0
    heads: dict[str, int] = {}
    batch = Batch()
    with progress("importing", "lines") as told:
        for number, line in _lines(file):
            if line.key is not None and line.value is not None:
                add_change(batch, Put(line.key, line.value))
            elif line.stream is not None and line.offset > heads.get(line.stream, 0):
                _add(batch, line.stream, line, heads)
            else:
                raise LogError(f"line {number} is neither a record nor the next entry of a stream")
            count += 1
            if count % _AT_ONCE == 0:
                log.commit(batch)
                batch = Batch()
                told(count, count)
    log.commit(batch)
    return count


def _add(batch: Batch, stream: str, line: _Line, heads: dict[str, int]) -> None:
    head = heads.get(stream, 0)
    nothing = Entry(stream, "", "", Erased())
    if line.offset > head + 1:  # what was trimmed: the place is kept, and nothing stands there
        for _ in range(line.offset - head - 1):
            add_entry(batch, nothing)
        add_change(batch, Trim(stream, line.offset))
    add_entry(batch, line.entry or nothing)
    if line.entry is None:
        add_change(batch, Erase(stream, line.offset))
    heads[stream] = line.offset


def _lines(file: BinaryIO) -> Iterator[tuple[int, _Line]]:
    number = 1
    try:
        head = msgspec.json.decode(file.readline(), type=_Head)
        if head.hubbub != "export" or head.version != VERSION:
            raise LogError(f"this is not an export of version {VERSION}")
        decode = msgspec.json.Decoder(_Line).decode
        for number, line in enumerate(file, 2):
            yield number, decode(line)
    except msgspec.MsgspecError as error:
        raise LogError(f"line {number} is no line of an export: {error}") from None
