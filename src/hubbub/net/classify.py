"""What the first bytes of a connection say about its dialect. A pure function."""

from __future__ import annotations

from typing import Final

TLS: Final = "tls"
HTTP: Final = "http"
HTTP2: Final = "http2"
JSON: Final = "json"
PROTOBUF: Final = "protobuf"
NDJSON: Final = "ndjson"
TEXT: Final = "text"

_TLS_RECORD: Final = b"\x16\x03"  # content type handshake, version 3.x (RFC 8446 §5.1)
_LENGTH: Final = b"\x00"  # a 32-bit length under 16 MiB begins so; its body's first byte is the fifth
_FIFTH: Final = 4

# RFC 9110 §9.1, RFC 5789, and the preface of HTTP/2 (RFC 9113 §3.4).
_METHODS: Final = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"CONNECT", b"TRACE")
_STARTS: Final = {b"PRI ": HTTP2} | {method + b" ": HTTP for method in _METHODS}


def classify(prefix: bytes) -> str | int:
    """Name the dialect that begins with `prefix`, or say how many bytes it takes to know more.

    A number is over len(prefix) and at most 8. It is the smallest that could decide: for what may be a
    method it is one more byte, since a line of text may end at any of them, and must not wait.
    Whatever is named stays so with more bytes.
    """
    if not prefix:
        return 1
    if prefix[:1] == b"{":
        return NDJSON
    if prefix[:1] == _LENGTH:
        if len(prefix) <= _FIFTH:
            return _FIFTH + 1
        return JSON if prefix[_FIFTH] == ord("{") else PROTOBUF
    if prefix.startswith(_TLS_RECORD):
        return TLS
    for start, kind in _STARTS.items():
        if prefix.startswith(start):
            return kind
    if any(start.startswith(prefix) for start in (_TLS_RECORD, *_STARTS)):
        return len(prefix) + 1
    return TEXT
