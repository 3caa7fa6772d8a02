"""What the programs of two people tell each other with an offer and an acceptance (`hello`, in JSON)."""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

import msgspec

T = TypeVar("T")

MAX_ADDRESSES: Final = 16


class OfferHello(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of the sender, who understands an `AcceptHello`. `exchange`: how a code begins (`handshake`)."""

    hubbub: int
    exchange: bytes | None = None
    count: int | None = None
    """How many files are in a bundle."""


class AcceptHello(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of the receiver. `exchange` answers that of the offer (`handshake.Joining`).

    It can be reached at `port` of one of `addresses`; `key` are 32 random bytes for the two ends to know
    each other by, where no code gives them one.
    """

    hubbub: int
    exchange: bytes | None = None
    key: bytes | None = None
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 0
    addresses: list[str] = []


VERSION: Final = 1


def say(hello: OfferHello | AcceptHello) -> str:
    """As text."""
    return msgspec.json.encode(hello).decode()


def heard(text: str | None, kind: type[T]) -> T | None:
    """What another program said; None: nothing, or nothing that we understand."""
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError:
        return None
