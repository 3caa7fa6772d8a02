"""`hubbub probe` as a person runs it, beside a real server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from serving import PATIENCE, Server, serving, until

HUBBUB = [sys.executable, "-m", "hubbub"]
NAME_IT = "name that one with --pid"
FULL = "hubbub: standard output: No space left on device\n"
UNPRIVILEGED = ["setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin"]
"""Without what probes take; it may look at the process, as the server's own user may."""


@pytest.fixture(name="data")
def _data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(name="server")
def _server(data: Path) -> Iterator[Server]:
    with serving("--data", str(data), "--limits", "off") as started:
        yield started


def probe(*arguments: str, within: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    command = [*within, *HUBBUB, "probe", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE * 3, check=False)


def lines_of(output: str) -> list[Any]:
    return [json.loads(line) for line in output.splitlines()]


def begun(*arguments: str) -> subprocess.Popen[str]:
    """It runs; its first line has been written."""
    command = [*HUBBUB, "probe", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_reports_come_each_second_with_who_is_behind_a_connection(server: Server, data: Path) -> None:
    server.json("Alice")
    probing = begun("--data", str(data), "--json", "--all")
    assert probing.stdout is not None
    first, *reports = (json.loads(probing.stdout.readline()) for _ in range(3))
    probing.send_signal(signal.SIGINT)
    probing.communicate(timeout=PATIENCE)
    assert probing.returncode == 0
    assert first["source"]["probes"], first
    assert {"send", "receive", "wait", "sync"} <= set(reports[0]["report"]["calls"])
    assert "Alice" in reports[-1]["users"].values()
    assert reports[-1]["report"]["lines"] == 1
    [line] = reports[-1]["report"]["worst"]
    assert (line["resets_sent"], line["resets_received"], line["state_changes"]) == (0, 0, 0)
    assert set(reports[-1]["report"]["sockets"]) > {"short_sends", "full", "resets_received"}


def test_every_call_is_traced_and_none_is_lost(server: Server, data: Path) -> None:
    alice, bob = server.json("Alice"), server.json("Bob")
    tracing = begun("--data", str(data), "--trace", "--json")
    assert tracing.stderr is not None
    assert "attached" in tracing.stderr.readline()
    for number in range(200):
        alice.say("Broadcast", content=f"number {number}")
        bob.get("NewMessage")
    tracing.send_signal(signal.SIGINT)
    output, told = tracing.communicate(timeout=PATIENCE)
    assert tracing.returncode == 0, told
    assert "none was lost" in told
    calls = lines_of(output)
    to_bob = [one for one in calls if one["user"] == "Bob" and one["call"] == "send"]
    assert len(to_bob) == 200
    assert all(one["took"] > 0 and one["result"] > 0 and one["fd"] > 0 for one in to_bob)
    assert any(one["call"] == "sync" for one in calls)


def test_without_a_terminal_each_report_is_a_block(server: Server, data: Path) -> None:
    server.json("Alice")
    done = probe("--pid", str(server.process.pid), "--data", str(data), "--duration", "1.2")
    blind = probe("--pid", str(server.process.pid), "--data", "x" * 5_000, "--duration", "0.1")
    assert (blind.returncode, blind.stderr) == (0, "")  # which process it is, was said
    assert done.returncode == 0, done.stderr
    assert "connections: 1" in done.stdout
    assert "of all: 0 sends cut short, queues full for 0 µs, 0 packets sent again," in done.stdout
    assert "Alice" in done.stdout
    assert "\x1b" not in done.stdout


def test_without_privilege_it_shows_what_anybody_may_see_and_says_so(server: Server, data: Path) -> None:
    server.json("Alice")
    done = probe("--data", str(data), "--duration", "1.2", within=UNPRIVILEGED)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("kernel probes: none ("), done.stdout
    assert "Alice" in done.stdout
    traced = probe("--data", str(data), "--trace", within=UNPRIVILEGED)
    assert traced.returncode == 1
    assert traced.stdout == ""
    assert "calls are traced by probes alone" in traced.stderr


def test_it_ends_with_the_server(data: Path) -> None:
    with serving("--data", str(data)) as server:
        probing = begun("--data", str(data), "--json")
        assert probing.stdout is not None
        assert "source" in probing.stdout.readline()
        server.process.send_signal(signal.SIGTERM)
        _, told = probing.communicate(timeout=PATIENCE)
    assert (probing.returncode, told) == (0, "hubbub: the server has ended\n")


def test_a_server_that_hangs_is_seen_all_the_same(server: Server, data: Path) -> None:
    """It cannot say who is behind a connection, and is waited for by nobody."""
    server.json("Alice")
    server.signal(signal.SIGSTOP)
    try:
        probing = probe("--data", str(data), "--json", "--duration", "2")
    finally:
        server.signal(signal.SIGCONT)
    assert probing.returncode == 0, probing.stderr
    assert lines_of(probing.stdout)[-1]["report"]["lines"] == 1


def test_what_cannot_be_observed_is_said(data: Path) -> None:
    nobody = probe("--data", str(data))
    assert nobody.returncode == 3
    assert nobody.stderr.startswith("hubbub: no server runs on "), nobody.stderr
    ended = subprocess.Popen(["true"])
    ended.wait()
    until(lambda: not Path(f"/proc/{ended.pid}").exists())
    gone = probe("--pid", str(ended.pid))
    assert gone.returncode == 1
    assert str(ended.pid) in gone.stderr
    assert "Traceback" not in gone.stderr
    thread = threading.Thread(target=(over := threading.Event()).wait, daemon=True)
    thread.start()
    part = probe("--pid", str(thread.native_id))
    over.set()
    assert (part.returncode, part.stdout) == (1, "")
    assert part.stderr == f"hubbub: {thread.native_id} is a thread of process {os.getpid()}; {NAME_IT}\n"
    for wrong in (["--pid", "0"], ["--pid", "x"], ["--duration", "-1"], ["--data", ":memory:"]):
        asked = probe(*wrong)
        assert asked.returncode == 2, (wrong, asked.stderr)


def test_a_pipe_that_is_closed_ends_it_without_a_word(server: Server, data: Path) -> None:
    probing = begun("--data", str(data), "--json")
    assert probing.stdout is not None
    assert probing.stderr is not None
    probing.stdout.readline()
    probing.stdout.close()
    assert probing.wait(PATIENCE) == 0
    assert probing.stderr.read() == ""
    probing.stderr.close()


def test_whatever_its_output_is(server: Server, data: Path) -> None:
    """A reader that goes, a full disk, an encoding of few letters, nothing: each time one line, or none."""
    server.json("Alice")
    reading, writing = os.pipe()
    os.close(reading)
    full = os.open("/dev/full", os.O_WRONLY)
    ways = [(writing, "", 0, ""), (full, "", 1, FULL), (full, "--json", 1, FULL), (full, "--trace", 1, FULL)]
    command = [*HUBBUB, "probe", "--data", str(data), "--duration", "1.2"]
    running = [
        subprocess.Popen([*command, *filter(None, (flag,))], stdout=output, stderr=subprocess.PIPE, text=True)
        for output, flag, _, _ in ways
    ]
    few = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    closed = ["sh", "-c", '"$@" >&-', "sh", *command]
    none = subprocess.Popen(closed, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for process, (_, flag, code, last) in zip(running, ways, strict=True):
        told = process.communicate(timeout=PATIENCE * 3)[1]
        assert (process.returncode, "".join(told.splitlines(keepends=True)[-1:])) == (code, last), flag
        assert "Traceback" not in told
    for file in (writing, full):
        os.close(file)
    shown, told = few.communicate(timeout=PATIENCE * 3)
    assert (few.returncode, told) == (0, "")
    assert "Alice" in shown
    assert shown.isascii()
    assert (*none.communicate(timeout=PATIENCE * 3), none.returncode) == ("", "", 0)


def test_ctrl_c_while_nobody_reads_tears_no_line(server: Server, data: Path) -> None:
    """The pipe is full then, and what is written waits."""
    alice, bob = server.json("Alice"), server.json("Bob")
    tracing = begun("--data", str(data), "--trace", "--json")
    assert tracing.stderr is not None
    tracing.stderr.readline()

    def waits() -> bool:
        alice.say("Broadcast", content="hello")
        bob.get("NewMessage")
        return "pipe" in Path(f"/proc/{tracing.pid}/wchan").read_text()

    until(waits)
    tracing.send_signal(signal.SIGINT)
    output, told = tracing.communicate(timeout=PATIENCE)
    assert tracing.returncode == 0, told
    kept = next(int(word.replace(",", "")) for word in told.split() if word[0].isdigit())
    assert len(lines_of(output)) == kept
