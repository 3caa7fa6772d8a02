"""`hubbub send` and `hubbub receive` as processes of their own, each with a home of its own."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import serving

PATIENCE = 60.0
"""Seconds for a transfer to end: they share the machine with other tests."""


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition as long as a transfer may take."""
    serving.until(condition, PATIENCE)


class Command:
    """One of them, running. What it says on stderr is in `said`, as it comes."""

    def __init__(
        self,
        home: Path,
        *arguments: str | Path,
        stdin: bytes | int | None = None,
        terminal: int | None = None,
        environ: dict[str, str] | None = None,
    ) -> None:
        """`stdin`: what it gets there, or a descriptor. `terminal`: one to speak on."""
        self.home = home
        given = subprocess.PIPE if isinstance(stdin, bytes) else stdin
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hubbub", *map(str, arguments)],
            stdin=subprocess.DEVNULL if given is None else given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if terminal is None else terminal,
            env={**environment(home), **(environ or {})},
        )
        self.out = b""
        self._said = bytearray()
        self._readers = [
            threading.Thread(target=reader, daemon=True)
            for reader in (self._read_out, self._read_said)[: 2 if terminal is None else 1]
        ]
        for reader in self._readers:
            reader.start()
        if isinstance(stdin, bytes):
            assert self.process.stdin is not None
            self.process.stdin.write(stdin)
            self.process.stdin.close()

    def _read_out(self) -> None:
        assert self.process.stdout is not None
        while data := os.read(self.process.stdout.fileno(), 1 << 20):
            self.out += data

    def _read_said(self) -> None:
        assert self.process.stderr is not None
        while data := os.read(self.process.stderr.fileno(), 65_536):
            self._said += data

    @property
    def said(self) -> str:
        return self._said.decode()

    def until_said(self, text: str) -> None:
        until(lambda: text in self.said or self.process.poll() is not None)
        assert text in self.said, self.said

    def ends(self, code: int = 0) -> str:
        """Wait until it has ended, as it should; what it said."""
        found = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        assert found == code, f"{found}: {self.said}"
        assert "Traceback" not in self.said, self.said
        return self.said

    def kill(self) -> None:
        """As a crash does: without a word."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.kill()
        for reader in self._readers:
            reader.join(PATIENCE)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)


def environment(home: Path) -> dict[str, str]:
    """Without a keyring, and with nothing of the one whose machine it is."""
    own = ("HUBBUB_", "CLIENT_SERVER_", "XDG_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    return {**kept, "HOME": str(home), "HUBBUB_NO_KEYRING": "1"}


class Ends:
    """Two people, their files, and what they run; whatever still runs in the end is ended."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port
        self.inbox = directory / "inbox"
        self.inbox.mkdir()
        self.running: list[Command] = []

    def run(
        self,
        who: str,
        *arguments: str | Path,
        stdin: bytes | int | None = None,
        terminal: int | None = None,
        environ: dict[str, str] | None = None,
    ) -> Command:
        """Run `hubbub …`, in the home of `who`."""
        home = self.directory / f"home-{who}"
        home.mkdir(exist_ok=True)
        command = Command(home, *arguments, stdin=stdin, terminal=terminal, environ=environ)
        self.running.append(command)
        return command

    def send(
        self, *arguments: str | Path, to: str = "Bob", port: int = 0, stdin: bytes | None = None
    ) -> Command:
        """Alice, a guest, sends."""
        where = f"127.0.0.1:{port or self.port}"
        return self.run(
            "Alice", "send", *arguments, "--to", to, "--as", "Alice", "--server", where, stdin=stdin
        )

    def receive(
        self, *arguments: str | Path, name: str = "Bob", port: int = 0, yes: bool = True, wait: bool = True
    ) -> Command:
        """Bob, a guest, receives; returns when he is there."""
        where = f"127.0.0.1:{port or self.port}"
        more = ["--yes"] if yes else []
        if not any(str(one) in ("--dir", "-o") for one in arguments):
            more += ["--dir", str(self.inbox)]
        command = self.run(name, "receive", *arguments, *more, "--as", name, "--server", where)
        if wait:
            command.until_said("waits for a file")
        return command

    def file(self, name: str, size: int) -> Path:
        path = self.directory / name
        chance = random.Random(size)
        with path.open("wb") as file:
            while size:
                size -= file.write(chance.randbytes(min(size, 1 << 20)))
        return path

    def close(self) -> None:
        for command in self.running:
            command.close()


def part_of(inbox: Path, at_least: int) -> bool:
    """Whether a part of so many bytes is there."""
    for path in inbox.glob(".*.part"):
        try:
            if path.stat().st_size >= at_least:
                return True
        except FileNotFoundError:
            pass
    return False


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())
