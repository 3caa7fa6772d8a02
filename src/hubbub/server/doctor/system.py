"""What the system lets a server have: descriptors, connections that wait, memory."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from hubbub.net.settings import NetSettings
from hubbub.server.doctor.deployment import Deployment
from hubbub.server.doctor.report import Notes

SPARE_DESCRIPTORS: Final = 1_024
"""Besides connections: listeners, the log's files, the loop itself (as `server/descriptors.py` has it)."""
NEARLY_ALL: Final = 0.9
"""So much of what is allowed in use is too much."""
BASE_MEMORY: Final = 96 * 1024 * 1024
"""Bytes of a server at rest, with its web client."""
CONNECTION_MEMORY: Final = 4 * 1024
"""Bytes of an idle connection (bench/README.md)."""
_UNLIMITED: Final = 1 << 60
"""What version 1 of the control groups says where there is no limit is about this."""
_STRICT: Final = "2"
"""vm.overcommit_memory: no more than there is."""


def descriptors(deployment: Deployment, notes: Notes) -> None:
    """RLIMIT_NOFILE against `limits.max_connections`; the server raises its soft limit itself."""
    if sys.platform == "win32":
        notes.note("Windows has no such limit.")
        return
    wanted = deployment.config.limits.max_connections + SPARE_DESCRIPTORS
    soft, hard, whose = _nofile(deployment.pid)
    figures = {"soft": soft, "hard": hard, "wanted": wanted}
    if deployment.pid is None and hard is not None and hard < wanted and _may_raise(wanted):
        hard = wanted  # as the server will, when it starts
    advice = (
        "Set LimitNOFILE= in the systemd unit, --ulimit nofile= of the container or `ulimit -Hn` to "
        f"{wanted:,}; or lower limits.max_connections."
    )
    most = "unlimited" if hard is None else f"{hard:,}"
    if hard is not None and hard < deployment.config.limits.max_connections:
        notes.warn(
            f"{whose} may have {most} files and sockets open, and limits.max_connections alone is "
            f"{wanted - SPARE_DESCRIPTORS:,}: beyond, connections are not accepted.",
            advice,
            **figures,
        )
    elif hard is not None and hard < wanted:
        notes.warn(
            f"{whose} may have {most} files and sockets open; with all connections that "
            f"limits.max_connections allows, the log's files need some more ({wanted:,}).",
            advice,
            **figures,
        )
    else:
        notes.ok(f"{whose} may have {most} files and sockets open; {wanted:,} are enough.", **figures)
    _in_use(deployment.pid, soft, notes)


def _nofile(pid: int | None) -> tuple[int | None, int | None, str]:
    """Soft and hard limit (None: unlimited), and of whom."""
    if pid is not None:
        try:
            for line in Path(f"/proc/{pid}/limits").read_text().splitlines():
                if line.startswith("Max open files"):
                    soft, hard = (None if part == "unlimited" else int(part) for part in line.split()[3:5])
                    return soft, hard, f"The running server (process {pid})"
        except (OSError, ValueError):
            pass
    import resource

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, hard = (None if part == resource.RLIM_INFINITY else part for part in limits)
    return soft, hard, "A server started from here"


def _may_raise(wanted: int) -> bool:
    """Whether the hard limit may be raised: tried on this process. Root may, unless it is confined."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before[0], wanted))
    except (ValueError, OSError):
        return False
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    return True


def _in_use(pid: int | None, soft: int | None, notes: Notes) -> None:
    if pid is None or soft is None:
        return
    try:
        used = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 (a count is wanted, not paths)
    except OSError:
        return  # another user's
    if used > NEARLY_ALL * soft:
        notes.warn(
            f"{used:,} of {soft:,} descriptors are in use: soon nobody else can connect.",
            "See who is connected (/dashboard), and raise the limit.",
            used=used,
        )


def backlog(deployment: Deployment, notes: Notes) -> None:
    """How many connections may wait to be accepted: what we ask for against net.core.somaxconn."""
    wanted = NetSettings().backlog
    most = _number(Path("/proc/sys/net/core/somaxconn"))
    if most is None:
        notes.note("This system does not tell how many connections may wait to be accepted.")
        return
    if most < wanted:
        notes.warn(
            f"{most:,} connections may wait to be accepted, and {wanted:,} are asked for: after a restart "
            "all clients come back at once, and some of them are told to wait.",
            f"`sysctl -w net.core.somaxconn={wanted}`, and the same in /etc/sysctl.d (containers have their "
            "own).",
            somaxconn=most,
            wanted=wanted,
        )
    else:
        notes.ok(f"{wanted:,} connections may wait to be accepted.", somaxconn=most, wanted=wanted)
    overflows = _listen_overflows()
    if overflows:
        notes.note(
            f"Since this network began, {overflows:,} connections to some program here found no place to "
            "wait.",
            "Where that goes on and it is this server: it is overloaded, see /dashboard.",
            overflows=overflows,
        )
    del deployment


def _listen_overflows() -> int:
    try:
        lines = Path("/proc/net/netstat").read_text().splitlines()
    except OSError:
        return 0
    for names, values in zip(lines[::2], lines[1::2], strict=False):
        found = dict(zip(names.split(), values.split(), strict=False))
        if "ListenOverflows" in found:
            return int(found["ListenOverflows"])
    return 0


def memory(deployment: Deployment, notes: Notes) -> None:
    """What there is against what a server as it is set up may take."""
    limits = deployment.config.limits
    idle = BASE_MEMORY + limits.max_connections * CONNECTION_MEMORY
    full = idle + limits.max_input + limits.max_output + deployment.config.storage.max_waiting
    limit = memory_limit(_cgroups(deployment.pid))
    available = _available()
    room = min((size for size in (limit, available) if size is not None), default=None)
    if room is None:
        notes.note("This system does not tell how much memory there is.")
        return
    whose = "the control group's limit" if room == limit else "available"
    figures = {"available": available, "limit": limit, "idle": idle, "full": full}
    advice = "Give it more, or lower limits.max_connections, limits.max_input and limits.max_output."
    if room < BASE_MEMORY and deployment.pid is None:
        notes.fail(
            f"{mebibytes(room)} of memory ({whose}): a server with nobody there needs "
            f"{mebibytes(BASE_MEMORY)}.",
            advice,
            **figures,
        )
    elif room < idle and (deployment.pid is None or room == limit):
        notes.warn(
            f"{mebibytes(room)} of memory ({whose}): limits.max_connections idle connections need about "
            f"{mebibytes(idle)}.",
            advice,
            **figures,
        )
    elif room < full and (deployment.pid is None or room == limit):
        notes.note(
            f"{mebibytes(room)} of memory ({whose}): enough for every day. If all queues were full at once, "
            f"as under attack, it would be {mebibytes(full)}, and the system ends who takes too much.",
            advice,
            **figures,
        )
    else:
        notes.ok(
            f"{mebibytes(room)} of memory ({whose}); at the very most it takes {mebibytes(full)}.", **figures
        )
    if _text(Path("/proc/sys/vm/overcommit_memory")) == _STRICT:
        notes.note(
            "The system promises no more memory than it has (vm.overcommit_memory = 2): compaction and "
            "pictures, which are processes of their own, may not start.",
            "If the log says so, raise vm.overcommit_ratio.",
        )


def memory_limit(cgroups: str, root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """The least limit of a process's control group and all above it, in bytes; None: there is none.

    `cgroups` is its /proc/PID/cgroup (cgroups(7)): of version 2 the line `0::PATH`, of version 1 the one with
    `memory`. In a container the group's own directory is the root, whatever its path says.
    """
    least: int | None = None
    for line in cgroups.splitlines():
        _, controllers, path = line.split(":", 2) if line.count(":") >= 2 else ("", "?", "")
        if controllers == "":
            base, name = root, "memory.max"
        elif "memory" in controllers.split(","):
            base, name = root / "memory", "memory.limit_in_bytes"
        else:
            continue
        parts = [part for part in path.split("/") if part not in ("", "..", ".")]
        for depth in range(len(parts), -1, -1):
            limit = _number(base.joinpath(*parts[:depth], name))
            if limit is not None and limit < _UNLIMITED:
                least = limit if least is None else min(least, limit)
    return least


def _cgroups(pid: int | None) -> str:
    return _text(Path(f"/proc/{pid or 'self'}/cgroup")) or ""


def _available() -> int | None:
    for line in (_text(Path("/proc/meminfo")) or "").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text is not None and text.isdecimal() else None


def mebibytes(size: int) -> str:
    """For people."""
    return f"{size / 2**30:,.1f} GiB" if size >= 2**30 else f"{size / 2**20:,.0f} MiB"
