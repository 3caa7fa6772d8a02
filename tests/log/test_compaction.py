"""Compaction: what is dead leaves the disk, what is alive stays, and a half-made one changes nothing."""

from __future__ import annotations

import dataclasses
import json
import random
import subprocess
import sys

import pytest

from hubbub.log import Batch, CompactionPlan, CompactionResult, CorruptError, LogError, compact
from log.logs import Place, compacted, everything, fill


def on_disk(place: Place, needle: bytes) -> list[str]:
    return [path.name for path in place.path.iterdir() if needle in path.read_bytes()]


def test_erased_bytes_are_in_no_file_afterwards(place: Place) -> None:
    log = place.open()
    secrets = [b"secret-%03d" % i for i in range(40)]
    for secret in secrets:
        batch = Batch()
        batch.append(b"room", secret + b"x" * 600)
        batch.append(b"other", b"stays")
        log.commit(batch)
    batch = Batch()
    for offset in (3, 4, 20, 39):
        batch.erase(b"room", offset)
    log.commit(batch)
    before = everything(log)
    assert on_disk(place, secrets[2])
    assert compacted(log, place)
    for offset in (3, 4, 20, 39):
        assert on_disk(place, secrets[offset - 1]) == []
    assert on_disk(place, secrets[0])
    assert everything(log) == before
    assert log.stat().erased == 0
    log.close()
    log = place.open()
    assert everything(log) == before
    assert log.read(b"room", 2, 3) == [secrets[1] + b"x" * 600, None, None]


def test_trimmed_overwritten_and_deleted_bytes_are_in_no_file_afterwards(place: Place) -> None:
    log = place.open()
    for i in range(30):
        batch = Batch()
        batch.append(b"room", b"message-%03d" % i + b"x" * 600)
        batch.put(b"account", b"password-%03d" % i)
        batch.put(b"gone", b"deleted-value")
        log.commit(batch)
    batch = Batch()
    batch.trim(b"room", 11)
    batch.delete(b"gone")
    log.commit(batch)
    before = everything(log)
    assert compacted(log, place)
    assert (
        on_disk(place, b"message-009")
        == on_disk(place, b"password-028")
        == on_disk(place, b"deleted-value")
        == []
    )
    assert on_disk(place, b"message-010")
    assert everything(log) == before
    log.close()
    log = place.open()
    assert everything(log) == before
    assert (log.first(b"room"), log.head(b"room"), log.get(b"gone")) == (11, 30, None)


def test_a_stream_of_which_all_is_trimmed_keeps_its_position(place: Place) -> None:
    log = place.open()
    fill(log)
    batch = Batch()
    batch.trim(b"room-0", 1000)
    log.commit(batch)
    assert compacted(log, place)
    log.close()
    log = place.open()
    assert (log.first(b"room-0"), log.head(b"room-0")) == (41, 40)
    batch = Batch()
    batch.append(b"room-0", b"next")
    assert log.commit(batch) == [41]


def test_a_gap_that_a_trim_has_left_between_segments_is_no_damage(place: Place) -> None:
    log = place.open()
    fill(log, streams=1, count=20)
    log.seal()
    fill(log, streams=1, count=20)
    log.seal()
    batch = Batch()
    batch.trim(b"room-0", 35)
    log.commit(batch)
    before = everything(log)
    place.now += 20
    plan = log.plan_compaction(everything=True)
    assert plan is not None
    log.adopt(compact(dataclasses.replace(plan, segments=plan.segments[1:], oldest=False)))
    assert everything(log) == before
    log.close()
    log = place.open()
    assert everything(log) == before
    assert compacted(log, place)
    assert (everything(log), log.first(b"room-0")) == (before, 35)


def test_what_is_erased_in_the_active_segment_is_honoured_too(place: Place) -> None:
    log = place.open()
    fill(log)
    batch = Batch()
    batch.put(b"password", b"old-password")
    log.commit(batch)
    log.seal()
    batch = Batch()
    batch.erase(b"room-0", 3)
    batch.put(b"password", b"new-password")
    log.commit(batch)
    place.now += 20
    plan = log.plan_compaction(everything=True)
    assert plan is not None
    assert plan.active is not None
    log.adopt(compact(plan))
    assert on_disk(place, b"0:2.") == on_disk(place, b"old-password") == []
    assert (log.read(b"room-0", 3, 1), log.get(b"password")) == ([None], b"new-password")


def test_what_changes_while_a_compaction_runs_stays_changed(place: Place) -> None:
    log = place.open()
    fill(log)
    place.now += 20
    log.seal()
    plan = log.plan_compaction(everything=True)
    assert plan is not None
    batch = Batch()
    batch.erase(b"room-0", 3)
    batch.trim(b"room-1", 20)
    batch.put(b"cursor", b"later")
    log.commit(batch)
    fill(log, streams=1, count=50)
    before = everything(log)
    log.adopt(compact(plan))
    assert everything(log) == before
    assert log.stat().dead > 0
    log.close()
    assert everything(place.open()) == before


def test_segments_with_young_tags_are_left_alone(place: Place) -> None:
    log = place.open()
    fill(log)
    log.seal()
    tags = list(log.tags())
    assert log.plan_compaction(everything=True) is None
    place.now += 11
    assert log.plan_compaction(everything=True) is not None
    place.now -= 11
    assert list(log.tags()) == tags


def test_a_plan_comes_when_it_is_worth_it(place: Place) -> None:
    log = place.open()
    fill(log, count=20)
    place.now += 20
    log.seal()
    assert log.plan_compaction() is None
    batch = Batch()
    batch.trim(b"room-0", 21)
    log.commit(batch)
    plan = log.plan_compaction()
    assert plan is not None
    log.adopt(compact(plan))
    assert log.plan_compaction() is None
    fill(log, count=150)
    place.now += 20
    log.seal()
    plan = log.plan_compaction()
    assert plan is not None
    assert len(plan.segments) >= 4
    assert not plan.oldest
    log.adopt(compact(plan))
    assert log.plan_compaction() is None


def test_no_segment_becomes_larger_than_asked_for(place: Place) -> None:
    place.options = dataclasses.replace(place.options, compact_bytes=50_000)
    log = place.open()
    fill(log, count=300)
    before = everything(log)
    place.now += 20
    log.seal()
    while (plan := log.plan_compaction()) is not None:
        assert plan.bytes <= 50_000
        log.adopt(compact(plan))
    assert everything(log) == before


def test_it_runs_in_another_process(place: Place) -> None:
    log = place.open()
    fill(log)
    before = everything(log)
    place.now += 20
    log.seal()
    plan = log.plan_compaction(everything=True)
    assert plan is not None
    done = subprocess.run(
        [sys.executable, "-m", "hubbub.log.compaction"],
        input=plan.to_json(),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    *progress, last = done.stdout.splitlines()
    assert [json.loads(line)["total"] for line in progress] == [plan.bytes] * 3
    log.adopt(CompactionResult.from_json(last))
    assert everything(log) == before
    assert CompactionPlan.from_json(plan.to_json()) == plan


def test_damaged_input_is_not_compacted(place: Place) -> None:
    log = place.open()
    fill(log)
    place.now += 20
    log.seal()
    plan = log.plan_compaction(everything=True)
    assert plan is not None
    path = sorted(place.path.glob("*.seg"))[1]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    with pytest.raises(CorruptError) as caught:
        compact(plan)
    assert caught.value.file == path.name
    done = subprocess.run(
        [sys.executable, "-m", "hubbub.log.compaction"],
        input=dataclasses.replace(plan, number=999).to_json(),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    assert path.name in done.stderr


def test_a_half_made_compaction_is_removed_at_opening(place: Place) -> None:
    log = place.open()
    fill(log)
    before = everything(log)
    place.now += 20
    log.seal()
    plan = log.plan_compaction(everything=True)
    assert plan is not None
    result = compact(plan)
    log.close()
    log = place.open()
    assert not list(place.path.glob("compact-*"))
    assert everything(log) == before
    with pytest.raises((LogError, FileNotFoundError)):
        log.adopt(result)
    assert everything(log) == before


def test_a_result_that_does_not_fit_is_refused(place: Place) -> None:
    log = place.open()
    fill(log)
    with pytest.raises(LogError, match="does not fit"):
        log.adopt(CompactionResult(7, (99,), 1, 1))


@pytest.mark.parametrize("seed", range(4))
def test_random_operations_agree_with_a_simple_model(place: Place, seed: int) -> None:
    """Streams are lists, records a dict; reopening and compaction change nothing that is seen."""
    rng = random.Random(seed)
    log = place.open()
    streams: dict[bytes, list[bytes | None]] = {}
    low: dict[bytes, int] = {}
    keys: dict[bytes, bytes] = {}
    compactions = 0
    for step in range(300):
        place.now += rng.choice((0, 0.01, 0.3))
        batch = Batch()
        for _ in range(rng.randrange(5)):
            name, payload = b"s%d" % rng.randrange(7), rng.randbytes(rng.choice((0, 3, 50, 400)))
            batch.append(name, payload, b"%d" % step)
            streams.setdefault(name, []).append(payload)
        if rng.random() < 0.4:
            key = b"k%d" % rng.randrange(15)
            if rng.random() < 0.7:
                keys[key] = rng.randbytes(20)
                batch.put(key, keys[key])
            else:
                keys.pop(key, None)
                batch.delete(key)
        if streams and rng.random() < 0.15:
            name = rng.choice(sorted(streams))
            offset = rng.randrange(1, len(streams[name]) + 1)
            batch.erase(name, offset)
            streams[name][offset - 1] = None
        if streams and rng.random() < 0.04:
            name = rng.choice(sorted(streams))
            offset = rng.randrange(1, len(streams[name]) + 2)
            batch.trim(name, offset)
            low[name] = max(low.get(name, 1), offset)
        log.commit(batch)
        if rng.random() < 0.04:
            log.close()
            log = place.open()
        if rng.random() < 0.06 and (plan := log.plan_compaction(everything=rng.random() < 0.5)):
            log.adopt(compact(plan))
            compactions += 1
        if rng.random() < 0.1 and streams:
            name = rng.choice(sorted(streams))
            first = low.get(name, 1)
            assert (log.head(name), log.first(name)) == (len(streams[name]), first)
            begin = rng.randrange(1, len(streams[name]) + 2)
            count = rng.randrange(60)
            assert log.read(name, begin, count) == streams[name][max(begin, first) - 1 : begin - 1 + count]
    expected = {name: kept[low.get(name, 1) - 1 :] for name, kept in streams.items()}
    assert everything(log) == (expected, keys)
    assert compactions > 2
    tagged = {(name, offset) for name, offset, _ in log.tags()}
    log.close()
    log = place.open()
    assert everything(log) == (expected, keys)
    assert {(name, offset) for name, offset, _ in log.tags()} == tagged
