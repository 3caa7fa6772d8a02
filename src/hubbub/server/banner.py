"""What a person reads when the server has started: where to connect, and with what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from hubbub import __version__
from hubbub.net.doorman import RELAY
from hubbub.server.config import MEMORY, Config, Listen, ServerSettings, parse_durability
from hubbub.server.first_start import DEMO, FirstAdmin

_ALL = "text lines, JSON, NDJSON, Protobuf, HTTP and WebSocket"
_SET_TLS = "Set --tls-cert and --tls-key, or put a proxy in front that adds TLS."
_ADD_TLS = "The relay has no TLS of its own; put a proxy in front that adds it."


def banner(config: Config, addresses: Sequence[Listen], *, tls: bool, admin: FirstAdmin | None = None) -> str:
    """Say it for listeners as they are bound: real addresses, real ports. Ends with a line end.

    `admin` was made at this start: its password is shown this once.
    """
    rows = [
        *_rows("In a terminal", _terminal(addresses)),
        *_rows("In a browser", iter(web_addresses(addresses, tls=tls))),
        *_rows("Listening", (f"{a.address} ({_spoken(a, tls=tls)})" for a in addresses)),
        ("Data", _data(config.server)),
        ("Guests", _guests(config, addresses)),
        *([] if config.limits.enforce else [("Limits", "off: no rates, no connection counts")]),
        *_accounts(config, admin),
        ("To stop", "Ctrl-C"),
    ]
    lines = [f"Hubbub {__version__} is ready.", ""]
    lines += [f"  {label:<15}{text}" for label, text in rows]
    lines += _warning([a for a in addresses if not tls or a.dialect == RELAY])
    return "\n".join([*lines, "", ""])


def web_addresses(addresses: Sequence[Listen], *, tls: bool) -> list[str]:
    """Return where a browser on this machine finds it."""
    return [f"http{'s' * tls}://{_reach(a).address}/" for a in addresses if _takes(a, "http")]


def relay_banner(addresses: Sequence[Listen]) -> str:
    """Say it for the relay, whose one dialect is lines."""
    rows = _rows("In a terminal", (f"nc {_reach(a).host} {a.port}" for a in addresses))
    lines = [f"Hubbub {__version__} relays: each line goes to everybody, as it came.", ""]
    lines += [f"  {label:<15}{text}" for label, text in (*rows, ("To stop", "Ctrl-C"))]
    return "\n".join([*lines, *_warning(addresses), "", ""])


def _warning(in_clear: Sequence[Listen]) -> list[str]:
    """What to know of listeners without TLS that are not for this machine alone."""
    open_to_all = [address.address for address in in_clear if not _local(address)]
    relay = all(address.dialect == RELAY for address in in_clear)
    if not open_to_all:
        return []
    return [
        "",
        f"  Warning: other machines reach {', '.join(open_to_all)} without TLS, so what is said can",
        f"  be read on the way. {_ADD_TLS if relay else _SET_TLS}",
    ]


def _spoken(address: Listen, *, tls: bool) -> str:
    """The dialects of a listener. The relay takes bytes as they come, so there is no TLS on it."""
    return f"{address.dialect or _ALL}{', TLS' * (tls and address.dialect != RELAY)}"


def _rows(label: str, texts: Iterator[str]) -> Iterator[tuple[str, str]]:
    """One row a text, the first with the label."""
    for text in texts:
        yield label, text
        label = ""


def _terminal(addresses: Sequence[Listen]) -> Iterator[str]:
    for address in addresses:
        if _takes(address, "text"):
            yield f"nc {_reach(address).host} {address.port}    (the first line you type is your name)"


def _takes(address: Listen, dialect: str) -> bool:
    return address.dialect in (None, dialect)


def _reach(address: Listen) -> Listen:
    """Where this machine reaches a listener that is bound to every address."""
    if not ip_address(address.host.partition("%")[0]).is_unspecified:
        return address
    return address._replace(host="::1" if ":" in address.host else "127.0.0.1")


def _local(address: Listen) -> bool:
    return ip_address(address.host.partition("%")[0]).is_loopback


def _accounts(config: Config, admin: FirstAdmin | None) -> Iterator[tuple[str, str]]:
    if config.server.demo:
        yield "Accounts", f"{' and '.join(DEMO)}; the password of each is its name"
    if admin is not None:
        where = f"its password is {admin.password}" if admin.password else f"its password is in {admin.file}"
        yield "First account", f"{admin.name}, who may do everything; {where}"
        if admin.password:
            yield "", "(shown this once; hubbub user passwd sets another)"


def _data(server: ServerSettings) -> str:
    if server.data == MEMORY:
        return "nothing is kept: messages live in memory, until the server stops"
    interval = parse_durability(server.durability)
    if interval is None:
        return f"{server.data} (what is acknowledged is on the disk)"
    lost = f"the last {interval * 1000:g} ms of what was acknowledged"
    return f"{server.data} (a crash of the system may lose {lost})"


def _guests(config: Config, addresses: Sequence[Listen]) -> str:
    if config.guests.allow is not None:
        return (
            "anybody may enter with a name" if config.guests.allow else "nobody may enter without an account"
        )
    if config.web.public_hosts or config.web.trusted_proxies:
        return "nobody may enter without an account (guests.allow lets them)"
    local = list(map(_local, addresses))
    if all(local):
        return "anybody on this machine may enter with a name"
    if not any(local):
        return "nobody may enter without an account (guests.allow lets them)"
    return "enter with a name by 127.0.0.1 or ::1 listeners only (guests.allow lets others)"
