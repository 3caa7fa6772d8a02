"""Kept files: what a download takes next to nginx, and an upload next to the disk itself.

HTTP by hand, so that a body goes straight into the same ends as everywhere.
"""

from __future__ import annotations

import hashlib
import os
import socket
import time
from base64 import b64encode
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from bench.ends import PATIENCE, Ends, NotMeasuredError, content
from bench.machine import Cores
from bench.servers import Server, find_program, running


class Head(NamedTuple):
    """Of a response. Header names in lower case."""

    status: int
    headers: dict[str, str]


class Web:
    """One connection, kept alive; each request by itself."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self.socket.close()

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> None:
        """Send a head, and what of the body is small enough to go along."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode() + body)

    def head(self, *wanted: int) -> Head:
        """The head of a response, and not a byte of its body. NotMeasuredError for another status."""
        text = b""
        while b"\r\n\r\n" not in text:
            seen = self.socket.recv(65_536, socket.MSG_PEEK)
            if not seen:
                raise NotMeasuredError("the server closed the connection")
            end = (text + seen).find(b"\r\n\r\n")
            text += self.socket.recv(len(seen) if end < 0 else end + 4 - len(text))
        first, *lines = text.decode("latin-1").split("\r\n")
        status = int(first.split()[1])
        pairs = (line.partition(":") for line in lines if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        if status not in wanted:
            length = int(headers.get("content-length", 0))
            told = self.socket.recv(min(length, 2_000)).decode(errors="replace") if length else ""
            raise NotMeasuredError(f"the server answered {status}. {told}".strip())
        return Head(status, headers)


def tus_headers(token: str, size: int, filename: str, room: str) -> dict[str, str]:
    """What announces an upload."""
    told = {"filename": filename, "room": room}
    pairs = (f"{key} {b64encode(value.encode()).decode()}" for key, value in told.items())
    return {
        "Authorization": f"Bearer {token}",
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(size),
        "Upload-Metadata": ",".join(pairs),
    }


def upload(port: int, token: str, size: int, core: int | None, filename: str) -> tuple[float, str]:
    """Seconds from the announcement to the answer that the file is kept, and its path for a download."""
    with closing(Web(port)) as web, Ends("send", size, [web.socket], core) as sender:
        began = time.monotonic()
        web.ask("POST", "/files", tus_headers(token, size, filename, "lobby") | {"Content-Length": "0"})
        place = web.head(201).headers["location"]
        offset = {
            "Authorization": f"Bearer {token}",
            "Tus-Resumable": "1.0.0",
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(size),
            "Upload-Offset": "0",
        }
        web.ask("PATCH", place, offset)
        sender.begin()
        if (sent := sender.report().streams[0].bytes) != size:
            web.head(204)  # it says why
            raise NotMeasuredError(f"{sent:,} of {size:,} bytes were taken")
        answer = web.head(204)
        return time.monotonic() - began, answer.headers.get("content-location", "")


def write_and_hash(where: Path, size: int) -> float:
    """Seconds that the same bytes take to the same disk, hashed on the way; kept when it returns."""
    path = where / "written"
    digest = hashlib.sha256()
    began = time.monotonic()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        for piece in content(size):
            digest.update(piece)
            os.write(descriptor, piece)
        os.fdatasync(descriptor)
        digest.hexdigest()
        return time.monotonic() - began
    finally:
        os.close(descriptor)
        path.unlink()


def download(port: int, path: str, size: int, core: int | None, headers: Iterable[tuple[str, str]]) -> float:
    """Seconds from the request to the last byte of the body."""
    with closing(Web(port)) as web, Ends("receive", size, [web.socket], core) as receiver:
        began = time.monotonic()
        web.ask("GET", path, dict(headers))
        told = web.head(200).headers.get("content-length")
        if told != str(size):
            raise NotMeasuredError(f"the body has {told} bytes, and not {size}")
        receiver.begin()
        got = receiver.report().streams[0]
    if got.bytes != size:
        raise NotMeasuredError(f"{got.bytes:,} of {size:,} bytes arrived")
    return got.end - began


def _find_nginx() -> str | None:
    """Debian puts it where only root looks."""
    beyond = Path("/usr/sbin/nginx")
    return find_program("nginx") or (str(beyond) if beyond.exists() else None)


def nginx_in(root: Path) -> Server:
    """nginx, which serves the files of this folder: one process, sendfile, nothing logged."""

    def command(port: int, folder: Path) -> list[str]:
        temporary = "".join(
            f"  {what}_temp_path {folder}/{what};\n"
            for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config = folder / "nginx.conf"
        config.write_text(
            "daemon off;\nmaster_process off;\n"
            f"pid {folder}/pid;\nerror_log stderr;\nevents {{}}\n"
            "http {\n  sendfile on;\n  access_log off;\n"
            f"{temporary}  server {{ listen 127.0.0.1:{port}; root {root.resolve()}; }}\n}}\n"
        )
        return [_find_nginx() or "nginx", "-p", str(folder), "-e", "stderr", "-c", str(config)]

    return Server("nginx", "http", command, lambda: None if _find_nginx() else "nginx")


def nginx(path: Path, size: int, cores: Cores) -> float:
    """Seconds that nginx takes to serve it."""
    server = nginx_in(path.parent)
    if tool := server.missing():
        raise NotMeasuredError(f"{tool} is missing")
    with running(server, cores.server) as process:
        return download(process.target.port, f"/{path.name}", size, cores.driver, ())
