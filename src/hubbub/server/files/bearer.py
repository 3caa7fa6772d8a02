"""Whose request it is that comes without a session: by `Authorization: Bearer` (RFC 6750 §2.1), or cookie."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hubbub.core.files import Bearer
from hubbub.server.direct import Direct
from hubbub.server.web.cookies import LONGEST, Visitor


def bearer_of(request: Direct, bearer: Callable[[str], Bearer | None]) -> Bearer | None:
    """None: nobody's, or not any more."""
    token = token_of(request.head.values(b"authorization"), request.visitor)
    return None if token is None else bearer(token)


def token_of(values: Sequence[bytes], visitor: Visitor) -> str | None:
    """Return the token that a request comes with; `values` are those of all Authorization headers.

    Without such a header it is the cookie's: what is said goes before what a browser adds by itself.
    """
    return read_bearer(values) if values else visitor.cookie


def read_bearer(values: Sequence[bytes]) -> str | None:
    """Return the token in the values of all Authorization headers; None: there is none that could be ours."""
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(b" ")
    token = token.strip(b" ")
    if scheme.lower() != b"bearer" or not token or len(token) > LONGEST or not token.isascii():
        return None
    return token.decode("ascii")
