"""The cookie that signs a browser in (RFC 6265): scripts cannot read it, other sites cannot use it. Pure.

Cookies know no ports, so its name has the one that the browser asked for: two servers on one machine do not
take each other's. What says whose it is, is the login's token; how long that is good, `core.logins` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from hubbub.server.origin import Authority, Refused, default_port

LONGEST: Final = 512
"""Characters of a token in a cookie, or behind `Bearer`: a guest's has the name in it."""

_TOKEN: Final = re.compile(rb"[A-Za-z0-9._-]{1,%d}" % LONGEST)
_KEPT: Final = 34_560_000
"""Seconds: 400 days, the most that browsers keep one (RFC 6265bis §5.5). The login ends by its own clock."""


class Visitor(NamedTuple):
    """Who a request comes from, as far as its head and its way here tell."""

    address: str
    """The client's, which may be behind a proxy of ours."""
    loopback: bool
    """Came by a listener that only this machine can reach."""
    encrypted: bool
    """Came by TLS, to ourselves."""
    https: bool
    """The browser speaks TLS, to ourselves or to a proxy of ours."""
    cookie_name: str
    cookie: str | None
    """The token in our cookie."""


def cookie_name(host: Authority, scheme: str) -> str:
    """What it is called where a browser reaches us by that host."""
    return f"hubbub_{host.port or default_port(scheme)}"


def read_cookie(values: Iterable[bytes], name: str) -> str | None:
    """Return the token in it, of the values of all Cookie headers; None: there is none that could be ours.

    One that comes twice is none: a neighbour on the same host may have put the other one there.
    """
    wanted = name.encode()
    pairs = (pair.strip(b" \t").partition(b"=") for value in values for pair in value.split(b";"))
    found = [value for known, _, value in pairs if known == wanted]
    if len(found) != 1 or _TOKEN.fullmatch(found[0]) is None:
        return None
    return found[0].decode("ascii")


def check_site(values: list[bytes], *, origin: bool) -> Refused | None:
    """Say whether a request that our cookie signs in may come from where it says it does (Fetch Metadata).

    `values` are those of Sec-Fetch-Site; `origin`: there is an Origin too, and it was found good. A browser
    that does not send it is held by SameSite and Origin alone. None: it may.
    """
    if not values or values in ([b"same-origin"], [b"none"]):
        return None
    if origin and values == [b"same-site"]:  # another port or name, which the settings allow
        return None
    return Refused(403, "a page of another site may not use this sign-in")


def set_cookie(visitor: Visitor, token: str) -> str:
    """Return the value of a Set-Cookie header that signs the browser in."""
    return _header(visitor, token, _KEPT)


def clear_cookie(visitor: Visitor) -> str:
    """Return the value of a Set-Cookie header that makes the browser forget it."""
    return _header(visitor, "", 0)


def _header(visitor: Visitor, value: str, seconds: int) -> str:
    secure = "; Secure" if visitor.https else ""
    attributes = f"Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    return f"{visitor.cookie_name}={value}; {attributes}"
