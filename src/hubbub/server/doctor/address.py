"""A URL as a browser takes it: what stands in Host and Origin, and where it connects to. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import urlsplit

from hubbub.server.origin import default_port, normalise, parse_authority


class Address(NamedTuple):
    """Where a server is asked for. `host` is normalised, without brackets."""

    scheme: str
    host: str
    port: int

    @property
    def name(self) -> str:
        """The host as it stands in a URL."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def authority(self) -> str:
        """What a browser puts into Host: the port only where it is not the scheme's own."""
        return self.name if self.port == default_port(self.scheme) else f"{self.name}:{self.port}"

    @property
    def url(self) -> str:
        """As a browser's Origin has it, too."""
        return f"{self.scheme}://{self.authority}"

    @property
    def tls(self) -> bool:
        """Whether it is `https`."""
        return self.scheme == "https"


_NO_URL: Final = "this is not a URL such as https://chat.example.org"


def parse_url(text: str) -> Address:
    """Read `http://HOST[:PORT]` or `https://…`. Raises ValueError with a sentence for people.

    No sentence has the text in it: where it cannot be read, nobody knows what of it is a password.
    """
    if not text.isprintable():
        raise ValueError("the URL has characters that no URL has")
    if "@" in text:
        raise ValueError("a URL with a password in it is not taken: nothing here logs in")
    try:
        parts = urlsplit(text.strip())
        port = parts.port
        host = (parts.hostname or "").encode("ascii" if ":" in (parts.hostname or "") else "idna").decode()
    except ValueError:  # UnicodeError is one
        raise ValueError(_NO_URL) from None
    scheme = parts.scheme.lower()
    name = f"[{host}]" if ":" in host else host
    if scheme not in ("http", "https") or parse_authority(name.encode()) is None or port == 0:
        raise ValueError(_NO_URL)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"the URL has a path: Hubbub is served at the root of a host, such as {name}")
    return Address(scheme, normalise(host), port or default_port(scheme))
