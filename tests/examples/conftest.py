"""The steps as their readers run them: each in a process of its own, met by real sockets."""

from __future__ import annotations

import contextlib
import json
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

STEPS = Path(__file__).parents[2] / "examples" / "steps"
PATIENCE = 20.0
"""Seconds until a test gives up waiting for something that must come."""


class Peer:
    """One connection, in lines (v0.1 to v0.3) or in frames (v0.4 on)."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", port))
        self.incoming = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def say(self, *lines: str) -> None:
        self.send("".join(f"{line}\n" for line in lines).encode())

    def line(self) -> str:
        line = self.incoming.readline()
        assert line.endswith(b"\n"), f"closed after {line!r}"
        return line.decode()[:-1]

    def tell(self, message: str, **fields: object) -> None:
        data = json.dumps({"type": message, **fields}, ensure_ascii=False).encode()
        self.send(struct.pack(">I", len(data)) + data)

    def hear(self) -> dict[str, Any]:
        (length,) = struct.unpack(">I", self.read(4))
        message = json.loads(self.read(length).decode())
        assert isinstance(message, dict)
        return message

    def read(self, size: int) -> bytes:
        data = self.incoming.read(size)
        assert len(data) == size, f"closed after {data[:80]!r}"
        return data

    def drain(self) -> int:
        """Read to the end of the connection; how many bytes came. A reset is an end, too."""
        count = 0
        with contextlib.suppress(ConnectionResetError):
            while data := self.incoming.read(65_536):
                count += len(data)
        return count

    def close(self) -> None:
        self.incoming.close()
        self.socket.close()

    def break_off(self) -> None:
        """Go without a goodbye: a reset instead of an end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()


class Program:
    """A step's process."""

    def __init__(self, step: str, what: str, port: int = 0, cwd: Path | None = None) -> None:
        self.command = [sys.executable, str(STEPS / f"{step}.py"), what, str(port)]
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            bufsize=0,  # so that select sees every line that was printed and not yet read
        )
        self.peers: list[Peer] = []
        self.port = port
        if what == "serve":
            greeting = self.line()
            assert greeting.startswith("listening on 127.0.0.1:"), greeting
            self.port = int(greeting.rpartition(":")[2])

    def line(self) -> str:
        """The next line that the program prints."""
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        assert ready, "nothing was printed"
        return self.process.stdout.readline().decode().rstrip("\n")

    def type(self, line: str) -> None:
        """A line at its keyboard."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def peer(self, receive_buffer: int | None = None) -> Peer:
        peer = Peer(self.port, receive_buffer)
        self.peers.append(peer)
        return peer

    def stop(self) -> tuple[int, str]:
        """ctrl+c. The exit code, and what was written to standard error."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            _, errors = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode, errors.decode()


Start = Callable[..., Program]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start programs. That each ends at ctrl+c, with 0 and without a word, is part of every test."""
    programs: list[Program] = []
    # A run in the background may have been told to ignore ctrl+c, which its children would inherit.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def start_program(step: str, what: str = "serve", port: int = 0, cwd: Path | None = None) -> Program:
        programs.append(Program(step, what, port, cwd))
        return programs[-1]

    yield start_program
    ends = [program.stop() for program in reversed(programs)]
    signal.signal(signal.SIGINT, before)
    for program in programs:
        for peer in program.peers:
            peer.close()
    assert ends == [(0, "")] * len(programs)
