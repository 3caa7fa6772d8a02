"""What the doctor looks at: the settings, where the data is, which server runs on it, and the URL."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from hubbub.server.config import MEMORY, Config, Listen, parse_listen
from hubbub.server.control import process_on
from hubbub.server.doctor.address import Address
from hubbub.server.doctor.fetching import UnreachableError, Visit, visit
from hubbub.server.settings import Loaded, Problem


class Deployment:
    """One server, as it is set up. Its settings may be faulty: what cannot be read stands in `problems`."""

    def __init__(self, loaded: Loaded, problems: Sequence[Problem] = (), url: Address | None = None) -> None:
        """`url` is how people reach it; None: as this machine does, by the first listener that takes HTTP."""
        self.config: Config = loaded.config
        self.sources = loaded.sources
        self.unknown = loaded.unknown
        self.problems = tuple(problems)
        self.given = url is not None
        self.listeners = tuple(_listeners(self.config))
        self.url = url if url is not None else self._own_url()
        self.pid: int | None = None
        """Of the server that runs on the data directory."""
        self.pid_hidden = False
        """Whether one may run there, and who asks is not allowed to know."""
        if self.data is not None:
            try:
                self.pid = process_on(self.data)
            except OSError:
                self.pid_hidden = True
        self._visiting = threading.Lock()
        self._visited: Visit | UnreachableError | None = None

    @property
    def data(self) -> Path | None:
        """The data directory. None: everything is in memory."""
        return None if self.config.server.data == MEMORY else Path(self.config.server.data)

    @property
    def local_only(self) -> bool:
        """Whether nobody on another machine reaches a listener."""
        return all(is_loopback(listener.host) for listener in self.listeners)

    def visit(self) -> Visit:
        """What is at the URL: asked once, whoever of the checks comes first. Raises UnreachableError."""
        if self.url is None:
            raise UnreachableError("no listener here takes HTTP, and no URL was given")
        with self._visiting:
            if self._visited is None:
                try:
                    self._visited = visit(self.url)
                except UnreachableError as error:
                    self._visited = error
            if isinstance(self._visited, UnreachableError):
                raise self._visited
            return self._visited

    def _own_url(self) -> Address | None:
        for listener in self.listeners:
            if listener.dialect in (None, "http") and listener.port:
                # On our own port the clear dialects are spoken beside TLS; TLS is what people use.
                return Address(
                    "https" if self.config.tls.cert else "http", reach(listener.host), listener.port
                )
        return None


def reach(host: str) -> str:
    """By which host this machine reaches a listener."""
    try:
        if ip_address(host.partition("%")[0]).is_unspecified:
            return "::1" if ":" in host else "127.0.0.1"
    except ValueError:
        pass
    return host


def is_loopback(host: str) -> bool:
    """Whether it is this machine alone."""
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _listeners(config: Config) -> list[Listen]:
    found = []
    for text in config.server.listen:
        try:
            found.append(parse_listen(text))
        except ValueError:
            continue  # one of the `problems`
    return found
