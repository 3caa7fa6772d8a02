"""HTTP/1.1 on a Stream (RFC 9112): limits, timers, one exchange after another, and the upgrade of `/ws`.

Bytes wait here until a head is whole. Then the request gets an h11 connection of its own, so that a
connection at rest keeps nothing of the last one, and a WebSocket nothing of HTTP.
"""

from __future__ import annotations

import time
from typing import Final
from urllib.parse import unquote

from starlette.types import Scope

from hubbub.net.framing import websocket_handshake
from hubbub.net.stream import Stream
from hubbub.net.timers import UNSET
from hubbub.server.direct import Direct, DirectApp
from hubbub.server.exchange import Exchange
from hubbub.server.http_head import END, Head, bare_line_feed, read_head
from hubbub.server.http_server import HttpServer
from hubbub.server.origin import (
    Authority,
    Refused,
    check_host,
    check_origin,
    default_port,
    forwarded,
)
from hubbub.server.responses import refusal
from hubbub.server.web.cookies import Visitor, check_site, cookie_name, read_cookie

WEBSOCKET_PATH: Final = b"/ws"
SUBPROTOCOL: Final = "hubbub.v1"
_GUARDED: Final = frozenset({"api", "files", "blobs"})
"""First parts of paths that a page of another site has no business with, whatever it knows; `/ws` is another.
The page itself may be linked to from everywhere."""


class HttpConnection:
    """A connection that speaks HTTP, until it is closed or becomes a WebSocket. A `net.handler.Handler`."""

    __slots__ = (
        "__weakref__",
        "_began",
        "_buffer",
        "_exchange",
        "_head",
        "_last",
        "_patience",
        "_searched",
        "_server",
        "_stream",
        "due",
    )

    def __init__(self, stream: Stream, server: HttpServer) -> None:
        self._stream = stream
        self._server = server
        self._buffer = bytearray()  # what came and belongs to no exchange: a head, or part of one
        self._searched = 0  # so much of it has no end of a head
        self._exchange: Exchange | Direct | None = None
        self._patience = server.head_seconds  # with the peer, within an exchange
        self._head: Head | None = None  # of the exchange
        self._began = 0.0
        self._last = False  # no further request is served
        self.due = UNSET
        server.open.add(self)
        self._set_timer(server.head_seconds)

    # -- net.handler.Handler

    def on_data(self, data: bytes) -> None:
        """See Handler."""
        if self._exchange is None:
            if not self._buffer:
                self._set_timer(self._server.head_seconds)
            self._buffer += data
            self._next()
        else:
            self._exchange.feed(data)
            self.on_reading()

    def on_eof(self) -> None:
        """See Handler. A peer that asked and then sends no more still gets its answer."""
        self._last = True
        if self._exchange is None:
            self._stream.close()
        else:
            self._exchange.feed(b"")

    def on_close(self, error: Exception | None) -> None:
        """See Handler."""
        del error
        self._forget()
        if self._exchange is not None:
            self._exchange.close()

    def on_pause(self) -> None:
        """See Handler. The app's next `send` waits."""
        if isinstance(self._exchange, Direct):
            self.on_reading()

    def on_resume(self) -> None:
        """See Handler."""
        if self._exchange is None:
            self._go_on()
        else:
            self._exchange.resume()
        if isinstance(self._exchange, Direct):
            self.on_reading()

    def on_overflow(self) -> None:
        """See Handler. One piece of a response may be larger than the queue; the next one waits."""

    def on_broken(self) -> bool:
        """See Handler. Nobody is left to hear the response."""
        return False

    def on_timer(self) -> None:
        """See net.timers.Timed."""
        if self._exchange is not None:
            if self._exchange.receiving:
                self._exchange.fail(408, "the body did not come in time")
        elif self._buffer and not self._stream.paused:
            self._refuse(Refused(408, "the head did not come in time"))
        else:
            self._stream.close()

    def drain(self) -> None:
        """Serve no further request; close at once where none is running."""
        self._last = True
        if self._exchange is None:
            self._stream.close()
        elif isinstance(self._exchange, Direct):
            self._exchange.stop()

    # -- a request's head

    def _go_on(self) -> None:
        """With the next request, after a response."""
        server = self._server
        self._set_timer(server.head_seconds if self._buffer else server.settings.keep_alive)
        self._stream.resume_reading()
        self._next()

    def _next(self) -> None:
        """Serve the next request, if its head is whole: once the responses before it have left."""
        settings, buffer = self._server.settings, self._buffer
        if self._stream.paused:  # who does not read would fill the memory with responses to a few bytes each
            self._stream.pause_reading()
            self._set_timer(settings.keep_alive)
            return
        if buffer.startswith(b"\r\n"):  # RFC 9112 §2.2: an empty line before a request is no fault
            del buffer[:2]
            self._searched = 0
        end = buffer.find(END, max(0, self._searched - len(END) + 1))
        searched, self._searched = self._searched, len(buffer)
        if (end if end >= 0 else len(buffer)) > settings.max_head:
            self._refuse(
                Refused(431, f"a head may have {settings.max_head} bytes (the setting http.max_head)")
            )
        elif end >= 0:
            raw, rest = bytes(buffer[: end + len(END)]), bytes(buffer[end + len(END) :])
            self._buffer, self._searched = bytearray(), 0
            self._serve(raw, rest)
        elif bare_line_feed(buffer, searched):
            self._refuse(Refused(400, "lines end with CR LF"))

    def _serve(self, raw: bytes, rest: bytes) -> None:
        head = read_head(raw, self._server.settings)
        if isinstance(head, Refused):
            self._refuse(head)
            return
        host = check_host(head.hosts, self._stream.local, self._server.public_hosts)
        if isinstance(host, Refused):
            self._refuse(host, head_only=head.head_only)
            return
        visitor = self._visitor(head, host)
        self._server.came(visitor)
        first = head.path.partition(b"/")[2].partition(b"/")[0]
        app = self._server.direct.get(first)
        guarded = unquote(head.path.decode("ascii")).partition("/")[2].partition("/")[0] in _GUARDED
        if head.path == WEBSOCKET_PATH:
            self._upgrade(head, host, visitor, rest)
        elif guarded and (foreign := self._foreign(head, host, visitor)) is not None:
            self._refuse(foreign, head_only=head.head_only)
        elif app is not None:
            self._start_direct(app, head, visitor, rest)
        elif any(int(length) > self._server.settings.max_body for length in head.values(b"content-length")):
            most = self._server.settings.max_body
            self._refuse(Refused(413, f"a body may have {most} bytes (the setting http.max_body)"))
        else:
            self._start(head, host, visitor, rest)

    def _visitor(self, head: Head, host: Authority) -> Visitor:
        stream, proxies = self._stream, self._server.proxies
        client, scheme = forwarded(head.request.headers, stream.peer, proxies, secure=stream.secure)
        name = cookie_name(host, scheme)
        cookie = read_cookie(head.values(b"cookie"), name)
        return Visitor(client, stream.loopback_listener, stream.secure, scheme == "https", name, cookie)

    def _foreign(self, head: Head, host: Authority, visitor: Visitor) -> Refused | None:
        """Whether it is a page of another site, with a link, a token or a cookie that it should not have."""
        origins, server = head.values(b"origin"), self._server
        refused = check_origin(origins, host, server.allowed_origins, secure=self._stream.secure)
        if refused is None and visitor.cookie is not None:
            refused = check_site(head.values(b"sec-fetch-site"), origin=bool(origins))
        return refused

    def _upgrade(self, head: Head, host: Authority, visitor: Visitor, rest: bytes) -> None:
        request, stream, server = head.request, self._stream, self._server
        if request.method != b"GET":
            self._refuse(
                Refused(405, "a WebSocket is opened with GET"),
                ((b"Allow", b"GET"),),
                head_only=head.head_only,
            )
            return
        if head.values(b"transfer-encoding") or any(int(n) for n in head.values(b"content-length")):
            self._refuse(Refused(400, "a WebSocket is opened without a body"))
            return
        foreign = self._foreign(head, host, visitor)
        if foreign is not None:
            self._refuse(foreign)
            return
        upgrade = websocket_handshake.accept(request.headers, SUBPROTOCOL)
        if isinstance(upgrade, websocket_handshake.HandshakeError):
            self._refuse(Refused(upgrade.status, upgrade.reason), upgrade.headers)
            return
        self._forget()
        stream.write(upgrade.response)
        server.upgraded(stream, upgrade.deflate, rest, visitor)

    def _refuse(
        self, refused: Refused, headers: tuple[tuple[bytes, bytes], ...] = (), *, head_only: bool = False
    ) -> None:
        """Answer with an error, and close: after most of them nobody knows where the next request begins."""
        self._server.log.request_refused(self._stream.peer, *refused)
        self._stream.close(refusal(*refused, headers, head_only=head_only))

    # -- an exchange

    def _start(self, head: Head, host: Authority, visitor: Visitor, rest: bytes) -> None:
        server = self._server
        self._begin(head, server.head_seconds)
        max_body = server.settings.max_body
        exchange = self._exchange = Exchange(self._stream, head.connection, head.request, max_body, self)
        task = exchange.start(server.app, self._scope(head, host, visitor))
        server.tasks.add(task)
        task.add_done_callback(server.tasks.discard)
        if rest:
            exchange.feed(rest)
        else:
            exchange.pull()
        self.on_reading()

    def _start_direct(self, app: DirectApp, head: Head, visitor: Visitor, rest: bytes) -> None:
        server, stream = self._server, self._stream
        self._begin(head, server.stall_seconds)
        exchange = self._exchange = Direct(stream, head, self, visitor)
        task = exchange.start(app, server.log.failed)
        server.tasks.add(task)
        task.add_done_callback(server.tasks.discard)
        if rest:
            exchange.feed(rest)
        self.on_reading()

    def _begin(self, head: Head, patience: float) -> None:
        self._head = head
        self._began = time.monotonic()
        self._patience = patience

    def _scope(self, head: Head, host: Authority, visitor: Visitor) -> Scope:
        request, scheme = head.request, "https" if visitor.https else "http"
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": request.http_version.decode("ascii"),
            "method": request.method.decode("ascii"),
            "scheme": scheme,
            "path": unquote(head.path.decode("ascii")),
            "raw_path": head.path,
            "query_string": head.query,
            "root_path": "",
            "headers": list(request.headers),
            "client": (visitor.address, 0),  # a port would tell nobody anything
            "server": (host.host, host.port or default_port(scheme)),
            "state": {"visitor": visitor},
        }

    # -- exchange.Owner

    def on_done(self, keep: bool, leftover: bytes) -> None:
        """See Owner."""
        self._log_request()
        self._exchange = self._head = None
        if self._last or not keep:
            self._stream.close()
            return
        self._buffer, self._searched = bytearray(leftover), 0
        self._go_on()

    def on_failed(self, status: int, reason: str) -> None:
        """See Owner."""
        head_only = self._head is not None and self._head.head_only
        self._exchange = self._head = None
        self._refuse(Refused(status, reason), head_only=head_only)

    def on_crashed(self, error: Exception) -> None:
        """See Owner."""
        self._server.log.failed("HTTP request", error)

    def on_reading(self) -> None:
        """See Owner. Each piece of a body has as long as a head; while the app is to go on, no hurry."""
        if self._exchange is not None:  # else its end has set the timer already
            self._set_timer(self._patience if self._exchange.receiving else 0.0)

    def _log_request(self) -> None:
        log, head, exchange = self._server.log, self._head, self._exchange
        if log.debug and head is not None and exchange is not None:
            method, path = head.request.method.decode("ascii"), head.path.decode("ascii")
            log.request(self._stream.peer, method, path, exchange.status, time.monotonic() - self._began)

    # -- timers

    def _set_timer(self, seconds: float) -> None:
        if seconds and not self._stream.closed:
            self._server.wheel.set(self, seconds)
        else:
            self._server.wheel.unset(self)

    def _forget(self) -> None:
        self._server.wheel.unset(self)
        self._server.open.discard(self)
