"""`python bench/files.py`: transfers, kept files and folders, next to what one might take instead.

What and how: bench/README.md. Writes the table there with `--write`.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import blobs, folders, relays
from bench.asking import options, read, tell
from bench.crowd import Crowd, crowded
from bench.drive import HERE, missing_compiler
from bench.ends import NotMeasuredError, sha256_of, write_content
from bench.found import Found, Line, table
from bench.kept import store
from bench.machine import Cores, facts, pick_cores, pinned, raise_file_limit
from bench.pulse import Pulse
from bench.report import write_block
from bench.servers import Running, ServerFailedError, hubbub_on, running
from bench.talker import Talker

BEGIN = "<!-- files figures: written by `python bench/files.py --write` -->"
END = "<!-- end of files figures -->"

GIB, MIB = 1024**3, 1024**2
LARGE = ("-b", str(MIB))
"""socat's buffer, as large as ours: its own is 8 KiB."""
PASSWORD = "a password for the bench"


CROWD = Crowd(quick=90, slow=10, size=16 * MIB)


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything. Sizes in bytes; `seconds` of chat, idle and beside a relay each."""

    rounds: int = 5
    relay: int = GIB
    kept: int = GIB
    seconds: float = 5.0
    crowd: Crowd = CROWD
    files: int = 10_000


QUICK = Size(
    rounds=1, relay=8 * MIB, kept=8 * MIB, seconds=0.3, crowd=Crowd(quick=9, slow=1, size=MIB), files=100
)


class Bench:
    """One run."""

    def __init__(self, size: Size, where: Path) -> None:
        self.size = size
        self.where = where
        self.cores: Cores = pick_cores()
        self.found = Found()

    def _add(self, what: str, figure: float, shown: str) -> None:
        self.found.add(what, figure)
        tell(f"{what}: {shown}")

    def _moved(self, what: str, size: int, seconds: float) -> None:
        self._add(what, size / seconds, f"{size / seconds / GIB:.2f} GiB/s")

    @contextmanager
    def _measuring(self, what: str) -> Iterator[None]:
        """What is missing or refused is named, and the rest goes on."""
        try:
            yield
        except (NotMeasuredError, ServerFailedError, OSError) as error:
            self.found.skip(f"{what}: {error}")
            tell(f"not measured: {what}: {error}")

    @contextmanager
    def _hubbub(self) -> Iterator[Running]:
        with running(hubbub_on(store(self.where / "data")), self.cores.server) as server:
            yield server

    def _in_turns(self, number: int, parts: dict[str, Callable[[], None]]) -> None:
        """Nobody is always first, or always after the same neighbour."""
        names = list(parts)
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            with self._measuring(name):
                parts[name]()

    def relay(self, number: int) -> None:
        """One file from one to another, through each of the relays."""
        size = self.size.relay

        def hubbub() -> None:
            with self._hubbub() as server:
                self._moved("relay hubbub", size, relays.hubbub(server.target.port, size, self.cores.driver))

        def socat(what: str, *options: str) -> None:
            self._moved(what, size, relays.socat(size, self.cores, *options))

        def wormhole() -> None:
            self._moved("relay wormhole", size, relays.wormhole(size, self.cores, self.where))

        self._in_turns(
            number,
            {
                "relay hubbub": hubbub,
                "relay socat": lambda: socat("relay socat"),
                "relay socat large": lambda: socat("relay socat large", *LARGE),
                "relay wormhole": wormhole,
            },
        )

    def chat(self, number: int) -> None:
        """A message's round trip, with nothing else and beside relays without a pause."""
        del number
        with self._measuring("chat beside a relay"), self._hubbub() as server:
            port = server.target.port
            relays.hubbub(port, MIB, self.cores.driver)  # what the first transfer loads once
            with Pulse(port, "Idle") as idle:
                time.sleep(self.size.seconds)
            with Pulse(port, "Busy") as busy:
                end = time.monotonic() + self.size.seconds
                while time.monotonic() < end:
                    relays.hubbub(port, self.size.relay, self.cores.driver)
            self._add("chat idle", idle.p99(), f"p99 {idle.p99():.2f} ms")
            self._add("chat busy", busy.p99(), f"p99 {busy.p99():.2f} ms of {len(busy.milliseconds):,}")

    def kept(self, number: int) -> None:
        """Upload and download of one file, and what the disk and nginx make of the same bytes."""
        size = self.size.kept

        def disk() -> None:
            with pinned(self.cores.server):
                self._moved("upload disk", size, blobs.write_and_hash(self.where, size))

        def nginx() -> None:
            path = write_content(self.where / "content", size)
            self._moved("download nginx", size, blobs.nginx(path, size, self.cores))
            path.unlink()

        def hubbub() -> None:
            core = self.cores.driver
            with self._hubbub() as server, Talker(server.target.port, "Alice", PASSWORD) as owner:
                port, token = server.target.port, owner.token
                seconds, path = blobs.upload(port, token, size, core, "content.bin")
                self._moved("upload hubbub", size, seconds)
                bearer = [("Authorization", f"Bearer {token}")]
                self._moved("download hubbub", size, blobs.download(port, path, size, core, bearer))

        parts = {"upload and download hubbub": hubbub, "upload disk": disk, "download nginx": nginx}
        self._in_turns(number, parts)

    def crowd(self, number: int) -> None:
        """Many transfers at once, with and without those that hardly read."""
        crowd = self.size.crowd
        kinds = {"crowd slow": crowd, "crowd alone": replace(crowd, slow=0)}

        def measure(what: str) -> None:
            with self._hubbub() as server:
                relays.hubbub(server.target.port, MIB, self.cores.driver)
                came = crowded(server, kinds[what], self.cores)
            self._moved(what, 1, 1 / came.per_second)
            self._add(f"{what} rss", came.rss, f"{came.rss / MIB:.1f} MiB")
            self._add(f"{what} slowest", came.slowest, f"{came.slowest:.2f} × the quickest")

        self._in_turns(number, {what: lambda what=what: measure(what) for what in kinds})  # type: ignore[misc]

    def folder(self, number: int) -> None:
        """Many small files by the commands, and by one request each."""
        files = self.size.files
        folder = folders.make_folder(store(self.where / "folder"), files)

        def one_by_one() -> None:
            with self._hubbub() as server, Talker(server.target.port, "Alice", PASSWORD) as owner:
                seconds = folders.one_request_a_file(
                    server.target.port, owner.token, files, self.cores.driver
                )
            self._add("folder requests", files / seconds, f"{files / seconds:,.0f} files/s")

        def by_command() -> None:
            homes = store(self.where / "homes")
            homes.mkdir()
            with self._hubbub() as server:
                port, core = server.target.port, self.cores.driver
                alice, bob = (folders.Person(homes / name, port, name, core) for name in ("Alice", "Bob"))
                alice.register(PASSWORD)
                bob.register(PASSWORD)
                seconds = folders.by_command(alice, bob, folder, homes / "arrived", files)
            self._add("folder command", files / seconds, f"{files / seconds:,.0f} files/s")

        self._in_turns(number, {"folder command": by_command, "folder requests": one_by_one})


PARTS: dict[str, Callable[[Bench, int], None]] = {
    "relay": Bench.relay,
    "chat": Bench.chat,
    "kept": Bench.kept,
    "crowd": Bench.crowd,
    "folder": Bench.folder,
}


def lines(found: Found, size: Size) -> list[Line]:
    """The targets, and what was measured."""
    quick, slow = size.crowd.quick, size.crowd.slow
    crowd = f"{quick + slow} transfers at once, {slow} of them read at 10 KiB/s"
    relay, kept, files = _shown(size.relay), _shown(size.kept), f"{size.files:,} files of 1 KiB"
    against = _Against(found)
    return [
        against.line(f"relay of {relay} against socat", "relay hubbub", "relay socat", 0.8),
        against.line("the same against socat with a buffer of 1 MiB", "relay hubbub", "relay socat large"),
        against.line("the same against magic-wormhole's own relay", "relay hubbub", "relay wormhole", 3.0),
        _chat(found),
        against.line(
            f"download of a kept file of {kept} against nginx, sendfile",
            "download hubbub",
            "download nginx",
            0.8,
        ),
        against.line(
            "its upload against writing and hashing it to the same disk", "upload hubbub", "upload disk", 0.7
        ),
        _memory(found, f"{crowd}: memory over idle"),
        against.line(
            f"the other {quick} together, against without the slow ones",
            "crowd slow",
            "crowd alone",
            quick / (quick + slow),
        ),
        _evenness(found, f"the slowest of these {quick} against the quickest"),
        against.line(
            f"`hubbub send` of {files} against one request a file",
            "folder command",
            "folder requests",
            3.0,
            in_gib=False,
        ),
    ]


MISSING = "not measured"


class _Against:
    """Makes lines of ratios."""

    def __init__(self, found: Found) -> None:
        self._found = found

    def line(
        self, what: str, above: str, below: str, at_least: float | None = None, *, in_gib: bool = True
    ) -> Line:
        target = "" if at_least is None else f"≥ {at_least:g} ×"
        if not self._found.has(above, below):
            return Line(what, target, MISSING, None)
        ratio = self._found.ratio(above, below)
        ours, theirs = self._found.median(above), self._found.median(below)
        shown = f"{ours / GIB:.2f} against {theirs / GIB:.2f} GiB/s"
        if not in_gib:
            shown = f"{ours:,.0f} against {theirs:,.0f} a second"
        return Line(what, target, f"{ratio:.2f} ×: {shown}", None if at_least is None else ratio >= at_least)


def _chat(found: Found) -> Line:
    what, target = "a message's round trip beside the relay, p99 more than idle", "≤ 10 ms"
    if not found.has("chat busy", "chat idle"):
        return Line(what, target, MISSING, None)
    more = found.beyond("chat busy", "chat idle")
    shown = f"{found.median('chat busy'):.2f} against {found.median('chat idle'):.2f} ms"
    return Line(what, target, f"{more:.2f} ms: {shown}", more <= 10)


def _memory(found: Found, what: str) -> Line:
    if not found.has("crowd slow rss", "crowd alone rss"):
        return Line(what, "≤ 64 MiB", MISSING, None)
    most, alone = (found.median(f"crowd {kind} rss") / MIB for kind in ("slow", "alone"))
    return Line(what, "≤ 64 MiB", f"{most:.1f} MiB (without the slow ones {alone:.1f})", most <= 64)


def _evenness(found: Found, what: str) -> Line:
    shown = f"{found.median('crowd slow slowest'):.2f} ×" if found.has("crowd slow slowest") else MISSING
    return Line(what, "", shown, None)


def _shown(size: int) -> str:
    return f"{size // GIB} GiB" if size >= GIB else f"{size // MIB} MiB"


def report(found: Found, size: Size) -> str:
    """The table, in Markdown, and what is not in it."""
    machine = ", ".join(f"{name} {value}" for name, value in facts().items())
    rounds = "1 round" if size.rounds == 1 else f"medians of {size.rounds} rounds"
    head = f"Machine: {machine}. Figures: {rounds}."
    skipped = [line for sentence in found.skipped for line in ("", f"Not measured: {sentence}")]
    return "\n".join([head, "", *table(lines(found, size)), *skipped, ""])


def run(size: Size, where: Path, parts: list[str]) -> Found:
    """These parts, in turns."""
    bench = Bench(size, store(where))
    where.mkdir(parents=True)
    sha256_of(size.relay)  # now, and not beside what is measured
    try:
        for number in range(size.rounds):
            tell(f"round {number + 1} of {size.rounds}")
            for part in parts:
                PARTS[part](bench, number)
    finally:
        shutil.rmtree(where, ignore_errors=True)
    return bench.found


def main(arguments: list[str]) -> int:
    """Run it; 0 also where a target was missed, since that is a finding and no failure."""
    parser = options("files", "Measure files next to their peers.", rounds=5)
    parser.add_argument("--only", action="append", choices=PARTS, help="this part; repeat for several")
    asked = read(parser, arguments)
    if asked.write and asked.only:
        parser.error("--write wants the whole run, without --only")
    if tool := missing_compiler():
        tell(f"the ends of a transfer need a C compiler: {tool} is missing")
        return 1
    raise_file_limit()
    size = QUICK if asked.quick else replace(Size(), rounds=asked.rounds)
    text = report(run(size, asked.where, asked.only or list(PARTS)), size)
    print(text)
    if asked.write:
        write_block(HERE / "README.md", text, BEGIN, END)
    return 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main(sys.argv[1:]))
