"""Damage is found: never served, never repaired by dropping what was acknowledged, and said where it is."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from hubbub.log import (
    Batch,
    CorruptError,
    ForeignDirectoryError,
    Log,
    LogError,
    NewerFormatError,
    layout,
    rebuild_indexes,
    verify,
)
from log.logs import Place, compacted, everything, fill


def filled(place: Place) -> Log:
    """A log with a compacted, two sealed and an active segment, erasures, trims and records."""
    log = place.open()
    fill(log, count=60)
    batch = Batch()
    batch.erase(b"room-0", 5)
    batch.trim(b"room-1", 7)
    batch.put(b"name", b"value")
    log.commit(batch)
    compacted(log, place)
    fill(log, count=70)
    return log


def flip(path: Path, offset: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1 << bit
    path.write_bytes(data)


def is_compacted(path: Path) -> bool:
    return bool(layout.SEGMENT.unpack_from(path.read_bytes())[3] & layout.CLUSTERED)


def segments(place: Place) -> list[Path]:
    return sorted(place.path.glob("????????.seg"))


def outcome(place: Place, expected: object) -> CorruptError | None:
    """What opening and reading everything comes to: all as it was, or a CorruptError. Anything else fails."""
    try:
        log = place.open()
        assert everything(log) == expected
    except CorruptError as error:
        return error
    finally:
        place.close()
    return None


def test_a_flipped_bit_anywhere_is_found_or_harmless(place: Place, tmp_path: Path) -> None:
    log = filled(place)
    expected = everything(log)
    log.close()
    whole = tmp_path / "whole"
    shutil.copytree(place.path, whole)
    rng = random.Random(4)
    reported = {path.name: 0 for path in whole.iterdir()}
    for path in sorted(whole.iterdir()):
        size = path.stat().st_size
        for offset in sorted(rng.sample(range(size), min(size, 25))):
            shutil.rmtree(place.path)
            shutil.copytree(whole, place.path)
            flip(place.path / path.name, offset, rng.randrange(8))
            found = list(findings(place))
            try:
                error = outcome(place, expected)
            except NewerFormatError:
                error = CorruptError(path.name, 0, "a format that is newer")
            if error is not None:
                assert error.file == path.name
                assert found, f"{path.name} at {offset}: not found by verify"
                reported[path.name] += 1
            if path.suffix == ".seg":
                assert found, f"{path.name} at {offset}: not found by verify"
    assert all(reported[path.name] > 0 for path in whole.glob("*.seg"))
    assert reported["MANIFEST"] == reported["HUBBUB-LOG"] == 25


def findings(place: Place) -> list[object]:
    try:
        return list(verify(place.path))
    except NewerFormatError as error:
        return [error]


def test_every_byte_of_a_small_acknowledged_log_is_under_a_checksum(place: Place) -> None:
    log = place.open()
    batch = Batch()
    batch.append(b"room", b"payload", b"tag")
    batch.put(b"key", b"value")
    log.commit(batch)
    expected = everything(log)
    log.close()
    (path,) = segments(place)
    (place.path / "00000000.chk").unlink()
    whole = path.read_bytes()
    for offset in range(len(whole)):
        path.write_bytes(whole)
        flip(path, offset, offset % 8)
        error = outcome(place, expected)
        assert error is not None, offset
        assert (error.file, error.offset <= offset) == (path.name, True)


def test_damage_to_a_payload_is_reported_with_its_place_and_the_rest_is_served(place: Place) -> None:
    log = place.open()
    model = fill(log, streams=1, count=30)
    log.close()
    (path, *_) = segments(place)
    at = path.read_bytes().index(b"0:3.")
    flip(path, at + 2)
    log = place.open()
    assert log.read(b"room-0", 1, 3) == model[b"room-0"][:3]
    with pytest.raises(CorruptError, match="payload") as caught:
        log.read(b"room-0", 4, 1)
    assert (caught.value.file, caught.value.offset) == (path.name, at)
    with pytest.raises(CorruptError) as caught:
        log.read(b"room-0", 1, 30)
    assert (caught.value.file, caught.value.offset) == (path.name, at)


def test_a_segment_that_was_cut_is_refused(place: Place) -> None:
    log = filled(place)
    expected = everything(log)
    log.close()
    for path in segments(place):
        whole = path.read_bytes()
        for keep in (0, 40, 64, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:keep])
            error = outcome(place, expected)
            assert error is not None, (path, keep)
            assert error.file == path.name
        path.write_bytes(whole)
    assert outcome(place, expected) is None


def test_segments_that_were_swapped_are_refused(place: Place) -> None:
    filled(place).close()
    one, two, *_ = segments(place)
    name = place.path / "third"
    one.rename(name)
    two.rename(one)
    name.rename(two)
    with pytest.raises(CorruptError, match="this is segment"):
        place.open()


def test_a_segment_of_another_log_is_refused(place: Place, tmp_path: Path) -> None:
    filled(place).close()
    other = Place(tmp_path / "other")
    filled(other).close()
    shutil.copy(segments(other)[0], segments(place)[0])
    with pytest.raises(CorruptError, match="another log"):
        place.open()


def test_an_index_of_another_segment_is_made_anew(place: Place) -> None:
    log = filled(place)
    expected = everything(log)
    log.close()
    one, two, *_ = sorted(place.path.glob("*.idx"))
    shutil.copy(two, one)
    log = place.open()
    assert log.stat().rebuilt == 1
    assert everything(log) == expected


def test_a_missing_segment_is_refused(place: Place) -> None:
    filled(place).close()
    segments(place)[1].unlink()
    with pytest.raises(CorruptError, match="missing"):
        place.open()


def test_a_missing_manifest_is_refused_where_there_is_data(place: Place) -> None:
    filled(place).close()
    (place.path / "MANIFEST").unlink()
    before = sorted(path.name for path in place.path.iterdir())
    for read_only in (False, True):
        with pytest.raises(CorruptError, match="missing"):
            place.open(read_only=read_only)
    assert sorted(path.name for path in place.path.iterdir()) == before


def test_an_old_manifest_is_refused(place: Place) -> None:
    log = place.open()
    old = (place.path / "MANIFEST").read_bytes()
    fill(log, count=60)
    log.close()
    (place.path / "MANIFEST").write_bytes(old)
    with pytest.raises(CorruptError, match="older than the mark"):
        place.open()


def test_indexes_and_checkpoints_are_made_anew_where_they_are_lost(place: Place) -> None:
    log = filled(place)
    expected = everything(log)
    log.close()
    for path in [*place.path.glob("*.idx"), *place.path.glob("*.chk")]:
        path.unlink()
    log = place.open(read_only=True)
    assert everything(log) == expected
    log.close()
    assert list(place.path.glob("*.idx")) == []
    log = place.open()
    assert log.stat().rebuilt == len(list(place.path.glob("*.idx"))) > 1
    assert everything(log) == expected


def test_a_damaged_block_of_a_young_index_is_made_anew_at_opening(place: Place) -> None:
    """It is written without a sync, so a crash may have torn it: that is no damage."""
    log = place.open()
    fill(log, count=60)
    expected = everything(log)
    log.close()
    flip(sorted(place.path.glob("*.idx"))[0], layout.BLOCK + 100)
    log = place.open()
    assert log.stat().rebuilt == 1
    assert everything(log) == expected


def test_a_damaged_block_of_a_compacted_index_is_reported_and_can_be_made_anew(place: Place) -> None:
    log = filled(place)
    expected = everything(log)
    log.close()
    path = next(path for path in place.path.glob("*.idx") if is_compacted(path.with_suffix(".seg")))
    flip(path, layout.BLOCK + 100)
    error = outcome(place, expected)
    assert error is not None
    assert (error.file, error.offset) == (path.name, layout.BLOCK)
    assert rebuild_indexes(place.path) >= 2
    assert outcome(place, expected) is None


def test_the_last_frame_is_refused_when_damaged_though_nothing_follows_it(place: Place) -> None:
    """The mark of an orderly closing proves it."""
    log = place.open()
    fill(log, streams=1, count=5)
    log.close()
    (place.path / "00000000.chk").unlink()
    (path,) = segments(place)
    flip(path, path.stat().st_size - 1)
    with pytest.raises(CorruptError, match="acknowledged up to"):
        place.open()


def test_a_torn_frame_beyond_every_proof_is_cut(place: Place, tmp_path: Path) -> None:
    log = place.open()
    model = fill(log, streams=1, count=5)
    log.tidy()
    copy = Place(tmp_path / "copy")
    batch = Batch()
    batch.append(b"room-0", b"never synced")
    log.write([batch])
    shutil.copytree(place.path, copy.path)
    (path,) = segments(copy)
    whole = path.read_bytes()
    end = whole.index(b"never synced")
    path.write_bytes(whole[: end + 3])
    log = copy.open()
    assert log.read(b"room-0", 1, 9) == model[b"room-0"]
    assert log.stat().cut > 0
    assert not log.closed_cleanly
    copy.close()


def test_a_payload_that_looks_like_a_frame_is_no_proof(place: Place, tmp_path: Path) -> None:
    """Who sends the bytes of a frame cannot make a torn end look like damage."""
    log = place.open()
    fill(log, streams=1, count=3)
    (path,) = segments(place)
    frame = bytearray(path.read_bytes()[layout.SEGMENT_HEADER :])
    batch = Batch()
    batch.append(b"room-0", layout.FRAME_MARK + bytes(frame[4:200]))
    log.tidy()
    log.write([batch])
    copy = Place(tmp_path / "copy")
    shutil.copytree(place.path, copy.path)
    (path,) = segments(copy)
    data = bytearray(path.read_bytes())
    at = data.rindex(layout.FRAME_MARK)
    data[data.rindex(layout.FRAME_MARK, 0, at)] ^= 1
    path.write_bytes(data)
    assert copy.open().head(b"room-0") == 3
    copy.close()


def test_a_folder_that_is_not_a_log_is_refused_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "00000000.seg").write_text("mine")
    for read_only in (False, True):
        with pytest.raises(ForeignDirectoryError):
            Log.open(folder, read_only=read_only)
    assert [path.name for path in folder.iterdir()] == ["00000000.seg"]


def test_foreign_files_in_a_log_are_left_alone(place: Place) -> None:
    filled(place).close()
    ours = [place.path / "000000aa.seg", place.path / "MANIFEST.tmp", place.path / "compact-00000009.idx"]
    theirs = [place.path / "notes.txt", place.path / "00000000.seg.bak", place.path / "x.tmp"]
    for path in ours + theirs:
        path.write_text("?")
    place.open()
    assert [path.exists() for path in ours] == [False] * 3
    assert [path.read_text() for path in theirs] == ["?"] * 3


@pytest.mark.parametrize("name", ["HUBBUB-LOG", "MANIFEST"])
def test_a_newer_format_is_refused_and_left_alone(place: Place, name: str) -> None:
    filled(place).close()
    path = place.path / name
    path.write_bytes(
        path.read_bytes().replace(b"format 1", b"format 2").replace(b"hubbub-log 1", b"hubbub-log 2")
    )
    before = {one.name: one.read_bytes() for one in place.path.iterdir()}
    for read_only in (False, True):
        with pytest.raises(NewerFormatError):
            place.open(read_only=read_only)
    assert {one.name: one.read_bytes() for one in place.path.iterdir()} == before


def test_nothing_to_read_is_no_log(tmp_path: Path) -> None:
    with pytest.raises((LogError, FileNotFoundError)):
        Log.open(tmp_path / "nowhere", read_only=True)
    assert not (tmp_path / "nowhere").exists()


def test_verify_finds_nothing_in_a_sound_log(place: Place) -> None:
    log = filled(place)
    steps: list[tuple[int, int]] = []
    assert list(verify(place.path, lambda done, total: steps.append((done, total)))) == []
    assert steps[-1][0] == steps[-1][1] > 0
    log.close()
    assert list(verify(place.path)) == []


def test_verify_says_which_index_does_not_fit(place: Place) -> None:
    log = place.open()
    fill(log, count=60)
    log.close()
    one, *_ = sorted(place.path.glob("*.idx"))
    flip(one, layout.BLOCK + 9)
    (finding,) = verify(place.path)
    assert (finding.file, finding.offset) == (one.name, layout.BLOCK)
