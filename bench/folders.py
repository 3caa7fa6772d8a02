"""A folder of many small files: `hubbub send` to `hubbub receive`, next to one request a file."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from bench.blobs import Web, tus_headers
from bench.ends import PATIENCE, NotMeasuredError, block
from bench.machine import pinned
from bench.servers import bare_environment, find_program
from bench.talker import Talker

FILE_SIZE = 1_024


def make_folder(where: Path, files: int) -> Path:
    """So many files of 1 KiB, a hundred in each of its folders; no two are alike."""
    folder = where / "many"
    for number in range(files):
        path = folder / f"{number // 100:04}" / f"{number:06}.bin"
        if number % 100 == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(_small(number))
    return folder


def _small(number: int) -> bytes:
    head = f"{number:08}".encode()
    return head + block()[: FILE_SIZE - len(head)]


def one_request_a_file(port: int, token: str, files: int, core: int | None) -> float:
    """Seconds: each file is a tus upload with its bytes in the one request, over one connection."""
    with pinned(core), closing(Web(port)) as web:
        began = time.monotonic()
        for number in range(files):
            told = tus_headers(token, FILE_SIZE, f"{number:06}.bin", "lobby")
            told["Content-Type"] = "application/offset+octet-stream"
            told["Content-Length"] = str(FILE_SIZE)
            web.ask("POST", "/files", told, _small(number))
            web.head(201)
        return time.monotonic() - began


class Person:
    """Somebody with the `hubbub` command, and a home of their own."""

    def __init__(self, home: Path, port: int, name: str, core: int | None) -> None:
        home.mkdir()
        self._home = home
        self._core = core
        self.port = port
        program = find_program("hubbub")
        if program is None:
            raise NotMeasuredError("the hubbub command is missing")
        self._program = program
        self._environment = bare_environment() | {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_STATE_HOME": str(home / "state"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",  # the token goes into a file
            "CLIENT_SERVER_HOST": "127.0.0.1",
            "CLIENT_SERVER_PORT": str(port),
        }
        self.name = name

    def register(self, password: str) -> None:
        """Make an account, and keep its token for the commands after it."""
        with Talker(self.port, self.name, password):
            pass
        with self.doing("login", "--name", self.name) as process:
            told = process.communicate(password.encode() + b"\n", timeout=PATIENCE)[0]
        self.check("login", process, told)

    @contextmanager
    def doing(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """A `hubbub` command while it runs, with what it says on one pipe."""
        with pinned(self._core):
            process = subprocess.Popen(
                [self._program, *arguments],
                env=self._environment,
                cwd=self._home,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        with process:
            try:
                yield process
            finally:
                process.kill()

    @staticmethod
    def check(what: str, process: subprocess.Popen[bytes], told: bytes) -> None:
        """NotMeasuredError where it failed."""
        if process.returncode:
            last = told.decode(errors="replace").strip().rpartition("\n")[2]
            raise NotMeasuredError(f"`hubbub {what}` ended with {process.returncode}: {last}")


def by_command(sender: Person, receiver: Person, folder: Path, target: Path, files: int) -> float:
    """Seconds from the start of `hubbub send` until `hubbub receive` has ended, everything in its place."""
    target.mkdir()
    with ExitStack() as stack:
        takes = stack.enter_context(
            receiver.doing("receive", "--from", sender.name, "--dir", str(target), "--yes")
        )
        _until_here(receiver)
        began = time.monotonic()
        sends = stack.enter_context(sender.doing("send", str(folder), "--to", receiver.name))
        said = sends.communicate(timeout=PATIENCE)[0]
        sender.check("send", sends, said)
        heard = takes.communicate(timeout=PATIENCE)[0]
        receiver.check("receive", takes, heard)
        seconds = time.monotonic() - began
    _see(target, files)
    return seconds


def _until_here(person: Person) -> None:
    """Whoever is away has files kept for them, which is another thing."""
    deadline = time.monotonic() + PATIENCE
    with Talker(person.port, "Watcher") as watcher:
        while person.name not in watcher.ask("List", "UserList")["users"]:
            if time.monotonic() > deadline:
                raise NotMeasuredError(f"{person.name} does not come")
            time.sleep(0.01)


def _see(target: Path, files: int) -> None:
    """That everything arrived."""
    arrived = 0
    for place, _, names in os.walk(target):
        for name in names:
            path = Path(place) / name
            if path.read_bytes() != _small(int(path.stem)):
                raise NotMeasuredError(f"{name} arrived with other bytes")
            arrived += 1
    if arrived != files:
        raise NotMeasuredError(f"{arrived:,} of {files:,} files arrived")
