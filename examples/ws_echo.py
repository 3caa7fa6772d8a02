"""A WebSocket echo: `python examples/ws_echo.py PORT`, then open ws://127.0.0.1:PORT/ with any client.

Every text and binary message comes back, compressed where permessage-deflate was agreed on.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from http import HTTPStatus

from hubbub.net.doorman import Doorman
from hubbub.net.framing.frames import CLOSE, FAILED, PING, PONG
from hubbub.net.framing.websocket import WebSocket, close_frame, compressed_frame, frame, pong
from hubbub.net.framing.websocket_handshake import HandshakeError, accept, parse_head
from hubbub.net.handler import Handler
from hubbub.net.settings import NetSettings
from hubbub.net.stream import Stream
from hubbub.net.timers import Wheel

MAX_HEAD = 16 * 1024  # bytes of a request
MAX_MESSAGE = 16 * 1024 * 1024  # bytes
END = b"\r\n\r\n"


class Echo(Handler):
    """One connection: a request first, then messages."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.head = b""
        self.messages: WebSocket | None = None
        self.wrap = frame

    def on_data(self, data: bytes) -> None:
        """All that is written in here leaves in one piece."""
        if self.messages is not None:
            self.echo(self.messages, data)
            return
        self.head += data
        head, end, rest = self.head.partition(END)
        if len(head) > MAX_HEAD:
            self.refuse(HandshakeError(431, f"a head may have {MAX_HEAD} bytes"))
        elif end:
            self.shake_hands(head + end, rest)

    def shake_hands(self, head: bytes, rest: bytes) -> None:
        """Answer the request, whatever its path; `rest` are bytes that came behind it."""
        try:
            first, headers = parse_head(head)
        except ValueError as error:
            self.refuse(HandshakeError(400, str(error)))
            return
        if not first.startswith(b"GET /") or not first.endswith(b" HTTP/1.1"):
            self.refuse(HandshakeError(400, "a WebSocket begins with GET and HTTP/1.1"))
            return
        answer = accept(headers, subprotocol=None)
        if isinstance(answer, HandshakeError):
            self.refuse(answer)
            return
        self.stream.write(answer.response)
        self.messages = WebSocket(MAX_MESSAGE, deflate=answer.deflate)
        self.wrap = compressed_frame if answer.deflate else frame
        self.head = b""
        self.echo(self.messages, rest)

    def refuse(self, error: HandshakeError) -> None:
        """Say why in HTTP, and close."""
        body = f"{error.reason}\n".encode()
        lines = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode()]
        lines += [name + b": " + value for name, value in error.headers]
        lines += [b"Content-Type: text/plain", b"Content-Length: %d" % len(body), b"Connection: close"]
        self.stream.close(b"\r\n".join(lines) + END + body)

    def echo(self, messages: WebSocket, data: bytes) -> None:
        """Send each message back, and each control frame its answer (RFC 6455 §5.5)."""
        for kind, payload, code in messages.feed(data):
            if kind == PING:
                self.stream.write(pong(payload))
            elif kind == CLOSE:
                self.stream.close(close_frame(code))
            elif kind == FAILED:
                self.stream.close(close_frame(code, payload.decode()))
            elif kind != PONG:
                self.stream.write(self.wrap(payload, kind))

    def on_eof(self) -> None:
        """The peer sends no more: what is queued is still sent."""
        self.stream.close()

    def on_close(self, error: Exception | None) -> None:
        """The connection is over; there is nothing to tidy up."""

    def on_pause(self) -> None:
        """Who does not read what is sent back is not read from either, so nothing piles up here."""
        self.stream.pause_reading()

    def on_resume(self) -> None:
        """It reads again."""
        self.stream.resume_reading()

    def on_overflow(self) -> None:
        """More is queued than the longest message and what may come along with it."""
        self.stream.abort()


async def serve(port: int) -> None:
    """Listen on 127.0.0.1 until ctrl+c."""
    loop = asyncio.get_running_loop()
    door = Doorman(
        loop,
        NetSettings(max_backlog=2 * MAX_MESSAGE),
        Wheel(loop),
        welcome=lambda _, stream: Echo(stream),
        refused=lambda peer, reason: print(f"{peer}: {reason}"),
    )
    for host, bound in await door.listen("127.0.0.1", port, pinned="http"):
        print(f"listening on {host}:{bound}", flush=True)
    await loop.create_future()


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal():
        sys.exit("usage: python examples/ws_echo.py PORT")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1])))
