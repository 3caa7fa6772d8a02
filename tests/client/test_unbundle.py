"""Bundles back into files: our own, those of other programs, and hostile ones, made by hand."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.client import unbundle
from hubbub.client.bundle import Bundle
from hubbub.client.errors import BundleError, PlaceError
from hubbub.client.tree import MAX_DEPTH
from hubbub.client.unbundle import Reader, unpack

END = bytes(1024)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """The folder that is unpacked into, inside of one that must not change."""
    path = tmp_path / "around" / "inbox"
    path.mkdir(parents=True)
    return path


def entry(
    name: str, data: bytes = b"", *, kind: bytes = tarfile.REGTYPE, link: str = "", **fields: int
) -> bytes:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    info.size = fields.pop("size", len(data))
    info.mode = fields.pop("mode", 0o644)
    assert not fields
    return info.tobuf(tarfile.PAX_FORMAT) + data + bytes(-len(data) % 512)


def extended(records: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    info = tarfile.TarInfo("pax")
    info.type = kind
    info.size = len(records)
    return info.tobuf(tarfile.USTAR_FORMAT) + records + bytes(-len(records) % 512)


def tree(top: Path) -> dict[str, bytes | None]:
    """All there is, links as what they are."""
    return {
        str(path.relative_to(top)): path.read_bytes() if path.is_file() and not path.is_symlink() else None
        for path in top.rglob("*")
    }


def unpacked(data: bytes, inbox: Path) -> list[str]:
    part = inbox / ".x.part"
    part.write_bytes(data)
    try:
        return [path.name for path in unpack(part, inbox)]
    finally:
        part.unlink()


def test_what_was_bundled_is_there_again(tmp_path: Path, inbox: Path) -> None:
    top = tmp_path / "holiday"
    (top / "empty" / "deeper").mkdir(parents=True)
    (top / "日记.txt").write_text("今天")
    (top / ("n" * 200)).write_bytes(os.urandom(300_000))
    (top / "run").write_bytes(b"")
    (top / "run").chmod(0o777)
    os.utime(top / "run", (1_000_000_000, 1_000_000_000))
    data = b"".join(Bundle.of([top]).read_from(0))
    assert unpacked(data, inbox) == ["holiday"]
    assert tree(inbox / "holiday") == tree(top)
    status = (inbox / "holiday" / "run").stat()
    assert stat.S_IMODE(status.st_mode) & 0o100
    assert status.st_mtime == 1_000_000_000
    assert [path.name for path in inbox.iterdir()] == ["holiday"]


def test_nothing_that_is_there_is_overwritten(tmp_path: Path, inbox: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("new")
    (tmp_path / "b.tar.gz").write_text("new too")
    data = b"".join(Bundle.of([tmp_path / "a", tmp_path / "b.tar.gz"]).read_from(0))
    (inbox / "a").mkdir()  # an empty folder is somebody's too
    (inbox / "a (2)").symlink_to("/nowhere")
    (inbox / "b.tar.gz").write_text("old")
    assert unpacked(data, inbox) == ["a (3)", "b (2).tar.gz"]
    assert unpacked(data, inbox) == ["a (4)", "b (3).tar.gz"]
    assert tree(inbox) == {
        "a": None,
        "a (2)": None,
        "a (3)": None,
        "a (3)/x": b"new",
        "a (4)": None,
        "a (4)/x": b"new",
        "b.tar.gz": b"old",
        "b (2).tar.gz": b"new too",
        "b (3).tar.gz": b"new too",
    }


@pytest.mark.parametrize("form", ["pax", "ustar"])
def test_what_gnu_tar_makes_is_read(tmp_path: Path, inbox: Path, form: str) -> None:
    if shutil.which("tar") is None:
        pytest.skip("tar")
    top = tmp_path / "theirs"
    (top / ("d" * 60) / ("e" * 60)).mkdir(parents=True)
    (top / ("d" * 60) / ("e" * 60) / "f.txt").write_bytes(b"1" * 10_000)
    (top / "ü").write_text("ü") if form == "pax" else (top / "u").write_text("u")
    command = ["tar", f"--format={form}", "-c", "-C", str(tmp_path), "theirs"]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    assert unpacked(data, inbox) == ["theirs"]
    assert tree(inbox / "theirs") == tree(top)


def test_folders_need_no_entries_of_their_own(inbox: Path) -> None:
    assert unpacked(entry("a/b/c", b"1") + entry("a", kind=tarfile.DIRTYPE) + END, inbox) == ["a"]
    assert tree(inbox / "a") == {"b": None, "b/c": b"1"}


NEGATIVE = tarfile.TarInfo("a")
NEGATIVE.size = -1

HOSTILE: dict[str, bytes] = {
    "parent": entry("../x", b"1") + END,
    "parent, inside": entry("a/../../x", b"1") + END,
    "absolute": entry("/x", b"1") + END,
    "absolute, in an extended header": extended(b"11 path=/x\n") + entry("x", b"1") + END,
    "parent, in an extended header": extended(b"13 path=../x\n") + entry("x", b"1") + END,
    "nothing": entry("", b"1") + END,
    "here": entry(".", kind=tarfile.DIRTYPE) + END,
    "an empty part": entry("a//b", b"1") + END,
    "a file with a slash behind it": extended(b"11 path=a/\n") + entry("a", b"1") + END,
    "backslash": entry("a\\b", b"1") + END,
    "device of Windows": entry("a/NUL.txt", b"1") + END,
    "NUL": extended(b"12 path=a\x00b\n") + entry("x", b"1") + END,
    "newline": extended(b"12 path=a\nb\n") + entry("x", b"1") + END,
    "bidi": entry("a\u202egnp.exe", b"1") + END,
    "no UTF-8": extended(b"12 path=\xff\xfe\xfd\n") + entry("x", b"1") + END,
    "very long": entry("x" * 256, b"1") + END,
    "very long way": entry("/".join(["y" * 200] * 20), b"1") + END,
    "very deep": entry("/".join(["d"] * (MAX_DEPTH + 1)), b"1") + END,
    "symbolic link": entry("a", kind=tarfile.SYMTYPE, link="/etc") + END,
    "through a link": entry("a", kind=tarfile.SYMTYPE, link="/etc") + entry("a/passwd", b"1") + END,
    "hard link": entry("a", kind=tarfile.LNKTYPE, link="/etc/passwd") + END,
    "character device": entry("a", kind=tarfile.CHRTYPE) + END,
    "block device": entry("a", kind=tarfile.BLKTYPE) + END,
    "fifo": entry("a", kind=tarfile.FIFOTYPE) + END,
    "GNU long name": entry("a", b"../x\0", kind=tarfile.GNUTYPE_LONGNAME) + entry("b", b"1") + END,
    "GNU sparse": entry("a", kind=tarfile.GNUTYPE_SPARSE) + END,
    "pax sparse": extended(b"22 GNU.sparse.major=1\n") + entry("a", b"1") + END,
    "twice": entry("a/x", b"1") + entry("a/x", b"2") + END,
    "twice, in other characters": entry("a/é", b"1") + entry("a/e\u0301", b"2") + END,
    "file, then folder": entry("a/x", b"1") + entry("a/x/y", b"2") + END,
    "folder, then file": entry("a/x/y", b"1") + entry("a/x", b"2") + END,
    "a folder with bytes": entry("a", b"1" * 512, kind=tarfile.DIRTYPE) + END,
    "more than there is": entry("a", b"1", size=10_000) + END,
    "far more than there is": extended(b"28 size=9223372036854775807\n") + entry("a", b"1") + END,
    "less than there is": entry("a", b"1" * 2000, size=3) + END,
    "a size that is none": extended(b"11 size=-1\n") + entry("a", b"1") + END,
    "a negative size": NEGATIVE.tobuf(tarfile.GNU_FORMAT) + END,
    "a time that is none": extended(b"12 mtime=ab\n") + entry("a", b"1") + END,
    "one name for all": extended(b"10 path=x\n", tarfile.XGLTYPE) + entry("a", b"1") + END,
    "two extended headers": extended(b"10 path=x\n") + extended(b"10 path=y\n") + entry("a", b"1") + END,
    "an extended header of nothing": extended(b"10 path=x\n") + END,
    "a record that is too long": extended(b"99 path=x\n") + entry("a", b"1") + END,
    "a record without a length": extended(b"path=x\n") + entry("a", b"1") + END,
    "a record of no length": extended(b"0 path=x\n") + entry("a", b"1") + END,
    "a huge extended header": extended(b"70000 path=" + b"x" * 69_988 + b"\n") + entry("a", b"1") + END,
    "checksum": entry("a", b"1").replace(b"0000644", b"0000744", 1) + END,
    "no tar": b"\x89PNG" * 512,
    "empty": END,
    "nothing at all": b"",
    "no end": entry("a", b"1"),
    "half an end": entry("a", b"1") + bytes(512),
    "an end in the middle": entry("a", b"1") + bytes(512) + entry("b", b"1") + END,
    "more after the end": entry("a", b"1") + END + entry("b", b"1"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_is_refused_and_leaves_nothing(inbox: Path, name: str) -> None:
    good = entry("first/ok", b"fine")
    for data in (HOSTILE[name], good + HOSTILE[name]):
        if data == good + END:
            continue  # only alone an end is too early
        with pytest.raises(BundleError) as raised:
            unpacked(data, inbox)
        assert tree(inbox.parent) == {"inbox": None}
        assert str(raised.value).isprintable()


def test_modes_beyond_ours_are_not_kept(inbox: Path) -> None:
    umask = os.umask(0)
    try:
        unpacked(entry("suid", b"1", mode=0o6777) + entry("open", b"1", mode=0o1666) + END, inbox)
    finally:
        os.umask(umask)
    for path in inbox.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & ~0o755 == 0


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_whatever_is_damaged_nothing_leaves_the_folder(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    data = bytearray(
        entry("a/b", b"1" * 700) + entry("a/" + "l" * 120, b"2") + entry("a/c", kind=tarfile.DIRTYPE) + END
    )
    data[at % len(data)] ^= 1 << bit
    around = tmp_path_factory.mktemp("around")
    (around / "inbox").mkdir()
    try:
        names = unpacked(bytes(data), around / "inbox")
    except BundleError:
        names = []
    assert sorted(path.name for path in (around / "inbox").iterdir()) == sorted(names)
    assert [path.name for path in around.iterdir()] == ["inbox"]
    shutil.rmtree(around)


def test_every_truncation_is_refused(inbox: Path) -> None:
    data = entry("a/b", b"1" * 700) + entry("a/" + "l" * 120, b"2") + END
    for length in range(0, len(data), 64):
        with pytest.raises(BundleError):
            unpacked(data[:length], inbox)
        assert list(inbox.iterdir()) == []


def test_what_a_crash_left_is_removed_and_a_name_taken_meanwhile_is_left_alone(inbox: Path) -> None:
    (inbox / ".x.part.d" / "a").mkdir(parents=True)
    (inbox / ".x.part.d" / "a" / "half").write_text("half")
    assert unpacked(entry("a/b", b"1") + END, inbox) == ["a"]
    assert tree(inbox) == {"a": None, "a/b": b"1"}


def test_a_bundle_of_too_many_is_refused(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unbundle, "MAX_MEMBERS", 3)
    with pytest.raises(BundleError, match="more than 3"):
        unpacked(b"".join(entry(f"a/{n}", b"1") for n in range(4)) + END, inbox)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, inbox: Path) -> None:
    (inbox / ".x.part").write_bytes(entry("a", b"1") + END)
    with pytest.raises(PlaceError, match="cannot be written"):
        unpack(inbox / ".x.part", tmp_path / "missing")


def test_the_reader_skips_what_is_not_asked_for() -> None:
    stream = io.BytesIO(entry("a", b"1" * 1000) + entry("b", b"22") + END)
    read: Callable[[], list[tuple[str, ...]]] = lambda: [member.parts for member in Reader(stream)]  # noqa: E731
    assert read() == [("a",), ("b",)]
