"""Requests about files, raw and by `http.client`, as somebody with a token makes them."""

from __future__ import annotations

import http.client
import json
import os
import socket
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from serving import PATIENCE, Client, NdjsonClient, Server

KIND = "application/offset+octet-stream"


@dataclass
class Reply:
    """A response, read to its end."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def __getitem__(self, name: str) -> str:
        value = self.headers[name]
        assert value is not None, f"no {name} in {self.headers}"
        return str(value)

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Requests:
    """One person's, on a connection that is kept."""

    def __init__(self, server: Server, token: str | None) -> None:
        self.port = server.port
        self.token = token
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        server.clients.append(cast("Client", self))  # closed with it

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        fields = self.fields(**headers)
        self._connection.request(method, path, body, fields)
        response = self._connection.getresponse()
        return Reply(response.status, response.headers, response.read())

    def fields(self, **headers: str) -> dict[str, str]:
        fields = {"Tus-Resumable": "1.0.0"}
        if self.token is not None:
            fields["Authorization"] = f"Bearer {self.token}"
        return {**fields, **{name.replace("_", "-"): value for name, value in headers.items()}}

    def create(self, size: int | str, body: Any = None, **metadata: str) -> Reply:
        """Begin an upload; to the lobby, where nothing else is said."""
        if "to" not in metadata:
            metadata.setdefault("room", "lobby")
        pairs = [f"{key} {b64encode(value.encode()).decode()}" for key, value in metadata.items()]
        headers = {"Upload_Length": str(size), "Upload_Metadata": ",".join(pairs)}
        if body is not None:
            headers["Content_Type"] = KIND
        return self.ask("POST", "/files", body, **headers)

    def begin(self, size: int, **metadata: str) -> str:
        """A new upload's path."""
        reply = self.create(size, **{"filename": "a.bin", **metadata})
        assert reply.status == 201, reply
        return reply["Location"]

    def patch(self, path: str, offset: int, data: Any, **headers: str) -> Reply:
        return self.ask(
            "PATCH", path, data, **{"Upload_Offset": str(offset), "Content_Type": KIND, **headers}
        )

    def offset(self, path: str) -> int:
        reply = self.ask("HEAD", path)
        assert reply.status == 200, reply
        return int(reply["Upload-Offset"])

    def put(self, data: bytes, **metadata: str) -> Reply:
        """A whole upload; the reply to its last request."""
        path = self.begin(len(data), **metadata)
        return self.patch(path, 0, data)

    def raw(self, method: str, path: str, **headers: str) -> socket.socket:
        """A request of which the head alone is sent, on a connection of its own."""
        lines = {"Host": f"127.0.0.1:{self.port}", **self.fields(**headers)}
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        rows = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        sock.sendall(f"{method} {path} HTTP/1.1\r\n{rows}\r\n".encode())
        return sock

    def close(self) -> None:
        self._connection.close()


def requests(server: Server, name: str = "Alice") -> tuple[Requests, NdjsonClient]:
    """A guest's, and his other line."""
    person = server.ndjson(name)
    return Requests(server, person.welcome["token"]), person


def reply_of(sock: socket.socket) -> Reply:
    """The response that comes on a raw connection."""
    response = http.client.HTTPResponse(sock)
    response.begin()
    return Reply(response.status, response.headers, response.read())


def noise(size: int) -> bytes:
    return os.urandom(size)


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def spooled(data: Path) -> list[str]:
    return sorted(path.name for path in (data / "files" / "uploads").iterdir())


def blobs(data: Path) -> list[str]:
    """The digests that are in the store."""
    found = (data / "files" / "blobs").glob("??/*")
    return sorted(path.parent.name + path.name for path in found)
