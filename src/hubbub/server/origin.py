"""Whom a browser believes it talks to, and on whose behalf: checks of Host, Origin and forwarding headers.

A page of another site may make a browser connect to us. Its Origin gives it away (RFC 6454 §7); where it
has its own name resolve to our address (DNS rebinding), its Host does. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final, NamedTuple

Header = tuple[bytes, bytes]
Network = IPv4Network | IPv6Network

# RFC 9110 §7.2: uri-host [ ":" port ]; of the reg-names only those that DNS can hold.
_HOST: Final = re.compile(rb"(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(:(?P<port>[0-9]{0,5}))?")
_PORTS: Final = {"http": 80, "https": 443}


class Authority(NamedTuple):
    """A host, normalised (lower case, no trailing dot, no brackets), and a port where one was named."""

    host: str
    port: int | None = None


class Refused(NamedTuple):
    """Why a request is not served, with its HTTP status."""

    status: int
    reason: str


def normalise(host: str) -> str:
    """Return a host as it is compared: an address in its shortest form, a name in lower case."""
    name = host.strip("[]").removesuffix(".").lower()
    try:
        return str(ip_address(name))
    except ValueError:
        return name


def parse_authority(value: bytes) -> Authority | None:
    """Read `HOST` or `HOST:PORT`; None where it is neither."""
    match = _HOST.fullmatch(value)
    if match is None:
        return None
    host, port = match["host"].decode("ascii"), int(match["port"] or -1)
    if port > 65_535 or (host.startswith("[") and not _is_address(host.strip("[]"))):
        return None
    return Authority(normalise(host), None if port < 0 else port)


def check_host(values: Sequence[bytes], local: str, public_hosts: Collection[str]) -> Authority | Refused:
    """Say which host the peer asked for: the values of its Host headers, or of an absolute target.

    `local` is our address of this connection, `public_hosts` are normalised names. The port is not
    compared: a forwarded port is no attack, as the name alone decides whose page it is.
    """
    if len(values) != 1:
        return Refused(400, "one Host header is needed")  # RFC 9112 §3.2
    authority = parse_authority(values[0].strip(b" \t"))
    if authority is None:
        return Refused(400, "the Host header is malformed")
    own = normalise(local.partition("%")[0])
    # No foreign name server answers for `localhost`, so it is no way in for DNS rebinding.
    if authority.host in (own, "localhost") or authority.host in public_hosts:
        return authority
    return Refused(421, "this host is not served here (see the setting web.public_hosts)")


def check_origin(
    values: Sequence[bytes], host: Authority, allowed: Collection[str], *, secure: bool
) -> Refused | None:
    """Say whether a page of this origin may open a WebSocket. None: it may.

    `allowed` are normalised (see `normalise_origin`). Without TLS of ours the origin may be of either
    scheme: a proxy may add TLS in front.
    """
    if not values:
        return None  # no browser
    origin = normalise_origin(values[0].decode("latin-1")) if len(values) == 1 else None
    if origin is not None:
        if origin in allowed:
            return None
        scheme = origin.partition(":")[0]
        port = host.port or _PORTS["https" if secure else scheme]
        name = f"[{host.host}]" if ":" in host.host else host.host
        if origin == f"{scheme}://{name}:{port}":
            return None
    return Refused(403, "this origin may not connect (see the setting web.allowed_origins)")


def normalise_origin(text: str) -> str | None:
    """Return `scheme://host:port` in lower case with its port, or None where it is no http(s) origin."""
    scheme, separator, rest = text.strip(" \t").partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _PORTS or not rest.isascii():
        return None
    authority = parse_authority(rest.encode("ascii"))
    if authority is None:
        return None
    name = f"[{authority.host}]" if ":" in authority.host else authority.host
    return f"{scheme}://{name}:{authority.port or _PORTS[scheme]}"


def forwarded(
    headers: Iterable[Header], peer: str, proxies: Sequence[Network], *, secure: bool
) -> tuple[str, str]:
    """Return the client's address and the scheme it used, believing X-Forwarded-* of a trusted proxy alone.

    Each proxy adds the address it saw at the right: the first from there that is no proxy of ours counts.
    """
    scheme = "https" if secure else "http"
    if not _trusted(peer, proxies):
        return peer, scheme
    chain: list[str] = []
    for name, value in headers:
        if name == b"x-forwarded-for":
            chain += [part.strip() for part in value.decode("latin-1").split(",")]
        elif name == b"x-forwarded-proto" and value in (b"http", b"https"):
            scheme = value.decode("ascii")
    for address in reversed(chain):
        if not _is_address(address) or "%" in address:  # a zone (RFC 4007 §11) may hold anything
            break
        peer = address
        if not _trusted(address, proxies):
            break
    return peer, scheme


def default_port(scheme: str) -> int:
    """Return the port that a host without one means."""
    return _PORTS[scheme]


def _trusted(address: str, proxies: Sequence[Network]) -> bool:
    return (
        bool(proxies) and _is_address(address) and any(ip_address(address) in network for network in proxies)
    )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
