"""Who is on a stage: a server that ends with its test, people at the ends of its lines, and what they do."""

from __future__ import annotations

import contextlib
import json
import re
import select
import socket
import threading
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any, Final

import msgspec

from hubbub.server import control
from hubbub.server.why import WhyView
from kernel.staging import ROOM, LongLine, Namespace, Stage
from serving import PATIENCE, NdjsonClient, Server, serving

LOOPBACK: Final = "127.0.0.1"
PIECE: Final = 65_536


class Person(NdjsonClient):
    """Somebody at `place` who reaches the server at `address`, logged in: under `password`, or as a guest."""

    def __init__(
        self,
        place: Namespace,
        address: str,
        port: int,
        name: str,
        *,
        password: str | None = None,
        receive_buffer: int = 0,
    ) -> None:
        self.name = name
        self.sock = place.run(socket.socket)
        self.sock.settimeout(PATIENCE)
        if receive_buffer:  # before it connects: the window's scale is agreed on then
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.connect((address, port))
        self.buffer = b""
        secret = {} if password is None else {"password": password}
        self.welcome = self.ask("auth/login", username=name, **secret)["payload"]

    @property
    def port(self) -> int:
        """Of this end: by it the server's end is found among all sockets."""
        number: int = self.sock.getsockname()[1]
        return number


class House:
    """A server on a stage. It listens on loopback, where operators are believed, and beside it everywhere."""

    def __init__(self, stage: Stage, server: Server, data: Path) -> None:
        self.stage = stage
        self.server = server
        self.data = data
        self.pid = server.process.pid
        self.port = server.addresses[1][1]
        """By which lines reach it."""
        self.late: LongLine
        self.ivan: Person
        """A line that can be told to stall, and who is at its other end, where a test has them."""

    def near(self, name: str, password: str | None = None) -> Person:
        """Somebody on the server's own machine."""
        person = Person(self.stage.here, LOOPBACK, self.server.port, name, password=password)
        self.server.clients.append(person)
        return person

    def far(self, there: Namespace, address: str, name: str, receive_buffer: int = 0) -> Person:
        """Somebody at the other end of a line."""
        person = Person(there, address, self.port, name, receive_buffer=receive_buffer)
        self.server.clients.append(person)
        return person

    def why(self, name: str) -> WhyView:
        """As `hubbub why NAME` asks."""
        told = self.stage.here.run(lambda: control.ask(self.data, "why", name=name))
        return msgspec.convert(told, WhyView)

    def metric(self, name: str) -> float:
        """A figure of `/metrics`."""

        def asked() -> str:
            connection = HTTPConnection(LOOPBACK, self.server.port, timeout=PATIENCE)
            with contextlib.closing(connection):
                connection.request("GET", "/metrics")
                return connection.getresponse().read().decode()

        found = re.search(rf"^{re.escape(name)} (\S+)$", self.stage.here.run(asked), re.MULTILINE)
        assert found, name
        return float(found[1])


@contextlib.contextmanager
def house(
    stage: Stage,
    *flags: str,
    disk: Path = ROOM,
    core: int | None = None,
    powerless: bool = False,
    **env: str,
) -> Iterator[House]:
    """A server there for the length of a test, its data on `disk`; guests may enter.

    It goes before everything else that this machine does, so that nothing but what is staged slows it down;
    with `core` it is held to that one, with no more right to it than anybody. `powerless`: it may not probe.
    """
    listen = (f"{LOOPBACK}:0", "0.0.0.0:0")
    data = disk / "data"
    with contextlib.ExitStack() as left:
        started = serving("--data", str(data), *flags, listen=listen, HUBBUB_GUESTS_ALLOW="true", **env)
        server = stage.here.run(
            lambda: left.enter_context(started), core=core, first=core is None, powerless=powerless
        )
        stage.leash(server.process.pid)
        yield House(stage, server, data)


@contextlib.contextmanager
def in_the_background(step: Any) -> Iterator[None]:
    """Call `step(pause)` again and again, in a thread; `pause(seconds)` ends early when the block ends.

    What goes wrong there is raised where the block ends.
    """
    ended = threading.Event()
    failures: list[BaseException] = []

    def go_on() -> None:
        try:
            while not ended.is_set():
                step(ended.wait)
        except BaseException as error:  # noqa: BLE001 (raised again below)
            failures.append(error)

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(PATIENCE)
    assert not thread.is_alive(), "it does not end"
    if failures:
        raise failures[0]


@contextlib.contextmanager
def reading(*people: NdjsonClient) -> Iterator[None]:
    """Let them read whatever comes, and forget it. Somebody whose connection ends is left alone."""
    open_ = {person.sock for person in people}

    def step(pause: Any) -> None:
        ready, _, _ = select.select(list(open_), [], [], 0.1)
        for sock in ready:
            try:
                data = sock.recv(PIECE)
            except OSError:
                data = b""
            if not data:
                open_.discard(sock)

    with in_the_background(step):
        yield


@contextlib.contextmanager
def talking(person: NdjsonClient, size: int, every: float, most: int = 1 << 40) -> Iterator[None]:
    """Let somebody say `size` characters to the room every so many seconds, `most` times, and not wait for
    answers (which `reading` has to take)."""
    numbers = count(1)

    def step(pause: Any) -> None:
        if next(numbers) <= most:
            person.say("message/send", text="x" * size)
        pause(every)

    with in_the_background(step):
        yield


@contextlib.contextmanager
def flooding(
    people: Sequence[NdjsonClient], command: str, at_once: int = 200, **payload: object
) -> Iterator[None]:
    """Let each of them send so many requests at once, take the answers, and begin again, without end."""
    request = (json.dumps({"command": command, "payload": payload, "id": "f"}) + "\n").encode() * at_once
    unsent = {person.sock: memoryview(request) for person in people}
    unanswered = dict.fromkeys(unsent, at_once)
    for sock in unsent:
        sock.setblocking(False)

    def step(pause: Any) -> None:
        readable, writable, _ = select.select(list(unsent), [one for one in unsent if unsent[one]], [], 0.1)
        for sock in readable:
            unanswered[sock] -= sock.recv(1 << 20).count(b"\n")
            if unanswered[sock] <= 0:
                unanswered[sock], unsent[sock] = at_once, memoryview(request)
        for sock in writable:
            with contextlib.suppress(BlockingIOError):
                unsent[sock] = unsent[sock][sock.send(unsent[sock]) :]

    with in_the_background(step):
        yield


def run_delay(pid: int) -> float:
    """Seconds for which threads of a process were ready to run, and did not (/proc/PID/task/*/schedstat)."""
    waited = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            waited += int((task / "schedstat").read_text().split()[1])
    return waited / 1e9
