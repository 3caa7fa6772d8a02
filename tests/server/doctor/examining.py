"""The doctor in a test: by one check on a deployment, or as a command in a process that is confined."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from hubbub.server.doctor.address import parse_url
from hubbub.server.doctor.deployment import Deployment
from hubbub.server.doctor.examination import CHECKS, examine
from hubbub.server.doctor.report import Finding, Level, Report
from hubbub.server.settings import SettingsError, load

PATIENT = 60.0
NOWHERE = Path("/nonexistent/.env")


def deployment(*flags: str, url: str | None = None, **environment: str) -> Deployment:
    """As the command makes it, of `--flag value` pairs and HUBBUB_ variables."""
    given: dict[str, str | Sequence[str]] = {}
    for flag, value in zip(flags[::2], flags[1::2], strict=True):
        given[flag] = [value] if flag == "--listen" else value
    address = parse_url(url) if url is not None else None
    try:
        return Deployment(load(given, environment, NOWHERE, Path("/dev/null")), (), address)
    except SettingsError as error:
        return Deployment(error.loaded, error.problems, address)


def look(check: str, at: Deployment, within: float = PATIENT) -> tuple[Finding, ...]:
    """What one check finds, in its thread, within so many seconds."""
    wanted = [one for one in CHECKS if one.name == check]
    found = examine(at, wanted, alone=within, together=within).findings
    assert found, f"{check} finds nothing"
    return found


def said(findings: Sequence[Finding], level: Level, part: str) -> Finding:
    """The one that says so. What is to be done stands with each fault."""
    for finding in findings:
        assert bool(finding.advice) or finding.level in ("ok", "note"), finding
        if finding.level == level and part in finding.found:
            return finding
    raise AssertionError(f"no {level} with {part!r} among {findings}")


def calm(findings: Sequence[Finding]) -> None:
    """Nothing is wrong."""
    assert [finding for finding in findings if finding.level not in ("ok", "note")] == []


def command(
    *flags: str | Path, within: Sequence[str] = (), environment: dict[str, str] | None = None
) -> tuple[int, Report]:
    """Exit code and report of `hubbub doctor --json`, perhaps within another command."""
    done = subprocess.run(
        [*within, sys.executable, "-m", "hubbub", "doctor", "--json", *map(str, flags)],
        capture_output=True,
        timeout=60,
        cwd="/",
        env={**os.environ, **(environment or {})},
    )
    assert done.stderr == b"", done.stderr.decode()
    return done.returncode, msgspec.json.decode(done.stdout, type=Report)


def of(report: Report, check: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.check == check]


@contextlib.contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a program that is not ours: it does as told with each connection, in threads."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            held.append(peer)
            threading.Thread(target=_quietly, args=(answer, peer), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for peer in held:
            peer.close()


def _quietly(answer: Callable[[socket.socket], None], peer: socket.socket) -> None:
    with contextlib.suppress(OSError):
        answer(peer)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
