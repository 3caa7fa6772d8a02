"""Hubbub and its peers: how each is started, which wire it speaks, and what it needs on this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.drive import HERE, OUT, Target
from bench.machine import pinned

PEERS = HERE / "peers"
ACCEPTS_WITHIN = 20.0


def _module(name: str) -> str | None:
    return None if importlib.util.find_spec(name) else name


def find_program(program: str) -> str | None:
    """The program beside this interpreter (PyPI packages put it there), else on the PATH."""
    beside = Path(sys.executable).parent / program
    return str(beside) if beside.exists() else shutil.which(program)


def _program(name: str) -> str | None:
    return None if find_program(name) else name


def _node_ws() -> str | None:
    if not shutil.which("node"):
        return "node"
    return None if (HERE / "node_modules" / "ws").is_dir() else "node ws (npm install, in bench/)"


@dataclass(frozen=True, slots=True)
class Server:
    """One server of the bench."""

    name: str
    wire: str
    command: Callable[[int, Path], list[str]]
    """Its command line, for a port on 127.0.0.1 and an empty folder of its own."""
    missing: Callable[[], str | None]
    """The name of the tool it needs and this machine lacks."""
    members_publish: bool = False
    """Publishing needs membership: the first members publish, and there are no connections besides."""


def _hubbub(port: int, _: Path, data: str = ":memory:") -> list[str]:
    options = ["--limits", "off", "--data", data, "--log-level", "warning", "--probes", "off"]
    return [sys.executable, "-m", "hubbub", "serve", "--listen", f"127.0.0.1:{port}", *options]


def _redis(port: int, _: Path) -> list[str]:
    """Nothing saved, no member cut off for a long queue, room for every member of the largest scenario."""
    quiet = ["--save", "", "--appendonly", "no", "--daemonize", "no", "--logfile", ""]
    lifted = ["--client-output-buffer-limit", "pubsub 0 0 0", "--maxclients", "15000"]
    binary = find_program("redis-server") or "redis-server"
    return [binary, "--bind", "127.0.0.1", "--port", str(port), *quiet, *lifted]


def _nats(port: int, folder: Path) -> list[str]:
    """The defaults, but for the bytes that may wait for a member before it is cut off (64 MiB by default)."""
    config = folder / "nats.conf"
    config.write_text(f'listen: "127.0.0.1:{port}"\nmax_pending: 1GB\nwrite_deadline: "60s"\n')
    return [find_program("nats-server") or "nats-server", "--config", str(config)]


def _peer(interpreter: str, file: str) -> Callable[[int, Path], list[str]]:
    return lambda port, _: [interpreter, str(PEERS / file), str(port)]


HUBBUB = Server("hubbub", "hubbub", _hubbub, lambda: _module("hubbub"), members_publish=True)
SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        HUBBUB,
        Server("redis", "resp", _redis, lambda: _program("redis-server")),
        Server("nats", "nats", _nats, lambda: _program("nats-server")),
        Server(
            "websockets", "chat", _peer(sys.executable, "websockets_chat.py"), lambda: _module("websockets")
        ),
        Server(
            "starlette",
            "chat",
            _peer(sys.executable, "starlette_chat.py"),
            lambda: _module("starlette") or _module("uvicorn"),
        ),
        Server("node-ws", "chat", _peer("node", "node_ws_chat.js"), _node_ws),
    )
}


def hubbub_on(data: Path, settings: str = "") -> Server:
    """Hubbub that keeps everything in this directory, with these settings (TOML)."""

    def command(port: int, folder: Path) -> list[str]:
        (folder / "hubbub.toml").write_text(settings)
        return _hubbub(port, folder, str(data))

    return Server("hubbub-kept", "hubbub", command, HUBBUB.missing, members_publish=True)


class ServerFailedError(Exception):
    """A server ended, or did not accept in time. The text is the last line of its log."""


@dataclass(frozen=True, slots=True)
class Running:
    """A started server that accepts."""

    pid: int
    target: Target
    accepted_after: float
    """Seconds from its start to the first connection accepted."""


def free_port() -> int:
    """A port nobody listens on, picked by the kernel."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def bare_environment() -> dict[str, str]:
    """This environment without what would change a server's settings."""
    ours = ("HUBBUB_", "SERVER_", "WEBSOCKET_", "REDIS_", "NATS_", "NODE_OPTIONS", "UVICORN_", "WEBSOCKETS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


@contextmanager
def running(server: Server, core: int | None) -> Iterator[Running]:
    """Start the server on a free port and that core; stop it afterwards."""
    port = free_port()
    OUT.mkdir(exist_ok=True)
    log_path = OUT / f"{server.name}.log"
    with tempfile.TemporaryDirectory() as empty, log_path.open("wb") as log:  # no hubbub.toml, no .env
        began = time.monotonic()
        with pinned(core):
            process = subprocess.Popen(
                server.command(port, Path(empty)),
                cwd=empty,
                env=bare_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            while not _accepts(port):
                if process.poll() is not None or time.monotonic() - began > ACCEPTS_WITHIN:
                    raise ServerFailedError(_last_line(log_path))
                time.sleep(0.002)
            accepted_after = time.monotonic() - began
            yield Running(process.pid, Target(port, server.wire, server.members_publish), accepted_after)
            if process.poll() is not None:
                raise ServerFailedError(f"ended during the run: {_last_line(log_path)}")
        finally:
            process.kill()
            process.wait()


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "no word in its log")
