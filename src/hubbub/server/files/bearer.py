"""Whose request it is that comes without a session: `Authorization: Bearer TOKEN` (RFC 6750 §2.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hubbub.core.files import Bearer
from hubbub.server.direct import Direct

_MOST: Final = 512  # bytes of a token; ours are shorter


def bearer_of(request: Direct, bearer: Callable[[str], Bearer | None]) -> Bearer | None:
    """None: nobody's, or not any more."""
    scheme, _, token = (request.value(b"authorization") or b"").partition(b" ")
    token = token.strip(b" ")
    if scheme.lower() != b"bearer" or not token or len(token) > _MOST or not token.isascii():
        return None
    return bearer(token.decode("ascii"))
