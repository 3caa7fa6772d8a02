"""permessage-deflate (RFC 7692) for one message at a time.

Both sides go without context takeover (the handshake sees to it), so no zlib state outlives a message:
an idle connection costs nothing, and one compressed message may be sent to any number of peers.
"""

from __future__ import annotations

import zlib
from typing import Final

from hubbub.net.framing.frames import FAILED, Frame

_TAIL: Final = b"\x00\x00\xff\xff"  # what a sender strips from the end of a message (§7.2.1)
_FINAL: Final = b"\x01\x00\x00\xff\xff"  # an empty stored block with BFINAL: proves that all was read
# What may be left over where the peer's own last block had BFINAL, with or without its 00 (§7.2.3.4).
_AFTER_FINAL: Final = (b"", _TAIL + _FINAL, b"\x00" + _TAIL + _FINAL)

_SMALL: Final = 4_096  # up to here a window of 4 KiB sees all, and is ten times cheaper to set up


def most_deflated(limit: int) -> int:
    """Longest compressed form, in bytes, that a message of `limit` bytes needs: zlib's own bound.

    Data that does not shrink grows; this is what deflateBound gives for the least memory level.
    """
    return limit + (limit >> 3) + (limit >> 6) + 64


def inflate(payload: bytes, limit: int) -> bytes | Frame:
    """Undo one message's compression (RFC 7692 §7.2.2).

    Stops as soon as the result is over `limit` bytes: then Frame(FAILED, reason, 1009). What is not a
    whole deflate stream gives Frame(FAILED, reason, 1007).
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        message = inflater.decompress(payload + _TAIL + _FINAL, limit + 1)
    except zlib.error:
        return Frame(FAILED, b"the compressed message is not deflate data", 1007)
    if len(message) > limit:
        return Frame(FAILED, f"the message inflates to over the limit of {limit} bytes".encode(), 1009)
    if not inflater.eof or inflater.unused_data not in _AFTER_FINAL:
        return Frame(FAILED, b"the compressed message does not end with its frame", 1007)
    return message


def deflate(payload: bytes) -> bytes:
    """Compress one message (RFC 7692 §7.2.1)."""
    window = 12 if len(payload) <= _SMALL else zlib.MAX_WBITS
    deflater = zlib.compressobj(wbits=-window)
    compressed = deflater.compress(payload) + deflater.flush(zlib.Z_SYNC_FLUSH)
    return compressed[: -len(_TAIL)]
