"""Several processes and one directory: locks, readers beside a writer, kill -9."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hubbub.log import Batch, LockedError, Log, Options, ReadOnlyError, back_up, compact, verify
from log.logs import Place, compacted, everything, fill

WRITER = """
import sys
from hubbub.log import Batch, Log, Options, compact
options = Options(segment_bytes=30_000, preallocate=4096, checkpoint_bytes=8192, tag_seconds=0)
log = Log.open(sys.argv[1], options)
n = log.head(b"a")
while True:
    batches = []
    for _ in range(3):
        n += 1
        batch = Batch()
        batch.append(b"a", b"%d:" % n + b"x" * (n % 400), b"tag %d" % n)
        batch.append(b"b%d" % (n % 5), b"%d" % n)
        batch.put(b"last", b"%d" % n)
        batches.append(batch)
    written = log.write(batches)
    log.sync()
    log.settle(written)
    print(n, flush=True)
    if n % 300 == 0 and (plan := log.plan_compaction()):
        log.adopt(compact(plan))
"""


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    rng = random.Random(9)
    place = tmp_path / "log"
    acknowledged = 0
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(place)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            for _ in range(rng.randrange(1, 250)):
                acknowledged = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            rest = writer.stdout.read().split("\n")[:-1]
            acknowledged = int(rest[-1]) if rest else acknowledged
        with Log.open(place, read_only=True) as log:
            seen = everything(log)
        with Log.open(place) as log:
            head = log.head(b"a")
            assert acknowledged <= head <= acknowledged + 3
            assert head % 3 == 0, "a frame is kept whole or not at all"
            assert log.get(b"last") == b"%d" % head
            expected = [b"%d:" % n + b"x" * (n % 400) for n in range(1, head + 1)]
            assert log.read(b"a", 1, head) == expected
            for i in range(5):
                assert log.read(b"b%d" % i, 1, head) == [b"%d" % n for n in range(1, head + 1) if n % 5 == i]
            assert everything(log) == seen
            assert not log.closed_cleanly
        assert list(verify(place)) == []
    assert acknowledged > 200


def test_a_second_writer_is_refused_and_readers_are_not(place: Place) -> None:
    log = place.open()
    fill(log)
    code = (
        f"from hubbub.log import *\ntry: Log.open({str(place.path)!r})\nexcept LockedError: print('locked')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == "locked\n"
    with pytest.raises(LockedError):
        place.open()
    reader = place.open(read_only=True)
    assert everything(reader) == everything(log)
    log.close()
    place.open()


def test_a_reader_writes_nothing(place: Place) -> None:
    log = place.open()
    fill(log)
    before = {path.name: path.read_bytes() for path in place.path.iterdir()}
    reader = place.open(read_only=True)
    with pytest.raises(ReadOnlyError):
        reader.commit(Batch())
    with pytest.raises(ReadOnlyError):
        reader.new_epoch()
    with pytest.raises(ReadOnlyError):
        reader.seal()
    assert not reader.recover()
    reader.tidy()
    reader.close()
    assert {path.name: path.read_bytes() for path in place.path.iterdir()} == before


def test_a_reader_keeps_what_it_opened_while_the_writer_compacts(place: Place) -> None:
    log = place.open()
    fill(log)
    reader = place.open(read_only=True)
    before = everything(reader)
    assert compacted(log, place)
    assert everything(reader) == before


def test_readers_and_backups_beside_a_busy_writer(tmp_path: Path) -> None:
    """What they see is a whole number of frames, and never damage."""
    place = tmp_path / "log"
    options = Options(segment_bytes=20_000, preallocate=4096, checkpoint_bytes=8192, tag_seconds=0)
    log = Log.open(place, options)
    stop = threading.Event()

    def write() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            batch = Batch()
            batch.append(b"a", b"%d" % n * 50)
            batch.append(b"b", b"%d" % n)
            log.commit(batch)
            if n % 50 == 0 and (plan := log.plan_compaction(everything=n % 100 == 0)):
                log.adopt(compact(plan))
            if n % 20 == 0:
                time.sleep(0)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        deadline = time.monotonic() + 1.0
        last = 0
        for round_ in range(1000):
            if time.monotonic() > deadline:
                break
            source = place
            if round_ % 3 == 2:
                source = tmp_path / f"copy-{round_}"
                back_up(place, source)
            with Log.open(source, read_only=True) as reader:
                head = reader.head(b"a")
                assert head == reader.head(b"b")
                assert reader.read(b"b", 1, head) == [b"%d" % n for n in range(1, head + 1)]
                assert reader.read(b"a", 1, head) == [b"%d" % n * 50 for n in range(1, head + 1)]
            if source == place:
                assert head >= last
                last = head
    finally:
        stop.set()
        writer.join()
        log.close()
    assert last > 0


def test_a_backup_is_restored_by_opening_it(place: Place, tmp_path: Path) -> None:
    log = place.open()
    fill(log, count=60)
    compacted(log, place)
    fill(log, count=20)
    log.tidy()
    expected = everything(log)
    steps: list[tuple[int, int]] = []
    done = back_up(place.path, tmp_path / "copy", lambda at, total: steps.append((at, total)))
    assert done.bytes == steps[-1][1]
    assert steps[-1][0] == steps[-1][1]
    copy = Place(tmp_path / "copy")
    restored = copy.open()
    assert everything(restored) == expected
    assert list(verify(copy.path)) == []
    assert restored.epoch == done.epoch != log.epoch, "who has read beyond the copy must be told"
    copy.close()


def test_a_backup_holds_nothing_that_was_not_durable(place: Place, tmp_path: Path) -> None:
    log = place.open()
    fill(log, count=3)
    log.tidy()
    batch = Batch()
    batch.append(b"room-0", b"not synced")
    log.write([batch])
    back_up(place.path, tmp_path / "copy")
    with Log.open(tmp_path / "copy") as copy:
        assert copy.head(b"room-0") == 3


def test_a_backup_goes_into_an_empty_folder_only(place: Place, tmp_path: Path) -> None:
    log = place.open()
    fill(log, count=3)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(Exception, match="is not empty"):
        back_up(place.path, tmp_path)
