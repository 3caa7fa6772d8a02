"""A local file onto a stream: by sendfile(2) where it can be, beside what asyncio's transport writes.

The head of a response leaves by the stream; when nothing of it is queued any more, the file follows on a
descriptor of the same socket. What the kernel has at hand goes at once; what the disk has to be waited for
goes in a thread, so that no one's message waits with it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from concurrent.futures import Executor
from typing import Final

from hubbub.net.stream import NO_FD
from hubbub.server.direct import Direct, Header
from hubbub.server.files.ranges import Span
from hubbub.server.files.traffic import Traffic

PIECE: Final = 524_288
"""Bytes in one call: what the loop does without looking at anything else."""
_SMALL: Final = 65_536
"""Bytes up to which a file leaves in one write with its head."""
_MOST_ON_LOOP: Final = 8
"""Downloads at once up to which the loop sends pieces itself: a message waits for one of each."""
_READ_PIECE: Final = 262_144
_NOWAIT: Final[int] = getattr(os, "RWF_NOWAIT", 0)
_PAGE: Final = 4_096


class Sendfile:
    """Sends files."""

    def __init__(self, loop: asyncio.AbstractEventLoop, threads: Executor, traffic: Traffic) -> None:
        """`threads` wait for the disk, and stay their owner's."""
        self._loop = loop
        self._threads = threads
        self._traffic = traffic
        self._running = 0

    async def send(
        self, request: Direct, descriptor: int, span: Span, status: int, headers: Iterable[Header]
    ) -> None:
        """Answer with a part of a file, and close it. One that is too short cuts the connection."""
        try:
            if span.size <= _SMALL:
                data = await self._read(descriptor, span.start, span.size)
                whole = len(data) == span.size
                if whole:
                    request.begin(status, headers, data)
                    self._traffic.downloaded += len(data)
            else:
                request.begin(status, headers)
                whole = await request.room() and await self._send(request, descriptor, span)
            if whole:
                request.done()
            else:
                request.abort()
        finally:
            os.close(descriptor)

    async def _send(self, request: Direct, descriptor: int, span: Span) -> bool:
        at, end = span.start, span.start + span.size
        if request.stream.descriptor == NO_FD or not hasattr(os, "sendfile"):
            while at < end and await request.room():
                data = await self._read(descriptor, at, min(_READ_PIECE, end - at))
                if not data:
                    return False
                request.stream.write(data)
                at += len(data)
                self._traffic.downloaded += len(data)
            return at == end and await request.room()
        socket = os.dup(request.stream.descriptor)
        self._running += 1
        try:
            while at < end and not request.gone:
                sent = await self._step(request, socket, descriptor, at, min(PIECE, end - at))
                if not sent:
                    return False
                at += sent
                self._traffic.downloaded += sent
            return at == end
        finally:
            self._running -= 1
            os.close(socket)

    async def _step(self, request: Direct, socket: int, descriptor: int, at: int, count: int) -> int:
        """Send some bytes; 0: there is nobody any more, or nothing."""
        while not request.gone:
            try:
                if self._running <= _MOST_ON_LOOP and _at_hand(descriptor, at, count):
                    sent = os.sendfile(socket, descriptor, at, count)
                    if sent == count:
                        await asyncio.sleep(0)  # the others' turn
                    return sent
                return await self._in_thread(socket, descriptor, at, count)
            except BlockingIOError:
                self._loop.add_writer(socket, request.wake)
                try:
                    await request.pause()
                finally:
                    self._loop.remove_writer(socket)
            except OSError:  # reset by the peer: the stream will notice
                return 0
        return 0

    async def _in_thread(self, socket: int, descriptor: int, at: int, count: int) -> int:
        return await self._loop.run_in_executor(
            self._threads, os.sendfile, socket, descriptor, at, count
        )  # fmt: skip

    async def _read(self, descriptor: int, at: int, count: int) -> bytes:
        return await self._loop.run_in_executor(self._threads, _read, descriptor, at, count)


def _at_hand(descriptor: int, at: int, count: int) -> bool:
    """Whether the bytes are in memory, as far as both ends tell: what is read is read in one go."""
    if not _NOWAIT:
        return False
    try:
        return bool(
            os.preadv(descriptor, [bytearray(1)], at, _NOWAIT)
            and os.preadv(descriptor, [bytearray(1)], at + count - 1, _NOWAIT)
        )
    except OSError:  # they are not, or the file system cannot say
        return False


def _read(descriptor: int, at: int, count: int) -> bytes:
    """Not by pread(2), which Windows does not have."""
    os.lseek(descriptor, at, os.SEEK_SET)
    return os.read(descriptor, count)
