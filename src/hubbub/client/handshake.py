"""From a short code that two people have to a key that nobody else has, the server in between included.

SPAKE2 (Abdalla and Pointcheval 2005, as the package `spake2` has it: Ed25519, its own M, N and transcript).
RFC 9382 describes the same exchange with other constants and another transcript, so this one is not
interoperable with it; what it says of use holds: who has not the code learns from an exchange only whether
one guess was right, and both sides have to confirm the key before they use it (§4, §6).

**One guess a transfer.** An exchange is good for one answer, right or wrong. After a wrong one the sender
takes its offer back and makes a new code: with the same code again, the other side could go on guessing.

    sender                                    receiver
    Inviting(code).hello      ── offer ──▶    Joining(code).answer(hello)
    Inviting.confirmed(answer) ◀── accept ──     … which has the receiver's proof in it
    the sender's proof        ── stream ──▶   first bytes of what is sealed (see `sealing`)
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from enum import Enum
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from spake2 import SPAKE2_A, SPAKE2_B, SPAKEError  # type: ignore[import-untyped]
from spake2.ed25519_basic import NotOnCurve  # type: ignore[import-untyped]

from hubbub.client.errors import TamperedError, WrongCodeError

PROOF_SIZE: Final = 32
_ELEMENT_SIZE: Final = 33  # the side's letter, then a compressed point
_SENDER: Final = b"hubbub file sender"
_RECEIVER: Final = b"hubbub file receiver"


class Side(Enum):
    """Who a key or a proof belongs to; its value is part of what the key is derived by."""

    SENDER = b"sender"
    RECEIVER = b"receiver"


class Secret:
    """What both sides of one transfer share. Shows nothing of itself when it is printed.

    `shared` is the outcome of an exchange, or 32 random bytes that both sides were given by a server whom
    they trust. A new one for each process: nothing of it may be kept on a disk and used again.
    """

    __slots__ = ("_shared", "_taken")

    def __init__(self, shared: bytes) -> None:
        if len(shared) < 32:
            raise ValueError("a secret has 32 bytes")
        self._shared = shared
        self._taken: set[bytes] = set()

    def key(self, side: Side, purpose: bytes) -> bytes:
        """32 bytes for one direction and purpose, by HKDF-SHA256 (RFC 5869), its `info` being both."""
        info = b"hubbub e2e 1\0" + side.value + b"\0" + purpose
        return HKDF(SHA256(), 32, b"hubbub e2e 1", info).derive(self._shared)

    def key_once(self, side: Side, purpose: bytes) -> bytes:
        """The same, once: for whoever uses it with nonces that must not come again (RFC 5116 §3.1)."""
        info = side.value + b"\0" + purpose
        if info in self._taken:
            raise ValueError("this key was taken already")
        self._taken.add(info)
        return self.key(side, purpose)

    def proof(self, side: Side, about: bytes) -> bytes:
        """`PROOF_SIZE` bytes that show that this side has the secret, bound to what both know of it."""
        return hmac.digest(self.key(side, b"proof"), about, "sha256")

    def check(self, side: Side, about: bytes, proof: bytes) -> None:
        """Raise WrongCodeError where `proof` is not that side's."""
        if not hmac.compare_digest(self.proof(side, about), proof):
            raise WrongCodeError("The other side has another code. A new one is needed.")

    def __repr__(self) -> str:
        return "Secret(…)"


class Inviting:
    """The sender's half, which begins. `hello` goes to the receiver with the offer."""

    def __init__(self, code: str) -> None:
        """`code` in its normal form (`code_words.normal`)."""
        self._exchange = SPAKE2_A(code.encode(), idA=_SENDER, idB=_RECEIVER)
        self.hello: bytes = self._exchange.start()
        self._over = False

    def confirmed(self, answer: bytes) -> Secret:
        """The secret, once the receiver has shown that it has it. To be called once, whatever comes of it.

        Raises WrongCodeError, TamperedError.
        """
        if self._over:
            raise WrongCodeError("This code was used for its one guess. A new one is needed.")
        self._over = True
        if len(answer) != _ELEMENT_SIZE + PROOF_SIZE:
            raise TamperedError("What came is no answer of a receiver.")
        element, proof = answer[:_ELEMENT_SIZE], answer[_ELEMENT_SIZE:]
        secret = Secret(_finished(self._exchange.finish, element))
        secret.check(Side.RECEIVER, self.hello + element, proof)
        return secret


class Joining:
    """The receiver's half. The answer goes to the sender, with the acceptance."""

    def __init__(self, code: str) -> None:
        """`code` in its normal form (`code_words.normal`)."""
        self._exchange = SPAKE2_B(code.encode(), idA=_SENDER, idB=_RECEIVER)

    def answer(self, hello: bytes) -> tuple[bytes, Secret]:
        """What to answer, and the secret, which is shared only if the sender goes on: see `sealing.Opener`.

        To be called once. Raises TamperedError.
        """
        element: bytes = self._exchange.start()
        secret = Secret(_finished(self._exchange.finish, hello))
        return element + secret.proof(Side.RECEIVER, hello + element), secret


def _finished(finish: Callable[[bytes], bytes], element: bytes) -> bytes:
    if len(element) != _ELEMENT_SIZE:
        raise TamperedError("What came is no greeting of a sender.")
    try:
        return finish(element)
    except (SPAKEError, NotOnCurve, ValueError) as error:
        raise TamperedError("What came is no greeting of the other side.") from error
