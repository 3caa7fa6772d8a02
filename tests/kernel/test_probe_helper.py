"""The helper process as the server starts it, spoken to by its line."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from hubbub.observe.kernel.dialogue import MOST_ASKED, Ask, Began, Broke, Lines, Seen, Told
from serving import PATIENCE, until

ToldT = TypeVar("ToldT", Began, Broke, Lines, Seen)
DECODER = msgspec.json.Decoder(Told)


class Helper:
    """One that observes us."""

    def __init__(self, mode: str = "attach") -> None:
        self.line, theirs = socket.socketpair()
        self.line.settimeout(PATIENCE)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "hubbub.observe.kernel.helper", str(os.getpid()), mode, "usual"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
            )
        self.file = self.line.makefile("rb")

    def told(self) -> Told:
        while True:
            line = self.file.readline()
            assert line, "it has hung up"
            if line.strip():
                told: Told = DECODER.decode(line)
                return told

    def next(self, kind: type[ToldT]) -> ToldT:
        while True:
            if isinstance(told := self.told(), kind):
                return told

    def ask(self, *cookies: int, id: int = 1) -> Lines:
        self.line.sendall(msgspec.json.encode(Ask(id, list(cookies))) + b"\n")
        return self.next(Lines)

    @property
    def looking(self) -> int:
        """The process that looks; the other one is its keeper."""
        [child] = children(self.process.pid)
        return child

    def hang_up(self) -> None:
        self.file.close()
        self.line.close()

    def end(self) -> None:
        self.hang_up()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def gone(pid: int) -> bool:
    """Also where nobody has asked yet how it ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in ("Z", "X")
    return True


@pytest.fixture
def helper() -> Iterator[Helper]:
    helper = Helper()
    yield helper
    helper.end()


@pytest.fixture
def connection() -> Iterator[int]:
    """A connection that we serve; its cookie."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as served,
    ):
        yield int.from_bytes(served.getsockopt(socket.SOL_SOCKET, 57, 8), sys.byteorder)


def test_first_it_says_where_its_figures_come_from_then_what_it_sees(helper: Helper) -> None:
    began = helper.told()
    assert isinstance(began, Began)
    assert began.source.probes, began.source.missing
    for _ in range(2):
        seen = helper.told()
        assert isinstance(seen, Seen)
        assert seen.report.probes
        assert seen.report.machine.memory_total > 0


def test_without_probes_it_sees_what_the_kernel_tells_anybody(connection: int) -> None:
    helper = Helper("look")
    assert not helper.next(Began).source.probes
    report = helper.next(Seen).report
    assert not report.probes
    assert connection in {line.cookie for line in report.worst}
    helper.end()


def test_a_question_before_the_first_report_is_answered_behind_it(helper: Helper, connection: int) -> None:
    helper.next(Began)
    [line] = helper.ask(connection, 12345).lines
    assert line.cookie == connection
    assert line.span > 0
    assert line.rtt_past
    assert helper.ask(connection, id=7).id == 7


def test_more_than_a_question_may_hold_is_not_answered(helper: Helper, connection: int) -> None:
    helper.next(Seen)
    assert helper.ask(*range(10**9, 10**9 + MOST_ASKED), connection).lines == []


@pytest.mark.parametrize("words", [b"{}\n", b"\xff\n", b'{"id":"x","lines":[]}\n', b"x" * (1 << 20) + b"x\n"])
def test_a_question_that_nobody_understands_is_told_once_and_it_begins_anew(
    helper: Helper, words: bytes
) -> None:
    helper.next(Began)
    before = helper.looking
    helper.line.sendall(words)
    broke = helper.next(Broke)
    assert broke.again
    assert helper.next(Began).source.probes
    assert helper.looking != before
    assert isinstance(helper.told(), Seen)


def test_it_is_killed_and_comes_back_with_its_probes(helper: Helper) -> None:
    helper.next(Seen)
    os.kill(helper.looking, signal.SIGKILL)
    assert helper.next(Broke) == Broke("signal 9", again=True)
    assert helper.next(Began).source.probes
    helper.next(Seen)


def test_it_hangs_and_another_one_takes_its_place_with_probes(helper: Helper) -> None:
    helper.next(Seen)
    hanging = helper.looking
    os.kill(hanging, signal.SIGSTOP)
    assert helper.next(Broke) == Broke("it hung", again=True)
    assert helper.next(Began).source.probes
    assert gone(hanging)
    helper.next(Seen)


def test_both_end_with_the_line(helper: Helper) -> None:
    helper.next(Began)
    looking = helper.looking
    helper.hang_up()
    assert helper.process.wait(PATIENCE) == 0
    until(lambda: gone(looking))


def test_the_line_ends_while_it_waits_to_begin_again(helper: Helper) -> None:
    helper.next(Began)
    os.kill(helper.looking, signal.SIGKILL)
    helper.next(Broke)
    helper.hang_up()
    assert helper.process.wait(PATIENCE) == 0


def test_who_looks_ends_with_its_keeper(helper: Helper) -> None:
    helper.next(Began)
    looking = helper.looking
    os.kill(looking, signal.SIGSTOP)  # it reads no line
    helper.process.kill()
    until(lambda: gone(looking))


def test_who_looks_and_does_not_end_by_itself_is_ended(helper: Helper) -> None:
    helper.next(Began)
    looking = helper.looking
    os.kill(looking, signal.SIGSTOP)
    helper.hang_up()
    helper.process.wait(2 * PATIENCE)
    assert gone(looking)


def test_a_ctrl_c_is_not_for_it(helper: Helper) -> None:
    helper.next(Began)
    for pid in (helper.process.pid, helper.looking):
        os.kill(pid, signal.SIGINT)
    helper.next(Seen)
    assert helper.process.poll() is None


STARTS = """
import subprocess, socket, sys, os
ours, theirs = socket.socketpair()
words = [sys.executable, "-P", "-m", "hubbub.observe.kernel.helper", str(os.getpid()), "attach", "usual"]
helper = subprocess.Popen(words, stdin=theirs)
theirs.close()
assert ours.makefile("rb").readline()
print(helper.pid, flush=True)
sys.stdin.read()
"""


def test_the_server_is_killed_and_both_end() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        keeper = int(server.stdout.readline())
        [looking] = children(keeper)
        server.kill()
        until(lambda: gone(keeper) and gone(looking))
