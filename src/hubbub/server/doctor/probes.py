"""What the kernel lets probes do. They are an addition, so nothing here is a fault."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Final

from hubbub.server.doctor.deployment import Deployment
from hubbub.server.doctor.report import Notes

OBJECT: Final = Path(__file__).parents[2] / "observe" / "kernel" / "hubbub.bpf.o"
"""What `scripts/probes.py` and the build hook put there."""
LIBRARY: Final = "libbpf.so.1"
_BTF: Final = Path("/sys/kernel/btf/vmlinux")
_ADMIN, _PERFMON, _BPF = 21, 38, 39  # capabilities(7)
_WITHOUT: Final = "Without, `hubbub why` goes by what any process may ask (TCP_INFO, /proc)."


def probes(deployment: Deployment, notes: Notes) -> None:
    """Everything that a probe needs, one by one, and then what is in the way."""
    del deployment
    if not sys.platform.startswith("linux"):
        notes.note("Probes are for Linux.")
        return
    btf, library, built = _BTF.exists(), _loads(LIBRARY), OBJECT.is_file()
    allowed, lockdown = may_load(_text(Path("/proc/self/status"))), _lockdown()
    figures = {"btf": btf, "libbpf": library, "object": built, "allowed": allowed, "lockdown": lockdown}
    missing = []
    if not btf:
        missing.append(
            ("the kernel has no type information (BTF)", "Use a kernel with CONFIG_DEBUG_INFO_BTF.")
        )
    if not library:
        missing.append(
            (f"{LIBRARY} is not installed", "Debian: `apt install libbpf1`; Fedora: `dnf install libbpf`.")
        )
    if not built:
        missing.append(
            ("the probes were not built", "Install a wheel; or, with clang, run `python3 scripts/probes.py`.")
        )
    if not allowed:
        missing.append(
            (
                "this user may load none",
                "Run as root, or with CAP_BPF and CAP_PERFMON (systemd: AmbientCapabilities=).",
            )
        )
    if lockdown == "confidentiality":
        missing.append(
            ("the kernel is locked down (confidentiality)", "Boot with lockdown=integrity or none.")
        )
    for what, advice in missing:
        notes.note(f"No probes: {what}. {_WITHOUT}", advice, **figures)
    if not missing:
        notes.ok("The kernel has what probes need, and this user may load them.", **figures)


def may_load(status: str) -> bool:
    """By the effective capabilities in /proc/PID/status."""
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            held = int(line.split()[1], 16)
            return bool(held >> _ADMIN & 1 or (held >> _BPF & 1 and held >> _PERFMON & 1))
    return False


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _lockdown() -> str | None:
    """The chosen mode stands in brackets: `none [integrity] confidentiality`. None: there is none."""
    text = _text(Path("/sys/kernel/security/lockdown"))
    return text.partition("[")[2].partition("]")[0] or None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
