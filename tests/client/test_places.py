"""Where received files go: parts that go on, names that are never taken from somebody else."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hubbub.client import durable
from hubbub.client.bundle import Bundle
from hubbub.client.durable import move_file, move_folder
from hubbub.client.errors import BundleError, BusyError, DigestError, NoSpaceError, PlaceError
from hubbub.client.places import Partial, Piped, leftover, safe_name

DATA = os.urandom(10_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


def part(inbox: Path, name: str = "cat.png", offer: str = "f1", **options: object) -> Partial:
    return Partial(inbox, name, offer, len(DATA), **options)  # type: ignore[arg-type]


def names(inbox: Path) -> list[str]:
    return sorted(path.name for path in inbox.iterdir())


def test_a_file_has_its_name_when_it_is_whole(tmp_path: Path) -> None:
    inbox = tmp_path / "new" / "inbox"
    partial = part(inbox)
    partial.write(DATA[:4000])
    (hidden,) = names(inbox)
    assert hidden.startswith(".cat.png.")
    assert hidden.endswith(".part")
    partial.write(memoryview(DATA)[4000:])
    assert partial.finish(SHA256) == [inbox / "cat.png"]
    assert (inbox / "cat.png").read_bytes() == DATA
    assert names(inbox) == ["cat.png"]


def test_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    for end in (3000, 7000):
        partial = part(tmp_path)
        partial.write(DATA[partial.offset : end])
        partial.close()
    other = part(tmp_path, offer="f2")
    assert other.offset == 0
    partial = part(tmp_path)
    assert partial.offset == 7000
    assert partial.sha256 == hashlib.sha256(DATA[:7000]).hexdigest()
    partial.write(DATA[7000:])
    other.write(DATA)
    assert partial.finish(SHA256) == [tmp_path / "cat.png"]
    assert other.finish(SHA256.upper()) == [tmp_path / "cat (2).png"]


def test_it_goes_on_at_a_frame_where_it_is_sealed(tmp_path: Path) -> None:
    partial = part(tmp_path)
    partial.write(DATA[:7000])
    partial.close()
    partial = part(tmp_path, cut=lambda here: here - here % 4096)
    assert partial.offset == 4096
    partial.write(DATA[4096:])
    partial.finish(SHA256)
    assert (tmp_path / "cat.png").read_bytes() == DATA


def test_a_wrong_digest_leaves_nothing(tmp_path: Path) -> None:
    partial = part(tmp_path)
    partial.write(DATA[:-1] + b"!")
    with pytest.raises(DigestError):
        partial.finish(SHA256)
    assert names(tmp_path) == []
    assert part(tmp_path).offset == 0


def test_what_is_not_whole_is_not_finished_and_no_more_is_taken(tmp_path: Path) -> None:
    partial = part(tmp_path)
    partial.write(DATA[:-1])
    with pytest.raises(ValueError, match="9999 of 10000"):
        partial.finish(None)
    with pytest.raises(ValueError, match="more than"):
        partial.write(b"12")
    assert partial.offset == len(DATA) - 1
    partial.close()
    smaller = Partial(tmp_path, "cat.png", "f1", 100)  # an offer of something else by the same id
    assert smaller.offset == 0


def test_an_empty_part_is_not_left(tmp_path: Path) -> None:
    begun = Partial(tmp_path, "cat.png", "an offer", 100)
    assert list(tmp_path.iterdir()) == [begun.path]
    begun.close()
    assert list(tmp_path.iterdir()) == []


def test_one_process_at_a_time(tmp_path: Path) -> None:
    first = part(tmp_path)
    with pytest.raises(BusyError):
        part(tmp_path)
    first.write(DATA)
    first.finish(SHA256)
    second = part(tmp_path)
    assert second.offset == 0
    second.close()


def test_a_part_that_was_finished_before_a_crash_is_never_written_to(tmp_path: Path) -> None:
    partial = part(tmp_path)
    partial.write(DATA)
    partial.close()
    os.link(partial.path, tmp_path / "cat.png")  # and then the lights went out
    again = part(tmp_path)
    assert again.offset == 0
    again.write(b"x" * len(DATA))
    assert (tmp_path / "cat.png").read_bytes() == DATA


def test_no_part_is_opened_through_a_link(tmp_path: Path) -> None:
    partial = part(tmp_path)
    partial.discard()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    partial.path.symlink_to(victim)
    with pytest.raises(PlaceError):
        part(tmp_path)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/b", "", "..", "a\0b", "NUL", "x" * 10_000, "a\u202eb"]
)
def test_a_name_that_is_none_is_replaced(tmp_path: Path, name: str) -> None:
    assert safe_name(name) == "file"
    partial = part(tmp_path / "inbox", name)
    partial.write(DATA)
    assert partial.finish(SHA256) == [tmp_path / "inbox" / "file"]
    assert names(tmp_path) == ["inbox"]


def test_the_longest_name_and_any_offer_fit(tmp_path: Path) -> None:
    name = "ä" * 125 + ".jpeg"
    partial = part(tmp_path, name, offer="../../" + "x" * 1000)
    partial.write(DATA[:1])
    found = leftover(tmp_path, "../../" + "x" * 1000)
    assert found is not None
    assert found.path == partial.path
    assert name.startswith(found.name)
    partial.write(DATA[1:])
    assert partial.finish(SHA256) == [tmp_path / name]


def test_a_leftover_is_found_by_its_offer(tmp_path: Path) -> None:
    assert leftover(tmp_path, "f1") is None
    for one in (part(tmp_path, "a.part"), part(tmp_path, "b", offer="f2", bundle=True)):
        one.write(DATA[:1])
        one.close()
    assert [found and found[1:] for found in (leftover(tmp_path, "f1"), leftover(tmp_path, "f2"))] == [
        ("a.part", False),
        ("b", True),
    ]


def test_a_bundle_is_unpacked_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "x").write_text("1")
    bundle = Bundle.of([tmp_path / "top"])
    data = b"".join(bundle.read_from(0))
    inbox = tmp_path / "inbox"
    partial = Partial(inbox, bundle.name, "f1", bundle.size, bundle=True)
    partial.write(data)
    assert partial.finish(hashlib.sha256(data).hexdigest()) == [inbox / "top"]
    assert names(inbox) == ["top"]
    assert (inbox / "top" / "x").read_text() == "1"


def test_a_bundle_that_is_refused_leaves_nothing(tmp_path: Path) -> None:
    partial = part(tmp_path, bundle=True)
    partial.write(DATA)
    with pytest.raises(BundleError):
        partial.finish(SHA256)
    assert names(tmp_path) == []


# -- full disks


def test_a_full_disk_is_said_and_what_is_here_stays(tmp_path: Path) -> None:
    """By the system's limit on the size of a file, which fails a write as a full disk does."""
    partial = part(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, before[1]))
    try:
        with pytest.raises(NoSpaceError) as raised:
            partial.write(DATA)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert raised.value.retry
    assert "no space left" in str(raised.value)
    assert partial.offset == 6000
    partial.close()
    partial = part(tmp_path)
    assert partial.offset == 6000
    partial.write(DATA[6000:])
    partial.finish(SHA256)


def test_too_small_a_disk_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(NoSpaceError, match="needs"):
        Partial(tmp_path, "huge", "f1", 2**60)


def test_a_folder_that_cannot_be_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PlaceError, match="cannot be written"):
        part(tmp_path / "file" / "inbox")


# -- never overwriting

RACER = """
import sys
from pathlib import Path
from hubbub.client.durable import move_file, move_folder
inbox, me, move = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
print("ready", flush=True)
sys.stdin.readline()
for number in range(50):
    mine = inbox / f".{me}.{number}"
    if move == "file":
        mine.write_text(me)
        move_file(mine, inbox, f"cat{number % 5}.png")
    else:
        mine.mkdir()
        (mine / "x").write_text(me)
        move_folder(mine, inbox, f"cat{number % 5}")
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_processes_that_race_for_a_name_take_nothing_from_each_other(tmp_path: Path, kind: str) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path), f"racer{number}", kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        with racer:
            assert racer.wait() == 0
    contents = [(path if kind == "file" else path / "x").read_text() for path in tmp_path.iterdir()]
    assert sorted(contents) == ["racer0"] * 50 + ["racer1"] * 50
    assert (tmp_path / f"cat0 (20){'.png' if kind == 'file' else ''}").exists()


def test_where_there_are_no_links_nothing_is_overwritten_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no links on this file system")

    monkeypatch.setattr(os, "link", link)
    (tmp_path / "cat.png").write_text("old")
    (tmp_path / "new").write_text("new")
    assert move_file(tmp_path / "new", tmp_path, "cat.png") == tmp_path / "cat (2).png"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "cat.png": "old",
        "cat (2).png": "new",
    }


@pytest.mark.parametrize("taken", [Path.touch, Path.mkdir, lambda path: path.symlink_to("/nowhere")])
def test_a_taken_name_is_left_alone(tmp_path: Path, taken: Callable[[Path], None]) -> None:
    taken(tmp_path / "cat")
    before = (tmp_path / "cat").lstat()
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    assert move_file(tmp_path / "file", tmp_path, "cat").name == "cat (2)"
    assert move_folder(tmp_path / "folder", tmp_path, "cat").name == "cat (3)"
    assert (tmp_path / "cat").lstat().st_ino == before.st_ino


def test_numbers_end_somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "MAX_NUMBER", 2)
    for name in ("a", "a (2)", "new"):
        (tmp_path / name).touch()
    with pytest.raises(PlaceError, match="too many"):
        move_file(tmp_path / "new", tmp_path, "a")
    assert (tmp_path / "new").exists()


# -- a pipe


def test_a_pipe_gets_the_bytes_as_they_come() -> None:
    stream = io.BytesIO()
    piped = Piped(stream)
    piped.write(DATA[:10])
    assert stream.getvalue() == DATA[:10]
    piped.write(DATA[10:])
    assert piped.offset == len(DATA)
    assert piped.finish(SHA256) == []
    with pytest.raises(DigestError):
        piped.finish("0" * 64)


def test_a_pipe_that_nobody_reads_is_said() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as stream, pytest.raises(PlaceError, match="output"):
        Piped(stream).write(DATA)
