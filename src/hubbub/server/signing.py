"""Signed requests: who has asked for a key at its login signs every request with it from then on.

HMAC-SHA256 (RFC 2104) over the canonical form of the request, with a number that rises: whoever can put bytes
into the connection, but has not seen the login, can neither make a request up nor play one again.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from hubbub.core.errors import Code, Refusal
from hubbub.wire.canonical_json import signed_part
from hubbub.wire.codec import Request

KEY_SIZE: Final = 32
"""Bytes of a key: those of SHA-256 (RFC 2104 §3)."""


class Signing:
    """The key of one login, and the last number that was used with it."""

    __slots__ = ("_key", "_last")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._last = 0

    def fault(self, request: Request) -> Refusal | None:
        """Why a request must not be carried out. None: it is signed, and its number is used up now."""
        signature = request.signature
        if signature is None:
            return Refusal(Code.UNAUTHENTICATED, "On this connection every request is signed.", "hmac")
        if signature.seq is None:
            return Refusal(Code.UNAUTHENTICATED, "A signed request needs a number in its headers.", "seq")
        try:
            expected = hmac.new(self._key, signed_part(signature.message), "sha256").hexdigest()
        except ValueError as error:
            return Refusal(Code.BAD_REQUEST, f"The request cannot be signed: {error}.", "hmac")
        if not hmac.compare_digest(expected.encode(), signature.mac.lower().encode()):
            return Refusal(Code.BAD_CREDENTIALS, "The signature is wrong.", "hmac")
        if signature.seq <= self._last:
            return Refusal(Code.BAD_CREDENTIALS, f"The number must be over {self._last}.", "seq")
        self._last = signature.seq
        return None


def signing_fault(signing: Signing | None, request: Request, *, private: bool) -> Refusal | None:
    """Why a request is refused for its signature, or the lack of one. `private`: a key may be told here."""
    if signing is not None:
        return signing.fault(request)
    if request.signature is not None:
        return Refusal(Code.BAD_CREDENTIALS, "This connection has no key to sign with.", "hmac")
    if request.signing_key is not None and not private:
        return Refusal(Code.FORBIDDEN, "A key is told over TLS or on loopback only.", "hmac")
    return None


def with_key(login: Request, entropy: Callable[[int], bytes]) -> tuple[Request, Signing]:
    """The login with a new key, for its answer to tell, and what holds the requests behind it to that key."""
    key = entropy(KEY_SIZE)
    return replace(login, signing_key=key.hex()), Signing(key)
