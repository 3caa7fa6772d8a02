"""What the JSON dialects share besides their actions: how `core`'s structs become members of an object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from hubbub.wire.json_payloads import RequestId

encode: Final = msgspec.json.Encoder().encode
"""One encoder for all: it keeps its buffer."""

UNREAD: Final = msgspec.Raw(b"null")
"""Of a member that is not there."""

_read_text: Final[Callable[[msgspec.Raw], str | None]] = msgspec.json.Decoder(str | None).decode
_read_id: Final[Callable[[msgspec.Raw], str | None]] = msgspec.json.Decoder(RequestId | None).decode


def members(value: msgspec.Struct) -> bytes:
    """The members of a struct of `core` as JSON, each with a comma before it, and the closing brace.

    The structs of `core` are tagged, so their JSON begins with `{"type":"MessagePosted"`. Cutting that off
    costs less than copying the fields into a struct of the dialect.
    """
    return encode(value)[len(type(value).__name__) + 10 :]


def check_utf8(payload: bytes) -> None:
    """Raise UnicodeDecodeError unless it is UTF-8 all through: msgspec does not look into what it skips."""
    if not payload.isascii():
        payload.decode()


def text_or_none(raw: msgspec.Raw) -> str | None:
    """A string member of a request that is refused anyway; None where it is none."""
    try:
        return _read_text(raw)
    except ValueError:
        return None


def id_or_none(raw: msgspec.Raw) -> str | None:
    """The id of a request that is refused anyway; None where it is none."""
    try:
        return _read_id(raw)
    except ValueError:
        return None
