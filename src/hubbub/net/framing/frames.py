"""What every framing yields: one kind of Frame, whatever cut the bytes.

A framing is sans-I/O: bytes in by `feed`, frames out. It never raises for what a peer sent:
a frame that had to be refused is a frame of its own kind (`TOO_LONG`, `FAILED`).
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

# The numbers of RFC 6455 §11.8, so that a WebSocket frame's opcode is its kind.
TEXT: Final = 1  # a line without its end, or a whole text message
BINARY: Final = 2  # the body of a length-prefixed block, or a whole binary message
CLOSE: Final = 8  # the peer closes; `code` is its close code
PING: Final = 9
PONG: Final = 10
TOO_LONG: Final = 16  # this one frame was dropped, the next ones are fine; `code` is the limit in bytes
FAILED: Final = 17  # nothing more can be read; `payload` says why, `code` is a WebSocket close code


class Frame(NamedTuple):
    """One frame: its kind (a constant of this module), its bytes and, for some kinds, a code."""

    kind: int
    payload: bytes
    code: int = 0


class Framing(Protocol):
    """How bytes become frames."""

    limit: int
    """Longest payload in bytes. May be changed between two calls of `feed` (it rises at login)."""

    def feed(self, data: bytes) -> list[Frame]:
        """Take what came; return the frames that are now whole, in order. After FAILED: always []."""
        ...

    @property
    def pending(self) -> int:
        """Bytes held back because their frame is not whole yet. 0: between two frames."""
        ...
