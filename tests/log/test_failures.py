"""A disk that fails: nothing acknowledged is lost, nothing that failed is shown, and it says why."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubbub.log import Batch, ColdError, Directory, File, Log, ReadOnlyError
from log.logs import SMALL, everything, fill


class Failing(Directory):
    """The real directory, on a disk that can be told to fail."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.full = False
        self.broken = False
        self.cold = False

    def create(self, name: str) -> File:  # type: ignore[override]
        self.write()
        return FailingFile(self, super().create(name))

    def open(self, name: str, *, write: bool) -> File:  # type: ignore[override]
        return FailingFile(self, super().open(name, write=write))

    def write(self) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")

    def sync(self) -> None:
        if self.broken:
            raise OSError(errno.EIO, "Input/output error")


class FailingFile:
    def __init__(self, disk: Failing, file: File) -> None:
        self._disk = disk
        self._file = file

    def pwrite(self, data: bytes | bytearray | memoryview, offset: int) -> None:
        if self._disk.full:
            self._file.pwrite(bytes(data[: len(data) // 2]), offset)
        self._disk.write()
        self._file.pwrite(data, offset)

    def pread(self, length: int, offset: int, /) -> bytes:
        self._disk.cold = False
        return self._file.pread(length, offset)

    def pread_nowait(self, length: int, offset: int) -> bytes | None:
        return None if self._disk.cold else self._file.pread_nowait(length, offset)

    def fdatasync(self) -> None:
        self._disk.sync()
        self._file.fdatasync()

    def truncate(self, length: int) -> None:
        self._file.truncate(length)

    def preallocate(self, offset: int, length: int) -> None:
        self._disk.write()
        self._file.preallocate(offset, length)

    def size(self) -> int:
        return self._file.size()

    def close(self) -> None:
        self._file.close()


def one(payload: bytes, stream: bytes = b"room-0") -> Batch:
    batch = Batch()
    batch.append(stream, payload)
    return batch


@pytest.fixture
def disk(tmp_path: Path) -> Failing:
    return Failing(tmp_path / "log")


@pytest.fixture
def log(disk: Failing) -> Iterator[Log]:
    log = Log.open("", SMALL, files=disk)
    yield log
    log.close()


def test_a_full_disk_stops_writing_and_not_reading_and_it_goes_on_when_there_is_space(
    log: Log, disk: Failing
) -> None:
    fill(log)
    before = everything(log)
    disk.full = True
    with pytest.raises(ReadOnlyError, match="No space left"):
        log.commit(one(b"fails"))
    assert log.failure is not None
    assert log.failure_errno == errno.ENOSPC
    with pytest.raises(ReadOnlyError):
        log.commit(one(b"fails too"))
    assert everything(log) == before
    assert not log.recover()
    assert everything(log) == before
    disk.full = False
    assert log.recover()
    assert log.failure is None
    assert everything(log) == before
    assert log.commit(one(b"goes on")) == [41]
    assert log.commit(one(b"new stream", b"new")) == [1]
    after = everything(log)
    log.close()
    with Log.open("", SMALL, files=disk) as again:
        assert everything(again) == after


def test_a_group_that_failed_is_not_there_after_opening_again(log: Log, disk: Failing) -> None:
    fill(log, count=5)
    before = everything(log)
    written = log.write([one(b"reported as failed"), one(b"a stream of its own", b"new")])
    disk.broken = True
    with pytest.raises(OSError, match="Input/output"):
        log.sync()
    assert everything(log) == before
    with pytest.raises(ReadOnlyError):
        log.write([one(b"later")])
    with pytest.raises(OSError, match="syncing"):
        log.sync()
    disk.broken = False
    assert not log.recover(), "fsync is not tried again: the kernel may have dropped the pages"
    assert log.failure_errno == errno.EIO
    log.close()
    with Log.open("", SMALL, files=disk) as again:
        assert everything(again) == before
        assert again.commit(one(b"next")) == [6]
    del written


def test_several_groups_in_flight_fail_together(log: Log, disk: Failing) -> None:
    fill(log, count=5)
    first = log.write([one(b"six")])
    log.sync()
    log.write([one(b"seven")])
    disk.full = True
    with pytest.raises(ReadOnlyError):
        log.write([one(b"eight" * 2000)])
    log.settle(first)
    disk.full = False
    assert log.recover()
    assert log.head(b"room-0") == 6
    assert log.commit(one(b"seven, once more")) == [7]
    assert log.read(b"room-0", 6, 9) == [b"six", b"seven, once more"]


def test_a_disk_that_is_full_when_a_segment_begins(log: Log, disk: Failing) -> None:
    fill(log, streams=1, count=1)
    while log.stat().bytes < SMALL.segment_bytes:
        log.commit(one(b"x" * 500))
    before = everything(log)
    disk.full = True
    with pytest.raises(ReadOnlyError):
        log.commit(one(b"fails"))
    disk.full = False
    assert log.recover()
    assert everything(log) == before
    log.commit(one(b"goes on"))
    after = everything(log)
    log.close()
    with Log.open("", SMALL, files=disk) as again:
        assert everything(again) == after


def test_a_rotation_whose_sync_fails_is_taken_back(log: Log, disk: Failing) -> None:
    while log.stat().bytes < SMALL.segment_bytes:
        log.commit(one(b"x" * 500))
    before = everything(log)
    log.write([one(b"in the next segment")])
    disk.full = True
    with pytest.raises(OSError, match="No space"):
        log.sync()
    disk.full = False
    assert log.recover()
    assert everything(log) == before
    log.commit(one(b"goes on"))
    after = everything(log)
    log.close()
    with Log.open("", SMALL, files=disk) as again:
        assert everything(again) == after


def test_what_is_not_in_the_page_cache_is_said_and_can_be_warmed(log: Log, disk: Failing) -> None:
    model = fill(log)[b"room-0"]
    for first, count in ((1, 1), (1, 5), (30, 3)):
        disk.cold = True
        with pytest.raises(ColdError) as caught:
            log.read(b"room-0", first, count, wait=False)
        assert caught.value.length > 0
        caught.value.warm()
        got = log.read(b"room-0", first, count, wait=False)
        assert got == model[first - 1 : first - 1 + count]
    disk.cold = True
    with pytest.raises(ColdError):
        log.get(b"cursor", wait=False)
    assert log.get(b"cursor") == b"39"
    assert log.read(b"room-0", 40, 1, wait=False) == model[39:]


def test_a_real_file_answers_without_waiting(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log", SMALL) as log:
        model = fill(log)
        for first in range(1, 40):
            assert log.read(b"room-1", first, 7, wait=False) == model[b"room-1"][first - 1 : first + 6]


def test_interval_mode_settles_before_the_sync(log: Log, disk: Failing) -> None:
    """What was seen and not synced stays, where the disk only was full for a while."""
    fill(log, count=5)
    for number in range(40):
        log.settle(log.write([one(b"seen %d" % number + b"x" * 900)]))
    assert log.head(b"room-0") == 45
    before = everything(log)
    disk.full = True
    with pytest.raises(OSError, match="No space"):
        log.sync()
    disk.full = False
    assert log.recover()
    assert everything(log) == before
    log.close()
    with Log.open("", SMALL, files=disk) as again:
        assert everything(again) == before
