"""One connection to a server in length-prefixed JSON: messages, and between them the bare bytes of a file.

    socket ──▶ messages ──▶ `on_message`, at once
           └─▶ bare bytes behind a `StartDownload` ──▶ `pieces`, as fast as they are taken

While a piece is being worked on, the next one fills up: two buffers and no more, and TCP slows the sender.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final, cast

from hubbub.client.errors import ChangedError, LineLostError
from hubbub.client.source import PlainFile, Source, some
from hubbub.core.commands import Command
from hubbub.core.events import DownloadStarted, Event, FileFailed, UploadStarted
from hubbub.net.framing.length_prefix import block
from hubbub.wire.codec import Reply
from hubbub.wire.length_json import length_json

LIMIT: Final = 16 * 1024 * 1024 - 1
"""Bytes of one message: what the wire allows."""
SILENCE: Final = 95.0
"""Seconds without a byte, either way, after which a line counts as lost. A server asks after 30 of them."""

_PIECE: Final = 1_048_576  # bytes: of one of the two buffers
_SCRATCH: Final = 65_536  # bytes that are read at once while there are messages
_HTTP: Final = int.from_bytes(b"HTTP", "big")
_PREFIX: Final = 4
_QUICK: Final = 0.2  # seconds that one call of sendfile(2) shall take: meanwhile nothing is heard
_UNTAKEN: Final = 4  # files whose bytes may wait for somebody to take them, each in two buffers
_LEAST, _MOST = 262_144, 16_777_216  # bytes of one such call

Moved = Callable[[int], None]
"""Told how many bytes of the file are through, from its beginning."""


class Line(asyncio.BufferedProtocol):
    """See above. `on_message` and `on_lost` are called by the loop, the latter once."""

    def __init__(
        self, on_message: Callable[[Event | Reply], None], on_lost: Callable[[LineLostError], None]
    ) -> None:
        self._on_message = on_message
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._error: LineLostError | None = None
        self._scratch = memoryview(bytearray(_SCRATCH))
        self._held = bytearray()  # of a message that is not whole yet
        self._bare: _Bare | None = None  # of which bytes come
        self._untaken: deque[_Bare] = deque()  # of which nobody took the pieces yet
        self._room = asyncio.Event()  # whether more may be written
        self._room.set()
        self._sending: str | None = None  # the offer whose bytes go out
        self.heard = time.monotonic()
        """When the last byte came."""

    # -- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.BaseProtocol."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(_PIECE, _LEAST)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 (it knows better)
        """See asyncio.BufferedProtocol."""
        return self._scratch if self._bare is None else self._bare.room()

    def buffer_updated(self, nbytes: int) -> None:
        """See asyncio.BufferedProtocol."""
        self.heard = time.monotonic()
        if self._bare is None:
            self._read(bytes(self._scratch[:nbytes]))
        else:
            self._filled(self._bare, nbytes)

    def pause_writing(self) -> None:
        """See asyncio.BaseProtocol."""
        self._room.clear()

    def resume_writing(self) -> None:
        """See asyncio.BaseProtocol."""
        self._room.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.BaseProtocol."""
        self._lose(f"The line to the server dropped{f': {exc}' if exc else ''}.")
        self._transport = None

    # -- messages

    def _read(self, data: bytes) -> None:
        """One message after the other, since the bytes behind one may be no message. So no `LengthPrefix`."""
        held = self._held
        held += data
        while len(held) >= _PREFIX and self._error is None:
            size = int.from_bytes(held[:_PREFIX], "big")
            if size > LIMIT:
                if size == _HTTP:  # what a full server says, whatever it is spoken to
                    self.abort("The server takes no more connections now, or it is none of Hubbub's.")
                else:
                    self.abort(f"What came is no message of {size} bytes. Does Hubbub listen there?")
                return
            end = _PREFIX + size
            if len(held) < end:
                return
            try:
                message = length_json.decode_message(bytes(held[_PREFIX:end]))
            except ValueError:
                message = None  # of a later version, say: not for us
            del held[:end]
            if isinstance(message, DownloadStarted) and message.offset < message.size:
                self._go_bare(message.size - message.offset)
            if message is not None:
                self._on_message(message)
            if isinstance(message, FileFailed) and message.offer == self._sending:
                self.abort(message.message)  # the rest of it would still have to be sent, for nothing

    def send(self, command: Command, id: str | None = None) -> None:
        """Send a request. Raises LineLostError; ValueError in the middle of a file."""
        if self._error is not None or self._transport is None:
            raise self._error or LineLostError("There is no line to the server.")
        if self._sending is not None:
            raise ValueError("a file is under way here")
        self._transport.write(block(length_json.encode_command(command, id)))

    # -- bare bytes that come

    def _go_bare(self, size: int) -> None:
        """From here on it is a file. What came of it with the message is the first of it."""
        if len(self._untaken) >= _UNTAKEN:
            self.abort("The server sends files that nobody asked for.")
            return
        self._bare = bare = _Bare(size)
        self._untaken.append(bare)
        first = bytes(self._held[:size])  # at most a scratch, which is less than a piece
        if first:
            del self._held[: len(first)]
            bare.room()[: len(first)] = first
            self._filled(bare, len(first))

    def _filled(self, bare: _Bare, size: int) -> None:
        bare.add(size)
        if not bare.missing:  # what follows are messages
            self._bare = None
        elif bare.full and self._transport is not None:
            self._transport.pause_reading()

    async def pieces(self) -> AsyncIterator[memoryview]:
        """The bare bytes behind a `StartDownload`, to their end. A piece is good until the next one.

        Raises LineLostError.
        """
        bare = self._untaken.popleft()
        while bare.left:
            while not bare.level:
                if self._error is not None:
                    raise self._error
                bare.came.clear()
                await self._in_time(bare.came)
            piece = bare.swap()
            if bare.missing and self._transport is not None:
                self._transport.resume_reading()
            yield piece

    # -- bare bytes that go

    async def upload(self, source: Source, started: UploadStarted, moved: Moved) -> None:
        """Send what the server asked for. If it takes no more of it, or anything else happens, the line is
        given up: half a file is on it, and nothing can follow.

        Raises LineLostError, SourceError, ChangedError.
        """
        self._sending = started.offer
        try:
            if started.size != source.size:
                raise ChangedError(source.name)
            if not 0 <= started.offset <= source.size:
                raise self._lose("The server asks for what is not in the file.")
            plain = self._transport is not None and self._transport.get_extra_info("sslcontext") is None
            if isinstance(source, PlainFile) and plain and _has_sendfile():
                await self._send_file(source, started.offset, moved)
            else:
                await self._send_pieces(source, started.offset, moved)
        except BaseException as error:
            self.abort(f"The transfer broke off: {error}")
            raise
        finally:
            self._sending = None

    async def _send_file(self, file: PlainFile, offset: int, moved: Moved) -> None:
        loop = asyncio.get_running_loop()
        most = _LEAST
        while offset < file.size:
            if self._error is not None or self._transport is None:
                raise self._error or LineLostError("There is no line to the server.")
            count = min(most, file.size - offset)
            began = loop.time()
            try:
                async with asyncio.timeout(SILENCE):
                    sent = await loop.sendfile(self._transport, file, offset, count, fallback=False)  # type: ignore[arg-type] # its descriptor is all it takes
            except (OSError, RuntimeError) as error:  # TimeoutError too; RuntimeError: closed meanwhile
                raise self._lose(
                    f"The line to the server dropped: {str(error) or 'nothing moved'}."
                ) from error
            if sent < count:
                raise ChangedError(file.name)
            offset += sent
            moved(offset)
            for _ in range(2):  # in sendfile nothing is heard: one turn to look, one to read what is there
                await asyncio.sleep(0)
            fast = loop.time() - began < _QUICK
            most = min(_MOST, 2 * most) if fast else max(_LEAST, most // 2)
        file.check()

    async def _send_pieces(self, source: Source, offset: int, moved: Moved) -> None:
        loop = asyncio.get_running_loop()
        pieces = source.read_from(offset)
        following = loop.run_in_executor(None, _joined, pieces)
        try:
            while data := await following:
                following = loop.run_in_executor(None, _joined, pieces)  # read while this is sent
                if self._error is not None or self._transport is None:
                    raise self._error or LineLostError("There is no line to the server.")
                self._transport.write(data)
                await self._in_time(self._room)
                offset += len(data)
                moved(offset)
        finally:
            await asyncio.wait([following])  # nobody may close under it what it reads

    # -- the end

    @property
    def local_address(self) -> str:
        """Our own address on this line; empty without one."""
        name = None if self._transport is None else self._transport.get_extra_info("sockname")
        return str(name[0]) if name else ""

    async def _in_time(self, event: asyncio.Event) -> None:
        """Wait for it, and no longer than something must have come or gone; being lost sets all events."""
        try:
            async with asyncio.timeout(SILENCE):
                await event.wait()
        except TimeoutError:
            self.abort("The line to the server is dead: nothing moved on it.")
        if self._error is not None and event is self._room:
            raise self._error

    def abort(self, why: str) -> LineLostError:
        """Give the line up, at once."""
        error = self._lose(why)
        if self._transport is not None:
            self._transport.abort()
        return error

    def close(self) -> None:
        """Close it well: what was sent still gets there."""
        if self._transport is not None:
            self._transport.close()

    def _lose(self, why: str) -> LineLostError:
        if self._error is None:
            self._error = LineLostError(why)
            self._room.set()
            if self._bare is not None:
                self._bare.came.set()
            self._on_lost(self._error)
        return self._error


class _Bare:
    """Bytes of a file on their way through two buffers: one is filled while the other is worked on."""

    __slots__ = ("_buffers", "_filling", "came", "left", "level", "missing")

    def __init__(self, size: int) -> None:
        self.missing = size
        """So many have not come yet."""
        self.left = size
        """So many were not handed out yet."""
        self.level = 0
        """So many wait in the buffer that is being filled."""
        self.came = asyncio.Event()
        length = min(size, _PIECE)
        self._buffers = [memoryview(bytearray(length)), memoryview(bytearray(length))]
        self._filling = 0

    def room(self) -> memoryview:
        """Where to put what comes; never what is behind the file's end."""
        buffer = self._buffers[self._filling]
        return buffer[self.level : min(len(buffer), self.level + self.missing)]

    def add(self, size: int) -> None:
        """So much came."""
        self.level += size
        self.missing -= size
        self.came.set()

    @property
    def full(self) -> bool:
        """Whether there is no room."""
        return self.level == len(self._buffers[self._filling])

    def swap(self) -> memoryview:
        """What has come; from now on the other buffer is filled."""
        piece = self._buffers[self._filling][: self.level]
        self.left -= self.level
        self.level = 0
        self._filling ^= 1
        return piece


def _has_sendfile() -> bool:
    loop = asyncio.get_running_loop()
    return hasattr(os, "sendfile") and isinstance(loop, asyncio.SelectorEventLoop)


def _joined(pieces: Iterator[bytes]) -> bytes:
    found = some(pieces, _PIECE)
    return found[0] if len(found) == 1 else b"".join(found)
