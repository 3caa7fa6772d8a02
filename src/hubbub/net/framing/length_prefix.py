"""Blocks behind their length: an unsigned 32-bit big-endian N, then N bytes."""

from __future__ import annotations

from hubbub.net.framing.frames import BINARY, FAILED, Frame

_PREFIX = 4  # bytes of the length
_MESSAGE_TOO_BIG = 1009


class LengthPrefix:
    """The framing of length-prefixed blocks; implements `frames.Framing`.

    A block is Frame(BINARY, its N bytes). A length over `limit` cannot be skipped in good faith (it may
    be four gigabytes, or no length at all): it is Frame(FAILED, reason, 1009), and nothing more is read.
    The limit holds for blocks whose length is seen after it was set.
    """

    __slots__ = ("_failed", "_held", "_need", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._held: bytearray | None = None  # a begun block with its prefix; grows with what really came
        self._need = _PREFIX  # how long `_held` must be before looking at it again is of use
        self._failed = False

    def feed(self, data: bytes) -> list[Frame]:
        """Take what came; return the blocks that are now whole, in order. After FAILED: always []."""
        if self._failed:
            return []
        if self._held is not None:
            self._held += data
            if len(self._held) < self._need:
                return []
            data, self._held = bytes(self._held), None
        frames: list[Frame] = []
        at, end = 0, len(data)
        while end - at >= _PREFIX:
            body = at + _PREFIX
            size = int.from_bytes(data[at:body], "big")
            if size > self.limit:
                self._failed = True
                reason = f"a block of {size} bytes is over the limit of {self.limit}"
                frames.append(Frame(FAILED, reason.encode(), _MESSAGE_TOO_BIG))
                return frames
            if end - body < size:
                self._need = _PREFIX + size
                break
            at = body + size
            frames.append(Frame(BINARY, data[body:at]))
        else:
            self._need = _PREFIX
        if at < end:
            self._held = bytearray(data[at:])
        return frames

    @property
    def pending(self) -> int:
        """Bytes of the begun block, its prefix included."""
        return len(self._held) if self._held is not None else 0


def block(payload: bytes) -> bytes:
    """Wrap one block for sending: its length, then `payload` (shorter than 4 GiB)."""
    return len(payload).to_bytes(_PREFIX, "big") + payload
