"""Which process listens on a port: from /proc, as far as whoever asks may look."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

_LISTEN: Final = "0A"  # TCP_LISTEN, in /proc/net/tcp
_MOST: Final = 20_000
"""Processes and descriptors that are looked at, so that a busy machine does not take long."""


class Holder(NamedTuple):
    """A process that listens."""

    pid: int
    name: str

    def __str__(self) -> str:
        """For a sentence."""
        return f"{self.name} (process {self.pid})"


def holder_of(port: int) -> Holder | None:
    """None: nobody, or the system does not tell (other users' processes are root's to see)."""
    wanted = {f"socket:[{inode}]" for inode in _listening(port)}
    if not wanted:
        return None
    looked = 0
    for process in _names(Path("/proc")):
        if not process.isdecimal():
            continue
        for descriptor in _names(Path("/proc", process, "fd")):
            looked += 1
            if looked > _MOST:
                return None
            try:
                if os.readlink(f"/proc/{process}/fd/{descriptor}") in wanted:  # noqa: PTH115 (no path)
                    return Holder(int(process), Path("/proc", process, "comm").read_text().strip())
            except OSError:
                continue
    return None


def _listening(port: int) -> list[str]:
    """Inodes of the sockets that listen there (proc_net_tcp.rst)."""
    found = []
    for table in ("tcp", "tcp6"):
        try:
            lines = Path("/proc/net", table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                found.append(fields[9])
    return found


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 (names are wanted)
    except OSError:
        return []
