"""The network library's own settings: every limit with its unit, default and reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NetSettings:
    """What a listener and its streams are given. Seconds and bytes."""

    max_connections: int = 20_000
    """Open connections in all; one more is closed at once. A bound on memory and file descriptors."""
    max_per_address: int = 256
    """Open connections of one peer address (IPv6: of one /64). 0: no limit."""
    limit_loopback: bool = False
    """Whether `max_per_address` counts for loopback peers too (behind a reverse proxy it must not lift)."""
    first_bytes: float = 120.0
    """How long a connection may say nothing at all. A person types."""
    handshake: float = 10.0
    """How long a TLS handshake may take, and a dialect's first bytes once one has come."""
    max_backlog: int = 4 * 1024 * 1024
    """Bytes that may wait for one slow reader, over the kernel's own buffer."""
    linger: float = 5.0
    """How long a closing stream may take to hand over what is still queued."""
    farewell: float = 1.0
    """How long a peer that has been sent everything may take to close its side (`nc` never does)."""
    backlog: int = 4_096
    """Connections the kernel may hold ready for accept (listen(2); capped by somaxconn)."""
