"""Which bytes of a file a request asks for, and whether it has them already (RFC 9110 §13, §14). Pure."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

_RANGE: Final = re.compile(rb"bytes[ \t]*=[ \t]*(?P<first>[0-9]{0,19})-(?P<last>[0-9]{0,19})[ \t]*")


class Span(NamedTuple):
    """`size` bytes from `start` on."""

    start: int
    size: int


def wanted(value: bytes, size: int) -> Span | None:
    """What a Range header asks for of `size` bytes; of none, if it cannot be satisfied (416).

    None: the whole, because it asks for several ranges, or is malformed (§14.2: a server may ignore it).
    """
    match = _RANGE.fullmatch(value)
    if match is None or not (match["first"] or match["last"]):
        return None
    if not match["first"]:
        count = min(int(match["last"]), size)
        return Span(size - count, count)
    start, last = int(match["first"]), int(match["last"] or size)
    if last < start and match["last"]:
        return None  # malformed (§14.1.1)
    return Span(start, max(0, min(last + 1, size) - start))


def holds(value: bytes | None, etag: bytes, modified: float) -> bool:
    """Whether what an If-Range header names is still so; only then its Range counts (§13.1.5)."""
    if value is None:
        return True
    if value.startswith((b'"', b"W/")):
        return value == etag  # strong comparison
    try:
        return int(parsedate_to_datetime(value.decode("ascii")).timestamp()) == int(modified)
    except (ValueError, TypeError, OverflowError):
        return False


def known(value: bytes | None, etag: bytes) -> bool:
    """Whether an If-None-Match header names it (§13.1.2)."""
    if value is None:
        return False
    tags = {tag.strip(b" \t").removeprefix(b"W/") for tag in value.split(b",")}
    return etag in tags or b"*" in tags
