"""What the durable scenarios are made of: stores, a client that asks, and the disk's own time."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.drive import Load, drive
from bench.machine import Cores
from bench.servers import Running, Server, hubbub_on, running

READY_WITHIN = 120.0
ROOMS = 1_000


def store(path: Path) -> Path:
    """A data directory that is not there yet."""
    shutil.rmtree(path, ignore_errors=True)
    return path


def fill(driver: Path, data: Path, messages: int, cores: Cores) -> None:
    """Have a server keep so many messages of 1,000 rooms, said by a member of each, and kill it at that."""
    load = Load(
        members=ROOMS, rooms=ROOMS, publishers=ROOMS, in_flight=4 * ROOMS, messages=messages, drain=60.0
    )
    with running(hubbub_on(store(data)), cores.server) as server:
        result = drive(driver, load, server.target, cores.driver, lambda _: None)
    if result.lost or result.closed:
        raise RuntimeError(f"the store was not filled: {result.lost} messages are lost. {result.refusal}")


def copy(source: Path, target: Path) -> Path:
    """The same data once more: as a kill left it, without what belonged to the process."""
    store(target)
    return Path(shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.sock")))


@contextmanager
def ready(server: Server, core: int | None) -> Iterator[tuple[Running, float]]:
    """The server, and the seconds from its start until `/ready` says so."""
    with running(server, core) as process:
        waited = process.accepted_after
        began = time.perf_counter()
        while not _is_ready(process.target.port):
            if time.perf_counter() - began > READY_WITHIN:
                raise RuntimeError("the server does not become ready")
            time.sleep(0.002)
        yield process, waited + time.perf_counter() - began


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=READY_WITHIN)
    try:
        connection.request("GET", "/ready")
        with connection.getresponse() as response:
            return response.status == http.client.OK
    finally:
        connection.close()


class Asker:
    """A person on the NDJSON dialect who asks one thing at a time."""

    def __init__(self, port: int, name: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self._socket.makefile("rb", buffering=1 << 16)
        self.ask("auth/login", username=name)

    def request(self, command: str, **payload: object) -> bytes:
        """The bytes of a request."""
        return json.dumps({"command": command, "id": "1", "payload": payload}).encode() + b"\n"

    def answer(self, request: bytes) -> bytes:
        """Send it, and wait for the line that answers it. Events are passed over."""
        self._socket.sendall(request)
        while b'"id":"1"' not in (line := self._lines.readline())[:200]:
            if not line:
                raise RuntimeError("the server closed the connection")
        return line

    def ask(self, command: str, **payload: object) -> Any:
        """What it answers. Raises RuntimeError where it refuses."""
        told = json.loads(self.answer(self.request(command, **payload)))
        if told["status"] >= http.client.BAD_REQUEST:
            raise RuntimeError(f"{command} was refused: {told}")
        return told["payload"]

    def close(self) -> None:
        """Leave."""
        self._lines.close()
        self._socket.close()


def sync_ms(directory: Path, times: int) -> float:
    """Milliseconds that fdatasync takes behind a small write into space that is there; the median."""
    path = directory / "sync"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        os.posix_fallocate(descriptor, 0, 1 << 20)
        os.fsync(descriptor)
        spent = []
        for number in range(times):
            os.pwrite(descriptor, bytes(400), number * 400)
            began = time.perf_counter()
            os.fdatasync(descriptor)
            spent.append((time.perf_counter() - began) * 1e3)
    finally:
        os.close(descriptor)
        path.unlink()
    return statistics.median(spent)
