"""A disk that takes its time: a FUSE file system over a directory, whose fsync and fdatasync take as long as
it is told. A program, and a way to start it:

    with slow_disk(stage.here) as disk:
        ... disk.path ...
        disk.take(0.3)

It is mounted in that namespace alone, and goes with it: a test that is killed leaves no mount.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

if __name__ != "__main__":
    from kernel.staging import ROOM, Namespace

PATIENCE = 10.0


class Disk:
    """Where it is, and how slow."""

    def __init__(self, path: Path, process: subprocess.Popen[bytes]) -> None:
        self.path = path
        self._process = process

    def take(self, seconds: float) -> None:
        """From now on, let every fsync and fdatasync take so long."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{seconds}\n".encode())
        self._process.stdin.flush()


@contextlib.contextmanager
def slow_disk(namespace: Namespace) -> Iterator[Disk]:
    """Such a disk in `namespace`, fast as yet: what is on it lies in memory."""
    beneath, at = ROOM / "beneath", ROOM / "disk"
    for one in (beneath, at):
        namespace.run(one.mkdir)
    words = [sys.executable, __file__, str(beneath), str(at)]
    process = namespace.run(lambda: subprocess.Popen(words, stdin=subprocess.PIPE))
    try:
        deadline = time.monotonic() + PATIENCE
        while not namespace.run(lambda: os.path.ismount(at)):
            assert process.poll() is None, "the file system has not begun"
            assert time.monotonic() < deadline, "the file system does not begin"
            time.sleep(0.02)
        yield Disk(at, process)
    finally:
        namespace.command("umount", "--lazy", at)
        process.kill()
        process.communicate()


def mount(beneath: str, at: str) -> None:
    """Serve it until it is unmounted, or standard input ends."""
    from mfusepy import FUSE, Operations  # type: ignore[import-untyped]

    class SlowDisk(Operations):  # type: ignore[misc] # it has no types
        """Everything goes to the directory beneath. Paths begin with a slash."""

        seconds = 0.0

        use_ns = True

        def access(self, path: str, amode: int) -> int:
            return 0

        def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
            found = os.lstat(beneath + path)
            names = ("mode", "nlink", "uid", "gid", "size", "blocks", "ino")
            times = {f"st_{name}": getattr(found, f"st_{name}_ns") for name in ("atime", "mtime", "ctime")}
            return {**{f"st_{name}": getattr(found, f"st_{name}") for name in names}, **times}

        def readdir(self, path: str, fh: int) -> list[str]:
            return [".", "..", *(one.name for one in Path(beneath + path).iterdir())]

        def create(self, path: str, mode: int, fi: object = None) -> int:
            return os.open(beneath + path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, mode)

        def open(self, path: str, flags: int) -> int:
            return os.open(beneath + path, flags & ~os.O_APPEND)  # the kernel says where each write goes

        def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
            return os.pread(fh, size, offset)

        def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
            return os.pwrite(fh, data, offset)

        def truncate(self, path: str, length: int, fh: int | None = None) -> None:
            os.truncate(beneath + path, length)

        def fsync(self, path: str, datasync: int, fh: int) -> None:
            time.sleep(self.seconds)
            os.fsync(fh)

        def fsyncdir(self, path: str, datasync: int, fh: int) -> None:
            time.sleep(self.seconds)

        def release(self, path: str, fh: int) -> None:
            os.close(fh)

        def unlink(self, path: str) -> None:
            Path(beneath + path).unlink()

        def mknod(self, path: str, mode: int, dev: int) -> None:
            os.mknod(beneath + path, mode, dev)

        def mkdir(self, path: str, mode: int) -> None:
            Path(beneath + path).mkdir(mode)

        def rmdir(self, path: str) -> None:
            Path(beneath + path).rmdir()

        def rename(self, old: str, new: str) -> None:
            Path(beneath + old).replace(beneath + new)

        def chmod(self, path: str, mode: int) -> None:
            Path(beneath + path).chmod(mode)

        def utimens(self, path: str, times: tuple[int, int] | None = None) -> None:
            now = time.time_ns()
            os.utime(beneath + path, ns=times or (now, now))

        def statfs(self, path: str) -> dict[str, int]:
            found = os.statvfs(beneath + path)
            names = ("bsize", "frsize", "blocks", "bfree", "bavail", "files", "ffree", "favail", "namemax")
            return {f"f_{name}": getattr(found, f"f_{name}") for name in names}

    disk = SlowDisk()

    def follow() -> None:
        for line in sys.stdin:
            disk.seconds = float(line)
        os._exit(0)

    threading.Thread(target=follow, daemon=True).start()
    FUSE(disk, at, foreground=True, nothreads=False, fsname="slow_disk", max_threads=8)


if __name__ == "__main__":
    mount(sys.argv[1], sys.argv[2])
