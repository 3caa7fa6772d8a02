"""The settings as one tree: a section per component, each defined where it is used.

`settings.py` fills it from flags, environment, `.env` and `hubbub.toml`; `compose.py` hands out the parts.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

import msgspec

from hubbub.core.settings import (
    AccountSettings,
    FileSettings,
    GatewaySettings,
    GuestSettings,
    MessageSettings,
    RoomSettings,
)

LogLevel = Literal["debug", "info", "warning", "error"]
Dialect = Literal["text", "relay", "json", "ndjson", "protobuf", "http"]

MAX_FRAME: Final = 16 * 1024 * 1024 - 1
DEFAULT_LISTEN: Final = "127.0.0.1:8080"
MEMORY: Final = ":memory:"
SECRETS: Final = frozenset({"blobs.s3_access_key", "blobs.s3_secret_key", "metrics.token"})
"""Settings whose values are never shown."""
COMMIT: Final = "commit"
_INTERVAL: Final = re.compile(r"interval=([1-9][0-9]{0,4})")


class Listen(NamedTuple):
    """One listener: a host name or address (no brackets), a TCP port, a pinned dialect or None for all.

    Port 0 asks the system for a free one.
    """

    host: str
    port: int
    dialect: Dialect | None = None

    @property
    def address(self) -> str:
        """HOST:PORT as people write it, with brackets around an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen(text: str) -> Listen:
    """Read `HOST:PORT` or `HOST:PORT=DIALECT`; an IPv6 address stands in brackets.

    Raises `ValueError` with a sentence for people.
    """
    address, pinned, name = text.partition("=")
    dialect: Dialect | None = next((known for known in get_args(Dialect) if known == name), None)
    if pinned and dialect is None:
        raise ValueError(f"{text!r}: unknown dialect {name!r}; known are {', '.join(get_args(Dialect))}")
    host, colon, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        bracketed = ":" in host
    else:
        bracketed = ":" not in host
    if not (
        colon and host and bracketed and host.isascii() and host.isprintable() and not set(host) & set(" []/")
    ):
        raise ValueError(f"{text!r} is not HOST:PORT or HOST:PORT=DIALECT (IPv6 as [::1]:8080)")
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65_535):
        raise ValueError(f"{text!r}: the port must be a number from 0 to 65535")
    return Listen(host, int(port), dialect)


def default_data() -> str:
    """Where the platform has programs keep their data. XDG_DATA_HOME says so on every one of them."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 (which stays as it is without one: checks.py sees that)
    if (xdg := os.environ.get("XDG_DATA_HOME", "")) and Path(xdg).is_absolute():
        return str(Path(xdg) / "hubbub")
    if sys.platform == "win32":
        return str(Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "Hubbub")
    if sys.platform == "darwin":
        return str(home / "Library" / "Application Support" / "Hubbub")
    return str(home / ".local" / "share" / "hubbub")


def parse_durability(text: str) -> float | None:
    """Read `commit` (None) or `interval=MS` (its seconds). Raises `ValueError` with a sentence for people."""
    match = _INTERVAL.fullmatch(text)
    if match is not None:
        return int(match[1]) / 1000
    if text == COMMIT:
        return None
    raise ValueError(f"{text!r} is neither commit nor interval=MS, with MS from 1 to 99999")


class ServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[server]`."""

    listen: list[str] = msgspec.field(default_factory=lambda: [DEFAULT_LISTEN])
    """HOST:PORT or HOST:PORT=DIALECT, any number of them. `localhost` is both address families."""
    data: str = msgspec.field(default_factory=default_data)
    """Where everything is kept; `:memory:` keeps nothing. The default is the platform's data directory."""
    durability: str = COMMIT
    """`commit`: what is acknowledged is on the disk. `interval=MS`: it gets there every MS milliseconds."""
    demo: bool = False
    """To try it out: with the accounts alice and bob, whose passwords are their names. Loopback only."""
    name: str = "hubbub"
    """What the server calls itself in a welcome."""
    drain_seconds: float = 5.0
    """How long a stop may take: commits are finished and queues emptied, then the rest is closed."""


class StorageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[storage]`."""

    keep_days: float = 0.0
    """Days after which messages go, in every room and talk; 0: never. A room may keep less long."""
    compact: bool = True
    """Whether the space of what is gone is given back: by a process of low priority, beside the server."""
    maintain_seconds: float = 60.0
    """How often it is looked what is to go and what to compact."""
    segment_bytes: int = 64 * 1024 * 1024
    """Bytes of one file of the log. Small ones are given back sooner, large ones need fewer descriptors."""
    max_waiting: int = 64 * 1024 * 1024
    """Bytes that may wait for the disk; more are refused as `read_only`. A bound on memory."""


class BlobSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[blobs]`: where kept files are kept."""

    store: Literal["directory", "s3"] = "directory"
    """`directory`: in the data directory. `s3`: in a bucket that speaks S3's protocol (`hubbub[s3]`)."""
    s3_bucket: str | None = None
    """The bucket's name."""
    s3_prefix: str | None = None
    """What the names of all objects begin with, as a folder: a bucket may hold other things, too."""
    s3_endpoint: str | None = None
    """Where it is, such as `https://s3.example.org`, if it is not AWS."""
    s3_region: str | None = None
    """The bucket's region. None: as AWS_REGION says, else us-east-1."""
    s3_allow_http: bool = False
    """Whether the endpoint may be asked in clear: on this machine, or in a network that is trusted."""
    s3_access_key: str | None = None
    """The key's id. None: as AWS_ACCESS_KEY_ID says, which is the better place."""
    s3_secret_key: str | None = None
    """The key itself. None: as AWS_SECRET_ACCESS_KEY says, likewise."""

    def __repr__(self) -> str:
        """Without the keys: who shows settings by accident, in a traceback say, shows no secret."""
        shown = (name for name in self.__struct_fields__ if f"blobs.{name}" not in SECRETS)
        return f"BlobSettings({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)}, …)"


class TlsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[tls]`: both or none."""

    cert: str | None = None
    """PEM file with the certificate chain."""
    key: str | None = None
    """PEM file with the private key."""


class WebSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[web]`."""

    public_hosts: list[str] = msgspec.field(default_factory=list)
    """Host names under which browsers may reach the server (DNS rebinding); IP literals always may."""
    base_url: str | None = None
    """How people reach this server's HTTP, such as `https://chat.example.org`: what links that are shown in
    plain text begin with. None: the address that the asker's own connection came to."""
    allowed_origins: list[str] = msgspec.field(default_factory=list)
    """Origins besides the server's own that may open a WebSocket, such as `https://chat.example.org`."""
    trusted_proxies: list[str] = msgspec.field(default_factory=list)
    """Addresses or networks whose forwarding headers count. Setting it ends the loopback privileges."""


class HttpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[http]`. The time that a head may take is `timers.frame`."""

    max_head: int = 65_536
    """Bytes of a request's head: a request line with every header, cookies included."""
    max_headers: int = 100
    """Header lines of a request: each costs more to parse than its bytes tell."""
    max_body: int = 1_048_576
    """Bytes of a request's body: nothing that is served takes more."""
    keep_alive: float = 75.0
    """Seconds a connection may rest between two requests: browsers reuse theirs for about a minute."""
    session_seconds: float = 30.0
    """How long somebody is here after a request to `/api/v1`, where no connection says so too."""
    max_sessions: int = 1_000
    """How many may be here by requests alone: a bound on memory. The one that rested longest makes way."""


class LimitSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[limits]`: sizes in bytes, rates a second."""

    enforce: bool = True
    """False lifts rates and connection counts (`--limits off`): for a trusted network, for benches."""
    max_connections: int = 20_000
    """Open connections in all."""
    max_per_address: int = 256
    """Open connections of one address; loopback is exempt unless a proxy or a public host is set."""
    max_frame: int = MAX_FRAME
    """One frame. The doorman needs its length to begin with a zero byte, so a setting only lowers it."""
    max_frame_before_login: int = 65_536
    """One frame of somebody who has not logged in."""
    max_line: int = 65_536
    """One line of the text dialect."""
    max_input: int = 256 * 1024 * 1024
    """Bytes received and not yet dispatched, of all connections together."""
    max_output: int = 256 * 1024 * 1024
    """Bytes of long answers that were not read yet, of all connections together; beyond, they are refused."""
    max_queued: int = 2_048
    """Requests of one connection that may wait for its rate; more are refused as `rate_limited`."""
    max_backlog: int = 4 * 1024 * 1024
    """Bytes that may wait for one slow reader; past it, it is closed with `slow`."""
    message_rate: float = 100.0
    """Requests a second of one connection. Beyond, it is read more slowly."""
    message_burst: int = 1_000
    """Requests it may send at once before that."""


class TimerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[timers]`: seconds."""

    first_bytes: float = 120.0
    """First bytes, and the name in plain text: a person types."""
    password: float = 60.0
    """And the password in plain text, once it was asked for."""
    frame: float = 10.0
    """A TLS handshake, an HTTP head, or a frame that was begun."""
    ping: float = 30.0
    """Silence after which a framed dialect is pinged, and the beat of WebSocket pings."""
    idle: float = 90.0
    """Silence after which a framed dialect is closed. Plain text has no such limit (TCP keep-alive)."""


class LogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[log]`."""

    level: LogLevel = "info"
    """Least level that is written."""
    format: Literal["auto", "console", "json"] = "auto"
    """`auto`: colours on a terminal, JSON lines otherwise."""


class MetricsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[metrics]`: what watches the server, by `/metrics` and by the dashboard."""

    token: str | None = None
    """Lets Prometheus in (`Authorization: Bearer`) where it does not come by a loopback listener."""
    max_watchers: int = 32
    """Dashboards that may be open at once."""

    def __repr__(self) -> str:
        """Without the token: who shows settings by accident, in a traceback say, shows no secret."""
        return f"MetricsSettings(max_watchers={self.max_watchers}, …)"


class ProbeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[probes]`: what the kernel sees of the server."""

    mode: Literal["auto", "on", "off"] = "auto"
    """`auto`: kernel probes where they may be attached, else TCP_INFO and /proc when somebody asks. `on`: do
    not start without them. `off`: look at nothing."""
    everything: bool = False
    """Whether probes are attached, too, that cost the whole machine more: each call is timed."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything `hubbub serve` can be told."""

    server: ServerSettings = msgspec.field(default_factory=ServerSettings)
    storage: StorageSettings = StorageSettings()
    tls: TlsSettings = TlsSettings()
    web: WebSettings = msgspec.field(default_factory=WebSettings)
    http: HttpSettings = HttpSettings()
    limits: LimitSettings = LimitSettings()
    timers: TimerSettings = TimerSettings()
    rooms: RoomSettings = RoomSettings()
    messages: MessageSettings = MessageSettings()
    guests: GuestSettings = GuestSettings()
    accounts: AccountSettings = AccountSettings()
    gateway: GatewaySettings = GatewaySettings()
    files: FileSettings = FileSettings()
    blobs: BlobSettings = BlobSettings()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()
    probes: ProbeSettings = ProbeSettings()
