"""A look at a long EchoMsg before it is parsed, since a message can take far more memory than its bytes.

Two bytes are an empty message in a list, or the change of a `oneof` from one body to another, and each costs
the parser a new object: 16 MiB would become 600. A long request has a few fields, and so has its body.
"""

from __future__ import annotations

from typing import Final

from hubbub.wire import message_pb2 as pb
from hubbub.wire.protobuf_tables import REQUESTED

UNSEEN: Final = 65_536
"""Bytes that need no look: they can become two megabytes."""
MAX_FIELDS: Final = 16
"""Fields of a long request, and of its body. The rest is for those that later versions add."""

_REQUESTS: Final = frozenset(
    field.number for field in pb.EchoMsg.DESCRIPTOR.fields if field.name in REQUESTED
)
_REFUSED: Final = frozenset(
    field.number
    for field in pb.EchoMsg.DESCRIPTOR.fields
    if field.message_type is not None and field.name not in REQUESTED
)
"""Bodies that only servers send."""


def is_lean(payload: bytes) -> bool:
    """Whether it and its body have at most MAX_FIELDS fields each, and it is nothing that only servers send.

    What stands in a list of a request has no list itself, so that goes no deeper. Reads tags and lengths
    only (protobuf.dev/programming-guides/encoding).
    """
    fields = _fields(payload, 0, len(payload))
    return (
        fields is not None
        and _REFUSED.isdisjoint(number for number, _, _ in fields)
        and all(
            _fields(payload, start, end) is not None for number, start, end in fields if number in _REQUESTS
        )
    )


def _fields(payload: bytes, at: int, end: int) -> list[tuple[int, int, int]] | None:
    """Number, start and end of each field; None if there are more than MAX_FIELDS, or it is not sound."""
    found: list[tuple[int, int, int]] = []
    for _ in range(MAX_FIELDS):
        if at == end:
            return found
        tag, start = _varint(payload, at)
        wire_type = tag & 7
        if wire_type == 0:
            _, at = _varint(payload, start)
        elif wire_type == 2:
            length, start = _varint(payload, start)
            at = start + length
        elif wire_type in (1, 5):
            at = start + (8 if wire_type == 1 else 4)
        else:  # groups: no field of ours is one
            return None
        found.append((tag >> 3, start, at))
    return found if at == end else None


def _varint(payload: bytes, at: int) -> tuple[int, int]:
    """A number and where it ends; past the end of the payload for one that does not end."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(payload):
            break
        byte = payload[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    return 0, len(payload) + 1
