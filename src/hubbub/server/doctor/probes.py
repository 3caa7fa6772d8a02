"""What the kernel lets probes do: they are loaded for a moment, on this very process. An addition, so that
nothing here is a fault unless the settings ask for them.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Final

from hubbub.observe.kernel.libbpf import LIBRARY
from hubbub.observe.kernel.probes import OBJECT, TYPES, Probes, ProbesError
from hubbub.server.doctor.deployment import Deployment
from hubbub.server.doctor.report import Figure, Notes

_ADMIN, _PERFMON, _BPF = 21, 38, 39  # capabilities(7)
_WITHOUT: Final = "Without them, `hubbub why` goes by what any process may ask (TCP_INFO, /proc)."


def probes(deployment: Deployment, notes: Notes) -> None:
    """Whether they attach, and if not, everything that is in the way."""
    settings = deployment.config.probes
    if settings.mode == "off":
        notes.note("Probes are switched off (probes.mode).")
        return
    figures: dict[str, Figure] = {
        "btf": TYPES.exists(),
        "libbpf": _loads(LIBRARY),
        "object": OBJECT.is_file(),
    }
    figures |= {"allowed": may_load(_text(Path("/proc/self/status"))), "lockdown": lockdown()}
    try:
        if not sys.platform.startswith("linux"):
            raise ProbesError("this system is not Linux")
        with Probes.open(os.getpid(), everything=settings.everything) as opened:
            source = opened.source
    except ProbesError as error:
        advice = " ".join(_advice(figures)) or _WITHOUT
        if settings.mode == "on":
            notes.fail(
                f"No probes: {error}. The server does not start so (probes.mode = on).", advice, **figures
            )
        else:
            notes.note(f"No probes: {error}. {_WITHOUT}", advice if advice != _WITHOUT else "", **figures)
        return
    attached = len(source.attached)
    notes.ok(f"Probes attach, {attached} of them.", attached=attached, **figures)
    for name, why in source.missing.items():
        notes.note(f"Of the probes, {name} is missing: {why}.")


def _advice(figures: dict[str, Figure]) -> list[str]:
    needs = {
        "btf": "Use a kernel with CONFIG_DEBUG_INFO_BTF.",
        "libbpf": "Install libbpf 1 (Debian: libbpf1; Fedora: libbpf).",
        "object": "Install a wheel, or run `python3 scripts/probes.py` with clang.",
        "allowed": "Run the server as root, or with CAP_BPF and CAP_PERFMON (systemd: AmbientCapabilities=).",
    }
    found = [advice for name, advice in needs.items() if not figures[name]]
    if figures["lockdown"] == "confidentiality":
        found.append("Boot with lockdown=integrity.")
    return found


def may_load(status: str) -> bool:
    """By the effective capabilities in /proc/PID/status."""
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            held = int(line.split()[1], 16)
            return bool(held >> _ADMIN & 1 or (held >> _BPF & 1 and held >> _PERFMON & 1))
    return False


def lockdown(modes: str | None = None) -> str | None:
    """The chosen mode stands in brackets: `none [integrity] confidentiality`. None: there is none."""
    text = modes if modes is not None else _text(Path("/sys/kernel/security/lockdown"))
    return text.partition("[")[2].partition("]")[0] or None


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
