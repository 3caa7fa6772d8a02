"""`make test-kernels`: the probes on other kernels than this machine's, each in a machine of software alone.

    make test-kernels                                # those of `KERNELS`
    make test-kernels KERNELS=linux-image-amd64      # Debian's package of another

Debian's kernel is fetched by apt-get into build/kernels, unpacked there and started by qemu, which needs no
privilege and no KVM: with a system in its memory (`initramfs.py`), two processors, no disk, no network.
There `other_guest.py` does known things and writes what the probes counted; here it is judged. Then once
more, locked down. A machine that does not turn itself off is turned off.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

import hubbub
from hubbub.observe.kernel.probes import OBJECT
from hubbub.observe.kernel.refusals import LOCKED_DOWN
from kernel import other_guest
from kernel.initramfs import Initramfs
from kernel.other_guest import FUNCTIONS, MODULES, SENDS, SETS

KERNELS = ("linux-image-cloud-amd64", "linux-image-6.12-cloud-amd64")
"""Debian 12's: 6.1, which has no sock_send_length, and 6.12."""
PLACE = Path(__file__).parents[2] / "build" / "kernels"
DEADLINE = 600
"""Seconds until a machine is turned off."""
MEMORY = 1024
"""MiB that it has."""
LOCKED = "lockdown=confidentiality"

ALWAYS = (
    *("inet_sock_set_state", "tcp_retransmit_skb", "tcp_send_reset", "tcp_receive_reset"),
    *("sock_rcvqueue_full", "sched_process_exit", "sched_switch"),
)
KPROBES = ("kprobe tcp_sendmsg", "kprobe tcp_recvmsg", "kprobe tcp_sendpage")
TIMING_KPROBES = ("kprobe __sys_sendmsg", "kprobe __sys_recvmsg")
HAS_SEND_LENGTH = (6, 3)
TELLS_ASKED = (6, 16)
"""How much a send was to take: to all of the probes."""
HAS_SEND_PAGE = (6, 4)
"""Up to this one."""

NEEDED = {
    "apt-get": "apt",
    "apt-cache": "apt",
    "dpkg-deb": "dpkg",
    "qemu-system-x86_64": "qemu-system-x86",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "ldd": "libc-bin",
}
"""Programs, and the Debian packages that bring them."""


class KernelError(Exception):
    """It could not be tried; its text says why."""


def main() -> int:
    parser = argparse.ArgumentParser(description="The probes on other kernels.")
    parser.add_argument(
        "packages", nargs="*", default=KERNELS, metavar="PACKAGE", help="Debian's, of a kernel"
    )
    packages = parser.parse_args().packages
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the machine with us
    wrong: list[str] = []
    try:
        missing()
        for package in packages:
            folder = fetched(package)
            for words in ("", LOCKED):
                wrong += tried(folder, words)
    except KernelError as error:
        print(f"other kernels: {error}")  # noqa: T201
        return 2
    print("\n".join(wrong) or "all as it should be")  # noqa: T201
    return 1 if wrong else 0


def missing() -> None:
    """KernelError names what this machine lacks."""
    if platform.machine() != "x86_64":
        raise KernelError("made for x86_64 alone")
    packages = {package for program, package in NEEDED.items() if shutil.which(program) is None}
    if packages:
        raise KernelError(f"missing (in Debian: apt-get install {' '.join(sorted(packages))})")
    if not OBJECT.exists():
        raise KernelError("the probes were not built (make probes)")


def fetched(package: str) -> Path:
    """Where a kernel is unpacked: of a package that stands for the newest, that one."""
    told = command("apt-cache", "show", "--no-all-versions", package)
    if newest := re.search(r"^Depends:.*?\b(linux-image-\d\S+)", told, re.M):
        package = newest[1]
    folder = PLACE / package
    if not folder.exists():
        PLACE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=PLACE) as place:
            command("apt-get", "download", package, cwd=place)
            (archive,) = Path(place).glob("*.deb")
            command("dpkg-deb", "-x", str(archive), f"{place}/unpacked")
            (Path(place) / "unpacked").rename(folder)
    return folder


def command(*words: str, cwd: str | None = None) -> str:
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise KernelError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def system(kernel: Path, to: Path) -> list[str]:
    """Write what is in the machine's memory when it starts; returns its first command."""
    whole = Initramfs()
    python = whole.add_python()
    tools = [Path(found) for one in ("unshare", "setpriv") if (found := shutil.which(one))]
    whole.add_program(*tools, library("libbpf.so.1"))
    whole.add_tree(Path(hubbub.__file__).parent / "observe", "/code/hubbub/observe", (".py", ".o"))
    whole.add_file(Path(hubbub.__file__), "/code/hubbub/__init__.py")
    parts = Path(msgspec.__file__).parent
    whole.add_tree(parts, "/code/msgspec", (".py", ".so"))
    whole.add_libraries_of(*parts.glob("*.so"))
    for name in ("other_guest.py", "exercises.py", "subject.py"):
        whole.add_file(Path(__file__).with_name(name), f"/code/kernel/{name}")
    for order, name in enumerate(("inet_diag", "tcp_diag")):  # which a system loads when they are asked for
        (module,) = kernel.glob(f"lib/modules/*/kernel/net/ipv4/{name}.ko*")
        content = module.read_bytes()
        whole.add(
            f"{MODULES}/{order}-{name}", lzma.decompress(content) if module.suffix == ".xz" else content
        )
    whole.write(to)
    return [python, f"/code/kernel/{Path(other_guest.__file__).name}"]


def library(name: str) -> Path:
    told = command("/sbin/ldconfig", "-p")
    if not (found := re.search(rf"^\t{re.escape(name)} .*x86-64.*=> (\S+)", told, re.M)):
        raise KernelError(f"{name} is missing (in Debian: apt-get install libbpf1)")
    return Path(found[1])


def tried(folder: Path, words: str) -> list[str]:
    """Start a kernel, print what is seen, return what is wrong. `words`: for the kernel's command line."""
    name = f"{folder.name.removeprefix('linux-image-')}{' ' + words if words else ''}"
    print(f"-- {name}", flush=True)  # noqa: T201
    wrong: list[str] = []
    told: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=PLACE) as place:
        first, *rest = system(folder, Path(place) / "initramfs")
        console = Path(place) / "console"
        line = f"console=ttyS0 panic=-1 edd=off PYTHONPATH=/code rdinit={first} {words} -- {' '.join(rest)}"
        for one in written(folder, Path(place) / "initramfs", console, line):
            told.append(one)
            if (said := shown(one)) is not None:
                print(f"   {said}", flush=True)  # noqa: T201
        if not told or "done" not in told[-1]:
            wrong.append(f"it did not come to its end:\n{console.read_text(errors='replace')[-3000:]}")
    wrong += judged_locked(told) if words == LOCKED else judged(told)
    checks = [one for one in told if "check" in one]
    print(f"   {len(checks)} checks, {len(wrong)} wrong", flush=True)  # noqa: T201
    return [f"{name}: {one}" for one in wrong]


def written(folder: Path, initramfs: Path, console: Path, line: str) -> Iterator[dict[str, Any]]:
    """What the machine writes, line by line, until it is off."""
    (kernel,) = folder.glob("boot/vmlinuz-*")
    machine = subprocess.Popen(
        [
            *(
                "qemu-system-x86_64",
                "-accel",
                "tcg,thread=multi",
                "-cpu",
                "max",
                "-m",
                str(MEMORY),
                "-smp",
                "2",
            ),
            *("-nodefaults", "-display", "none", "-nic", "none", "-no-reboot", "-no-user-config"),
            *("-serial", f"file:{console}", "-serial", "stdio"),
            *("-kernel", str(kernel), "-initrd", str(initramfs), "-append", line),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(initramfs.parent)},
    )
    assert machine.stdout is not None
    end = threading.Timer(DEADLINE, machine.kill)
    end.start()
    try:
        for text in machine.stdout:
            yield json.loads(text)
    finally:
        end.cancel()
        machine.kill()
        machine.wait()
        machine.stdout.close()


def shown(one: dict[str, Any]) -> str | None:
    """A line for people, of what is worth one."""
    if "attached" in one:
        without = "".join(f"; no {name}: {why}" for name, why in one["missing"].items())
        return f"{one['set']}, in {one['seconds']} s: {', '.join(one['attached'])}{without}"
    if "error" in one or "sentence" in one:
        return f"{one.get('set', 'guest')}: {one.get('error') or one.get('sentence')}"
    if "kernel" in one:
        return f"Linux {one['kernel']}, kprobes: {one['kprobes']}, BTF: {one['types']}"
    return None


def judged(told: Sequence[dict[str, Any]]) -> list[str]:
    """What is wrong, on a kernel that lets probes be."""
    wrong = otherwise(told)
    wrong += [f"{one.get('set', 'guest')}: {one['error']}" for one in told if "error" in one]
    attached = {one["set"]: one["attached"] for one in told if "attached" in one}
    releases = [one["kernel"] for one in told if "kernel" in one]
    if not releases:
        return wrong
    version = tuple(map(int, releases[0].split(".")[:2]))
    for name in SETS:
        expected = sorted(hooks_of(name, version))
        if sorted(attached.get(name, ())) != expected:
            wrong.append(f"{name}: attached is {attached.get(name)}, not {expected}")
    missed = next((one["missing"] for one in told if one.get("set") == "default" and "missing" in one), None)
    return wrong + ([f"default: missing is {missed}"] if missed != {} else [])


def hooks_of(name: str, version: tuple[int, ...]) -> tuple[str, ...]:
    """What is to be attached of a set of hooks (`SETS`)."""
    hooks: tuple[str, ...]
    if name == "kprobes":
        hooks = (*ALWAYS, *KPROBES, *TIMING_KPROBES)
    else:
        counting = FUNCTIONS if name == "functions" or version < HAS_SEND_LENGTH else SENDS
        hooks = (*ALWAYS, *counting, *(("sys_enter",) if name != "default" else ()))
    if name != "default" and version >= TELLS_ASKED:
        hooks += ("tcp_sendmsg_locked",)
    return tuple(one for one in hooks if version <= HAS_SEND_PAGE or "sendpage" not in one)


def judged_locked(told: Sequence[dict[str, Any]]) -> list[str]:
    """What is wrong, on a kernel that refuses them to everybody."""
    errors = {one.get("set"): one["error"] for one in told if "error" in one}
    expected = dict.fromkeys(SETS, LOCKED_DOWN)
    wrong = [] if errors == expected else [f"it says {errors}, not {expected}"]
    return wrong + otherwise(told)


def otherwise(told: Sequence[dict[str, Any]]) -> list[str]:
    """Checks that saw something else than expected; that there were none, is wrong, too."""
    checks = [one for one in told if "check" in one]
    return ["there were no checks"] * (not checks) + [
        f"{one['set']}: {one['check']}: {one['seen']}, not {one['expected']}"
        for one in checks
        if one["seen"] != one["expected"]
    ]


if __name__ == "__main__":
    sys.exit(main())
