"""What the types of the settings cannot say: ranges, syntax, and settings that contradict each other."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from stat import S_ISDIR
from typing import Final, NamedTuple

import msgspec

from hubbub.core.names import ROOM_LIMIT, Invalid, normal
from hubbub.server.config import MAX_FRAME, MEMORY, Config, parse_durability, parse_listen

# Zero means something here: no limit, not at all, or at once. Every other number must be more.
_MAY_BE_ZERO: Final = frozenset(
    {
        "server.drain_seconds",
        "storage.keep_days",
        "limits.max_per_address",
        "rooms.announce_up_to",
        "messages.dedupe_ids",
        "messages.dedupe_seconds",
        "messages.dedupe_total",
        "messages.mentions",
        "guests.keep_seconds",
        "guests.max_kept",
        "accounts.registrations",
        "accounts.attempts",
        "files.keep_days",
    }
)
_QUOTED: Final = 8
"""Bytes that a wire may need for one of text: JSON writes a control character as six."""
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*\.?", re.IGNORECASE)
_ORIGIN: Final = re.compile(
    r"https?://(?P<host>\[[0-9a-f:.]+\]|[^/:?#@\[\]\s]+)(:(?P<port>[0-9]{1,5}))?", re.I
)
# AWS, "Bucket naming rules"; others of its kind allow no more.
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?")
_BELOW: Final = re.compile(r"(/[A-Za-z0-9._~-]+)*/?")

_METRICS_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{16,256}")  # what RFC 6750 §2.1 lets a token be

_SHOWN: Final = 200
"""Characters of a path in a sentence."""
_LEAST_SEGMENT: Final = 1 << 20
_MOST_SEGMENT: Final = 1 << 30


class Fault(NamedTuple):
    """A setting (`section.key`) and what is wrong with it, as a sentence without its end."""

    key: str
    reason: str


def check(config: Config) -> Iterator[Fault]:
    """Name every setting that cannot stand."""
    yield from _numbers(config)
    yield from _server(config)
    yield from _each("web.public_hosts", config.web.public_hosts, _public_host)
    yield from _each("web.allowed_origins", config.web.allowed_origins, _origin)
    yield from _each("web.trusted_proxies", config.web.trusted_proxies, _network)
    yield from _tls(config)
    yield from _blobs(config)
    token = config.metrics.token
    if token is not None and _METRICS_TOKEN.fullmatch(token) is None:
        yield Fault("metrics.token", "must be 16 to 256 letters, digits or -._~+/=, hard to guess")
    room = normal(config.rooms.default, ROOM_LIMIT)
    if isinstance(room, Invalid):
        yield Fault(
            "rooms.default", f"{config.rooms.default!r} is not a room's name: {room.reason.rstrip('.')}"
        )
    limits, timers, storage = config.limits, config.timers, config.storage
    if not _LEAST_SEGMENT <= storage.segment_bytes <= _MOST_SEGMENT:
        yield Fault("storage.segment_bytes", f"must be from {_LEAST_SEGMENT} to {_MOST_SEGMENT}")
    if limits.max_frame > MAX_FRAME:
        yield Fault(
            "limits.max_frame", f"must be at most {MAX_FRAME}: the first byte of its length tells dialects"
        )
    if limits.max_frame_before_login > limits.max_frame:
        yield Fault(
            "limits.max_frame_before_login", f"must not be more than limits.max_frame ({limits.max_frame})"
        )
    if config.messages.history_bytes > MAX_FRAME // _QUOTED:
        yield Fault(
            "messages.history_bytes",
            f"must be at most {MAX_FRAME // _QUOTED}, or its answer may fit no frame",
        )
    if timers.idle <= timers.ping:
        yield Fault(
            "timers.idle", f"must be more than timers.ping ({timers.ping:g} s), or no ping can be answered"
        )


def _numbers(config: Config) -> Iterator[Fault]:
    for section in msgspec.structs.fields(config):
        part = getattr(config, section.name)
        for field in msgspec.structs.fields(part):
            key, value = f"{section.name}.{field.name}", getattr(part, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            least = 0 if key in _MAY_BE_ZERO else None
            if not math.isfinite(value) or value < 0 or (value == 0 and least is None):
                yield Fault(key, f"must be {'0 or more' if least == 0 else 'more than 0'}, not {value}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def _server(config: Config) -> Iterator[Fault]:
    server = config.server
    if not server.listen:
        yield Fault("server.listen", "names no listener; give at least one HOST:PORT")
    seen = set[tuple[str, int]]()
    for text in server.listen:
        try:
            host, port, _ = parse_listen(text)
        except ValueError as error:
            yield Fault("server.listen", str(error))
            continue
        if port and (host, port) in seen:
            yield Fault("server.listen", f"{text!r} is named twice")
        seen.add((host, port))
        if server.demo and not _is_loopback(host):
            yield Fault("server.demo", f"its passwords are known: {text!r} is not for this machine alone")
    if server.demo and server.data != MEMORY:
        yield Fault("server.demo", "its passwords are known, so its accounts are not kept: leave --data out")
    if not (0 < len(server.name) <= 64 and server.name.isprintable()):
        yield Fault("server.name", "must be 1 to 64 printable characters")
    if server.data.startswith("~"):
        yield Fault(
            "server.data", f"{server.data!r} begins with ~, which a shell knows; write the whole path"
        )
    elif server.data != MEMORY and (reason := _no_directory(server.data)) is not None:
        yield Fault("server.data", reason)
    try:
        parse_durability(server.durability)
    except ValueError as error:
        yield Fault("server.durability", str(error))


def _no_directory(text: str) -> str | None:
    """Why none can be there. None: it is one, or can be made."""
    shown = repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
    try:
        found = Path(text).stat()
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return f"{shown} lies in what is not a directory"
    except OSError as error:  # who asks may not look there; a name that is too long
        return f"{shown} cannot be looked at: {error.strerror}"
    except ValueError:
        return f"{shown} is not a path"
    return None if S_ISDIR(found.st_mode) else f"{shown} is not a directory"


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:  # where one may not look
        return False


def _tls(config: Config) -> Iterator[Fault]:
    tls = config.tls
    for key, path, other in (("tls.cert", tls.cert, tls.key), ("tls.key", tls.key, tls.cert)):
        if path is None and other is not None:
            yield Fault(key, "is missing; a certificate and its key are set together")
        if path is not None and not _is_file(path):
            yield Fault(key, f"{path!r} is not a file, or not for this user to see")
    if tls.cert and tls.key and _is_file(tls.cert) and _is_file(tls.key):
        yield from _pair(tls.cert, tls.key)


def _blobs(config: Config) -> Iterator[Fault]:
    blobs = config.blobs
    bucket, prefix, endpoint = blobs.s3_bucket, blobs.s3_prefix, blobs.s3_endpoint
    if blobs.store == "s3" and bucket is None:
        yield Fault("blobs.s3_bucket", "is missing: blobs.store = s3 needs a bucket")
    if blobs.store == "s3" and config.server.data == MEMORY:
        yield Fault("blobs.store", "must be directory where nothing is kept: a bucket would outlast it")
    if bucket is not None and not _BUCKET.fullmatch(bucket):
        yield Fault("blobs.s3_bucket", f"{bucket!r} is not a bucket's name")
    if prefix is not None and not _PREFIX.fullmatch(prefix):
        yield Fault("blobs.s3_prefix", f"{prefix!r} is not a path such as chat/files")
    if endpoint is not None:
        origin = _ORIGIN.match(endpoint)
        if origin is None or not _BELOW.fullmatch(endpoint, origin.end()) or _origin(origin[0]) is not None:
            yield Fault("blobs.s3_endpoint", "is not a URL such as https://s3.example.org")
        elif endpoint.lower().startswith("http:") and not blobs.s3_allow_http:
            yield Fault("blobs.s3_endpoint", f"{endpoint!r} is in clear, and blobs.s3_allow_http is off")
    if (blobs.s3_access_key is None) != (blobs.s3_secret_key is None):
        missing = "access" if blobs.s3_access_key is None else "secret"
        yield Fault(f"blobs.s3_{missing}_key", "is missing; both keys are set together")


def _pair(cert: str, key: str) -> Iterator[Fault]:
    """Try the two: what OpenSSL says of them names no file."""
    import ssl  # by need: it is dear to load, and most go without TLS

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(cert, key, password=_no_passphrase)
    except ValueError as error:
        yield Fault("tls.key", f"{key!r} {error}")
    except ssl.SSLError as error:
        what = "are not a certificate chain and its own private key, in PEM"
        yield Fault("tls.cert", f"{cert!r} and {key!r} {what} ({error.strerror})")
    except OSError as error:
        yield Fault("tls.cert", f"{cert!r} and {key!r} cannot be read: {error.strerror}")


def _no_passphrase() -> str:
    """Without this, OpenSSL would ask for it on the terminal."""
    raise ValueError("is encrypted, and a server that starts by itself cannot ask for its passphrase")


def _each(key: str, values: list[str], allowed: Callable[[str], str | None]) -> Iterator[Fault]:
    for value in values:
        reason = allowed(value)
        if reason is not None:
            shown = repr(value) if "@" not in value else "'…@…'"  # what stands before it may be a password
            yield Fault(key, f"{shown} {reason}")


def _public_host(value: str) -> str | None:
    if _HOST.fullmatch(value) or _is_address(value):
        return None
    return "is not a host name such as chat.example.org (no scheme, no port, no *)"


def _origin(value: str) -> str | None:
    match = _ORIGIN.fullmatch(value)
    if match is not None and int(match["port"] or 0) <= 65_535:
        host = match["host"]
        if _HOST.fullmatch(host) or _is_address(host.strip("[]")):
            return None
    return "is not an origin such as https://chat.example.org (scheme, host, port where needed; no path)"


def _network(value: str) -> str | None:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        return "is neither an address nor a network such as 10.0.0.0/8"
    return None


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True
