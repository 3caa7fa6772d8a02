"""The refusals of the domain: one code each, with the status and number that the wires give it.

A refusal is a value that travels back as an answer. It is always the peer's to read, and
`retry_after` tells it whether the same request may succeed later. Exceptions are for our own faults.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Code(StrEnum):
    """Why a request was refused (the table of `docs/protocol.md`)."""

    BAD_REQUEST = "bad_request"
    UNKNOWN_ACTION = "unknown_action"
    UNSUPPORTED = "unsupported"
    UNAUTHENTICATED = "unauthenticated"
    BAD_CREDENTIALS = "bad_credentials"
    FORBIDDEN = "forbidden"
    NAME_INVALID = "name_invalid"
    NAME_TAKEN = "name_taken"
    NAME_REGISTERED = "name_registered"
    NOT_FOUND = "not_found"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    READ_ONLY = "read_only"
    INTERNAL = "internal"

    @property
    def status(self) -> int:
        """The HTTP-like status that the NDJSON dialect and HTTP give."""
        return _STATUS[self]


_STATUS = {
    Code.BAD_REQUEST: 400,
    Code.UNKNOWN_ACTION: 404,
    Code.UNSUPPORTED: 501,
    Code.UNAUTHENTICATED: 401,
    Code.BAD_CREDENTIALS: 401,
    Code.FORBIDDEN: 403,
    Code.NAME_INVALID: 400,
    Code.NAME_TAKEN: 409,
    Code.NAME_REGISTERED: 401,
    Code.NOT_FOUND: 404,
    Code.TOO_LARGE: 413,
    Code.RATE_LIMITED: 429,
    Code.READ_ONLY: 503,
    Code.INTERNAL: 500,
}


class Refusal(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """A request that was not carried out, and why.

    `message` is a whole sentence for people. `field` names the part of the request that is at fault,
    `limit` the setting that was passed, `retry_after` is in seconds.
    """

    code: Code
    message: str
    field: str | None = None
    limit: str | None = None
    retry_after: float | None = None
