"""A server with its helper: what it says, what it gives up, and what becomes of it when either is killed."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from hubbub.observe.kernel.dialogue import MOST_ASKED
from hubbub.observe.kernel.figures import Report
from hubbub.observe.kernel.helper import BEGINNING
from hubbub.observe.logs import open_log
from hubbub.observe.server_log import ServerLog
from hubbub.server import privileges
from hubbub.server import probing as probing_module
from hubbub.server.config import ProbeSettings
from hubbub.server.probing import Probing
from serving import PATIENCE, Server, serving, until

AUTO = {"HUBBUB_PROBES_MODE": "auto"}
DROPPED = """
import os, sys
from hubbub.server import privileges
assert privileges.may_probe()
assert privileges.give_up() is None
assert not privileges.may_probe()
os.execv(sys.executable, [sys.executable, "-m", "hubbub", "serve", "--data", ":memory:", *sys.argv[1:]])
"""
"""`hubbub serve`, from a process that may not probe, nor start one that may."""
ATTACHED = re.compile(r"kernel probes: \d+ attached")
GONE = "what looks into the kernel is gone; the chat goes on without"
BROKE = "what looks into the kernel has ended; it is started again"


def children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def capabilities(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {
        name: int(value, 16)
        for name, _, value in (line.partition(":") for line in lines)
        if name[:3] == "Cap"
    }


def looking(server: Server) -> int:
    """The process that looks; once there is one."""

    def found() -> list[int]:
        return [worker for keeper in children(server.process.pid) for worker in children(keeper)]

    until(found)
    return found()[0]


class Watched:
    """A server whose log is read while it runs."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.lines: list[str] = []

    def until_logged(self, words: str) -> None:
        errors = self.server.process.stderr
        assert errors is not None
        while not (self.lines and re.search(words, self.lines[-1])):
            line = errors.readline()
            assert line, self.lines
            self.lines.append(line)


@contextlib.contextmanager
def watched(*flags: str, **env: str) -> Iterator[Watched]:
    with serving(*flags, **env) as server:
        yield Watched(server)


def test_one_line_says_what_is_attached() -> None:
    with watched(**AUTO) as one:
        one.until_logged(ATTACHED.pattern)
    assert len(ATTACHED.findall("".join(one.lines) + one.server.log)) == 1
    assert "warning" not in "".join(one.lines) + one.server.log


def test_the_chat_gives_the_privileges_up_in_all_of_its_threads_and_the_helper_has_them() -> None:
    given_up = 1 << 21 | 1 << 38 | 1 << 39
    with watched(**AUTO) as one:
        one.until_logged(ATTACHED.pattern)
        pid = one.server.process.pid
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for name, held in capabilities(int(thread.name)).items():
                assert held & given_up == 0, (thread.name, name)
        assert capabilities(looking(one.server))["CapEff"] >> 39 & 1


GIVEN_UP = """
import subprocess
from hubbub.server import privileges
assert privileges.may_probe()
print(privileges.give_up())
print(privileges.may_probe())
print(subprocess.check_output(["grep", "CapPrm", "/proc/self/status"], text=True))
"""


@pytest.mark.parametrize("without", ["", "-setpcap"])
def test_nor_has_a_program_that_it_starts(without: str) -> None:
    """Also where the bound of its capabilities is not its own to lower, as beside systemd's two."""
    bounds = ["setpriv", f"--bounding-set={without}"] if without else []
    command = [*bounds, sys.executable, "-c", GIVEN_UP]
    problem, may, permitted = subprocess.check_output(command, text=True).split("\n")[:3]
    assert (problem, may) == ("None", "False")
    assert not int(permitted.split()[1], 16) & (1 << 21 | 1 << 38 | 1 << 39)


def test_nothing_of_the_server_is_open_in_the_helper() -> None:
    """Nor what it was told in the environment."""
    with watched(HUBBUB_METRICS_TOKEN="0123456789abcdef", **AUTO) as one:
        one.until_logged(ATTACHED.pattern)
        served = one.server.text("alice")

        def sockets(pid: int) -> set[str]:
            links = (os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir())  # noqa: PTH115
            return {link for link in links if link.startswith(("socket:", "pipe:"))}

        worker = looking(one.server)
        [keeper] = children(one.server.process.pid)
        ours = sockets(one.server.process.pid)
        assert len(ours) > 3
        assert sockets(keeper) & ours == set()
        assert sockets(worker) & ours == set()
        assert b"0123456789abcdef" not in Path(f"/proc/{worker}/environ").read_bytes()
        assert b"0123456789abcdef" in Path(f"/proc/{one.server.process.pid}/environ").read_bytes()
        served.settle()


def test_off_starts_nothing_and_says_nothing() -> None:
    with serving("--probes", "off", **AUTO) as server:
        server.text("alice").settle()
        assert children(server.process.pid) == []
    assert "probes" not in server.log


def test_who_looks_is_killed_and_the_chat_goes_on() -> None:
    with watched(**AUTO) as one:
        one.until_logged(ATTACHED.pattern)
        alice = one.server.text("alice")
        before = looking(one.server)
        os.kill(before, signal.SIGKILL)
        one.until_logged(BROKE)
        alice.settle()
        until(lambda: looking(one.server) != before)
        alice.settle()
    text = "".join(one.lines) + one.server.log
    assert text.count("what looks into the kernel") == 1
    assert '"reason": "signal 9"' in text


def test_the_whole_helper_is_killed_and_the_chat_goes_on() -> None:
    with watched(**AUTO) as one:
        one.until_logged(ATTACHED.pattern)
        alice = one.server.text("alice")
        [keeper] = children(one.server.process.pid)
        os.kill(keeper, signal.SIGKILL)
        one.until_logged(GONE)
        alice.settle()
        until(lambda: children(one.server.process.pid) == [])
    assert ("".join(one.lines) + one.server.log).count("what looks into the kernel") == 1


def test_the_server_is_killed_and_nothing_stays() -> None:
    server = Server(env=AUTO)
    worker = looking(server)
    [keeper] = children(server.process.pid)
    server.process.kill()
    server.process.communicate()
    until(lambda: not Path(f"/proc/{worker}/exe").exists() and not Path(f"/proc/{keeper}/exe").exists())


def test_a_stop_ends_the_helper() -> None:
    with serving(**AUTO) as server:
        worker = looking(server)
    until(lambda: not Path(f"/proc/{worker}/exe").exists())


# -- without the privilege


def run_dropped(*flags: str, mode: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", DROPPED, "--listen", "127.0.0.1:0", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HUBBUB_PROBES_MODE": mode},
    )


def test_without_privilege_it_says_so_in_one_line_and_starts_nothing() -> None:
    process = run_dropped(mode="auto")
    assert process.stdout is not None
    while "To stop" not in process.stdout.readline():
        pass
    assert children(process.pid) == []
    process.terminate()
    _, log = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    said = [line for line in log.splitlines() if "probes" in line]
    assert len(said) == 1
    assert "kernel probes: none (that takes root's rights, or CAP_BPF with CAP_PERFMON); using" in said[0]


def test_where_there_must_be_probes_and_cannot_it_does_not_start() -> None:
    process = run_dropped(mode="on")
    out, log = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert out == ""
    assert log == (
        "hubbub: kernel probes cannot be attached: that takes root's rights, or CAP_BPF with CAP_PERFMON "
        "(probes.mode is on; auto goes without)\n"
    )


def test_where_there_must_be_probes_they_are_there_before_it_listens() -> None:
    with watched("--probes", "on") as one:
        one.until_logged(ATTACHED.pattern)
        assert not any("listening" in line for line in one.lines)
        one.until_logged("listening")


# -- Probing, with a helper or with something that says it is one


def observed(
    then: Callable[[Probing, io.StringIO], Awaitable[None]], settings: ProbeSettings | None = None
) -> str:
    """Run something with a Probing of our own process; the log."""
    log = io.StringIO()

    async def run() -> None:
        probing = Probing(settings or ProbeSettings(), ServerLog(open_log("info", "json", log)))
        try:
            await then(probing, log)
        finally:
            await probing.close()

    asyncio.run(run())
    return log.getvalue()


async def until_true(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 (of any kind, also of another process)
            await asyncio.sleep(0.005)


@contextlib.contextmanager
def served() -> Iterator[int]:
    """A connection that this process serves; its cookie."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as one,
    ):
        yield int.from_bytes(one.getsockopt(socket.SOL_SOCKET, 57, 8), sys.byteorder)


@pytest.fixture
def unprivileged(monkeypatch: pytest.MonkeyPatch) -> None:
    """It decides as it would without; these tests need theirs."""
    monkeypatch.setattr(privileges, "may_probe", lambda: False)


def test_a_helper_begins_to_look_when_somebody_asks(
    unprivileged: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And ends when nobody has for a while."""
    reports: list[Report] = []

    async def ask(probing: Probing, _: io.StringIO) -> None:
        probing.start()
        assert (probing.newest, children(os.getpid())) == (None, [])
        probing.on_report = reports.append
        with served() as cookie:
            assert [line.cookie for line in await probing.lines([1, cookie])] == [cookie]
            assert probing.newest is reports[-1]
            assert not probing.source.probes
            assert "root's rights" in probing.source.sentence
            monkeypatch.setattr(probing_module, "REST", 0.0)
            probing.watch()
            await until_true(lambda: children(os.getpid()) == [])
            assert probing.newest is None
            monkeypatch.setattr(probing_module, "REST", 60.0)
            assert [line.cookie for line in await probing.lines([cookie])] == [cookie]

    log = observed(ask)
    assert log.count("\n") == 1, log


def test_more_connections_than_one_question_holds(unprivileged: None) -> None:
    async def ask(probing: Probing, _: io.StringIO) -> None:
        probing.start()
        with served() as cookie:
            unknown = range(10**12, 10**12 + 3 * MOST_ASKED)
            assert [line.cookie for line in await probing.lines([*unknown, cookie])] == [cookie]

    observed(ask)


def test_off_answers_with_nothing() -> None:
    async def ask(probing: Probing, _: io.StringIO) -> None:
        probing.start()
        probing.watch()
        assert await probing.lines([1]) == []
        assert children(os.getpid()) == []

    assert observed(ask, ProbeSettings(mode="off")) == ""


def pretend(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Another program in the helper's place; its line is `line`."""
    begin = "import socket, os, signal\nline = socket.socket(fileno=0)\n"

    def spawn(line: int, settings: ProbeSettings, *, attach: bool) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", begin + code], stdin=line)

    monkeypatch.setattr(probing_module, "_spawn", spawn)


SEEN = '{"type":"seen","report":{"at":1.0,"seconds":1.0,"probes":false}}'


def test_garbage_is_passed_over_and_said_once(unprivileged: None, monkeypatch: pytest.MonkeyPatch) -> None:
    words = rf"line.sendall(b'garbage\n\xff\xfe\n{{}}\n\n{SEEN}\n'); signal.pause()"
    pretend(monkeypatch, words)

    async def look(probing: Probing, _: io.StringIO) -> None:
        probing.start()
        probing.watch()
        await until_true(lambda: probing.newest)

    assert observed(look).count("says what nobody understands") == 1


@pytest.mark.parametrize(
    "code",
    [
        r"line.sendall(b'x\n' * 100); signal.pause()",
        r"line.sendall(b'x' * (20 << 20) + b'\n'); signal.pause()",
        "os._exit(1)",
        "os.kill(os.getpid(), 9)",
        r"line.sendall(b'{\"type\":\"seen\"')",
    ],
)
def test_a_helper_that_is_none_is_given_up_and_not_tried_at_once(
    unprivileged: None, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    pretend(monkeypatch, code)

    async def look(probing: Probing, log: io.StringIO) -> None:
        probing.start()
        assert await probing.lines([1]) == []
        await until_true(lambda: GONE in log.getvalue())
        await until_true(lambda: children(os.getpid()) == [])
        for _ in range(100):
            probing.watch()
            assert await probing.lines([1]) == []
        assert children(os.getpid()) == []

    log = observed(look)
    assert log.count(GONE) == 1


def test_a_helper_that_says_nothing_costs_a_deadline(
    unprivileged: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, "signal.pause()")
    monkeypatch.setattr(probing_module, "DEADLINE", 0.05)

    async def look(probing: Probing, _: io.StringIO) -> None:
        probing.start()
        assert await probing.lines([1]) == []

    observed(look)


def test_what_a_helper_saw_that_says_nothing_more_is_forgotten(
    unprivileged: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A verdict rests on what is, not on what was when it was stopped."""
    monkeypatch.setattr(probing_module, "SILENT", 0.05)
    pretend(monkeypatch, rf"line.sendall(b'{SEEN}\n'); signal.pause()")
    reports: list[Report] = []

    async def look(probing: Probing, _: io.StringIO) -> None:
        probing.start()
        probing.on_report = reports.append
        probing.watch()
        await until_true(lambda: reports)
        await until_true(lambda: probing.newest is None)
        assert list(probing.recent) == []

        await until_true(lambda: children(os.getpid()) == [])
        monkeypatch.setattr(probing_module, "DEADLINE", 2 * PATIENCE)
        assert await probing.lines([1]) == []  # nobody is asked, so it does not take that long

    log = observed(look)
    assert log.count(GONE) == log.count("says nothing") == 1


def test_who_holds_the_probes_and_says_nothing_is_not_asked_until_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its keeper has what it takes to attach others, so it is given up last."""
    monkeypatch.setattr(probing_module, "SILENT", 0.05)
    monkeypatch.setattr(probing_module, "DEADLINE", 1e9)  # longer than any test may take
    began = '{"type":"began","source":{"probes":true,"attached":["sock_send_length"]}}'
    again = rf"signal.signal(signal.SIGUSR1, lambda *_: line.sendall(b'{SEEN}\n'))"
    pretend(monkeypatch, rf"{again}; line.sendall(b'{began}\n{SEEN}\n'); [signal.pause() for _ in range(9)]")

    async def look(probing: Probing, log: io.StringIO) -> None:
        async def silent(times: int) -> None:
            await until_true(lambda: log.getvalue().count("says nothing") == times)
            assert "says nothing" in probing.source.sentence
            assert await probing.lines([1]) == []

        probing._begin(attach=True)
        await until_true(lambda: probing.source.probes)
        await silent(1)
        [process] = children(os.getpid())
        os.kill(process, signal.SIGUSR1)
        await until_true(lambda: probing.source.probes)
        await silent(2)
        probing._within(0.0, probing._give_up)
        await until_true(lambda: GONE in log.getvalue())
        await until_true(lambda: children(os.getpid()) == [])
        assert not probing.source.probes

    observed(look)


@pytest.mark.parametrize("attach", [True, False])
def test_who_attaches_has_the_time_that_its_keeper_gives_it(
    monkeypatch: pytest.MonkeyPatch, attach: bool
) -> None:
    """Who is given up before has taken the privileges with it."""
    pretend(monkeypatch, "signal.pause()")

    async def look(probing: Probing, _: io.StringIO) -> None:
        before = asyncio.get_running_loop().time()
        probing._begin(attach=attach)
        assert probing._silence is not None
        assert (probing._silence.when() >= before + BEGINNING + probing_module.SILENT) == attach

    observed(look)


def test_who_is_told_and_fails_is_our_own_fault(unprivileged: None, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, f"line.sendall(b'{SEEN}\\n'); signal.pause()")

    def fail(_: Report) -> None:
        raise ZeroDivisionError

    async def look(probing: Probing, log: io.StringIO) -> None:
        probing.start()
        probing.on_report = fail
        probing.watch()
        await until_true(lambda: GONE in log.getvalue())

    assert "ZeroDivisionError" in observed(look)
