"""A server that belongs to the window: a process on this machine alone, which ends with the window."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final

from hubbub.client.desktop.address import Origin
from hubbub.client.desktop.errors import OwnServerError
from hubbub.client.desktop.probe import fetch

START_SECONDS: Final = 60.0
"""How long a start may take: it reads what is kept, and a machine may be busy."""
STOP_SECONDS: Final = 20.0
"""How long the server has to stop in order, before it is killed."""
_LOOK_EVERY: Final = 0.02
_LINES: Final = 20  # of what it says are kept, to be told if it fails
_LISTENS: Final = re.compile(r"\s(http)://(127\.0\.0\.1):(\d{1,5})/\s")
_IN_USE: Final = "in use by another server"


class InUseError(OwnServerError):
    """Another server has the data directory."""


class OwnServer:
    """`hubbub serve` on a loopback port. `ended(code)` is told, in a thread, of an end nobody asked for."""

    def __init__(self, data: str, environ: Mapping[str, str], ended: Callable[[int], None]) -> None:
        """`environ`: the process's, without settings that are meant for another server."""
        self._data = data
        self._environ = environ
        self._ended = ended
        self._process: subprocess.Popen[str] | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """Of its process, while there is one."""
        return None if self._process is None else self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it was started, and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self, port: int) -> Origin:
        """Start it, on this port if it is free (0: on any), until it serves. Raises OwnServerError."""
        for wanted in dict.fromkeys((port, 0)):
            said: list[str] = []
            process = self._spawn(wanted)
            origin = self._ready(process, said)
            if origin is not None:
                self._process = process
                threading.Thread(target=self._watch, args=(process,), name="own server", daemon=True).start()
                return origin
            if any(_IN_USE in line for line in said):
                raise InUseError(f"{self._data} is in use by another server, which does not say where it is.")
            if wanted == 0:
                last = said[-1].removeprefix("hubbub: ") if said else f"exit code {process.returncode}"
                raise OwnServerError(f"The server did not start: {last}")
        raise AssertionError  # the loop ends by 0

    def stop(self) -> int | None:
        """Stop it in order, and wait; its exit code. Nothing happens where none runs."""
        process, self._stopping = self._process, True
        if process is None:
            return None
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()
        return process.returncode

    def _spawn(self, port: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "hubbub.client.desktop.leash", "serve"]
        where = ["--listen", f"127.0.0.1:{port}", "--data", self._data, "--log-format", "json"]
        return subprocess.Popen(  # noqa: S603 (our own command)
            [*command, *where],
            stdin=subprocess.PIPE,  # the leash
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=dict(self._environ),
            cwd=Path.home(),  # where no settings of another server lie about
        )

    def _ready(self, process: subprocess.Popen[str], said: list[str]) -> Origin | None:
        """Read where it listens, until it serves; None: it ended."""
        found: list[Origin] = []
        assert process.stdout is not None  # noqa: S101 (pipes were asked for)
        assert process.stdin is not None  # noqa: S101
        reader = threading.Thread(target=_listen, args=(process.stdout, said, found), daemon=True)
        reader.start()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                reader.join(1.0)
                process.stdin.close()
                return None
            if found and _serves(found[0]):
                return found[0]
            time.sleep(_LOOK_EVERY)
        process.kill()
        process.wait()
        process.stdin.close()
        raise OwnServerError(f"The server did not start within {START_SECONDS:g} seconds.")

    def _watch(self, process: subprocess.Popen[str]) -> None:
        code = process.wait()
        if process.stdin is not None:
            process.stdin.close()
        if not self._stopping and process is self._process:
            self._ended(code)


def _listen(stream: IO[str], said: list[str], found: list[Origin]) -> None:
    """Read all that it says, so that it never waits for a reader, and keep the last of it."""
    with stream:
        for line in stream:
            match = _LISTENS.search(line)
            if match is not None and not found:
                found.append(Origin("http", match[2], int(match[3])))
            said.append(line.strip()[:500])
            del said[:-_LINES]


def _serves(origin: Origin) -> bool:
    try:
        return fetch(origin, "/ready", seconds=5.0)[0] == 200
    except (OSError, http.client.HTTPException):
        return False
