"""The journal on the log where the contract says nothing: the disk's moods, threads, and opening anew."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from contracts.journals import News, RealTurns, entry, on_log
from hubbub.adapters.journal_log import LogJournal
from hubbub.core.entries import Group, Kept, Put, Record
from hubbub.core.ports import JournalUnavailableError, Reader
from hubbub.log import Directory, File, Options


class Disk:
    """What a test wants of the disk. Each is called before the real thing is done."""

    def __init__(self) -> None:
        self.on_write: Callable[[], None] = lambda: None
        self.on_sync: Callable[[], None] = lambda: None
        self.on_read: Callable[[], None] = lambda: None
        self.cold: Callable[[], bool] = lambda: False


class _File:
    """Implements `hubbub.log.File`."""

    def __init__(self, file: File, disk: Disk) -> None:
        self._file = file
        self._disk = disk
        self.truncate = file.truncate
        self.preallocate = file.preallocate
        self.size = file.size
        self.close = file.close

    def pwrite(self, data: bytes | bytearray | memoryview, offset: int) -> None:
        self._disk.on_write()
        self._file.pwrite(data, offset)

    def fdatasync(self) -> None:
        self._disk.on_sync()
        self._file.fdatasync()

    def pread(self, length: int, offset: int) -> bytes:
        self._disk.on_read()
        return self._file.pread(length, offset)

    def pread_nowait(self, length: int, offset: int) -> bytes | None:
        return None if self._disk.cold() else self._file.pread_nowait(length, offset)


class Files(Directory):
    """A real directory on that disk."""

    def __init__(self, path: Path, disk: Disk) -> None:
        super().__init__(path)
        self._disk = disk

    def create(self, name: str) -> File:  # type: ignore[override]
        return _File(super().create(name), self._disk)

    def open(self, name: str, *, write: bool) -> File:  # type: ignore[override]
        return _File(super().open(name, write=write), self._disk)


def fail_with(number: int) -> Callable[[], None]:
    def fail() -> None:
        raise OSError(number, os.strerror(number))

    return fail


class House:
    """A journal on a log, on such a disk."""

    def __init__(self, path: Path, interval: float | None = None, options: Options | None = None) -> None:
        self.path = path
        self.interval = interval
        self.options = options or Options()
        self.disk = Disk()
        self.news = News()
        self.turns = RealTurns()
        self.committed_groups: list[Group] = []
        self.records: list[Record] = []
        self.failures: list[tuple[Sequence[int], JournalUnavailableError]] = []
        self.journal: LogJournal
        self.open()

    def open(self) -> None:
        files = Files(self.path, self.disk)
        self.journal = on_log(self.turns, self.path, self.interval, self.news, files, self.options)
        self.journal.open(self)

    def committed(self, groups: Sequence[Group]) -> None:
        self.committed_groups += groups
        for group in groups:
            self.records += group.records

    def failed(self, tickets: Sequence[int], error: JournalUnavailableError) -> None:
        self.failures.append((list(tickets), error))

    def keep(self, *ids: str, stream: str = "room:1") -> None:
        for id in ids:
            self.journal.append([entry(stream, id)])
        self.turns.run_all()

    def ids(self, stream: str = "room:1") -> list[str]:
        return self.journal.look(lambda reader: ids_of(reader, stream))

    def reopen(self) -> None:
        self.turns.finish(self.journal.close())
        self.open()

    def end(self) -> None:
        if not self.turns.loop.is_closed():
            self.turns.finish(self.journal.close())
            self.turns.loop.close()


def ids_of(reader: Reader, stream: str = "room:1") -> list[str]:
    return [record.entry.id for record in reader.entries(stream, 1, reader.head(stream).offset)]


Begin = Callable[..., House]


@pytest.fixture(name="begin")
def _begin(tmp_path: Path) -> Iterator[Begin]:
    houses: list[House] = []

    def begin(interval: float | None = None, options: Options | None = None) -> House:
        houses.append(House(tmp_path / f"log{len(houses)}", interval, options))
        return houses[-1]

    yield begin
    for house in houses:
        house.end()


@pytest.fixture(name="house")
def _house(begin: Begin) -> House:
    return begin()


def test_positions_go_on_after_a_restart_and_retries_are_still_known(house: House) -> None:
    house.journal.append([entry("room:1", "a", author=7), entry("room:2", "b")], [Put("k", b"v")])
    house.journal.append([entry("room:1", "c", author=8)])
    house.turns.run_all()
    epoch = house.journal.head("room:1").epoch
    house.reopen()
    assert list(house.journal.recent()) == [
        Kept(author, id, "room:1", epoch, offset, "2026-01-01T00:00:00.000Z")
        for author, id, offset in ((7, "a", 1), (8, "c", 2))
    ]
    house.keep("d")
    assert (house.records[-1].epoch, house.records[-1].offset) == (epoch, 3)
    assert house.ids() == ["a", "c", "d"]
    assert house.journal.look(lambda reader: reader.get("k")) == b"v"


def test_a_group_forms_while_the_disk_works_and_the_loop_goes_on(house: House) -> None:
    go_on, syncs = threading.Event(), list[str]()

    def wait() -> None:
        syncs.append(threading.current_thread().name)
        assert go_on.wait(20)

    house.disk.on_sync = wait
    house.journal.append([entry("room:1", "0")])
    house.turns.wait_for(lambda: bool(syncs))
    for number in range(1, 50):
        house.journal.append([entry("room:1", str(number))])
        house.turns.run()  # which it does, though the disk does not answer
    assert not house.records, "nothing is told before it is on the disk"
    assert house.journal.head("room:1").offset == 0, "nor can it be seen"
    go_on.set()
    house.turns.run_all()
    assert [record.offset for record in house.records] == list(range(1, 51))
    assert syncs == ["commit"] * 2


class Held:
    """Syncs that wait to be let go, one after the other; `first_lands` with a second append behind it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.begun = 0
        self.then: Callable[[], None] = lambda: None
        self._go_on = threading.Semaphore(0)
        house.disk.on_sync = self._wait
        house.journal._telling = float("inf")  # as if there were many to tell

    def _wait(self) -> None:
        self.begun += 1
        assert self._go_on.acquire(timeout=20)
        self.then()

    def first_lands(self) -> list[int]:
        tickets = [self.house.journal.append([entry("room:1", "a")])]
        self.house.turns.wait_for(lambda: self.begun == 1)
        tickets.append(self.house.journal.append([entry("room:1", "b")]))
        self.let_go()
        self.house.turns.wait_for(lambda: self.begun == 2)
        return tickets

    def let_go(self) -> None:
        self._go_on.release()

    def let_all_go(self) -> None:
        self.house.disk.on_sync = self.then
        self._go_on.release()
        self.house.turns.run_all()


def test_where_telling_is_dear_what_waits_is_told_with_what_has_landed(house: House) -> None:
    held = Held(house)
    tickets = held.first_lands()
    assert not house.records, "it waits for the second"
    assert house.journal.head("room:1").offset == 0, "and cannot be seen before it is told"
    tickets.append(house.journal.append([entry("room:1", "c")]))
    held.let_go()
    house.turns.wait_for(lambda: held.begun == 3)
    house.turns.run()
    assert [group.ticket for group in house.committed_groups] == tickets[:2], "but not for a third"
    held.let_all_go()
    assert [group.ticket for group in house.committed_groups] == tickets
    assert house.ids() == ["a", "b", "c"]


def test_what_has_landed_is_kept_if_what_it_waited_for_fails(house: House) -> None:
    held = Held(house)
    kept, failed = held.first_lands()
    held.then = fail_with(errno.ENOSPC)
    ticket = house.journal.append([entry("room:1", "c")])
    held.let_all_go()
    assert [group.ticket for group in house.committed_groups] == [kept]
    assert [told for told, _ in house.failures] == [[failed, ticket]]
    house.disk.on_sync = lambda: None
    house.turns.wait_for(lambda: house.journal.why_read_only() is None)
    house.keep("d")
    house.reopen()
    assert house.ids() == ["a", "d"]


def test_what_has_to_be_alone_waits_for_nothing_that_is_held(house: House) -> None:
    held = Held(house)
    house.journal.append([entry("room:1", "a")])
    house.turns.wait_for(lambda: held.begun == 1)
    house.journal.append([entry("room:1", "b")])
    heads: list[int] = []
    house.journal.alone(lambda log: heads.append(log.head(b"room:1")))
    held.let_all_go()
    assert heads == [1]
    assert house.ids() == ["a", "b"]


@pytest.mark.parametrize("where", ["write", "sync"])
def test_a_full_disk_turns_it_read_only_until_space_is_back(house: House, where: str) -> None:
    house.keep("before")
    setattr(house.disk, f"on_{where}", fail_with(errno.ENOSPC))
    tickets = [house.journal.append([entry("room:1", id)]) for id in ("x", "y")]
    house.turns.run()
    house.turns.run_all()
    ((told, error),) = house.failures
    assert told == tickets
    assert error.read_only
    assert house.journal.why_read_only() == "the disk is full"
    with pytest.raises(JournalUnavailableError, match="the disk is full"):
        house.journal.append([entry("room:1", "z")])
    answers: list[object] = []
    house.journal.read(ids_of, answers.append)
    house.turns.run_all()
    assert answers == [["before"]], "reading goes on"
    house.disk.on_write = house.disk.on_sync = lambda: None
    house.turns.wait_for(lambda: house.journal.why_read_only() is None)
    assert house.news.lines == ["read-only: the disk is full", "writable"]
    house.keep("after")
    assert house.records[-1].offset == 2
    house.reopen()
    assert house.ids() == ["before", "after"]


def test_what_waits_behind_a_failure_fails_with_it_and_is_never_written(house: House) -> None:
    go_on, syncing = threading.Event(), threading.Event()

    def fail() -> None:
        syncing.set()
        assert go_on.wait(20)
        fail_with(errno.ENOSPC)()

    house.disk.on_sync = fail
    tickets = [house.journal.append([entry("room:1", "x")])]
    house.turns.wait_for(syncing.is_set)
    tickets += [house.journal.append([entry("room:1", id)]) for id in ("y", "z")]
    go_on.set()
    house.turns.run_all()
    assert [told for told, _ in house.failures] == [tickets]
    house.disk.on_sync = lambda: None
    house.turns.wait_for(lambda: house.journal.why_read_only() is None)
    house.keep("after")
    assert house.ids() == ["after"]


def test_a_write_behind_a_failed_sync_of_interval_mode_is_told_once(begin: Begin) -> None:
    house = begin(interval=0.001)
    go_on, syncing = threading.Event(), threading.Event()

    def fail() -> None:
        syncing.set()
        assert go_on.wait(20)
        fail_with(errno.ENOSPC)()

    house.keep("a")
    house.disk.on_sync = fail
    house.keep("b")
    house.turns.wait_for(syncing.is_set)
    house.journal._slow_until = float("inf")  # so that this one waits on the thread, behind the sync
    ticket = house.journal.append([entry("room:1", "c")])
    house.turns.run()
    go_on.set()
    house.turns.wait_for(lambda: bool(house.failures))
    house.turns.run_all()
    assert [told for told, _ in house.failures] == [[ticket]]
    house.disk.on_sync = lambda: None
    house.turns.wait_for(lambda: house.journal.why_read_only() is None)
    assert house.ids() == ["a", "b"]


def test_a_sync_that_failed_otherwise_ends_writing_for_good(house: House) -> None:
    house.keep("before")
    house.disk.on_sync = fail_with(errno.EIO)
    lost = house.journal.append([entry("room:1", "x")])
    house.turns.run_all()
    assert house.failures[0][0] == [lost]
    assert str(house.journal.why_read_only()).startswith("the disk failed (syncing: Input/output error)")
    assert house.journal._retry_timer is None, "fsync is never tried again"
    assert house.ids() == ["before"]
    house.disk.on_sync = lambda: None
    house.reopen()
    house.keep("after")
    assert house.ids() == ["before", "after"]


def test_where_writing_waits_the_commit_thread_writes(house: House) -> None:
    house.keep("a")
    writers: list[str] = []

    def slowly() -> None:
        writers.append(threading.current_thread().name)
        time.sleep(0.02)  # the disk, not the test

    house.disk.on_write = slowly
    house.keep("b")
    house.turns.wait_for(lambda: house.journal._rest_timer is None)
    assert writers[0] == "MainThread"
    writers.clear()
    house.keep("c")
    assert writers[0] == "commit"
    house.journal._slow_until = 0.0
    house.turns.wait_for(lambda: house.journal._rest_timer is None)
    writers.clear()
    house.keep("d")
    assert writers[0] == "MainThread", "after a while it tries again"
    assert house.ids() == ["a", "b", "c", "d"]


def test_a_write_that_fails_on_the_thread_is_told_like_any_other(house: House) -> None:
    house.journal._slow_until = float("inf")
    house.disk.on_write = fail_with(errno.ENOSPC)
    ticket = house.journal.append([entry("room:1", "x")])
    house.turns.run_all()
    assert [told for told, _ in house.failures] == [[ticket]]
    house.disk.on_write = lambda: None
    house.turns.wait_for(lambda: house.journal.why_read_only() is None)
    house.keep("y")
    assert house.ids() == ["y"]


def test_a_backlog_goes_in_portions_and_in_order(begin: Begin) -> None:
    for interval in (None, 0.005):
        house = begin(interval)
        writes: list[None] = []
        house.disk.on_write = lambda found=writes: found.append(None)  # type: ignore[misc]
        big = "x" * 400_000
        tickets = [house.journal.append([entry("room:1", str(number), big)]) for number in range(10)]
        house.turns.run_all()
        assert [group.ticket for group in house.committed_groups] == tickets
        assert [record.offset for record in house.records] == list(range(1, 11))
        assert 4 <= len(writes) < 10


def test_what_waits_for_the_disk_is_bounded(house: House) -> None:
    go_on = threading.Event()
    house.disk.on_sync = lambda: [go_on.wait(20)].clear()
    house.journal._max_waiting = 1_000_000
    taken = 0
    while house.journal._waiting < 1_000_000:
        house.journal.append([entry("room:1", "x", "x" * 100_000)])
        taken += 1
        house.turns.run()
    assert 10 <= taken <= 12
    with pytest.raises(JournalUnavailableError, match=r"storage\.max_waiting"):
        house.journal.append([entry("room:1", "x")])
    go_on.set()
    house.turns.run_all()
    assert len(house.records) == taken
    house.keep("again")
    assert house.journal.head("room:1").offset == taken + 1


def test_an_append_that_cannot_be_written_is_refused_and_harms_no_other(house: House) -> None:
    with pytest.raises(ValueError, match="surrogates"):
        house.journal.append([entry("room:1", "x", "\ud800")])
    house.keep("y")
    assert house.ids() == ["y"]


def test_cold_bytes_are_brought_by_a_thread(begin: Begin) -> None:
    house = begin()
    house.keep("a", "b")
    house.reopen()  # so that memory holds nothing of it
    warm, readers = set[str](), list[str]()
    house.disk.cold = lambda: not warm
    house.disk.on_read = lambda: [readers.append(threading.current_thread().name), warm.add("")].clear()  # type: ignore[func-returns-value]
    answers: list[object] = []
    house.journal.read(ids_of, answers.append)
    house.turns.wait_for(lambda: bool(answers))
    assert answers == [["a", "b"]]
    assert {name.partition("_")[0] for name in readers} == {"files"}


def test_bytes_that_stay_cold_are_waited_for_in_the_end(begin: Begin) -> None:
    house = begin()
    house.keep("a")
    house.reopen()
    house.disk.cold = lambda: True
    answers: list[object] = []
    house.journal.read(ids_of, answers.append)
    house.turns.wait_for(lambda: bool(answers))
    assert answers == [["a"]]


def test_close_tells_the_reads_that_wait(begin: Begin) -> None:
    house = begin()
    house.keep("a")
    house.reopen()
    go_on, reading = threading.Event(), threading.Event()
    house.disk.cold = lambda: True
    house.disk.on_read = lambda: [reading.set(), go_on.wait(20)].clear()  # type: ignore[func-returns-value]
    answers: list[object] = []
    house.journal.read(ids_of, answers.append)
    house.turns.wait_for(reading.is_set)
    house.disk.on_read = lambda: None
    house.turns.finish(house.journal.close())
    (answer,) = answers
    assert isinstance(answer, JournalUnavailableError)
    house.journal.read(ids_of, answers.append)
    go_on.set()
    house.turns.run_all()
    assert len(answers) == 2, "each once"


def test_damage_is_told_with_its_place_and_never_served(begin: Begin) -> None:
    house = begin()
    house.keep("first", "second")
    house.reopen()
    (segment,) = house.path.glob("*.seg")
    data = segment.read_bytes()
    at = data.index(b"second")
    segment.write_bytes(data[:at] + b"S" + data[at + 1 :])
    answers: list[object] = []
    house.journal.read(ids_of, answers.append)
    house.turns.run_all()
    (answer,) = answers
    assert isinstance(answer, JournalUnavailableError)
    assert not answer.read_only
    (line,) = house.news.lines
    assert f"{segment.name}, byte " in line


def test_a_query_that_fails_is_told_and_logged(house: House) -> None:
    answers: list[object] = []
    house.journal.read(lambda reader: 1 // 0, answers.append)
    house.turns.run_all()
    (answer,) = answers
    assert isinstance(answer, JournalUnavailableError)
    assert not answer.read_only
    assert house.news.lines == ["failed: read the journal: integer division or modulo by zero"]


def test_interval_tells_before_the_disk_has_it_and_syncs_soon_after(begin: Begin) -> None:
    house = begin(interval=0.01)
    syncs: list[str] = []
    go_on = threading.Event()

    def wait() -> None:
        syncs.append(threading.current_thread().name)
        assert go_on.wait(20)

    house.disk.on_sync = wait
    house.keep("a")
    assert [record.entry.id for record in house.records] == ["a"]
    house.turns.wait_for(lambda: bool(syncs))
    house.keep("b")  # told, though the sync before it has not returned
    assert house.ids() == ["a", "b"]
    go_on.set()
    house.turns.wait_for(lambda: len(syncs) == 2)
    assert syncs == ["commit", "commit"]
    house.turns.wait_for(lambda: not house.journal._syncing and house.journal._sync_timer is None)


def test_interval_on_a_full_disk_keeps_what_it_has_told(begin: Begin) -> None:
    house = begin(interval=0.001)
    house.disk.on_sync = fail_with(errno.ENOSPC)
    house.keep("a")
    house.turns.wait_for(lambda: house.journal.why_read_only() is not None)
    house.disk.on_sync = lambda: None
    house.turns.wait_for(lambda: house.journal.why_read_only() is None)
    house.keep("b")
    house.reopen()
    assert house.ids() == ["a", "b"]


def test_what_has_to_be_alone_runs_while_nothing_is_on_its_way(house: House) -> None:
    go_on, syncing, found = threading.Event(), threading.Event(), list[bool]()
    house.disk.on_sync = lambda: [syncing.set(), go_on.wait(20)].clear()  # type: ignore[func-returns-value]
    house.journal.append([entry("room:1", "a")])
    house.turns.wait_for(syncing.is_set)
    house.journal.alone(lambda log: found.append(house.journal._flight is None))
    house.journal.append([entry("room:1", "b")])
    house.turns.run()
    assert not found
    go_on.set()
    house.turns.run_all()
    assert found == [True]
    assert house.ids() == ["a", "b"]
