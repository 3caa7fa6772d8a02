"""Where the kernel, or what is installed, refuses: one sentence, and nothing is left."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hubbub.observe.kernel.probes import Probes, ProbesError
from hubbub.observe.kernel.refusals import LOCKED_DOWN, refusal
from kernel.subject import Subject

Observe = Callable[..., Probes]

REFUSING = str(Path(__file__).with_name("refusing.py"))
PRIVILEGES = "root is needed, or the capabilities CAP_BPF and CAP_PERFMON"
MAP_CREATE, PROG_LOAD, RAW_TRACEPOINT_OPEN, LINK_CREATE, ITER_CREATE = 0, 5, 17, 28, 33
SEEN_BY_KERNELS_SINCE_6_3 = ("sock_send_length", "sock_recv_length")


def tried(pid: int, *how: str, before: tuple[str, ...] = ()) -> dict[str, Any]:
    """What came of observing it, in a process that may do less."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [*before, sys.executable, REFUSING, str(pid), *how]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment)
    assert done.stderr == ""
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert told["left"] == 0
    return told


def with_capabilities(*names: str) -> tuple[str, ...]:
    """A command that gives up all others."""
    wanted = "-all" + "".join(f",+{name}" for name in names)
    return ("setpriv", f"--bounding-set={wanted}", "--inh-caps=-all")


def test_without_privilege(subject: Subject) -> None:
    told = tried(subject.pid, before=with_capabilities())

    assert told["error"] == f"the kernel refuses (Operation not permitted): {PRIVILEGES}"


@pytest.mark.parametrize("capability", ["bpf", "perfmon"])
def test_one_capability_is_not_enough(subject: Subject, capability: str) -> None:
    assert PRIVILEGES in tried(subject.pid, before=with_capabilities(capability))["error"]


def test_two_capabilities_are_enough(subject: Subject) -> None:
    told = tried(subject.pid, before=with_capabilities("bpf", "perfmon"))

    assert told["missing"] == {}
    assert told["calls"] == 4


@pytest.mark.parametrize("command", [MAP_CREATE, PROG_LOAD])
def test_bpf_refused_at_loading(subject: Subject, command: int) -> None:
    assert PRIVILEGES in tried(subject.pid, f"bpf={command}")["error"]


def test_bpf_refused_at_attaching(subject: Subject) -> None:
    told = tried(subject.pid, f"bpf={RAW_TRACEPOINT_OPEN},{LINK_CREATE}")

    assert told["error"] == f"the kernel refuses (Operation not permitted): {PRIVILEGES}"


def test_bpf_refused_at_iterating(subject: Subject) -> None:
    told = tried(subject.pid, f"bpf={ITER_CREATE}")

    assert told["error"] == f"the kernel lets nobody iterate: Operation not permitted: {PRIVILEGES}"


@pytest.mark.parametrize("room", [2, 5, 9, 15, 20, 25, 30, 35])
def test_refused_half_way(subject: Subject, room: int) -> None:
    """However far it comes until there are no descriptors left."""
    told = tried(subject.pid, f"files={5 + room}")

    assert "error" in told or told["missing"]
    assert "Too many open files" in str(told)


def test_without_the_object(tmp_path: Path) -> None:
    with pytest.raises(ProbesError) as raised:
        Probes.open(os.getpid(), program=tmp_path / "hubbub.bpf.o")
    assert str(raised.value) == "the probes were not built: clang was missing (make probes)"


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"not an object" * 100, bytes(10_000)])
def test_an_object_that_is_none(observe: Observe, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.o").write_bytes(content)
    with pytest.raises(ProbesError, match="the object of the probes cannot be read"):
        observe(os.getpid(), program=tmp_path / "broken.o")


def test_an_object_of_another_version(observe: Observe, compiled: Callable[..., Path]) -> None:
    older = compiled(("#define BUCKETS 160", "#define BUCKETS 128"))

    with pytest.raises(ProbesError) as raised:
        observe(os.getpid(), program=older)
    assert str(raised.value) == "the probes were built for another version (make probes)"


def test_without_types(tmp_path: Path) -> None:
    with pytest.raises(ProbesError) as raised:
        Probes.open(os.getpid(), types=tmp_path / "vmlinux")
    assert str(raised.value) == "this kernel does not tell its types (BTF; CONFIG_DEBUG_INFO_BTF)"


def test_without_libbpf(observe: Observe) -> None:
    with pytest.raises(ProbesError) as raised:
        observe(os.getpid(), library="libnowhere.so.1")
    assert str(raised.value) == "libnowhere.so.1 is missing (in Debian: libbpf1)"


@pytest.mark.parametrize("source", ["int libbpf_major_version(void) { return 0; }", "int nothing;"])
def test_libbpf_that_is_too_old(observe: Observe, tmp_path: Path, source: str) -> None:
    (tmp_path / "old.c").write_text(source)
    library = str(tmp_path / "libbpf.so.0")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, str(tmp_path / "old.c")], check=True)

    with pytest.raises(ProbesError, match=r"libbpf.so.0 is too old.*: libbpf 1.0 is needed"):
        observe(os.getpid(), library=library)


def test_a_process_that_is_not_there(observe: Observe) -> None:
    process = subprocess.Popen(["true"])
    process.wait()

    with pytest.raises(ProbesError) as raised:
        observe(process.pid)
    assert str(raised.value) == f"there is no process {process.pid}"


def test_a_thread_is_no_process(observe: Observe, subject: Subject) -> None:
    subject("stop = threading.Event(); thread = threading.Thread(target=stop.wait); thread.start()")
    thread = subject.number("thread.native_id")

    with pytest.raises(ProbesError, match=f"the process {thread} cannot be watched"):
        observe(thread)
    subject("stop.set()")


@pytest.mark.parametrize("ring", [-1, 0, 1 << 29, 1 << 40])
def test_a_ring_of_no_size_that_one_has(observe: Observe, subject: Subject, ring: int) -> None:
    with pytest.raises(ProbesError, match=f"the ring happenings cannot have {ring} bytes"):
        observe(subject.pid, ring=ring)


def test_a_program_that_the_verifier_refuses(
    observe: Observe, subject: Subject, compiled: Callable[..., Path]
) -> None:
    """It is left out with the verifier's reason; the others work."""
    program = compiled(("	tid = before->pid;\n", "	tid = *(volatile __u32 *)((char *)before - 4);\n"))

    probes = observe(subject.pid, program=program)

    subject("server.send(b'hello')")
    assert probes.calls()["send"].count == 1
    assert list(probes.source.missing) == ["sched_switch"]
    assert "task_struct" in probes.source.missing["sched_switch"]
    assert probes.run_queue().waits is None


@pytest.mark.parametrize("reason", ["unknown func", "program of this type cannot use helper"])  # 6.1, 6.12
def test_a_kernel_that_is_locked_down(reason: str) -> None:
    """As such a kernel says it; `make test-kernels` asks real ones."""
    said = ["0: (85) call bpf_probe_read#4", f"{reason} bpf_probe_read#4", "processed 31 insns"]

    assert refusal(errno.EINVAL, said) == LOCKED_DOWN
    assert refusal(errno.EINVAL, [f"{reason} bpf_loop#181"]) != LOCKED_DOWN


def test_the_fallbacks_are_tried_and_told(observe: Observe, subject: Subject) -> None:
    probes = observe(subject.pid, without=SEEN_BY_KERNELS_SINCE_6_3)
    missing = probes.source.missing
    subject("server.send(b'hello')")

    if "fexit tcp_sendmsg" in probes.source.attached:  # this kernel lets functions be traced
        assert probes.calls()["send"].bytes == 5
        assert "sock_send_length" not in missing
        return
    assert missing["sock_send_length"] == missing["sock_recv_length"] == "it was left out"
    assert missing["fexit tcp_sendmsg"].startswith("the kernel refuses (")
    assert missing["kprobe tcp_sendmsg"] == "this kernel has no kprobes"
    assert probes.calls() == {}
    assert probes.run_queue().waits is not None
