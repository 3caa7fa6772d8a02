"""What a browser finds at the URL: our server, its host and origin accepted, and a WebSocket that carries."""

from __future__ import annotations

import os
import socket
import ssl
from typing import Final
from urllib.parse import urlsplit

from hubbub.net.errors import HandshakeFailed
from hubbub.net.framing.frames import PING, PONG
from hubbub.net.framing.websocket import WebSocket, masked_frame
from hubbub.net.framing.websocket_handshake import KEY_BYTES, request, verify
from hubbub.server.doctor.address import Address, parse_url
from hubbub.server.doctor.deployment import Deployment
from hubbub.server.doctor.fetching import Deadline, UnreachableError, connect, refusal_of
from hubbub.server.doctor.report import Notes
from hubbub.server.http import SUBPROTOCOL, WEBSOCKET_PATH
from hubbub.server.origin import Refused, check_host, check_origin, normalise, normalise_origin

PATIENCE: Final = 3.0
"""Seconds for a WebSocket in all: at most half of them for the connection, half of what is left then for the
answer to the opening handshake, and the rest for a ping's. Less than `examination.TOGETHER`, since what is
not done by then is told without what was found."""
_MOST_HEAD: Final = 16_384
_MOST_FRAME: Final = 1 << 20
_PROXIED: Final = "127.0.0.1"
_GATEWAY: Final = (502, 503, 504)
_UPGRADE: Final = (
    "nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "
    '"upgrade"; for others see docs/deploy.md.'
)


def url(deployment: Deployment, notes: Notes) -> None:
    """Whether our server answers there."""
    if deployment.url is None:
        notes.note("No URL was given, and no listener takes HTTP.")
        return
    where = deployment.url.url
    try:
        found = deployment.visit()
    except UnreachableError as error:
        if deployment.given or deployment.pid is not None:
            notes.fail(
                f"{where}: {error}.",
                "Look at the server, the proxy and the firewall on the way, in this order.",
            )
        else:
            notes.note(f"{where}: {error}. Start the server, or name another place with --url.")
        return
    if found.version is not None:
        front = f", behind {found.front}" if found.front else ""
        notes.ok(f"{where}: Hubbub {found.version} answers{front}.", version=found.version, front=found.front)
        if not found.client:
            notes.warn(
                f"{where}: the server has no web client.", "Install a wheel, or build it: scripts/web.py."
            )
        return
    answer = found.answer
    if found.refused_host:
        notes.fail(
            f"{where}: the server is there, and does not serve the host that it is asked for.",
            _list_host(deployment.url.host),
        )
    elif answer.status in _GATEWAY:
        notes.fail(
            f"{where}: what stands in front answers {answer.status}: it does not reach the server.",
            "Start the server; see that the proxy's address and port are one of server.listen.",
        )
    elif answer.status in (301, 302, 307, 308):
        notes.fail(
            f"{where}: it sends people on to {answer.headers.get('location', 'nowhere')}.",
            "Give the doctor that URL.",
        )
    else:
        notes.fail(
            f"{where}: what answers ({answer.status}) is no Hubbub.",
            "See that the proxy sends the whole host to Hubbub, and not some paths alone.",
        )


def _list_host(host: str) -> str:
    return f'Set web.public_hosts = ["{host}"], and have the proxy pass the Host on as it comes.'


def origin(deployment: Deployment, notes: Notes) -> None:
    """By the settings alone: whether a browser at the URL, and at `web.base_url`, is let in."""
    web, address = deployment.config.web, deployment.url
    hosts = frozenset(map(normalise, web.public_hosts))
    allowed = frozenset(filter(None, map(normalise_origin, web.allowed_origins)))
    if address is not None:
        ours = any(listener.port == address.port for listener in deployment.listeners)
        host = check_host([address.authority.encode()], _local(deployment, address, ours=ours), hosts)
        secure = ours and bool(deployment.config.tls.cert)
        if isinstance(host, Refused):
            notes.fail(
                f"A browser at {address.url} is refused ({host.status}): {host.reason}.",
                _list_host(address.host),
            )
        elif check_origin([address.url.encode()], host, allowed, secure=secure):
            notes.fail(
                f"A page at {address.url} may open no WebSocket.",
                f'Set web.allowed_origins = ["{address.url}"].',
            )
        else:
            notes.ok(f"The settings let a browser in at {address.url}.")
    if web.trusted_proxies and not web.public_hosts:
        notes.warn(
            "web.trusted_proxies is set and web.public_hosts is not: by whatever name people come, they "
            "are refused.",
            'Set web.public_hosts = ["chat.example.org"], with the name in your URL.',
        )
    _base_url(deployment, hosts, notes)
    for text in web.allowed_origins:
        if text.lower().startswith("http://") and not any(
            text.lower().startswith(f"http://{one}") for one in ("localhost", "127.", "[::1]")
        ):
            notes.note(
                f"web.allowed_origins has {text}: a page that came in clear may act for whoever is signed "
                "in.",
                "Serve that page by https.",
            )


def _local(deployment: Deployment, address: Address, *, ours: bool) -> str:
    """The server's own address of such a connection: through a proxy, one of this machine."""
    try:
        return deployment.visit().peer if ours else _PROXIED
    except UnreachableError:
        return address.host if ours and not deployment.given else _PROXIED


def _base_url(deployment: Deployment, hosts: frozenset[str], notes: Notes) -> None:
    base = deployment.config.web.base_url
    if base is None:
        if deployment.given and deployment.url is not None and deployment.config.web.public_hosts:
            notes.note(
                "web.base_url is not set: links to files that are shown in plain text begin with the "
                "address that a connection came to.",
                f'Set web.base_url = "{deployment.url.url}".',
            )
        return
    try:
        parts = urlsplit(base)
        told = parse_url(f"{parts.scheme}://{parts.netloc}")
    except ValueError as error:
        notes.fail(f"web.base_url: {error}.", "Set it to how people reach the server.")
        return
    if deployment.given and deployment.url is not None and told != deployment.url:
        notes.warn(
            f"web.base_url is {told.url}, and the doctor was told {deployment.url.url}: links lead to the "
            "first.",
            "If people use the second, set web.base_url to it.",
        )
    host = check_host([told.authority.encode()], _PROXIED, hosts)
    if isinstance(host, Refused):
        notes.fail(
            f"Links begin with {told.url}, and a browser there is refused: {host.reason}.",
            _list_host(told.host),
        )


def websocket(deployment: Deployment, notes: Notes) -> None:
    """A real opening handshake, as a browser makes it, and a ping over what it opened."""
    address = deployment.url
    if address is None:
        notes.note("No URL was given, and no listener takes HTTP.")
        return
    deadline = Deadline(PATIENCE)
    try:
        with connect(address, deadline=Deadline(deadline.left() / 2)) as sock:
            _open(address, sock, deadline, notes)
    except UnreachableError as error:
        notes.note(f"Not tried: {error}.")
    except ssl.SSLError:
        notes.note("Not tried: what is there speaks no TLS.")
    except (OSError, HandshakeFailed) as error:
        notes.fail(f"{address.url}/ws: the connection broke off ({error}).", _UPGRADE)


def _open(address: Address, sock: socket.socket, deadline: Deadline, notes: Notes) -> None:
    where, key = f"{address.url}/ws", os.urandom(KEY_BYTES)
    opening = Deadline(deadline.left() / 2)
    sock.settimeout(opening.left())
    path = WEBSOCKET_PATH.decode()
    headers = (("Origin", address.url),)
    sock.sendall(request(address.authority, path, key, headers, subprotocols=(SUBPROTOCOL,)))
    try:
        head, rest = _head(sock, opening)
    except TimeoutError:
        notes.fail(f"{where}: no whole answer to the opening handshake.", _UPGRADE)
        return
    try:
        deflate = verify(head, key, subprotocols=(SUBPROTOCOL,)).deflate
    except HandshakeFailed as error:
        _refused(where, address, error, _said(sock, rest, deadline), notes)
        return
    if _ponged(sock, rest, deadline, deflate=deflate):
        notes.ok(f"{where}: a WebSocket opens, and carries both ways.", opened=True)
    else:
        notes.fail(
            f"{where}: it opens, and then nothing comes through: something in between does not pass "
            "WebSockets on.",
            _UPGRADE,
            opened=True,
        )


def _refused(where: str, address: Address, error: HandshakeFailed, said: str, notes: Notes) -> None:
    status = error.status
    if status == 426:
        notes.fail(
            f"{where}: the request arrives as an ordinary one: a proxy in between takes its Upgrade away.",
            _UPGRADE,
            status=status,
        )
    elif status == 421:
        notes.fail(f"{where}: the server does not serve this host.", _list_host(address.host), status=status)
    elif status == 403 and "origin" in said:
        notes.fail(
            f"{where}: the server refuses the origin {address.url}. It compares with the Host that it is "
            "sent.",
            "Have the proxy pass the Host on as it comes, with its port (nginx: proxy_set_header Host "
            "$http_host); "
            f'or set web.allowed_origins = ["{address.url}"].',
            status=status,
        )
    elif status in _GATEWAY:
        notes.fail(
            f"{where}: what stands in front answers {status}.", "It does not reach the server.", status=status
        )
    else:
        notes.fail(f"{where}: no WebSocket opens: {error}.", _UPGRADE, status=status)


def _head(sock: socket.socket, deadline: Deadline) -> tuple[bytes, bytes]:
    """A head with its empty line, and what came behind it. Raises OSError, HandshakeFailed."""
    buffer = b""
    while b"\r\n\r\n" not in buffer:
        sock.settimeout(deadline.left())
        data = sock.recv(_MOST_HEAD)
        if not data:
            raise HandshakeFailed("it was closed without an answer")
        buffer += data
        if len(buffer) > _MOST_HEAD:
            raise HandshakeFailed("the answer's head is too long")
    head, _, rest = buffer.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


def _said(sock: socket.socket, body: bytes, deadline: Deadline) -> str:
    """The sentence of our own refusal; empty where it is somebody else's."""
    try:
        while not (said := refusal_of(body)) and len(body) < _MOST_HEAD:
            sock.settimeout(deadline.left())
            data = sock.recv(_MOST_HEAD)
            if not data:
                break
            body += data
    except OSError:
        return ""
    return said


def _ponged(sock: socket.socket, data: bytes, deadline: Deadline, *, deflate: bool) -> bool:
    """Whether a ping is answered; the welcome, and whatever else comes before, is passed over."""
    framing, word = WebSocket(_MOST_FRAME, server=False, deflate=deflate), os.urandom(8)
    sock.sendall(masked_frame(word, os.urandom(4), PING))
    try:
        for _ in range(64):
            if any(frame.kind == PONG and frame.payload == word for frame in framing.feed(data)):
                return True
            sock.settimeout(deadline.left())
            data = sock.recv(65_536)
            if not data:
                return False
    except OSError:
        pass
    return False
