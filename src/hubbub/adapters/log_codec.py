"""How entries stand in the log: a payload of msgpack, and a tag for whose retry may come."""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from hubbub.core.entries import CHANGES, Body, Change, Drop, Entry, Erase, Erased, Kept, Put, Trim
from hubbub.log import Batch, LogError


class _Stored(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A payload: on disk by position, so a new field goes to the end, with a default."""

    id: str
    at: str
    body: Body
    author: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Stored).decode
_TAG: Final = struct.Struct("<QB")  # author, change << 6 | length of `at`; then `at`, then the id
_CHANGES: Final = ("", *CHANGES.values())  # the order is on disk
_AT: Final = 0x3F


def add_entry(batch: Batch, entry: Entry) -> None:
    """Have the entry appended. Raises ValueError where it is too long, or no text (a lone surrogate)."""
    author = entry.author
    tag = b""
    if author:
        at = entry.at.encode()
        if len(at) > _AT:
            raise ValueError(f"a time of {len(at)} bytes is over the limit of {_AT}")
        change = _CHANGES.index(CHANGES.get(type(entry.body), "")) << 6
        tag = _TAG.pack(author, change | len(at)) + at + entry.id.encode()
    batch.append(entry.stream.encode(), _encode(_Stored(entry.id, entry.at, entry.body, author)), tag)


def add_change(batch: Batch, change: Change) -> None:
    """Have the change made. Raises ValueError as above."""
    match change:
        case Put(key, value):
            batch.put(key.encode(), value)
        case Drop(key):
            batch.delete(key.encode())
        case Erase(stream, offset):
            batch.erase(stream.encode(), offset)
        case Trim(stream, first):
            batch.trim(stream.encode(), first)


def kept(stream: bytes, epoch: str, offset: int, tag: bytes) -> Kept:
    """What a tag says."""
    author, length = _TAG.unpack_from(tag)
    end = _TAG.size + (length & _AT)
    at, id = tag[_TAG.size : end].decode(), tag[end:].decode()
    return Kept(author, id, stream.decode(), epoch, offset, at, _CHANGES[length >> 6])


def entry_of(stream: str, offset: int, payload: bytes | None) -> Entry:
    """What a payload says; None: it was erased. Raises LogError."""
    if payload is None:
        return Entry(stream, "", "", Erased())
    try:
        stored = _decode(payload)
    except msgspec.MsgspecError as error:
        raise LogError(f"entry {offset} of stream {stream} cannot be understood: {error}") from error
    return Entry(stream, stored.id, stored.at, stored.body, stored.author)
