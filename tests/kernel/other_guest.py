"""What runs inside another kernel: a process does known things, the probes count, both are written down.

    python other_guest.py        # as the first process of a machine, which it turns off: see other_kernel.py

Each line that it writes is a JSON object: of a set of hooks (`SETS`) which are `attached`, or of a `check`
what was `seen` and what is `expected`.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from hubbub.observe.kernel.observer import Observer
from hubbub.observe.kernel.probes import Probes, ProbesError
from kernel.exercises import EXERCISES, PATIENCE, Checks, say, until
from kernel.subject import PAIR, Subject

DEADLINE = 400.0
"""Seconds until the machine is turned off, whatever it is at."""
OUT = "/dev/ttyS1"
MODULES = Path("/modules")

SENDS = ("sock_send_length", "sock_recv_length")
FUNCTIONS = ("fexit tcp_sendmsg", "fexit tcp_recvmsg", "fexit tcp_sendpage")
SETS: dict[str, dict[str, Any]] = {
    "default": {},
    "everything": {"everything": True},
    "functions": {"everything": True, "without": SENDS},
    "kprobes": {"everything": True, "without": (*SENDS, *FUNCTIONS, "sys_enter")},
}
"""By name, how probes are opened: as on this kernel, and as on older ones."""

HOLD = """
import sys
from hubbub.observe.kernel.probes import Probes
probes = Probes.open(int(sys.argv[1]), everything=True)
trace = probes.trace()
print("there", flush=True)
sys.stdin.read()
"""
ATTACH = """
import json, os
from hubbub.observe.kernel.probes import Probes
from kernel.other_guest import SETS
print(json.dumps([Probes.open(os.getpid(), **how).source.attached for how in list(SETS.values())[:-1]]))
print(Probes.open(os.getpid(), **SETS["kprobes"]).source.missing.get("kprobe tcp_sendmsg"))
"""
INSIDE = """
import json
from hubbub.observe.kernel.probes import Probes
from kernel.subject import PAIR, Subject
with Subject() as subject:
    subject(PAIR)
    probes = Probes.open(subject.pid)
    subject("for _ in range(10): server.send(b'hello')")
    send = probes.calls()["send"]
    print(json.dumps([subject.pid < 20, send.count, send.bytes]))
"""
TWO_CAPABILITIES = ("setpriv", "--bounding-set=-all,+bpf,+perfmon", "--inh-caps=-all")
KPROBES_REFUSED = "the kernel refuses (Permission denied)"
"""With these: Debian asks for CAP_SYS_ADMIN (kernel.perf_event_paranoid)."""
PID_NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")

libc = ctypes.CDLL(None, use_errno=True)


def in_the_kernel() -> dict[str, int]:
    """How many programs, maps and links the kernel has, of anybody."""
    found: dict[str, int] = {}
    for kind, command in (("programs", 11), ("maps", 12), ("links", 31)):  # BPF_…_GET_NEXT_ID
        number, found[kind] = 0, 0
        while True:
            request = ctypes.create_string_buffer(struct.pack("III", number, 0, 0), 12)
            if libc.syscall(321, command, request, 12) != 0:
                break
            number = struct.unpack("III", request.raw)[1]
            found[kind] += 1
    return found


def output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    return done.stdout if done.returncode == 0 else f"{done.returncode}: {done.stderr[-1500:]}"


def try_set(name: str, how: dict[str, Any]) -> None:
    """All that is counted and told with one set of hooks."""
    check = Checks(name)
    for exercise in EXERCISES:
        with Subject() as subject:
            subject(PAIR)
            subject("data = bytes(1_000); file = open('/proc/self/exe', 'rb')")
            began = time.monotonic()
            try:
                probes = Probes.open(subject.pid, **how)
            except ProbesError as error:
                say(set=name, error=str(error))
                return
            took = time.monotonic() - began
            with probes, check.going_on(exercise.__name__):
                if exercise is EXERCISES[0]:
                    source = probes.source
                    say(set=name, attached=source.attached, missing=source.missing, seconds=round(took, 2))
                exercise(check, probes, subject)
    check("nothing is left", until(lambda: not any(in_the_kernel().values())), True)


def try_observer() -> None:
    """What the server's helper does: probes and TCP_INFO, joined."""
    check = Checks("observer")
    with Subject() as subject, check.going_on("observer"):
        subject(PAIR)
        observer = Observer(subject.pid)
        try:
            subject("for _ in range(20): server.send(bytes(100)); client.recv(100, socket.MSG_WAITALL)")
            seen: list[object] = []
            counts = [20, 2_000] if observer.source.probes else [None, None]
            expected = [[2_000, 2_000, *counts, "established"], 1]  # the client's end is the client's

            def joined() -> bool:
                report = observer.report()
                lines = observer.lines([subject.number("cookie")])
                seen[:] = [[one.sent, one.acked, one.sends, one.send_bytes, one.state] for one in lines]
                seen.append(report.lines)
                return seen == expected

            until(joined)
            check("a line", seen, expected)
            say(set="observer", sentence=observer.source.sentence)
        finally:
            observer.close()


def try_lifetime() -> None:
    """Killed, with two capabilities alone, in a PID namespace."""
    check = Checks("lifetime")
    with Subject() as subject, check.going_on("killed"):
        subject(PAIR)
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(subject.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert holder.stdout is not None
        check(
            "killed: was there",
            [holder.stdout.readline(), min(in_the_kernel().values()) > 5],
            ["there\n", True],
        )
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        check("killed: nothing is left", until(lambda: not any(in_the_kernel().values())), True)
    with check.going_on("capabilities"):
        attached, kprobes = output(sys.executable, "-c", ATTACH).splitlines()
        two = output(*TWO_CAPABILITIES, sys.executable, "-c", ATTACH).splitlines()
        check("two capabilities", two, [attached, KPROBES_REFUSED])
        check("all capabilities: kprobes", kprobes, "None")
    with check.going_on("namespace"):
        check("in a PID namespace", output(*PID_NAMESPACE, sys.executable, "-c", INSIDE), "[true, 10, 50]\n")


def work() -> None:
    kernel = os.uname().release
    kprobes = Path("/sys/bus/event_source/devices/kprobe").exists()
    types = Path("/sys/kernel/btf/vmlinux").exists()
    say(kernel=kernel, kprobes=kprobes, types=types)
    try:
        for name, how in SETS.items():
            try_set(name, how)
        try_observer()
        if "lockdown" not in Path("/proc/cmdline").read_text():
            try_lifetime()
    except Exception:  # noqa: BLE001 (whatever it is)
        say(error=traceback.format_exc()[-3000:])
    say(done=True)


# ---- the first process


def mount(kind: str, on: str) -> None:
    if libc.mount(kind.encode(), on.encode(), kind.encode(), 0, None) != 0:
        print(f"{on}: {os.strerror(ctypes.get_errno())}", flush=True)  # noqa: T201


def start() -> None:
    """What a system does when it starts: mount, load modules, bring up the loopback device."""
    for kind, on in (("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev"), ("tmpfs", "/tmp")):
        mount(kind, on)
    for module in sorted(MODULES.iterdir()):
        with module.open("rb") as content:
            if libc.syscall(313, content.fileno(), b"", 0) != 0:  # finit_module
                print(f"{module}: {os.strerror(ctypes.get_errno())}", flush=True)  # noqa: T201
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH22x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP


def first() -> None:
    """Start, let a child work, turn the machine off."""
    try:
        start()
        with Path(OUT).open("wb", buffering=0) as out:
            subprocess.run([sys.executable, __file__], stdout=out, timeout=DEADLINE, check=False)
    except BaseException:  # noqa: BLE001 (it must be turned off)
        traceback.print_exc()
    finally:
        libc.reboot(0x4321FEDC)  # LINUX_REBOOT_CMD_POWER_OFF


if __name__ == "__main__":
    first() if os.getpid() == 1 else work()
