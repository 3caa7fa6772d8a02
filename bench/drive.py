"""Compile the load generator and run it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.machine import pinned

HERE = Path(__file__).resolve().parent
OUT = HERE / "out"
SOURCES = ("driver.c", "options.c", "wires.c", "tally.c")


class DriverFailedError(Exception):
    """The driver gave no result. The text is what it said."""


def missing_compiler() -> str | None:
    """The tool the driver cannot be built without, where it is missing."""
    return None if shutil.which("cc") else "cc"


def compile_driver() -> Path:
    """Build bench/out/driver where a source is newer than it, and return its path."""
    return compiled("driver", SOURCES, "driver.h")


def compiled(name: str, sources: tuple[str, ...], *headers: str) -> Path:
    """Build bench/out/NAME of these files of bench/, where one is newer than it, and return its path."""
    binary = OUT / name
    newest = max((HERE / file).stat().st_mtime for file in (*sources, *headers))
    if binary.exists() and binary.stat().st_mtime > newest:
        return binary
    OUT.mkdir(exist_ok=True)
    fresh = OUT / f"{name}.{os.getpid()}"  # two benches may begin at once
    warned = ["-Wall", "-Wextra", "-Werror"]
    command = ["cc", "-O2", "-std=c11", *warned, "-o", str(fresh), *(str(HERE / file) for file in sources)]
    subprocess.run(command, check=True)
    fresh.replace(binary)
    return binary


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked of a server. The fields are the driver's options; see bench/driver.h."""

    members: int
    publishers: int = 1
    rooms: int = 1
    in_flight: int = 0
    """Closed loop: messages under way in all."""
    rate: float = 0.0
    """Open loop: messages a second in all."""
    messages: int = 0
    """Publish so many and end, instead of `seconds`."""
    warmup: float = 1.0
    seconds: float = 3.0
    sample: int = 1
    setup_window: int = 64
    drain: float = 5.0
    patience: float = 60.0
    login_only: bool = False


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds from sending (open loop: from when it was due) to its arrival at a member."""

    samples: int
    p50: float
    p99: float
    max: float


class Result(msgspec.Struct, frozen=True):
    """What the driver counted. `deliveries` to `driver_cpu_seconds` are of the measured time only."""

    deliveries: int
    seconds: float
    per_second: float
    driver_cpu_seconds: float
    sent: int
    delivered_in_all: int
    closed: int
    setup_seconds: float
    lost: int
    duplicates: int
    out_of_order: int
    other_frames: int
    latency_ms: Latency
    refusal: str


class _Line(msgspec.Struct, frozen=True):
    """One line of the driver's standard output."""

    mark: str | None = None
    setup_seconds: float = 0.0
    result: Result | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where the driver connects, and how it speaks there."""

    port: int
    wire: str
    members_publish: bool


def _command(driver: Path, load: Load, target: Target, *, hold: bool) -> list[str]:
    options: dict[str, float | str] = {
        "port": target.port,
        "wire": target.wire,
        "members": load.members,
        "publishers": load.publishers,
        "rooms": load.rooms,
        "in-flight": load.in_flight,
        "rate": load.rate,
        "messages": load.messages,
        "warmup": load.warmup,
        "seconds": load.seconds,
        "sample": load.sample,
        "setup-window": load.setup_window,
        "drain": load.drain,
        "patience": load.patience,
    }
    flags = {"members-publish": target.members_publish, "login-only": load.login_only, "hold": hold}
    chosen = [f"--{name}" for name, on in flags.items() if on]
    return [str(driver), *(f"--{name}={value}" for name, value in options.items()), *chosen]


def drive(
    driver: Path, load: Load, target: Target, core: int | None, on_mark: Callable[[str], None]
) -> Result:
    """Put the load on the target. `on_mark` is called with `start` and `stop` at those moments."""
    with pinned(core):
        process = subprocess.Popen(
            _command(driver, load, target, hold=False), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    result: Result | None = None
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        for text in process.stdout:
            line = msgspec.json.decode(text, type=_Line)
            if line.mark:
                on_mark(line.mark)
            result = line.result or result
        complaint = process.stderr.read().decode()
    if result is None:
        raise DriverFailedError(complaint.strip() or f"the driver ended with status {process.returncode}")
    return result


def hold(driver: Path, load: Load, target: Target, core: int | None, while_held: Callable[[], None]) -> float:
    """Open the load's connections, call `while_held` when all are ready; seconds the opening took."""
    with pinned(core):
        process = subprocess.Popen(
            _command(driver, load, target, hold=True),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        text = process.stdout.readline()
        if not text:
            raise DriverFailedError(process.stderr.read().decode().strip())
        while_held()
        process.stdin.close()
        complaint = process.stderr.read().decode()
    if complaint:
        raise DriverFailedError(complaint.strip())
    return msgspec.json.decode(text, type=_Line).setup_seconds
