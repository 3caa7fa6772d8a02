"""A started server with its log on disk, its admin, and the live stream as a test reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, NamedTuple

from serving import PATIENCE, Client, Server, serving

LIVE = "/api/v1/admin/live"
CONNECTIONS = "/api/v1/admin/connections"
PASSWORD = "correct horse"


class Told(NamedTuple):
    status: int
    text: str
    headers: dict[str, str]

    @property
    def content(self) -> Any:
        return json.loads(self.text)


class Watched(NamedTuple):
    """The server, and the token of the admin that it made at its first start."""

    server: Server
    token: str

    def ask(
        self,
        path: str,
        method: str = "GET",
        *,
        token: str | None = "",
        body: object = None,
        port: int = 0,
        **headers: str,
    ) -> Told:
        """`token` "": the admin's; None: none at all."""
        connection = HTTPConnection("127.0.0.1", port or self.server.port, timeout=PATIENCE)
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self.token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            return Told(response.status, response.read().decode(), told)
        finally:
            connection.close()

    def make_admin(self, name: str) -> str:
        """Somebody else who is one; the token."""
        welcome = self.server.ndjson().ask("auth/register", username=name, password=PASSWORD)["payload"]
        self.give_role(name, "admin")
        token: str = welcome["token"]
        return token

    def give_role(self, name: str, role: str) -> None:
        told = self.ask(f"/api/v1/admin/users/{name}", "PATCH", body={"role": role})
        assert told.status == 200, told

    def watch(self, query: str = "", token: str | None = None) -> Watcher:
        watcher = Watcher(self.server.port, token or self.token, query)
        self.server.clients.append(watcher)
        return watcher


class Watcher(Client):
    """One dashboard."""

    def __init__(self, port: int, token: str, query: str = "") -> None:
        super().__init__(port)
        head = f"GET {LIVE}{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        self.send(f"{head}Authorization: Bearer {token}\r\n\r\n".encode())
        self._response: HTTPResponse | None = None

    @property
    def response(self) -> HTTPResponse:
        if self._response is None:
            self._response = HTTPResponse(self.sock)
            self._response.begin()
        return self._response

    def events(self) -> Iterator[tuple[str, Any]]:
        """Each event, as it comes; to the end of the response."""
        name = ""
        while line := self.response.readline():
            text = line.decode().rstrip("\n")
            if text.startswith("event: "):
                name = text.removeprefix("event: ")
            elif text.startswith("data: "):
                yield name, json.loads(text.removeprefix("data: "))

    def next(self, name: str) -> Any:
        """The data of the next event of that name."""
        return next(data for found, data in self.events() if found == name)

    def close(self) -> None:
        if self._response is not None:
            self._response.close()
        super().close()


@contextmanager
def watched(
    data: Path, *flags: str, listen: tuple[str, ...] = ("127.0.0.1:0",), **env: str
) -> Iterator[Watched]:
    with serving("--data", str(data), *flags, listen=listen, **env) as server:
        admin = server.ndjson()
        password = (data / "admin-password").read_text().strip()
        welcome = admin.ask("auth/login", username="admin", password=password)["payload"]
        yield Watched(server, welcome["token"])
