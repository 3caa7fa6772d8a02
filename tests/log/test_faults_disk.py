"""The simulated disk does what the real one does, until something goes wrong; and then as bad as it may."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from hubbub.log.files import Directory, Files
from log.simulated_files import Crashed, SimulatedFiles
from log.simulated_pages import SECTOR

Make = Callable[[Path], Files]


@pytest.mark.parametrize(
    "make", [Directory, lambda _: SimulatedFiles(random.Random(1))], ids=["real", "simulated"]
)
def test_both_disks_are_alike(make: Make, tmp_path: Path) -> None:
    files = make(tmp_path / "log")
    assert files.lock()
    file = files.create("one")
    with pytest.raises(FileExistsError):
        files.create("one")
    file.pwrite(b"later", 10)
    file.pwrite(memoryview(b"first"), 0)
    assert file.pread(100, 0) == b"first" + bytes(5) + b"later"
    assert file.pread(4, 100) == b""
    file.preallocate(8, 12)
    assert file.size() == 20
    file.truncate(3)
    file.truncate(5)
    assert file.pread(9, 0) == b"fir\0\0"
    file.fdatasync()
    files.rename("one", "two")
    files.create("three").close()
    files.sync_directory()
    assert sorted(files.names()) == ["LOCK", "three", "two"]
    with pytest.raises(FileNotFoundError):
        files.open("one", write=False)
    reader = files.open("two", write=False)
    files.unlink("two")
    assert reader.pread(3, 0) == b"fir"
    with pytest.raises(OSError, match=r"Bad file descriptor|not open for writing"):
        reader.pwrite(b"x", 0)
    for opened in (file, reader):
        opened.close()
        opened.close()
    files.unlock()


def _sectors(files: SimulatedFiles) -> list[bytes]:
    data = files.contents("file")
    return [data[at : at + SECTOR] for at in range(0, len(data), SECTOR)]


def test_a_power_cut_leaves_any_of_what_was_not_synced_and_all_of_what_was() -> None:
    old, new = b"o" * SECTOR, b"n" * SECTOR
    seen = set()
    for seed in range(300):
        files = SimulatedFiles(random.Random(seed))
        file = files.create("file")
        file.pwrite(old * 3, 0)
        file.fdatasync()
        files.sync_directory()
        file.pwrite(new * 2, SECTOR)
        seen.add(tuple(_sectors(files.power_cut())))
    assert seen == {(old, one, other) for one in (old, new) for other in (old, new)}


def test_a_sync_that_failed_leaves_pages_that_no_later_one_writes() -> None:
    lost = 0
    for seed in range(50):
        files = SimulatedFiles(random.Random(seed))
        file = files.create("file")
        files.sync_directory()
        file.pwrite(b"data", 0)
        files.sync_fails_at = files.calls
        with pytest.raises(OSError, match="the sync failed"):
            file.fdatasync()
        assert file.pread(4, 0) == b"data"
        file.fdatasync()
        lost += files.power_cut().contents("file") != b"data"
    assert 10 < lost < 50


@pytest.mark.parametrize("cut", [False, True])
def test_what_the_directory_lost_is_lost_at_a_power_cut_alone(cut: bool) -> None:
    kept = set()
    for seed in range(50):
        files = SimulatedFiles(random.Random(seed))
        files.create("one").close()
        files.sync_directory()
        files.rename("one", "two")
        files.create("three").close()
        after = files.power_cut() if cut else files.killed()
        kept.add(tuple(sorted(after.names())))
        with pytest.raises(Crashed):
            files.names()
    every = {("one",), ("two",), ("one", "three"), ("three", "two")}
    assert kept == (every if cut else {("three", "two")})
