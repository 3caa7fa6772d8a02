"""The disk under the data: space, and how long it takes until a write is really there."""

from __future__ import annotations

import contextlib
import math
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hubbub.log.files import OsFile
from hubbub.server.doctor.deployment import Deployment
from hubbub.server.doctor.report import Notes
from hubbub.server.doctor.system import mebibytes

LEAST_FREE: Final = 1024 * 1024 * 1024
"""Bytes: with less, it is time to look."""
LEAST_FILES: Final = 1_000
"""Files that can still be made."""
WRITES: Final = 200
"""How many, one after the other, as the log writes: into room that was taken before."""
WRITE_BYTES: Final = 512
TIME_FOR_WRITES: Final = 0.8
"""Seconds after which no further one is begun: a slow disk is known by then."""
SLOW_P99: Final = 0.010
"""Seconds: what others ask of a disk for a log, too (etcd's rule)."""
VERY_SLOW_P99: Final = 0.100
"""Seconds: people feel each message wait."""
TOO_FAST_P50: Final = 0.000_015
"""Seconds: no disk is as fast as that; something says it is there, and keeps it in memory."""
_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
_REMOTE: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs", "fuse.glusterfs"}
)
_ESCAPED: Final = {"\\040": " ", "\\011": "\t", "\\012": "\n", "\\134": "\\"}  # proc(5), mountinfo


def space(deployment: Deployment, notes: Notes) -> None:
    """Free bytes and files where the data is."""
    place = _place(deployment, notes)
    if place is None:
        return
    found = os.statvfs(place)
    free = found.f_bavail * found.f_frsize
    whole = found.f_blocks * found.f_frsize
    segment = deployment.config.storage.segment_bytes
    figures = {"free": free, "whole": whole, "files": found.f_favail if found.f_files else None}
    if found.f_flag & os.ST_RDONLY:
        notes.fail(
            f"{place} is mounted for reading only.",
            "`dmesg` says why, if nobody did it: a file system with errors ends so.",
            **figures,
        )
    if free < segment:
        notes.fail(
            f"{mebibytes(free)} free at {place}: the log takes {mebibytes(segment)} at a time, so soon "
            "nobody can send.",
            "Make space: `hubbub log compact` and `hubbub files gc` give some back; or lower "
            "storage.keep_days.",
            **figures,
        )
    elif free < LEAST_FREE:
        notes.warn(
            f"{mebibytes(free)} free at {place}.",
            "Make space, or set storage.keep_days; compaction needs some itself.",
            **figures,
        )
    else:
        notes.ok(f"{mebibytes(free)} of {mebibytes(whole)} free at {place}.", **figures)
    if found.f_files and found.f_favail < LEAST_FILES:
        notes.warn(
            f"Only {found.f_favail:,} more files can be made at {place}.",
            "Look for who makes so many: `df -i`, `du --inodes`.",
        )


def latency(deployment: Deployment, notes: Notes) -> None:
    """Measure fdatasync, in a file without a name on the same file system: nothing of it can stay."""
    place = _place(deployment, notes)
    if place is None:
        return
    kind = file_system(place)
    try:
        taken = sorted(_measure(place))
    except OSError as error:
        if deployment.data is None or place == deployment.data:
            notes.fail(
                f"Nothing can be written at {place}: {error.strerror}.",
                "See who owns it, and how it is mounted; run the doctor as the server's user.",
            )
        else:
            notes.note(f"Not measured: {error.strerror} at {place}; {deployment.data} is not there yet.")
        return
    p50, p99 = taken[len(taken) // 2], taken[math.ceil(0.99 * len(taken)) - 1]
    figures = {"p50": p50, "p99": p99, "writes": len(taken), "kind": kind}
    told = (
        f"{len(taken)} writes to {kind or 'the disk'}: half were there within {_time(p50)}, 99 of 100 "
        f"within {_time(p99)}"
    )
    if kind in _IN_MEMORY:
        notes.warn(
            f"{place} is memory ({kind}): all of it is gone when the machine stops.",
            "Set server.data to a directory on a disk.",
            **figures,
        )
    elif p99 > VERY_SLOW_P99:
        notes.warn(
            f"{told}: each message waits for that.",
            "Put the data on a local SSD; or set server.durability to interval=MS, if the last moments may "
            "be lost.",
            **figures,
        )
    elif p99 > SLOW_P99:
        notes.note(
            f"{told}: slow for a log (more than {_time(SLOW_P99)}).",
            "Something else may have used the disk just now; if it stays so, a local SSD helps.",
            **figures,
        )
    elif p50 < TOO_FAST_P50:
        notes.note(
            f"{told}. That is faster than a disk: a loss of power may take what was said to be there.",
            "Look whether the virtual machine or the controller ignores flushes (cache=unsafe).",
            **figures,
        )
    else:
        notes.ok(f"{told}.", **figures)
    if kind in _REMOTE:
        notes.warn(
            f"{place} is on another machine ({kind}): locks and flushes may not be what the log relies on.",
            "Keep the data on a local disk, and back it up to the other machine.",
        )


def _place(deployment: Deployment, notes: Notes) -> Path | None:
    """The data directory, or where it would be made."""
    if deployment.data is None:
        notes.note("Nothing is kept (server.data is :memory:), so no disk was looked at.")
        return None
    try:
        return next(
            (path for path in (deployment.data, *deployment.data.absolute().parents) if path.is_dir()), None
        )
    except OSError as error:
        notes.note(f"Not looked at: {error.filename}: {error.strerror}.")
        return None


def _measure(place: Path) -> Iterator[float]:
    with _nameless(place) as descriptor:
        file = OsFile(descriptor)
        file.preallocate(0, WRITES * WRITE_BYTES)
        file.fdatasync()
        data = bytes(WRITE_BYTES)
        end = time.monotonic() + TIME_FOR_WRITES
        for number in range(WRITES):
            began = time.perf_counter()
            file.pwrite(data, number * WRITE_BYTES)
            file.fdatasync()
            yield time.perf_counter() - began
            if time.monotonic() > end:
                break


@contextlib.contextmanager
def _nameless(place: Path) -> Iterator[int]:
    """A file that no name leads to, so that it is gone with its descriptor (O_TMPFILE, or unlinked)."""
    try:
        descriptor = os.open(place, os.O_TMPFILE | os.O_RDWR, stat.S_IRUSR | stat.S_IWUSR)
    except (OSError, AttributeError):
        descriptor, name = tempfile.mkstemp(prefix=".hubbub-doctor-", dir=place)
        Path(name).unlink()
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def file_system(place: Path, mounts: str | None = None) -> str | None:
    """Its kind, such as ext4: of the last mount that the path is under. None: the system does not tell."""
    try:
        lines = (mounts if mounts is not None else Path("/proc/self/mountinfo").read_text()).splitlines()
    except OSError:
        return None
    real, best, kind = place.resolve(), -1, None
    for line in lines:
        before, _, after = line.partition(" - ")
        point = before.split(" ")[4]
        for escape, meant in _ESCAPED.items():
            point = point.replace(escape, meant)
        if real.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), after.split(" ")[0]
    return kind


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms"
