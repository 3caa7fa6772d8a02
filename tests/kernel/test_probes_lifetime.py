"""What begins and ends while probes are there: the observed process, the observing one, connections."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hubbub.observe.kernel.probes import Probes
from kernel.subject import PAIR, Subject
from serving import until

Observe = Callable[..., Probes]

HOLD = """
import os, re, sys
from pathlib import Path
from hubbub.observe.kernel.probes import Probes
probes = Probes.open(int(sys.argv[1]), everything=True)
trace = probes.trace()
told = "".join(one.read_text() for one in Path("/proc/self/fdinfo").iterdir() if one.exists())
ids = set(re.findall(r"^(prog|map|link)_id:\\t(\\d+)$", told, re.M))
print(*(f"{kind}={number}" for kind, number in ids), flush=True)
sys.stdin.read()
"""

SEND_INSIDE = """
import json, os, socket, subprocess, sys
from hubbub.observe.kernel.probes import Probes
from kernel.subject import PAIR, Subject
with Subject() as subject:
    subject(PAIR)
    probes = Probes.open(subject.pid)
    subject("for _ in range(10): server.send(b'hello')")
    send = probes.calls()["send"]
    print(json.dumps([subject.pid, send.count, send.bytes]), flush=True)
"""


def python(*before: str) -> list[str]:
    return [*before, sys.executable, "-c"]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def bpftool() -> str:
    found = shutil.which("bpftool", path=os.environ["PATH"] + ":/usr/sbin")
    if found is None:
        pytest.skip("bpftool")
    return found


def used_again(observe: Observe) -> tuple[Probes, Subject]:
    """Probes of a process that has ended, having sent 5 bytes; and another process with its number."""
    for _ in range(100):
        with Subject() as subject:
            subject(PAIR)
            probes = observe(subject.pid)
            assert subject("server.send(b'hello')") == 5
        # The kernel counts on from here, unless somebody else begins a process just now.
        Path("/proc/sys/kernel/ns_last_pid").write_text(str(subject.pid - 1))
        again = Subject()
        if again.pid == subject.pid:
            return probes, again
        again.kill()
        probes.close()
    raise AssertionError("somebody else was quicker each time")


def is_there(kind: str, number: str) -> bool:
    """Whether the kernel has a program, map or link by that id."""
    return subprocess.run([bpftool(), kind, "show", "id", number], capture_output=True).returncode == 0


def test_nothing_is_left_of_an_observer_that_is_killed(subject: Subject) -> None:
    holder = subprocess.Popen(
        [*python(), HOLD, str(subject.pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    ids = [one.split("=") for one in holder.stdout.readline().split()]
    assert {kind for kind, _ in ids} == {"prog", "map", "link"}
    assert all(is_there(kind, number) for kind, number in ids)

    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdin.close()
    holder.stdout.close()

    until(lambda: not any(is_there(kind, number) for kind, number in ids))
    assert subject("server.send(b'on it goes')") == 10


def test_nothing_is_left_of_probes_that_are_closed(observe: Observe, subject: Subject) -> None:
    def ours() -> int:
        names = [os.path.realpath(one) for one in Path("/proc/self/fd").iterdir()]
        return sum("bpf" in name for name in names)

    before = ours()
    probes = observe(subject.pid, everything=True)
    trace = probes.trace()
    assert ours() > before + 20

    probes.close()
    probes.close()

    assert ours() == before
    assert trace.calls() == []
    assert probes.happenings() == []
    assert probes.sockets() == {}
    assert (probes.calls()["send"].count, probes.lost, probes.missed, probes.ended) == (0, 0, 0, False)
    trace.close()


def test_the_observed_process_ends(observe: Observe) -> None:
    with Subject() as subject:
        subject(PAIR)
        probes = observe(subject.pid)
        subject("server.send(b'hello')")
        assert not probes.ended
        subject.kill()

    until(lambda: probes.ended)
    assert probes.calls()["send"].bytes == 5  # what was, stays
    assert probes.run_queue().waits is not None
    until(lambda: not probes.sockets())


def test_a_number_that_is_used_again_is_another_process(observe: Observe) -> None:
    probes, again = used_again(observe)

    with again:
        again(PAIR)
        again("server.send(b'somebody else')")
        assert probes.calls()["send"].bytes == 5
        assert probes.ended
        assert not any(one.kind == "opened" and "syn_recv" in one.detail for one in probes.happenings())


def test_a_forked_process_is_another(observe: Observe, subject: Subject) -> None:
    probes = observe(subject.pid)

    subject(
        """
child = os.fork()
if child == 0:
    server.send(b"from the child, to the same peer")
    os._exit(0)
os.waitpid(child, 0); server.send(b"mine")
"""
    )

    assert (probes.calls()["send"].count, probes.calls()["send"].bytes) == (1, 4)


def test_in_a_pid_namespace_seen_from_outside(observe: Observe) -> None:
    with Subject("unshare", "--pid", "--fork", "--kill-child", "--mount-proc") as outer:
        outer(PAIR)
        assert outer("os.getpid()") == 1
        inside = int(Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text())
        probes = observe(inside)

        outer("server.send(b'hello')")

        assert probes.calls()["send"].bytes == 5


def test_in_a_pid_namespace_with_the_observer(observe: Observe) -> None:
    """There a process has another number than the kernel's own."""
    command = python("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    done = subprocess.run(
        [*command, SEND_INSIDE], capture_output=True, text=True, env=environment(), timeout=60, check=False
    )

    assert done.stderr == ""
    pid, count, whole = map(int, re.findall(r"\d+", done.stdout))
    assert pid < 20
    assert (count, whole) == (10, 50)


def test_connections_come_and_go(observe: Observe, subject: Subject) -> None:
    """10,000 of them: each counted, none kept, and what is told or lost adds up."""
    probes = observe(subject.pid, ring=64 << 10)
    before = len(probes.sockets())

    subject(
        """
for _ in range(100):
    lines = []
    for _ in range(100):
        one = socket.create_connection(listener.getsockname()); other, _ = listener.accept()
        other.send(b"0123456789"); lines += [one, other]
    for one in lines[::2]: one.recv(10)
    for one in lines:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\\1\\0\\0\\0\\0\\0\\0\\0"); one.close()
"""
    )

    calls = probes.calls()
    assert (calls["send"].count, calls["send"].bytes) == (10_000, 100_000)
    assert (calls["receive"].count, calls["receive"].bytes) == (10_000, 100_000)
    until(lambda: len(probes.sockets()) == before)
    told = probes.happenings()
    opened_and_closed = 10_000 * 2 * 2
    resets = len(told) + probes.lost - opened_and_closed
    assert probes.lost > 0
    assert resets in (10_000, 20_000)  # received; since Linux 6.10, those that a close sends are told, too
    assert probes.missed == 0


def test_a_ring_that_is_full_loses_and_counts(observe: Observe, subject: Subject) -> None:
    probes = observe(subject.pid, ring=4096)

    subject("lines = [socket.create_connection(listener.getsockname()) for _ in range(100)]")

    told = probes.happenings()
    assert 0 < len(told) < 100
    assert len(told) + probes.lost == 200
    subject("one = socket.create_connection(listener.getsockname())")
    assert [one.kind for one in probes.happenings()][:2] == ["opened", "opened"]  # there is room again


def test_threads_come_and_go(observe: Observe, subject: Subject) -> None:
    """More than there is room for at once: whoever comes later is timed as well."""
    probes = observe(subject.pid, everything=True)
    subject(
        """
def work(): server.send(b"x")
for _ in range(5_000):
    thread = threading.Thread(target=work); thread.start(); thread.join()
    client.recv(1)
"""
    )

    send = probes.calls()["send"]
    assert send.count == sum(send.took.values()) == 5_000


def test_libbpf_writes_nothing(subject: Subject) -> None:
    """What it says is kept, also when the kernel refuses."""
    code = "import sys; from hubbub.observe.kernel.probes import Probes; " + (
        "Probes.open(int(sys.argv[1]), without=['sock_send_length']).close()"
    )
    done = subprocess.run([*python(), code, str(subject.pid)], capture_output=True, env=environment())

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
