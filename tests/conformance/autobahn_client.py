"""A WebSocket client made of bytes, for saying what no library would say; and one that is a library.

What goes out is put together here by hand; what comes back is read by `websockets`. So neither direction
leans on the code under test.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Coroutine
from typing import NamedTuple

from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame
from websockets.streams import StreamReader

PATIENCE = 20.0  # seconds until a test gives up
MIB = 1 << 20
MAX_MESSAGE = 16 * MIB  # the echo's

CONTINUE, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
MASK = b"\x12\x34\x56\x78"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def masked(payload: bytes) -> bytes:
    """The mask and the payload under it."""
    size = len(payload)
    stream = (MASK * (size // 4 + 1))[:size]
    return MASK + (int.from_bytes(payload) ^ int.from_bytes(stream)).to_bytes(size)


def frame(first: int, payload: bytes = b"") -> bytes:
    """A client's frame; `first` is its first byte, flags and opcode."""
    size = len(payload)
    if size < 126:
        header = struct.pack("!BB", first, 0x80 | size)
    elif size < 65_536:
        header = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        header = struct.pack("!BBQ", first, 0x80 | 127, size)
    return header + masked(payload)


def text(payload: bytes | str) -> bytes:
    return frame(FIN | TEXT, payload.encode() if isinstance(payload, str) else payload)


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(FIN | CLOSE, struct.pack("!H", code) + reason)


class Got(NamedTuple):
    opcode: int
    payload: bytes


class Raw:
    """One connection, after its handshake."""

    def __init__(self, port: int, *, deflate: bool = False) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n" if deflate else ""
        head = (
            f"GET /any/path HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{extension}\r\n"
        )
        self.socket.sendall(head.encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            byte = self.socket.recv(1)
            assert byte, answer
            answer += byte
        assert answer.startswith(b"HTTP/1.1 101 "), answer
        assert (b"permessage-deflate" in answer) == deflate
        self.reader = StreamReader()

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes, chop: int = 0) -> None:
        for at in range(0, len(data), chop or len(data) or 1):
            self.socket.sendall(data[at : at + chop] if chop else data)

    def get(self) -> Got:
        """The server's next frame, which is whole, unmasked and not compressed."""
        step = Frame.parse(self.reader.read_exact, mask=False)
        while True:
            try:
                next(step)
            except StopIteration as done:
                read: Frame = done.value
                assert read.fin
                return Got(int(read.opcode), bytes(read.data))
            data = self.socket.recv(65_536)
            assert data, "closed before a frame came"
            self.reader.feed_data(data)

    def ended(self) -> bool:
        """Whether the server closes the connection, with nothing more said."""
        return self.reader.buffer == b"" and self.socket.recv(1) == b""


def fails_with(raw: Raw, code: int) -> None:
    last = raw.get()
    assert last.opcode == CLOSE
    assert int.from_bytes(last.payload[:2], "big") == code
    last.payload[2:].decode()
    assert raw.ended()


def passes(port: int, data: bytes, *expected: Got, deflate: bool = False) -> None:
    """`expected` comes back, in order, whole or byte by byte, and the connection is still good then."""
    for chop in (0, 1):
        with Raw(port, deflate=deflate) as raw:
            raw.send(data + close(1000), chop if len(data) < 2_000 else 0)
            assert [raw.get() for _ in expected] == list(expected)
            assert raw.get() == Got(CLOSE, b"\x03\xe8")
            assert raw.ended()


def refused(port: int, data: bytes, code: int, *before: Got, deflate: bool = False) -> None:
    """`before` comes back, then a close frame with `code`, then the end. What follows is not looked at."""
    for chop in (0, 1):
        with Raw(port, deflate=deflate) as raw:
            raw.send(data + (b"" if chop else text("too late")), chop if len(data) < 2_000 else 0)
            assert [raw.get() for _ in before] == list(before)
            fails_with(raw, code)


# -- a client that is a library


def client(port: int, *offers: ClientPerMessageDeflateFactory) -> connect:
    """A connection by `websockets` that offers what is given, and compresses if that is accepted."""
    return connect(
        f"ws://127.0.0.1:{port}/",
        compression=None,
        extensions=offers,
        max_size=MAX_MESSAGE,
        ping_interval=None,
    )


def run(scenario: Coroutine[object, object, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE):
            await scenario

    asyncio.run(bounded())
