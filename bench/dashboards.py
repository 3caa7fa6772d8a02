"""`python bench/dashboards.py`: what open dashboards cost a server.

What and how: bench/README.md. Writes the table there with `--write`.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import socket
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.asking import options, read, tell
from bench.drive import HERE
from bench.ends import NotMeasuredError
from bench.found import Found, Line, table
from bench.kept import store
from bench.machine import Cores, cpu_seconds, facts, pick_cores, raise_file_limit
from bench.report import write_block
from bench.servers import Running, hubbub_on, running
from bench.talker import PATIENCE, Talker

BEGIN = "<!-- dashboards figures: written by `python bench/dashboards.py --write` -->"
END = "<!-- end of dashboards figures -->"

MOST_OF_A_CORE = 0.02
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    rounds: int = 3
    connections: int = 100
    dashboards: int = 10
    seconds: float = 20.0


QUICK = Size(rounds=1, connections=5, dashboards=2, seconds=2.5)


def sign_in(port: int, data: Path) -> str:
    """The token of the admin whom the server made at its first start."""
    password = (data / "admin-password").read_text().strip()
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        body = json.dumps({"username": "admin", "password": password})
        connection.request("POST", "/api/v1/login", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
    finally:
        connection.close()
    if response.status != 200:
        raise NotMeasuredError(f"the admin was not let in: {answer}")
    return str(answer["token"])


class Dashboards:
    """Open live streams, read by one thread."""

    def __init__(self, port: int, token: str, count: int) -> None:
        self._selector = selectors.DefaultSelector()
        self.samples: dict[socket.socket, int] = {}
        self.bytes = 0
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", port), PATIENCE)
            head = f"GET /api/v1/admin/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            one.sendall(f"{head}Authorization: Bearer {token}\r\n\r\n".encode())
            self._selector.register(one, selectors.EVENT_READ)
            self.samples[one] = 0

    def read(self, seconds: float) -> None:
        """Take what comes for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                one = key.fileobj
                assert isinstance(one, socket.socket)
                data = one.recv(_PIECE)
                if not data:
                    raise NotMeasuredError("the server closed a dashboard")
                self.bytes += len(data)
                self.samples[one] += data.count(b"event: sample")

    def close(self) -> None:
        """Watch no more."""
        for one in self.samples:
            one.close()
        self._selector.close()


def measure(server: Running, data: Path, size: Size, found: Found) -> None:
    """One round: nobody watches, then all dashboards are open."""
    port = server.target.port
    with ExitStack() as stack:
        token = sign_in(port, data)
        for number in range(size.connections):
            stack.enter_context(Talker(port, f"Guest{number}"))
        first = Dashboards(port, token, 1)  # what the first one loads once
        first.read(1.5)
        first.close()
        before = cpu_seconds(server.pid)
        time.sleep(size.seconds)
        found.add("idle", (cpu_seconds(server.pid) - before) / size.seconds)

        dashboards = Dashboards(port, token, size.dashboards)
        stack.callback(dashboards.close)
        dashboards.read(1.5)
        dashboards.bytes = 0
        dashboards.samples = dict.fromkeys(dashboards.samples, 0)
        before, began = cpu_seconds(server.pid), time.monotonic()
        dashboards.read(size.seconds)
        took = time.monotonic() - began
        found.add("open", (cpu_seconds(server.pid) - before) / took)
        found.add("bytes", dashboards.bytes / took / size.dashboards)
        fewest = min(dashboards.samples.values())
        if fewest < size.seconds - 2:
            raise NotMeasuredError(f"a dashboard had {fewest} samples in {size.seconds:g} s")


def lines(found: Found, size: Size) -> list[Line]:
    """The target, and what was measured."""
    what = f"{size.dashboards} dashboards open on an idle server with {size.connections} connections"
    target = f"≤ {MOST_OF_A_CORE:.0%} of a core"
    if not found.has("idle", "open", "bytes"):
        return [Line(what, target, "not measured", None)]
    more, idle, each = found.beyond("open", "idle"), found.median("idle"), found.median("bytes")
    return [
        Line(what, target, f"{more:.2%} more than with none", more <= MOST_OF_A_CORE),
        Line("the same server with none, which samples all the same", "", f"{idle:.2%} of a core", None),
        Line("what each of them is sent", "", f"{each / 1024:.2f} KiB/s", None),
    ]


def report(found: Found, size: Size) -> str:
    """The table, in Markdown, and what is not in it."""
    machine = ", ".join(f"{name} {value}" for name, value in facts().items())
    rounds = "1 round" if size.rounds == 1 else f"medians of {size.rounds} rounds"
    head = f"Machine: {machine}. Figures: {rounds} of {size.seconds:g} s."
    skipped = [line for sentence in found.skipped for line in ("", f"Not measured: {sentence}")]
    return "\n".join([head, "", *table(lines(found, size)), *skipped, ""])


def run(size: Size, where: Path, cores: Cores) -> Found:
    """All rounds, each with a server of its own."""
    found = Found()
    try:
        for number in range(size.rounds):
            data = store(where / "data")
            with running(hubbub_on(data), cores.server) as server:
                try:
                    measure(server, data, size, found)
                except NotMeasuredError as error:
                    found.skip(str(error))
            for what, figures in found.figures.items():
                tell(f"round {number + 1} of {size.rounds}: {what} {figures[-1]:.4f}")
    finally:
        shutil.rmtree(where, ignore_errors=True)
    return found


def main(arguments: list[str]) -> int:
    """Run it; 0 also where the target was missed, since that is a finding and no failure."""
    asked = read(options("dashboards", "Measure open dashboards.", rounds=3), arguments)
    raise_file_limit()
    size = QUICK if asked.quick else replace(Size(), rounds=asked.rounds)
    text = report(run(size, asked.where, pick_cores()), size)
    print(text)
    if asked.write:
        write_block(HERE / "README.md", text, BEGIN, END)
    return 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main(sys.argv[1:]))
