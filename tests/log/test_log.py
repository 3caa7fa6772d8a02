"""What a log does while all is well: streams, records, batches, positions."""

from __future__ import annotations

import pytest

from hubbub.log import Batch, Log, ReadOnlyError, layout
from log.logs import Place, compacted, everything, fill


def test_offsets_are_dense_and_begin_with_one(place: Place) -> None:
    log = place.open()
    first, second = Batch(), Batch()
    first.append(b"a", b"1")
    first.append(b"b", b"2")
    first.append(b"a", b"3")
    second.append(b"a", b"4")
    written = log.write([first, second])
    assert written.offsets == [[1, 1, 2], [3]]
    log.sync()
    log.settle(written)
    assert log.read(b"a", 1, 10) == [b"1", b"3", b"4"]
    assert (log.head(b"a"), log.head(b"b"), log.head(b"c")) == (3, 1, 0)
    assert list(log.streams()) == [b"a", b"b"]


def test_nothing_is_visible_before_it_is_settled(place: Place) -> None:
    log = place.open()
    batch = Batch()
    batch.append(b"a", b"1")
    batch.put(b"k", b"v")
    written = log.write([batch])
    assert (log.head(b"a"), log.read(b"a", 1, 1), log.get(b"k"), list(log.streams())) == (0, [], None, [])
    log.sync()
    assert log.head(b"a") == 0
    log.settle(written)
    assert (log.head(b"a"), log.read(b"a", 1, 1), log.get(b"k")) == (1, [b"1"], b"v")


def test_writing_goes_on_while_a_sync_is_under_way(place: Place) -> None:
    log = place.open()
    one, two = Batch(), Batch()
    one.append(b"a", b"1")
    two.append(b"a", b"2")
    first = log.write([one])
    log.sync()
    second = log.write([two])
    log.settle(first)
    assert log.read(b"a", 1, 9) == [b"1"]
    log.sync()
    log.settle(second)
    assert log.read(b"a", 1, 9) == [b"1", b"2"]


def test_reading_is_clipped_to_what_there_is(place: Place) -> None:
    log = place.open()
    model = fill(log)
    kept = model[b"room-1"]
    assert log.read(b"room-1", 1, 1 << 40) == kept
    assert log.read(b"room-1", -5, 7) == kept[:1]
    assert log.read(b"room-1", len(kept), 5) == kept[-1:]
    assert log.read(b"room-1", len(kept) + 1, 5) == []
    assert log.read(b"room-1", 3, 0) == []
    assert log.read(b"nobody", 1, 5) == []


def test_every_run_reads_the_same_from_memory_active_and_sealed_segments(place: Place) -> None:
    log = place.open()
    kept = fill(log, count=60)[b"room-2"]
    assert log.stat().segments > 2
    for first in range(1, 61):
        for count in (1, 2, 7, 50):
            assert log.read(b"room-2", first, count) == kept[first - 1 : first - 1 + count]


def test_records_are_overwritten_deleted_and_scanned_in_order(place: Place) -> None:
    log = place.open()
    batch = Batch()
    for key in (b"b", b"a", b"ab", b"c"):
        batch.put(key, b"old " + key)
    batch.put(b"b", b"new")
    batch.delete(b"c")
    batch.delete(b"never there")
    log.commit(batch)
    assert list(log.scan()) == [(b"a", b"old a"), (b"ab", b"old ab"), (b"b", b"new")]
    assert list(log.scan(b"a")) == [(b"a", b"old a"), (b"ab", b"old ab")]
    assert log.get(b"c") is None


def test_erased_and_trimmed_payloads_are_gone_at_once(place: Place) -> None:
    log = place.open()
    kept: list[bytes | None] = list(fill(log)[b"room-0"])
    batch = Batch()
    batch.erase(b"room-0", 2)
    batch.erase(b"room-0", 40)
    batch.erase(b"room-0", 4000)
    batch.erase(b"nobody", 1)
    batch.trim(b"room-1", 10)
    batch.trim(b"room-2", 4000)
    batch.trim(b"nobody", 4)
    log.commit(batch)
    kept[1] = kept[39] = None
    assert log.read(b"room-0", 1, 40) == kept
    assert log.read(b"room-0", 2, 1) == [None]
    assert log.read(b"room-0", 39, 2) == [kept[38], None], "from memory too"
    assert (log.first(b"room-1"), len(log.read(b"room-1", 1, 40))) == (10, 31)
    assert (log.first(b"room-2"), log.head(b"room-2"), log.read(b"room-2", 1, 40)) == (41, 40, [])
    batch = Batch()
    batch.append(b"room-2", b"on it goes")
    assert log.commit(batch) == [41]
    assert log.read(b"room-2", 1, 50) == [b"on it goes"]


def test_what_a_log_holds_is_there_when_it_is_opened_again(place: Place) -> None:
    log = place.open()
    model = fill(log)
    batch = Batch()
    batch.erase(b"room-0", 3)
    batch.trim(b"room-1", 9)
    batch.delete(b"cursor")
    log.commit(batch)
    before, epoch, first = everything(log), log.epoch, log.first(b"room-1")
    log.close()
    for _ in range(2):
        log = place.open()
        assert (everything(log), log.epoch, log.first(b"room-1")) == (before, epoch, first)
        assert log.closed_cleanly
        log.close()
    assert before[0][b"room-2"] == model[b"room-2"]


def test_offsets_go_on_after_opening_again(place: Place) -> None:
    log = place.open()
    fill(log, count=10)
    log.close()
    log = place.open()
    batch = Batch()
    batch.append(b"room-0", b"eleven")
    assert log.commit(batch) == [11]


def test_an_epoch_is_drawn_and_stays(place: Place) -> None:
    log = place.open()
    old = log.epoch
    assert int(old, 16) >= 0
    assert log.new_epoch() == log.epoch != old
    new = log.epoch
    log.close()
    assert place.open().epoch == new


def test_an_empty_payload_and_an_empty_name_are_kept(place: Place) -> None:
    log = place.open()
    batch = Batch()
    batch.append(b"", b"")
    batch.append(b"", b"")
    batch.put(b"", b"")
    log.commit(batch)
    log.close()
    log = place.open()
    assert (log.read(b"", 1, 5), log.get(b"")) == ([b"", b""], b"")


def test_a_payload_longer_than_a_segment_is_kept(place: Place) -> None:
    log = place.open()
    batch = Batch()
    batch.append(b"a", b"x" * 100_000)
    log.commit(batch)
    fill(log)
    log.close()
    assert place.open().read(b"a", 1, 1) == [b"x" * 100_000]


@pytest.mark.parametrize(
    ("change", "limit"),
    [
        (lambda batch: batch.append(b"a", b"x" * (layout.PAYLOAD_LIMIT + 1)), layout.PAYLOAD_LIMIT),
        (lambda batch: batch.append(b"a" * 257, b""), layout.STREAM_LIMIT),
        (lambda batch: batch.append(b"a", b"", b"t" * 1025), layout.TAG_LIMIT),
        (lambda batch: batch.put(b"k" * 4097, b""), layout.KEY_LIMIT),
        (lambda batch: batch.put(b"k", b"x" * layout.PAYLOAD_LIMIT), layout.PAYLOAD_LIMIT),
        (lambda batch: batch.delete(b"k" * 4097), layout.KEY_LIMIT),
        (lambda batch: batch.erase(b"a" * 257, 1), layout.STREAM_LIMIT),
        (lambda batch: batch.trim(b"a", 0), "between 1 and"),
        (lambda batch: batch.erase(b"a", 1 << 63), "between 1 and"),
    ],
)
def test_what_is_too_long_is_refused_by_name_and_changes_nothing(change: object, limit: object) -> None:
    batch = Batch()
    assert callable(change)
    with pytest.raises(ValueError, match=str(limit)):
        change(batch)
    assert not batch
    assert batch.size == 0


def test_a_batch_of_the_wrong_type_takes_no_offset(place: Place) -> None:
    log = place.open()
    bad, good = Batch(), Batch()
    bad.append(b"a", b"1")
    bad.append(b"a", "not bytes")  # type: ignore[arg-type]
    good.append(b"a", b"2")
    with pytest.raises(TypeError):
        log.write([bad])
    assert log.commit(good) == [1]
    assert log.read(b"a", 1, 5) == [b"2"]


def test_tags_come_back_oldest_first_while_they_are_young(place: Place) -> None:
    log = place.open()
    fill(log, streams=2, count=30)
    place.now += 6
    fill(log, streams=1, count=60)
    expected = [
        (b"room-%d" % number, i + 1, b"tag-%d-%d" % (number, i)) for i in range(30) for number in (0, 1)
    ] + [(b"room-0", 31 + i, b"tag-0-%d" % i) for i in range(60)]
    assert list(log.tags()) == expected
    log.close()
    log = place.open()
    assert list(log.tags()) == expected
    place.now += 5
    assert list(log.tags()) == expected[60:]
    place.now += 6
    assert list(log.tags()) == []


def test_tags_are_bounded_by_number_and_only_of_those_who_had_one(place: Place) -> None:
    place.options = type(place.options)(segment_bytes=4096, tags_kept=5)
    log = place.open()
    for i in range(40):
        batch = Batch()
        batch.append(b"a", b"x" * 300, b"%d" % i if i % 2 else b"")
        batch.append(b"b", b"x")
        log.commit(batch)
    assert [tag for _, _, tag in log.tags()] == [b"31", b"33", b"35", b"37", b"39"]
    assert [offset for _, offset, _ in log.tags()] == [32, 34, 36, 38, 40]


def test_a_closed_log_takes_nothing_and_closing_twice_does_no_harm(place: Place) -> None:
    log = place.open()
    log.close()
    log.close()
    with pytest.raises(ReadOnlyError):
        log.plan_compaction()
    assert not log.recover()


def test_a_log_is_a_context(place: Place) -> None:
    with Log.open(place.path) as log:
        fill(log, count=2)
    with Log.open(place.path) as log:
        assert log.head(b"room-0") == 2


def test_compaction_keeps_all_that_is_alive(place: Place) -> None:
    log = place.open()
    fill(log)
    before = everything(log)
    assert compacted(log, place)
    assert log.stat().segments == 2
    assert everything(log) == before
    log.close()
    log = place.open()
    assert everything(log) == before
    assert not compacted(log, place)
