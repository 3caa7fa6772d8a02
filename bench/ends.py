"""The two ends of a transfer, each a process (ends.c) on sockets that were connected and spoken on here."""

from __future__ import annotations

import hashlib
import random
import socket
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Literal

import msgspec

from bench.drive import OUT, compiled
from bench.machine import pinned

BLOCK_SIZE = 1 << 20
PATIENCE = 300.0
"""Seconds after which a transfer is given up."""


class NotMeasuredError(Exception):
    """Something is missing here, or refuses what was asked of it. The text is a sentence for the report."""


class Moved(msgspec.Struct, frozen=True):
    """What went through one socket, and when (seconds of CLOCK_MONOTONIC)."""

    bytes: int
    begin: float
    end: float


class Report(msgspec.Struct, frozen=True):
    """What an end did: its CPU seconds, bytes that were not what they had to be, and each of its sockets."""

    cpu: float
    wrong: int
    streams: list[Moved]


@cache
def block() -> bytes:
    """All content of this bench is this, again and again."""
    return random.Random(1).randbytes(BLOCK_SIZE)


def content(size: int) -> Iterator[bytes]:
    """So many bytes of it."""
    while size > 0:
        yield block()[:size]
        size -= BLOCK_SIZE


@cache
def sha256_of(size: int) -> str:
    """Of so many bytes of it, in hexadecimal digits."""
    digest = hashlib.sha256()
    for piece in content(size):
        digest.update(piece)
    return digest.hexdigest()


def write_content(path: Path, size: int) -> Path:
    """A file of it."""
    with path.open("wb") as file:
        for piece in content(size):
            file.write(piece)
    return path


@cache
def _block_file() -> Path:
    OUT.mkdir(exist_ok=True)
    path = OUT / "block"
    path.write_bytes(block())
    return path


class Ends:
    """A process that sends, or receives, `size` bytes on each of the sockets once it is told to begin.

    `rate` is in bytes a second for each of them, 0: as fast as it goes.
    """

    def __init__(
        self,
        kind: Literal["send", "receive"],
        size: int,
        sockets: Sequence[socket.socket],
        core: int | None,
        rate: int = 0,
    ) -> None:
        program = compiled("ends", ("ends.c",))
        descriptors = [one.fileno() for one in sockets]
        command = [program, kind, _block_file(), size, rate, *descriptors]
        with pinned(core):
            self._process = subprocess.Popen(
                [str(part) for part in command],
                pass_fds=descriptors,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )

    def __enter__(self) -> Ends:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        with self._process:  # closes its pipes
            pass

    def begin(self) -> None:
        """It was started before, so that its start is not measured."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"!")
        self._process.stdin.flush()

    def report(self, patience: float = PATIENCE) -> Report:
        """Wait for its last byte. NotMeasuredError where that does not come, or what came was wrong."""
        assert self._process.stdout is not None
        try:
            # Not `communicate`: that would close its standard input, and stop it.
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            raise NotMeasuredError("bytes stood still half-way") from None
        return self._told()

    def stop(self) -> Report:
        """End it now, wherever it is."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        return self._told()

    def _told(self) -> Report:
        assert self._process.stdout is not None
        told = self._process.stdout.read()
        if not told:
            raise NotMeasuredError("an end of the transfer failed")
        report = msgspec.json.decode(told, type=Report)
        if report.wrong:
            raise NotMeasuredError(f"{report.wrong} bytes arrived that were not sent")
        return report


def carry(size: int, source: socket.socket, sink: socket.socket, core: int | None) -> float:
    """Send into one socket and wait at the other; seconds from the first byte sent to the last received."""
    with Ends("receive", size, [sink], core) as receiver, Ends("send", size, [source], core) as sender:
        receiver.begin()
        sender.begin()
        got = receiver.report().streams[0]
        sent = sender.report().streams[0]
    if got.bytes != size:
        raise NotMeasuredError(f"{got.bytes:,} of {size:,} bytes arrived")
    return got.end - sent.begin
