"""What may go wrong with a connection that we open, as one small tree.

    NetError
    ├── DialFailed            nobody answered: refused, unreachable, an unknown name
    │   └── DialTimedOut      not within the deadline
    ├── TlsFailed             connected, but not to a peer that may be trusted
    └── HandshakeFailed       connected, but it would not speak WebSocket with us

What a peer does wrong on an open connection is no exception: framings answer it with a frame.
"""

from __future__ import annotations


class NetError(Exception):
    """Base of the tree. `by_peer`: the peer broke a rule or refused. `retry`: it may be better later."""

    by_peer: bool = False
    retry: bool = True


class DialFailed(NetError):  # noqa: N818 (says what happened)
    """No connection came about. The cause, an OSError, is chained."""


class DialTimedOut(DialFailed):
    """Resolving and connecting took longer than the deadline."""


class TlsFailed(NetError):  # noqa: N818 (says what happened)
    """The TLS handshake failed: a certificate that does not verify, or no common version."""

    by_peer = True
    retry = False


class HandshakeFailed(NetError):  # noqa: N818 (says what happened)
    """The WebSocket handshake failed. `status` is the HTTP status, 0 where the answer was no HTTP."""

    by_peer = True

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status
        # Too many requests, and a server or a proxy that is down, pass; a wrong path does not.
        self.retry = status == 429 or 500 <= status <= 599
