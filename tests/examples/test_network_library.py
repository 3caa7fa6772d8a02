"""The network library's examples, as they stand in its README and in `examples/`."""

from __future__ import annotations

import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0  # seconds until a test gives up
MAX_LINE = 64 * 1024


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where `examples/line_echo.py` listens, in a process of its own."""
    command = [sys.executable, str(ROOT / "examples" / "line_echo.py"), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline().rpartition(":")[2])
        process.terminate()


def echoed(port: int, data: bytes) -> bytes:
    """All that comes back until the server closes, after `data` and no more."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        answer = b""
        while part := sock.recv(65_536):
            answer += part
    return answer


def test_lines_come_back(port: int) -> None:
    assert echoed(port, b"one\r\ntwo\n\n\xff\n") == b"one\ntwo\n\n\xff\n"


def test_whatever_a_line_begins_with(port: int) -> None:
    assert echoed(port, b"GET / HTTP/1.1\n") == b"GET / HTTP/1.1\n"
    assert echoed(port, b"\x16\x03\x01\n") == b"\x16\x03\x01\n"


def test_an_overlong_line_is_told_once_and_the_next_one_comes_back(port: int) -> None:
    answer = echoed(port, b"x" * (3 * MAX_LINE) + b"\nnext\n")
    assert answer == b"a line is longer than 65536 bytes\nnext\n"


def test_a_peer_that_reads_late_loses_nothing(port: int) -> None:
    # More than the kernel's buffers and the server's queue may hold.
    sent = b"".join(b"line %d " % n + b"x" * 1_000 + b"\n" for n in range(30_000))
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        sock.setblocking(False)
        at = 0
        # Until the server stops reading, as nothing is read here. If it is merely slow, less is tried.
        while at < len(sent) and select.select([], [sock], [], 0.2)[1]:
            at += sock.send(sent[at : at + 65_536])
        assert at < len(sent)
        sock.settimeout(PATIENCE)
        sock.shutdown(socket.SHUT_WR)
        answer = bytearray()
        while part := sock.recv(65_536):
            answer += part
    assert answer == sent[: sent.rindex(b"\n", 0, at) + 1]


@pytest.mark.parametrize("name", ["line_echo.py", "ws_echo.py"])
def test_a_missing_port_is_explained(name: str) -> None:
    command = [sys.executable, str(ROOT / "examples" / name)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (ended.returncode, ended.stderr) == (1, f"usage: python examples/{name} PORT\n")


def test_the_program_in_the_readme_runs() -> None:
    readme = (ROOT / "src" / "hubbub" / "net" / "README.md").read_text(encoding="utf-8")
    (program,) = [part.partition("```")[0] for part in readme.split("```python\n")[1:]]
    command = [sys.executable, "-W", "error", "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("HELLO\n", "", 0)
