"""Files and folders as one stream: GNU tar and `tarfile` read it, and it begins at any offset."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from hubbub.client.bundle import Bundle, source_of
from hubbub.client.errors import ChangedError, SourceError
from hubbub.client.source import PIECE, PlainFile, Source
from hubbub.client.tree import MAX_DEPTH, numbered

LONG = "long-" * 45 + ".txt"  # more than the 100 bytes that a ustar header has for it


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "holiday"
    (top / "pictures" / "empty").mkdir(parents=True)
    (top / "pictures" / "cat.png").write_bytes(b"\x89PNG" * 1000)
    (top / "notes.txt").write_text("sunny\n")
    (top / "nothing").touch()
    (top / LONG).write_text("long")
    (top / "日记.txt").write_text("今天")
    script = top / "run.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o4775)
    os.utime(top / "notes.txt", (1_000_000_000, 1_000_000_000))
    return top


def whole(source: Source) -> bytes:
    return b"".join(source.read_from(0))


def test_a_bundle_has_the_size_it_says_and_is_the_same_again(folder: Path) -> None:
    bundle = Bundle.of([folder])
    data = whole(bundle)
    assert (bundle.name, bundle.count, bundle.left_out) == ("holiday.tar", 6, ())
    assert len(data) == bundle.size
    assert whole(bundle) == data == whole(Bundle.of([folder]))


def test_tarfile_reads_it(folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(whole(Bundle.of([folder]))), mode="r:") as tar:
        members = {member.name: member for member in tar.getmembers()}
        assert sorted(members) == sorted(
            ["holiday", *(f"holiday/{one.relative_to(folder)}" for one in folder.rglob("*"))]
        )
        picture = tar.extractfile("holiday/pictures/cat.png")
        assert picture is not None
        assert picture.read() == (folder / "pictures" / "cat.png").read_bytes()
    owners = {(one.uid, one.gid, one.uname, one.gname) for one in members.values()}
    assert owners == {(0, 0, "", "")}
    assert members["holiday/run.sh"].mode == 0o755
    assert members["holiday/notes.txt"].mode == 0o644
    assert members["holiday/notes.txt"].mtime == 1_000_000_000
    assert members["holiday/pictures/empty"].isdir()


def test_gnu_tar_reads_it(folder: Path, tmp_path: Path) -> None:
    if shutil.which("tar") is None:
        pytest.skip("tar")
    (tmp_path / "out").mkdir()
    command = ["tar", "-x", "-f", "-", "-C", str(tmp_path / "out")]
    done = subprocess.run(command, input=whole(Bundle.of([folder])), capture_output=True, check=True)
    assert done.stderr == b""
    for one in folder.rglob("*"):
        unpacked = tmp_path / "out" / "holiday" / one.relative_to(folder)
        assert unpacked.is_dir() if one.is_dir() else unpacked.read_bytes() == one.read_bytes()


def test_it_can_be_read_from_every_offset(tmp_path: Path) -> None:
    top = tmp_path / "s"
    (top / "sub").mkdir(parents=True)
    (top / "a").write_bytes(b"a" * 700)
    (top / "sub" / LONG).write_bytes(b"b" * 512)
    (top / "z").touch()
    bundle = Bundle.of([top])
    data = whole(bundle)
    for offset in range(bundle.size + 1):
        assert b"".join(bundle.read_from(offset)) == data[offset:]
    with pytest.raises(ValueError, match="offset"):
        next(bundle.read_from(bundle.size + 1))


def test_small_files_are_joined_and_large_ones_cut(tmp_path: Path) -> None:
    top = tmp_path / "many"
    top.mkdir()
    for number in range(1000):
        (top / f"{number}").write_bytes(b"x" * 100)
    (top / "large").write_bytes(os.urandom(3 * PIECE + 1))
    bundle = Bundle.of([top])
    pieces = [len(piece) for piece in bundle.read_from(0)]
    assert max(pieces) <= PIECE
    assert len(pieces) <= bundle.size // PIECE + 4


@pytest.mark.parametrize("change", ["longer", "shorter", "newer", "gone", "link"])
def test_a_file_that_changes_after_the_walk_is_named(folder: Path, change: str) -> None:
    bundle = Bundle.of([folder])
    victim = folder / "notes.txt"
    if change == "longer":
        victim.write_text("sunny, then rain\n")
    elif change == "shorter":
        victim.write_text("s")
    elif change == "newer":
        os.utime(victim, (2_000_000_000, 2_000_000_000))
    else:
        victim.unlink()
        if change == "link":
            victim.symlink_to(folder / "run.sh")
    with pytest.raises(ChangedError) as raised:
        whole(bundle)
    assert raised.value.path == str(victim)


def test_no_link_is_followed_that_came_after_the_walk(tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    for path in (tmp_path / "top" / "note", tmp_path / "secret"):
        path.write_text("equal")
        os.utime(path, (1_000_000_000, 1_000_000_000))
    bundle = Bundle.of([tmp_path / "top"])
    (tmp_path / "top" / "note").unlink()
    (tmp_path / "top" / "note").symlink_to(tmp_path / "secret")
    with pytest.raises(ChangedError):
        whole(bundle)


def test_a_file_that_changes_while_it_is_read_is_never_sent_whole(tmp_path: Path) -> None:
    victim = tmp_path / "large"
    victim.write_bytes(bytes(3 * PIECE))
    for source in (PlainFile(victim), Bundle.of([tmp_path])):
        sent = 0
        with pytest.raises(ChangedError):  # noqa: PT012 - the change comes in the middle
            for piece in source.read_from(0):
                sent += len(piece)
                with victim.open("r+b") as file:
                    file.write(b"x")
                os.utime(victim, (3_000_000_000, sent))
        assert sent < 3 * PIECE
        if isinstance(source, PlainFile):
            source.close()


def test_what_is_no_file_and_no_folder_is_left_out_and_named(folder: Path) -> None:
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "fifo")
    (folder / "dot.").touch()
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe")).touch()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        bundle = Bundle.of([folder])
    assert {Path(path).name for path, _ in bundle.left_out} == {
        "link", "loop", "fifo", "socket", "dot.", os.fsdecode(b"\xff\xfe"),
    }  # fmt: skip
    assert bundle.count == 6
    reasons = {Path(path).name: reason for path, reason in bundle.left_out}
    assert reasons["link"] == "It is a symbolic link."
    assert reasons["fifo"] == "It is neither a file nor a folder."
    with tarfile.open(fileobj=io.BytesIO(whole(bundle))) as tar:
        assert all(one.isreg() or one.isdir() for one in tar.getmembers())


def test_two_writings_of_one_name_do_not_meet_at_the_receiver(tmp_path: Path) -> None:
    (tmp_path / "é").write_text("composed")
    if (tmp_path / "e\u0301").exists():
        pytest.skip("a file system that tells decomposed names from composed ones")
    (tmp_path / "e\u0301").write_text("decomposed")
    bundle = Bundle.of([tmp_path])
    assert bundle.count == 1
    assert [reason for _, reason in bundle.left_out] == [
        "Another has the same name, written with other characters."
    ]


def test_folders_that_are_too_deep_are_left_out(tmp_path: Path) -> None:
    deep = tmp_path / "top" / Path(*["d"] * MAX_DEPTH)
    deep.mkdir(parents=True)
    bundle = Bundle.of([tmp_path / "top"])
    assert [reason for _, reason in bundle.left_out] == [f"It is more than {MAX_DEPTH} folders deep."]


def test_what_may_not_be_read_is_said_before_anything_is_sent(folder: Path) -> None:
    """In a process of a user who may not, since root may read everything."""
    (folder / "notes.txt").chmod(0o000)
    for one in (folder, *folder.parents):
        if one.owner() == folder.owner() and one != Path("/tmp"):
            one.chmod(0o755)
    program = (
        "import os, sys\nfrom hubbub.client.bundle import Bundle, SourceError\n"
        "if os.geteuid() == 0:\n    os.setgroups([]), os.setgid(65534), os.setuid(65534)\n"
        "try:\n    Bundle.of(sys.argv[1:])\nexcept SourceError as error:\n    print(error)\n"
    )
    command = [sys.executable, "-c", program, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{folder / 'notes.txt'} may not be read.\n"


def test_several_paths_are_one_bundle_and_keep_apart(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("another")
    bundle = Bundle.of([folder / "notes.txt", tmp_path / "notes.txt", folder / "pictures"])
    assert bundle.name == "files.tar"
    with tarfile.open(fileobj=io.BytesIO(whole(bundle))) as tar:
        assert tar.getnames() == [
            "notes.txt", "notes (2).txt", "pictures", "pictures/cat.png", "pictures/empty",
        ]  # fmt: skip


def test_the_folder_one_is_in_has_a_name_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "pictures")
    assert Bundle.of(["."]).name == "pictures.tar"
    assert Bundle.of([".."]).name == "holiday.tar"
    with pytest.raises(SourceError, match="cannot be sent"):
        Bundle.of(["/"])


def test_a_named_link_is_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "short").symlink_to(folder)
    (tmp_path / "note").symlink_to(folder / "notes.txt")
    bundle = Bundle.of([tmp_path / "short", tmp_path / "note"])
    with tarfile.open(fileobj=io.BytesIO(whole(bundle))) as tar:
        assert "short/pictures/cat.png" in tar.getnames()
        assert tar.getmember("note").size == 6


@pytest.mark.parametrize("name", ["missing", "fifo"])
def test_what_cannot_be_sent_is_said(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    for make in (Bundle.of, source_of):
        with pytest.raises(SourceError, match=name):
            make([tmp_path / name])
    with pytest.raises(SourceError, match="nothing to send"):
        Bundle.of([])


def test_one_file_goes_as_it_is(folder: Path) -> None:
    with source_of([folder / "pictures" / "cat.png"]) as file:  # type: ignore[union-attr]
        assert isinstance(file, PlainFile)
        assert (file.name, file.size) == ("cat.png", 4000)
        assert whole(file) == b"\x89PNG" * 1000
        assert b"".join(file.read_from(3998)) == b"NG"
        assert os.pread(file.fileno(), 4, 0) == b"\x89PNG"
        file.check()
        (folder / "pictures" / "cat.png").write_bytes(b"")
        with pytest.raises(ChangedError):
            file.check()
    assert isinstance(source_of([folder]), Bundle)
    with pytest.raises(SourceError, match="cannot be sent"):
        PlainFile(folder / "notes.txt", name="../x")


def test_sizes_beyond_the_digits_of_a_header(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        try:
            file.truncate(8**11 + 5)
        except OSError:
            pytest.skip("a file system with sparse files of 8 GiB")
    bundle = Bundle.of([large])
    start = b"".join(piece for piece, _ in zip(bundle.read_from(0), range(1), strict=False))
    end = b"".join(bundle.read_from(bundle.size - 1024 - 512))
    assert b"size=8589934597\n" in start
    assert bundle.size == 3 * 512 + 8**11 + 512 + 1024
    assert end == bytes(1024 + 512)


def test_numbered_names() -> None:
    assert [numbered("cat.png", n) for n in (1, 2)] == ["cat.png", "cat (2).png"]
    assert numbered("a.tar.gz", 3) == "a (3).tar.gz"
    assert numbered(".bashrc", 2) == ".bashrc (2)"
    long = numbered("ä" * 125 + ".jpeg", 12)
    assert long.endswith(" (12).jpeg")
    assert len(long.encode()) <= 255
    assert len(numbered("a." + "x" * 253, 2).encode()) == 255
