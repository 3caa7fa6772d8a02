"""A stage for what goes wrong between a server and its people: network namespaces of the test's own, with
real lines between them that lose, throttle, delay or break, and a processor that somebody else wants too.

    with Stage() as stage, stage.line() as line:
        server = stage.here.run(lambda: Server(listen=[f"{ANYWHERE}:0"]))
        bob = line.there.run(lambda: NdjsonClient(...))
        line.lose(20)

A namespace is held by a descriptor of this process, and by those who run in it: when the test ends, however
it ends, the kernel takes it down with its links, filters and mounts. Nothing outside of it is touched.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import re
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from ctypes.util import find_library
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, TypeVar

Result = TypeVar("Result")

ANYWHERE: Final = "0.0.0.0"
PROGRAMS: Final = ("ip", "nft", "tc", "ss")
"""What a stage is built with, of iproute2 and nftables, …"""
DEVICES: Final = ("/dev/net/tun", "/dev/fuse")
"""… and what of the kernel's, for `LongLine` and for `slow_disk`."""
ROOM: Final = Path("/dev/shm")
"""Where a namespace has a directory of its own, in memory: it lies over the one that others have there."""
LONGEST: Final = 60
"""Seconds until a hog ends by itself, whatever became of the test."""

_CLONE_FS: Final = 0x200  # linux/sched.h
_CLONE_NEWNS: Final = 0x20000
_CLONE_NEWNET: Final = 0x40000000
_MS_PRIVATE: Final = (1 << 18) | 0x4000  # with all below it
_PR_CAPBSET_DROP: Final = 24  # linux/prctl.h
_CAPABILITIES: Final = 41
_HERE: Final = Path(__file__).parent
_libc: Final = ctypes.CDLL(None, use_errno=True)


def why_no_stage() -> str:
    """What this machine lacks for one, in words for who runs the tests; empty: nothing."""
    if os.geteuid():
        return "a stage (network namespaces need root)"
    lacking = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    lacking += [name for name in DEVICES if not Path(name).exists()]
    lacking += [] if find_library("fuse3") else ["libfuse3"]
    return f"a stage (without {', '.join(lacking)})" if lacking else ""


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def _asked(code: int) -> None:
    if code:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def command(*words: object) -> str:
    """Run a program; what it printed."""
    done = subprocess.run(
        [str(word) for word in words],
        env={**os.environ, "PATH": _path()},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


class Namespace:
    """A network and a mount namespace: of new there are a loopback, and an empty directory at `ROOM`."""

    def __init__(self) -> None:
        with ThreadPoolExecutor(1) as thread:  # a thread may be elsewhere than its process
            self._net, self._mounts = thread.submit(self._made).result()

    @staticmethod
    def _made() -> tuple[int, int]:
        _asked(_libc.unshare(_CLONE_FS | _CLONE_NEWNS | _CLONE_NEWNET))
        _asked(_libc.mount(b"none", b"/", None, ctypes.c_ulong(_MS_PRIVATE), None))
        _asked(_libc.mount(b"none", bytes(ROOM), b"tmpfs", ctypes.c_ulong(0), None))
        command("ip", "link", "set", "lo", "up")
        net, mounts = (os.open(f"/proc/thread-self/ns/{kind}", os.O_RDONLY) for kind in ("net", "mnt"))
        return net, mounts

    @property
    def name(self) -> str:
        """For `ip link … netns`."""
        return f"/proc/{os.getpid()}/fd/{self._net}"

    def run(
        self,
        call: Callable[[], Result],
        *,
        core: int | None = None,
        first: bool = False,
        powerless: bool = False,
    ) -> Result:
        """Do something there: sockets that it makes stay there, processes that it starts run there.

        With `core`, these are held to that core; with `first` they run before whatever else wants to; with
        `powerless` they have no capabilities, though they are root's.
        """

        def there() -> Result:
            directory = Path.cwd()
            _asked(_libc.unshare(_CLONE_FS))
            _asked(_libc.setns(self._net, _CLONE_NEWNET))
            _asked(_libc.setns(self._mounts, _CLONE_NEWNS))
            os.chdir(directory)  # entering another tree has moved us to its root
            if core is not None:
                os.sched_setaffinity(0, {core})
            if first:  # being nice would do within one session only (sched(7), autogroups)
                with contextlib.suppress(PermissionError):  # in some containers: then it has its turn
                    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
            if powerless:
                for capability in range(_CAPABILITIES):
                    _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # an older kernel has fewer
            return call()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(there).result()

    def command(self, *words: object) -> str:
        return self.run(lambda: command(*words))

    def sockets(self, *which: object) -> list[Seen]:
        """The TCP connections there as `ss` shows them (no code of ours); `which` is its filter."""
        rows = self.command("ss", "-tinHO", "state", "connected", *which).splitlines()
        return [Seen.parse(row) for row in rows]

    def close(self) -> None:
        for one in (self._net, self._mounts):
            os.close(one)


class Seen(NamedTuple):
    """A connection, by `ss`. Milliseconds; bytes and segments since it began."""

    local: str
    peer: str
    rtt: float
    retransmitted: int
    backoff: int
    needless: int
    """Of those sent again, that the peer had already."""
    unsent: int
    reader_limited: int
    """Time for which the peer's window was what held us back."""
    queued: int

    @classmethod
    def parse(cls, row: str) -> Seen:
        def number(pattern: str) -> float:
            found = re.search(pattern, row)
            return float(found[1]) if found else 0.0

        words = row.split()
        return cls(
            local=words[3],
            peer=words[4],
            rtt=number(r" rtt:([\d.]+)/"),
            retransmitted=int(number(r" retrans:\d+/(\d+)")),
            backoff=int(number(r" backoff:(\d+)")),
            needless=int(number(r" dsack_dups:(\d+)")),
            unsent=int(number(r" notsent:(\d+)")),
            reader_limited=int(number(r" rwnd_limited:(\d+)ms")),
            queued=int(words[2]),
        )


class Line:
    """Between `here` (the server's end) and `there` (a client's) with a router between, which can be told to
    lose, throttle or break: neither end is told, as on a real way."""

    def __init__(self, here: Namespace, number: int) -> None:
        self.address = f"198.18.{number}.1"
        """Where the server is reached."""
        self.there = Namespace()
        self._router = Namespace()
        ours, theirs = f"198.18.{number}", f"198.19.{number}"
        self._joined(here, f"line{number}", f"{ours}.1", "server", f"{ours}.2")
        self._joined(self.there, "line", f"{theirs}.1", "client", f"{theirs}.2")
        here.command("ip", "route", "add", f"{theirs}.0/24", "via", f"{ours}.2")
        self.there.command("ip", "route", "add", f"{ours}.0/24", "via", f"{theirs}.2")
        self._router.run(lambda: Path("/proc/sys/net/ipv4/ip_forward").write_text("1"))
        self._router.command(
            "nft", "add table ip line; add chain ip line way { type filter hook forward priority 0; }"
        )

    def _joined(self, end: Namespace, name: str, address: str, port: str, gateway: str) -> None:
        peer = ("peer", "name", port, "netns", self._router.name)
        end.command("ip", "link", "add", name, "type", "veth", *peer)
        for namespace, link, own in ((end, name, address), (self._router, port, gateway)):
            # No packets larger than the line's: what is lost or sent again is to be one segment.
            namespace.command("ip", "link", "set", "dev", link, "gso_max_segs", 1, "up")
            namespace.command("ip", "address", "add", f"{own}/24", "dev", link)

    def lose(self, percent: int) -> None:
        """Lose so many of a hundred packets, in both directions, by chance."""
        self._router.command("nft", f"add rule ip line way numgen random mod 100 < {percent} drop")

    def throttle(self, rate: int) -> None:
        """Carry so many bytes a second to the client, and let what comes faster wait up to half a second."""
        shape = ("rate", f"{rate}bps", "burst", 4_000, "latency", "500ms")
        self._router.command("tc", "qdisc", "add", "dev", "client", "root", "tbf", *shape)

    def cut(self) -> None:
        """Let nothing through any more: no end of the connection is told."""
        self._router.command("nft", "insert rule ip line way drop")

    def mend(self) -> None:
        """Let everything through again, or so much of it as a `throttle` lets."""
        self._router.command("nft", "flush chain ip line way")

    def close(self) -> None:
        for one in (self.there, self._router):
            one.close()


class LongLine:
    """Between `here` and `there` as a `Line`, by a relay that holds each packet for `delay` seconds."""

    def __init__(self, here: Namespace, number: int, delay: float) -> None:
        self.address = f"198.18.{number}.1"
        self.there = Namespace()
        ends = [here.run(lambda: _tun(f"line{number}")), self.there.run(lambda: _tun("line"))]
        words = [sys.executable, str(_HERE / "stage_relay.py"), *map(str, (*ends, delay))]
        self._relay = subprocess.Popen(words, pass_fds=ends, stdin=subprocess.PIPE)
        for one in ends:
            os.close(one)
        for namespace, link, own in ((here, f"line{number}", 1), (self.there, "line", 2)):
            namespace.command("ip", "link", "set", link, "up")
            namespace.command("ip", "address", "add", f"198.18.{number}.{own}/24", "dev", link)

    def stall(self) -> None:
        """Let what is sent from now on wait on the way, until `go_on`: nothing is lost."""
        self._say(b"s")

    def go_on(self) -> None:
        self._say(b"g")

    def _say(self, word: bytes) -> None:
        assert self._relay.stdin is not None
        self._relay.stdin.write(word)
        self._relay.stdin.flush()

    def close(self) -> None:
        assert self._relay.stdin is not None
        self._relay.stdin.close()
        self._relay.wait(5)
        self.there.close()


def _tun(name: str) -> int:
    """A new interface of the namespace that we are in: the descriptor yields its packets, and takes some."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x1001))  # TUNSETIFF: TUN, NO_PI
    return device


class Stage:
    """Where a server stands (`here`), and the lines that lead to it."""

    def __init__(self) -> None:
        self.here = Namespace()
        self._number = 0
        self._left = contextlib.ExitStack()
        # Ends what does not notice by itself that the test was killed: then this one's pipe to it ends.
        leash = 'while read -r pid; do pids="$pids $pid"; done; kill -KILL $pids'
        self._leash = subprocess.Popen(["sh", "-c", leash], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.close()
        self._leash.kill()
        self._leash.wait()
        assert self._leash.stdin is not None
        self._leash.stdin.close()
        self.here.close()

    def leash(self, pid: int) -> None:
        """End that process, too, if this one is killed."""
        assert self._leash.stdin is not None
        self._leash.stdin.write(b"%d\n" % pid)
        self._leash.stdin.flush()

    @contextlib.contextmanager
    def hogs(self, count: int, core: int) -> Iterator[None]:
        """So many processes that want all of a core, with no more right to it than anybody."""
        words = [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import signal; signal.alarm({LONGEST})\nwhile True: pass",
        ]

        def started() -> list[subprocess.Popen[bytes]]:
            os.sched_setaffinity(0, {core})
            return [subprocess.Popen(words) for _ in range(count)]

        with ThreadPoolExecutor(1) as thread:  # only its affinity changes, and theirs who come from it
            running = thread.submit(started).result()
        for one in running:
            self.leash(one.pid)
        try:
            yield
        finally:
            for one in running:
                one.kill()
            for one in running:
                one.wait()

    def line(self) -> Line:
        """A line to a place of its own."""
        self._number += 1
        made = Line(self.here, self._number)
        self._left.callback(made.close)
        return made

    def long_line(self, delay: float) -> LongLine:
        """One of so many seconds each way."""
        self._number += 1
        made = LongLine(self.here, self._number, delay)
        self._left.callback(made.close)
        return made


def eventually(what: str, condition: Callable[[], Result], patience: float = 20.0) -> Result:
    """What `condition` gives, once that is true; with a deadline."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {patience:g} s: {what}"
        time.sleep(0.05)
    return found
