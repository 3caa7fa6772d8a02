"""What all HTTP connections of a server share, and which of them there are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from types import MappingProxyType
from typing import Protocol

from starlette.types import ASGIApp

from hubbub.net.stream import Stream
from hubbub.net.timers import Wheel
from hubbub.observe.server_log import ServerLog
from hubbub.server.config import Config, HttpSettings
from hubbub.server.direct import DirectApp
from hubbub.server.origin import Network, normalise, normalise_origin
from hubbub.server.web.cookies import Visitor

Upgraded = Callable[[Stream, bool, bytes, Visitor], None]
"""Told of a WebSocket: its stream, whether it deflates, the bytes that came behind the handshake, and from
whom it comes.

It sets the stream's handler, and takes those bytes.
"""


class Open(Protocol):
    """One of these connections."""

    def drain(self) -> None:
        """Close at rest, else after the response."""
        ...


@dataclass(slots=True)
class HttpServer:
    """What all HTTP connections share."""

    app: ASGIApp
    upgraded: Upgraded
    log: ServerLog
    wheel: Wheel
    settings: HttpSettings
    head_seconds: float
    public_hosts: frozenset[str]
    allowed_origins: frozenset[str]
    proxies: tuple[Network, ...]
    direct: Mapping[bytes, DirectApp]
    """What is served without the app, by the first part of its path."""
    stall_seconds: float
    came: Callable[[Visitor], None]
    """Told of each request whose head is whole, before it is served."""
    open: set[Open] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """Running apps; the loop itself holds tasks weakly."""

    @classmethod
    def of(
        cls,
        config: Config,
        app: ASGIApp,
        upgraded: Upgraded,
        log: ServerLog,
        wheel: Wheel,
        direct: Mapping[bytes, DirectApp] = MappingProxyType({}),
        came: Callable[[Visitor], None] = lambda _: None,
    ) -> HttpServer:
        """Make it from the settings. Raises ValueError where these were not checked."""
        web = config.web
        return cls(
            app,
            upgraded,
            log,
            wheel,
            config.http,
            config.timers.frame,
            frozenset(map(normalise, web.public_hosts)),
            frozenset(filter(None, map(normalise_origin, web.allowed_origins))),
            tuple(map(ip_network, web.trusted_proxies)),
            direct,
            config.files.stall_seconds,
            came,
        )

    def drain(self) -> None:
        """Close connections at rest now, the others after their response."""
        for connection in list(self.open):
            connection.drain()
