"""A request's head, read strictly (RFC 9112 §2-§7). Pure.

What is stricter here than h11, so that nobody before us can have read a request differently (request
smuggling): lines end with CR LF, no folded headers, no Transfer-Encoding beside a Content-Length.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import h11

from hubbub.server.config import HttpSettings
from hubbub.server.origin import Refused

END: Final = b"\r\n\r\n"
# RFC 9112 §3.2.2: to a proxy, and accepted by every server; its authority then counts, and Host does not.
_ABSOLUTE: Final = re.compile(rb"https?://(?P<authority>[^/?#]*)(?P<rest>.*)", re.IGNORECASE)


class Head(NamedTuple):
    """A request whose framing is sound. `hosts` say whom it is for: the Host headers, or the target."""

    request: h11.Request
    connection: h11.Connection
    path: bytes
    query: bytes
    hosts: list[bytes]

    @property
    def head_only(self) -> bool:
        """Whether the answer has no body."""
        return self.request.method == b"HEAD"

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of a header; `name` in lower case."""
        return [value for known, value in self.request.headers if known == name]


def bare_line_feed(buffer: bytes | bytearray, start: int = 0) -> bool:
    """Whether a line feed at or behind `start` has no carriage return before it."""
    return buffer.count(b"\n", start) != buffer.count(b"\r\n", max(0, start - 1))


def reason_of(error: h11.RemoteProtocolError) -> str:
    """What is wrong, without what was sent: h11 quotes the line, which may hold a ticket or a cookie."""
    return str(error).partition(":")[0]


def read_head(head: bytes, settings: HttpSettings) -> Head | Refused:
    """Read a whole head, with the empty line that ends it."""
    if bare_line_feed(head) or head.count(b"\r") != head.count(b"\r\n"):
        return Refused(400, "lines end with CR LF")  # RFC 9112 §2.2
    if b"\r\n " in head or b"\r\n\t" in head:
        return Refused(400, "folded headers are obsolete")  # RFC 9112 §5.2
    if head.count(b"\r\n") - 2 > settings.max_headers:
        return Refused(431, f"a head may have {settings.max_headers} headers (the setting http.max_headers)")
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(head)
    try:
        request = connection.next_event()
    except h11.RemoteProtocolError as error:
        return Refused(error.error_status_hint, reason_of(error))
    if not isinstance(request, h11.Request):
        return Refused(400, "no request")
    return _frame_fault(request) or _with_target(request, connection)


def _frame_fault(request: h11.Request) -> Refused | None:
    """Look at what says where the request ends."""
    if request.http_version not in (b"1.1", b"1.0"):
        return Refused(505, "HTTP/1.1 is spoken here")
    coded = any(name == b"transfer-encoding" for name, _ in request.headers)
    lengths = [int(value) for name, value in request.headers if name == b"content-length"]
    if coded and (lengths or request.http_version == b"1.0"):  # RFC 9112 §6.1
        return Refused(400, "Transfer-Encoding stands beside Content-Length, or in HTTP/1.0")
    return None


def _with_target(request: h11.Request, connection: h11.Connection) -> Head | Refused:
    hosts = [value for name, value in request.headers if name == b"host"]
    target = request.target
    if request.method == b"CONNECT":
        return Refused(501, "this is no proxy")
    if not target.startswith(b"/") and target != b"*":
        match = _ABSOLUTE.fullmatch(target)
        if match is None:
            return Refused(400, "the target is malformed")
        hosts = [match["authority"]]
        target = match["rest"] if match["rest"].startswith(b"/") else b"/" + match["rest"]
    path, _, query = target.partition(b"?")
    return Head(request, connection, path, query, hosts)
