"""What lies between people and the server: whether it says who they are, and passes bytes on as they come."""

from __future__ import annotations

import ssl
from ipaddress import ip_address, ip_network
from typing import Final

import msgspec

from hubbub.server.doctor.address import Address
from hubbub.server.doctor.deployment import Deployment
from hubbub.server.doctor.fetching import Answer, UnreachableError, ask, connect
from hubbub.server.doctor.report import Notes
from hubbub.server.origin import default_port, parse_authority
from hubbub.server.web.arrival import PATH, PAUSE, PIECES, Arrival

GATHERED: Final = PAUSE / 2
"""Seconds between the first and the last piece: with less, they came as one."""
PATIENCE: Final = 1.0
"""Seconds until an upload that was begun must be refused, if it was passed on as it came."""
_BODY: Final = 64
"""Bytes of the upload that is begun and never gone on with."""


def arrival(deployment: Deployment, notes: Notes) -> None:
    """Ask the server how a request from here arrives, and see whether the answer comes piece by piece."""
    address = deployment.url
    if address is None or not _is_ours(deployment, notes):
        return
    try:
        answer, local, _ = ask(address, PATH)
        found = msgspec.json.decode(answer.body.split(b"\n", 1)[0], type=Arrival)
    except (UnreachableError, msgspec.MsgspecError):
        notes.note(f"{address.url}{PATH}: the server does not tell how requests arrive; is it an older one?")
        return
    _pieces(address.url, answer, notes)
    _host(address, found, notes)
    if address.tls and found.scheme != "https":
        notes.warn(
            f"{address.url}: the server believes that people come without TLS, so its cookies go in clear, "
            "too.",
            "Set web.trusted_proxies to the proxy's address, and have the proxy send X-Forwarded-Proto.",
            scheme=found.scheme,
        )
    _who(deployment, found, local, notes)


def _pieces(where: str, answer: Answer, notes: Notes) -> None:
    spread = answer.arrivals[-1] - answer.arrivals[0] if len(answer.arrivals) >= PIECES else None
    if spread is None:
        notes.note(f"{where}: an answer in pieces was cut short.", spread=None)
    elif spread < GATHERED:
        notes.warn(
            f"{where}: answers are gathered on the way, and come all at once: what is live comes late, "
            "and a file seems to be received before it is.",
            "nginx: proxy_buffering off. Others: see docs/deploy.md.",
            spread=spread,
        )
    else:
        notes.ok(f"{where}: answers come through piece by piece.", spread=spread)


def _host(address: Address, found: Arrival, notes: Notes) -> None:
    came = parse_authority(found.host.encode("ascii", "replace"))
    if came is not None and (came.host, came.port or default_port(address.scheme)) != address[1:]:
        notes.fail(
            f"People ask for {address.authority}, and the server is asked for {found.host}: it takes a "
            "browser's origin for a foreign one.",
            "Have the proxy pass the Host on (nginx: proxy_set_header Host $http_host).",
            host=found.host,
        )


def _who(deployment: Deployment, found: Arrival, local: str, notes: Notes) -> None:
    visit, proxies = deployment.visit(), deployment.config.web.trusted_proxies
    if visit.front is not None and not proxies:
        notes.warn(
            f"{visit.front} stands in front, and the server believes no proxy: all people have its address, "
            "so one who tries passwords locks out everybody, and they share limits.max_per_address.",
            'Set web.trusted_proxies = ["127.0.0.1", "::1"], or the proxy\'s address; it has to send '
            "X-Forwarded-For.",
            address=found.address,
        )
    elif _believed(found.address, proxies) and not _believed(local, proxies):
        notes.warn(
            f"The server sees a proxy's address ({found.address}) and not that of who asks ({local}).",
            "Have the proxy send X-Forwarded-For (nginx: proxy_set_header X-Forwarded-For $remote_addr).",
            address=found.address,
        )
    else:
        notes.ok(f"The server sees that {found.address} asks.", address=found.address)


def _believed(address: str, proxies: list[str]) -> bool:
    try:
        return any(ip_address(address) in ip_network(proxy) for proxy in proxies)
    except ValueError:
        return False


def uploads(deployment: Deployment, notes: Notes) -> None:
    """Begin an upload without a login: its refusal comes at once, unless something waits for all of it."""
    address = deployment.url
    if address is None or not _is_ours(deployment, notes):
        return
    head = (
        f"POST /files HTTP/1.1\r\nHost: {address.authority}\r\nTus-Resumable: 1.0.0\r\nUpload-Length: "
        f"{_BODY}\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: {_BODY}\r\n\r\n"
    )
    try:
        with connect(address) as sock:
            sock.settimeout(PATIENCE)
            sock.sendall(head.encode() + b"\0")
            first = sock.recv(4_096)
    except TimeoutError:
        notes.warn(
            f"{address.url}: uploads are gathered on the way: nothing of a file arrives before all of it is "
            "there.",
            "nginx: proxy_request_buffering off, client_max_body_size 0. Others: see docs/deploy.md.",
            gathered=True,
        )
    except (UnreachableError, ssl.SSLError, OSError) as error:
        notes.note(f"{address.url}: whether uploads pass through was not found out ({error}).")
    else:
        if first.startswith(b"HTTP/1.1 413"):
            notes.warn(f"{address.url}: bodies are too large on the way.", "nginx: client_max_body_size 0.")
        else:
            notes.ok(f"{address.url}: uploads pass through as they come.", gathered=False)


def _is_ours(deployment: Deployment, notes: Notes) -> bool:
    try:
        ours = deployment.visit().version is not None
    except UnreachableError:
        ours = False
    if not ours:
        notes.note("Not looked at: our server does not answer at the URL.")
    return ours
