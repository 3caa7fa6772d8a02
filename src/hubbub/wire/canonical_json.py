"""The canonical form of a JSON object (RFC 8785): the bytes that an HMAC is over, however it was written."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import rfc8785

MAX_SIGNED: Final = 131_072
"""Bytes of a signed request: its canonical form is made in Python, about 1 µs a value, while all wait."""

_read: Final = msgspec.json.Decoder(dict[str, Any]).decode


def signed_part(line: bytes) -> bytes:
    """The canonical form of an object without its `hmac`.

    Raises ValueError for what has none: a number beyond ±(2^53 - 1), which is not exact everywhere, and
    whatever is no JSON object, longer than MAX_SIGNED or nested too deep.
    """
    if len(line) > MAX_SIGNED:
        raise ValueError(f"it is longer than {MAX_SIGNED} bytes")
    try:
        signed = _read(line)
        signed.pop("hmac", None)
        return rfc8785.dumps(signed)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
