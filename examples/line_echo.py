"""A line echo: `python examples/line_echo.py PORT`, then `nc 127.0.0.1 PORT`.

The smallest server on hubbub.net: a doorman accepts, a Stream carries, a framing cuts lines.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

from hubbub.net.doorman import Doorman
from hubbub.net.framing.frames import TEXT
from hubbub.net.framing.lines import Lines, line
from hubbub.net.handler import Handler
from hubbub.net.settings import NetSettings
from hubbub.net.stream import Stream
from hubbub.net.timers import Wheel

MAX_LINE = 64 * 1024  # bytes


class Echo(Handler):
    """One connection."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.lines = Lines(MAX_LINE)

    def on_data(self, data: bytes) -> None:
        """All that is written in here leaves in one piece."""
        for frame in self.lines.feed(data):
            if frame.kind == TEXT:
                self.stream.write(line(frame.payload))
            else:
                self.stream.write(line(b"a line is longer than %d bytes" % frame.code))

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
        """More is queued than NetSettings.max_backlog."""
        self.stream.abort()


async def serve(port: int) -> None:
    """Listen on 127.0.0.1 until ctrl+c."""
    loop = asyncio.get_running_loop()
    door = Doorman(
        loop,
        NetSettings(),
        Wheel(loop),
        welcome=lambda _, stream: Echo(stream),
        refused=lambda peer, reason: print(f"{peer}: {reason}"),
    )
    # Pinned: whatever a connection begins with, it is text; the doorman need not look.
    for host, bound in await door.listen("127.0.0.1", port, pinned="text"):
        print(f"listening on {host}:{bound}", flush=True)
    await loop.create_future()


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal():
        sys.exit("usage: python examples/line_echo.py PORT")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1])))
