"""HTTP answers that no app makes: whatever is refused before one is asked, and the form of every error."""

from __future__ import annotations

import json
from collections.abc import Iterable
from email.utils import formatdate
from http.client import responses

import msgspec

from hubbub.core.errors import Code, Refusal

_CODES = {
    401: Code.UNAUTHENTICATED,
    403: Code.FORBIDDEN,
    404: Code.NOT_FOUND,
    405: Code.UNSUPPORTED,
    410: Code.NOT_FOUND,
    412: Code.UNSUPPORTED,
    413: Code.TOO_LARGE,
    415: Code.UNSUPPORTED,
    421: Code.FORBIDDEN,
    423: Code.RATE_LIMITED,
    431: Code.TOO_LARGE,
    500: Code.INTERNAL,
    501: Code.UNSUPPORTED,
    503: Code.READ_ONLY,
    505: Code.UNSUPPORTED,
}


def error_body(status: int, message: str) -> bytes:
    """Return the JSON that goes with an error status: `{"code", "message"}`."""
    return json.dumps({"code": _CODES.get(status, Code.BAD_REQUEST).value, "message": message}).encode()


def refusal_body(refused: Refusal) -> bytes:
    """The same of a refusal of the domain, with what it says besides."""
    fields = msgspec.to_builtins(refused)
    del fields["type"]
    return msgspec.json.encode(fields)


def date() -> bytes:
    """The Date header's value now (RFC 9110 §6.6.1)."""
    return formatdate(usegmt=True).encode("ascii")


def phrase(status: int) -> str:
    """The words for a status code; none for one that is not registered (RFC 9112 §4)."""
    return responses.get(status, "")


def refusal(
    status: int, message: str, headers: Iterable[tuple[bytes, bytes]] = (), *, head_only: bool = False
) -> bytes:
    """Return a whole HTTP/1.1 response after which the connection is closed. `head_only`: to a HEAD."""
    return _closing(status, error_body(status, message), headers, head_only=head_only)


def _closing(
    status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]], *, head_only: bool = False
) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {phrase(status)}".encode("ascii"),
        b"Date: " + date(),
        b"Content-Type: application/json",
        b"Content-Length: " + str(len(body)).encode("ascii"),
        b"X-Content-Type-Options: nosniff",
        b"Connection: close",
        *(name + b": " + value for name, value in headers),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + (b"" if head_only else body)


def one_too_many(limit: str) -> bytes:
    """Return what a connection hears that is closed at once: whatever it speaks, a person can read it."""
    where = "from this address " if limit == "max_per_address" else ""
    message = f"This server takes no more connections {where}now. Try again later."
    refused = Refusal(Code.RATE_LIMITED, message, limit=f"limits.{limit}", retry_after=10.0)
    return _closing(503, refusal_body(refused), [(b"Retry-After", b"10")])
