"""A look at a long EchoMsg before it is parsed, since a message can take far more memory than its bytes.

Two bytes are an empty message in a list, or the change of a `oneof` from one body to another, and each costs
the parser a new object: 16 MiB would become 600. Requests have neither: a few fields, one body, no lists.
"""

from __future__ import annotations

from typing import Final

from hubbub.wire import message_pb2 as pb
from hubbub.wire.protobuf_tables import REQUESTED

UNSEEN: Final = 65_536
"""Bytes that need no look: they can become two megabytes."""
MAX_FIELDS: Final = 16
"""Fields of a long request. It has three; the rest is for those that later versions add."""

_ALLOWED: Final = frozenset(
    field.number
    for field in pb.EchoMsg.DESCRIPTOR.fields
    if field.containing_oneof is None or field.name in REQUESTED
)
_KNOWN: Final = frozenset(field.number for field in pb.EchoMsg.DESCRIPTOR.fields)


def is_lean(payload: bytes) -> bool:
    """Whether it has at most MAX_FIELDS fields, and none that only servers send.

    Reads their tags and lengths only (protobuf.dev/programming-guides/encoding).
    """
    at = 0
    for _ in range(MAX_FIELDS):
        if at == len(payload):
            return True
        tag, at = _varint(payload, at)
        number, wire_type = tag >> 3, tag & 7
        if number in _KNOWN and number not in _ALLOWED:
            return False
        if wire_type == 0:
            _, at = _varint(payload, at)
        elif wire_type == 2:
            length, at = _varint(payload, at)
            at += length
        elif wire_type in (1, 5):
            at += 8 if wire_type == 1 else 4
        else:  # groups: no field of ours is one
            return False
    return at == len(payload)


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
