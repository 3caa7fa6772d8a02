"""Blobs in a directory: what is on the disk when, kill -9, full and failing disks, foreign files."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import random
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hubbub.adapters import blobs_directory
from hubbub.adapters.blobs_directory import DirectoryBlobs
from hubbub.core.ports import BlobsUnavailableError
from hubbub.log.files import sync_file
from server.test_disk_full import Disk, _disk  # noqa: F401 (a fixture)

KILLS = 20
PATIENCE = 10.0
LINKED, COPIED = 0o600, 0o644


def opened(directory: Path, *, tidy: bool = True) -> DirectoryBlobs:
    return DirectoryBlobs(directory, asyncio.get_running_loop(), tidy=tidy)


def file(place: Path, content: bytes, mode: int = LINKED) -> tuple[str, Path]:
    """A file whose mode says whether it may be linked: digest and path."""
    digest = hashlib.sha256(content).hexdigest()
    path = place / f"{digest[:8]}.spool"
    path.write_bytes(content)
    path.chmod(mode)
    return digest, path


def at(directory: Path, digest: str) -> Path:
    return directory / digest[:2] / digest[2:]


def names(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(main())


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_a_file_of_ours_alone_is_linked_and_any_other_copied(tmp_path: Path) -> None:
    directory = tmp_path / "files" / "blobs"
    linked, source = file(tmp_path, b"mine", LINKED)
    copied, open_to_all = file(tmp_path, b"open to all", COPIED)
    pointed, target = file(tmp_path, b"pointed at", LINKED)
    pointer = tmp_path / "pointer"
    pointer.symlink_to(target)

    async def main() -> None:
        blobs = opened(directory)
        await blobs.put(linked, str(source))
        await blobs.put(copied, str(open_to_all))
        await blobs.put(pointed, str(pointer))
        await blobs.close()

    run(main)
    assert at(directory, linked).samefile(source)
    for digest, path in ((copied, open_to_all), (pointed, target)):
        assert not at(directory, digest).samefile(path)
        assert not at(directory, digest).is_symlink()
        assert at(directory, digest).read_bytes() == path.read_bytes()
    assert {mode(at(directory, digest)) for digest in (linked, copied, pointed)} == {0o600}
    made = (directory.parent, directory, at(directory, linked).parent)
    assert {mode(path) for path in made} == {0o700}
    assert (mode(source), mode(open_to_all)) == (LINKED, COPIED)
    assert names(directory) == {f"{digest[:2]}/{digest[2:]}" for digest in (linked, copied, pointed)}


@pytest.mark.parametrize("permissions", [LINKED, COPIED])
def test_the_bytes_are_on_the_disk_before_their_name_and_the_name_before_put_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, permissions: int
) -> None:
    directory = tmp_path / "blobs"
    digest, source = file(tmp_path, b"content", permissions)
    steps: list[str] = []
    link, replace, sync = os.link, Path.replace, os.fsync

    def flushed(descriptor: int) -> None:
        sync_file(descriptor)
        assert os.fstat(descriptor).st_size == len(b"content")
        steps.append("bytes")

    def named(*arguments: str | Path) -> None:
        link(*arguments)
        steps.append("name")

    def renamed(path: Path, to: Path) -> Path:
        steps.append("name")
        return replace(path, to)

    def synced(descriptor: int) -> None:
        sync(descriptor)
        where = os.fstat(descriptor).st_ino
        steps.append("root" if where == directory.stat().st_ino else "folder")

    async def main() -> None:
        blobs = opened(directory)
        monkeypatch.setattr(blobs_directory, "sync_file", flushed)
        monkeypatch.setattr(os, "link", named)
        monkeypatch.setattr(Path, "replace", renamed)
        monkeypatch.setattr(os, "fsync", synced)
        await blobs.put(digest, str(source))
        assert steps == ["bytes", "name", "folder", "root"]
        steps.clear()
        await blobs.put(digest, str(source))
        assert steps == ["folder"], "another may have named it, and not be done"
        steps.clear()
        await blobs.put(digest[:2] + "0" * 62, str(source))
        assert steps == ["bytes", "name", "folder"]
        await blobs.close()

    run(main)


def test_a_copy_is_whole_however_the_system_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another file system has no copy_file_range, and a write may take less than it was given."""
    directory = tmp_path / "blobs"
    digest, source = file(tmp_path, random.Random(1).randbytes(100_000), COPIED)
    write = os.write
    calls = {"inside": 0, "write": 0}

    def refused(*_: int) -> int:
        calls["inside"] += 1
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    def half(descriptor: int, data: bytes) -> int:
        if len(data) == 1:  # the loop wakes itself by this
            return write(descriptor, data)
        calls["write"] += 1
        return write(descriptor, data[: len(data) // 2 + 1])

    monkeypatch.setattr(blobs_directory, "PIECE", 10_000)

    async def main() -> None:
        blobs = opened(directory)
        monkeypatch.setattr(os, "copy_file_range", refused, raising=False)
        monkeypatch.setattr(os, "write", half)
        await blobs.put(digest, str(source))
        await blobs.close()

    run(main)
    assert at(directory, digest).read_bytes() == source.read_bytes()
    assert calls["inside"] == 1
    assert calls["write"] > 10


def test_a_source_that_becomes_shorter_is_never_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "blobs"
    digest, source = file(tmp_path, b"x" * 100_000, COPIED)
    piece = blobs_directory._Put.piece

    def and_cut(put: blobs_directory._Put) -> bool:
        more = piece(put)
        os.truncate(source, 15_000)
        return more

    monkeypatch.setattr(blobs_directory, "PIECE", 10_000)
    monkeypatch.setattr(blobs_directory._Put, "piece", and_cut)

    async def main() -> None:
        blobs = opened(directory)
        with pytest.raises(BlobsUnavailableError, match="became shorter"):
            await blobs.put(digest, str(source))
        await blobs.close()

    run(main)
    assert names(directory) == set()


@pytest.mark.parametrize("closing", [False, True])
def test_whoever_gives_up_waits_for_what_a_thread_is_doing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closing: bool
) -> None:
    """A descriptor that was closed under it might be another file's by then."""
    directory = tmp_path / "blobs"
    digest, source = file(tmp_path, b"x" * 100_000, COPIED)
    piece = blobs_directory._Put.piece
    begun, go = threading.Event(), threading.Event()

    def slow(put: blobs_directory._Put) -> bool:
        begun.set()
        assert go.wait(PATIENCE)
        return piece(put)

    monkeypatch.setattr(blobs_directory._Put, "piece", slow)

    async def main() -> None:
        blobs = opened(directory)
        put = asyncio.ensure_future(blobs.put(digest, str(source)))
        assert await asyncio.to_thread(begun.wait, PATIENCE)
        assert len(names(directory)) == 1
        close = asyncio.ensure_future(blobs.close()) if closing else None
        if close is not None:
            await asyncio.wait([close], timeout=0)
            assert not close.done()
        for _ in range(0 if closing else 3):
            put.cancel()
            assert await blobs.size(digest) is None
            assert not put.done()
        go.set()
        with pytest.raises(BlobsUnavailableError if closing else asyncio.CancelledError):
            await put
        assert names(directory) == set()
        await (close or blobs.close())

    run(main)


@pytest.mark.parametrize("permissions", [LINKED, COPIED])
def test_after_a_flush_that_failed_nothing_is_put_before_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, permissions: int
) -> None:
    directory = tmp_path / "blobs"
    before, first = file(tmp_path, b"before", permissions)
    digest, source = file(tmp_path, b"lost", permissions)

    def fails(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    async def main() -> None:
        blobs = opened(directory)
        await blobs.put(before, str(first))
        with monkeypatch.context() as failing:
            failing.setattr(blobs_directory, "sync_file", fails)
            with pytest.raises(
                BlobsUnavailableError, match=r"the disk failed \(Input/output error\); restart"
            ):
                await blobs.put(digest, str(source))
        for again in (digest, before):
            with pytest.raises(BlobsUnavailableError, match="the disk failed"):
                await blobs.put(again, str(source))
        assert await blobs.read(before, 0, 100) == b"before"
        assert await blobs.size(digest) is None
        await blobs.close()
        assert names(directory) == {f"{before[:2]}/{before[2:]}"}
        blobs = opened(directory)
        await blobs.put(digest, str(source))
        await blobs.close()

    run(main)


def test_opening_removes_half_a_put_and_nothing_else(tmp_path: Path) -> None:
    directory = tmp_path / "blobs"
    half = f"put-{'0123456789abcdef' * 2}.tmp"
    foreign = {"put-1.tmp", "notes.txt", f"put-{'0' * 32}.tmp.txt", f"ab/{half}", "ab/notes.txt", "ab/cd/e"}

    async def main() -> None:
        await opened(directory).close()
        for name in (half, *foreign):
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).touch()
        await opened(directory, tidy=False).close()
        assert names(directory) == {half, *foreign}
        blobs = opened(directory)
        assert names(directory) == foreign
        assert [one async for one in blobs.all()] == []
        await blobs.close()

    run(main)
    assert names(directory) == foreign


def test_threads_that_were_handed_in_are_left_to_their_owner(tmp_path: Path) -> None:
    digest, source = file(tmp_path, b"content")

    async def main() -> None:
        with ThreadPoolExecutor(1, thread_name_prefix="owned") as files:
            blobs = DirectoryBlobs(tmp_path / "blobs", asyncio.get_running_loop(), files=files)
            await blobs.put(digest, str(source))
            await blobs.close()
            assert files.submit(lambda: 1).result() == 1

    run(main)


class Putting:
    """The process that is killed, and what it was told."""

    def __init__(self, directory: Path, env: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("putting.py")), str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **(env or {})},
            bufsize=0,
        )
        self.answered = -1
        assert self.answer() == "open"

    def tell(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())

    def answer(self) -> str:
        """The next; empty: there is none any more."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode().strip()
        self.answered += bool(line)
        return line

    def ask(self, line: str) -> str:
        self.tell(line)
        return self.answer()

    def kill(self) -> None:
        """With signal 9; what it had answered by then counts."""
        assert self.process.poll() is None, "it went by itself"
        self.process.kill()
        while self.answer():
            pass
        self.end()

    def end(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        self.process.wait()


def expected(before: set[str], commands: Sequence[tuple[str, Path | None]]) -> set[str]:
    """What is there after these."""
    there = set(before)
    for digest, source in commands:
        if source is None:
            there.discard(digest)
        else:
            there.add(digest)
    return there


def test_after_kill_9_at_any_moment_every_blob_is_whole(tmp_path: Path) -> None:
    chance = random.Random(9)
    directory = tmp_path / "blobs"
    sizes = [(1 << 20, LINKED), (9 << 20, LINKED), (300, COPIED), (6 << 20, COPIED), (12 << 20, COPIED)]
    sources = dict(file(tmp_path, chance.randbytes(size), mode) for size, mode in sizes)
    there: set[str] = set()
    halves = 0
    for _ in range(KILLS):
        commands = [
            (digest, None if chance.random() < 0.4 else sources[digest])
            for digest in chance.choices(list(sources), k=200)
        ]
        putting = Putting(directory)
        putting.tell(*(f"{digest} {source or ''}" for digest, source in commands))
        for _ in range(chance.randrange(6)):
            assert putting.answer() == "done"
        select.select([], [], [], chance.random() / 50)  # a moment of any length, within a put
        putting.kill()

        done = putting.answered
        assert done < len(commands)
        may, must = expected(there, commands[: done + 1]), expected(there, commands[:done])
        blobs = {name for name in names(directory) if not name.startswith("put-")}
        halves += len(names(directory)) - len(blobs)
        there = {name.replace("/", "") for name in blobs}
        assert there in (must, may)
        for digest in there:
            with at(directory, digest).open("rb") as blob:
                assert hashlib.file_digest(blob, "sha256").hexdigest() == digest

    async def reopen() -> None:
        blobs = opened(directory)
        assert {name.replace("/", "") for name in names(directory)} == there, "no half is left"
        assert {digest async for digest, _ in blobs.all()} == there
        await blobs.close()

    run(reopen)
    assert halves, "no kill came within a copy, so nothing was shown"


def test_a_full_disk_is_told_leaves_nothing_and_goes_by(tmp_path: Path, disk: Disk) -> None:
    directory = disk.path / "blobs"
    before, first = file(tmp_path, random.Random(1).randbytes(1 << 20), COPIED)
    digest, source = file(tmp_path, random.Random(2).randbytes(8 << 20), COPIED)
    putting = Putting(directory, disk.env)
    assert putting.ask(f"{before} {first}") == "done"
    disk.fill()
    assert putting.ask(f"{digest} {source}").startswith("full: ")
    assert names(directory) == {f"{before[:2]}/{before[2:]}"}
    assert putting.ask(f"{before} {first}") == "done", "it is there"
    disk.free()
    assert putting.ask(f"{digest} {source}") == "done"
    assert putting.ask(before) == "done"
    putting.end()
    assert at(directory, digest).read_bytes() == source.read_bytes()
    assert names(directory) == {f"{digest[:2]}/{digest[2:]}"}
