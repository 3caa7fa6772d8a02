"""The opening handshake of WebSocket (RFC 6455 §4), for servers and clients. Sans-I/O.

Method, path, Host and Origin are the HTTP layer's to check; here is what makes it a WebSocket.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha1
from typing import Final, NamedTuple

from hubbub.net.errors import HandshakeFailed
from hubbub.net.framing.extensions import AGREED, agreed, answer, parse_extensions

VERSION: Final = b"13"
KEY_BYTES: Final = 16

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{22}==")  # 16 bytes in base64
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FIELD_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_VISIBLE: Final = re.compile(r"[!-~]+")  # what a host or a path may be written in
_STATUS: Final = re.compile(rb"HTTP/1\.1 ([0-9]{3})(?: [^\r\n]*)?")

Headers = dict[bytes, list[bytes]]


class Upgrade(NamedTuple):
    """What was agreed on. `response` is the server's head, 101 and all, up to and with its empty line."""

    response: bytes
    deflate: bool
    subprotocol: str | None


class HandshakeError(NamedTuple):
    """Why a request is refused, as an HTTP answer: `status` (400, 426), a sentence, headers to add."""

    status: int
    reason: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


def accept(headers: Iterable[tuple[bytes, bytes]], subprotocol: str | None) -> Upgrade | HandshakeError:
    """Server: answer a request with these headers (RFC 6455 §4.2). `subprotocol`: the one that is spoken.

    It is agreed on where the client offers it; a client that offers none or others goes without one.
    """
    fields = _grouped(headers)
    if not _has_token(fields, b"upgrade", b"websocket") or not _has_token(fields, b"connection", b"upgrade"):
        return _upgrade_required("a WebSocket is asked for with Upgrade: websocket and Connection: Upgrade")
    if fields.get(b"sec-websocket-version") != [VERSION]:
        return _upgrade_required("only version 13 of the WebSocket protocol is spoken (RFC 6455)")
    keys = fields.get(b"sec-websocket-key", [])
    if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        return HandshakeError(400, "Sec-WebSocket-Key must be 16 bytes in base64, once")
    try:
        extension = answer(parse_extensions(_joined(fields, b"sec-websocket-extensions")))
    except ValueError as error:
        return HandshakeError(400, str(error))
    offered = _tokens(fields, b"sec-websocket-protocol")
    chosen = subprotocol if subprotocol is not None and subprotocol.encode() in offered else None
    head = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + _accept_value(keys[0]),
    ]
    if extension is not None:
        head.append(b"Sec-WebSocket-Extensions: " + extension.encode())
    if chosen is not None:
        head.append(b"Sec-WebSocket-Protocol: " + chosen.encode())
    return Upgrade(b"\r\n".join(head) + b"\r\n\r\n", extension is not None, chosen)


def request(
    host: str,
    path: str,
    key: bytes,
    headers: Iterable[tuple[str, str]] = (),
    *,
    deflate: bool = True,
    subprotocols: Sequence[str] = (),
) -> bytes:
    """Client: the request's head (RFC 6455 §4.1).

    `host` goes into the header Host, with its port where that is not the scheme's own. `key` is 16 random
    bytes. Raises ValueError for what would not be one well-formed head.
    """
    if len(key) != KEY_BYTES:
        raise ValueError(f"the key must be {KEY_BYTES} bytes")
    if not _VISIBLE.fullmatch(host) or not (path.startswith("/") and _VISIBLE.fullmatch(path)):
        raise ValueError("host and path must be visible ASCII, and the path begin with /")
    fields = [
        ("Host", host),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", b64encode(key).decode()),
        ("Sec-WebSocket-Version", VERSION.decode()),
    ]
    if deflate:
        fields.append(("Sec-WebSocket-Extensions", AGREED))
    if subprotocols:
        fields.append(("Sec-WebSocket-Protocol", ", ".join(subprotocols)))
    lines = [f"GET {path} HTTP/1.1".encode()]
    for name, value in [*fields, *headers]:
        raw_name, raw_value = name.encode(), value.encode()
        if not _TOKEN.fullmatch(raw_name) or not _FIELD_VALUE.fullmatch(raw_value):
            raise ValueError(f"not a header: {name!r}")
        lines.append(raw_name + b": " + raw_value)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def verify(head: bytes, key: bytes, *, deflate: bool = True, subprotocols: Sequence[str] = ()) -> Upgrade:
    r"""Client: check the server's head, up to and with its ``\r\n\r\n`` (RFC 6455 §4.1).

    `key`, `deflate` and `subprotocols` are those of the request. Raises HandshakeFailed.
    """
    try:
        status_line, headers = parse_head(head)
    except ValueError as error:
        raise HandshakeFailed(str(error)) from None
    status = _STATUS.fullmatch(status_line)
    if status is None:
        raise HandshakeFailed("the answer is not HTTP/1.1")
    code = int(status[1])
    if code != 101:
        raise HandshakeFailed(f"the server answered {code} instead of 101", code)
    fields = _grouped(headers)
    if not _has_token(fields, b"upgrade", b"websocket") or not _has_token(fields, b"connection", b"upgrade"):
        raise HandshakeFailed("the server did not upgrade to WebSocket", code)
    if fields.get(b"sec-websocket-accept") != [_accept_value(b64encode(key))]:
        raise HandshakeFailed("Sec-WebSocket-Accept does not fit our key", code)
    try:
        compressed = agreed(parse_extensions(_joined(fields, b"sec-websocket-extensions")), deflate)
    except ValueError as error:
        raise HandshakeFailed(str(error), code) from None
    chosen = fields.get(b"sec-websocket-protocol")
    if chosen is None:
        return Upgrade(head, compressed, None)
    for subprotocol in subprotocols:
        if chosen == [subprotocol.encode()]:
            return Upgrade(head, compressed, subprotocol)
    raise HandshakeFailed("the server chose a subprotocol that was not offered", code)


def parse_head(head: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    r"""Split a head, up to and with its ``\r\n\r\n``, into its first line and its headers (RFC 9112 §5).

    For those who serve WebSocket and nothing else; it is no HTTP server. Raises ValueError.
    """
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not _TOKEN.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
            raise ValueError("the head has a malformed header")
        headers.append((name, value.strip(b" \t")))
    return first, headers


def _upgrade_required(reason: str) -> HandshakeError:
    # RFC 9110 §15.5.22 wants the Upgrade, RFC 6455 §4.4 the version.
    return HandshakeError(426, reason, ((b"Upgrade", b"websocket"), (b"Sec-WebSocket-Version", VERSION)))


def _accept_value(key: bytes) -> bytes:
    return b64encode(sha1(key + _GUID, usedforsecurity=False).digest())


def _grouped(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    fields: Headers = {}
    for name, value in headers:
        fields.setdefault(name.lower(), []).append(value.strip(b" \t"))
    return fields


def _joined(fields: Headers, name: bytes) -> str:
    """A list header's values as one (RFC 9110 §5.3)."""
    return b",".join(fields.get(name, [])).decode("latin-1")


def _tokens(fields: Headers, name: bytes) -> list[bytes]:
    return [token.strip(b" \t") for value in fields.get(name, []) for token in value.split(b",")]


def _has_token(fields: Headers, name: bytes, token: bytes) -> bool:
    return token in (found.lower() for found in _tokens(fields, name))
