"""`hubbub log` and `hubbub backup`, run as a person runs them, on a real directory."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import shutil
import stat
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hubbub.adapters.log_codec import add_change, add_entry
from hubbub.adapters.log_reading import LogReader
from hubbub.adapters.search_table import SearchTable
from hubbub.core.entries import Entry, Erase, Erased, Put, Record, Said, Trim
from hubbub.log import Batch, Log
from hubbub.server.storage import note_durability
from serving import serving

Everything = tuple[dict[str, list[Record]], list[tuple[str, bytes]]]


def _hubbub(*arguments: str | Path, code: int = 0, stdin: bytes | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "hubbub", *map(str, arguments)], input=stdin, capture_output=True, timeout=60
    )
    assert done.returncode == code, done.stderr.decode()
    return (done.stdout if code == 0 else done.stdout + done.stderr).decode()


@contextmanager
def _log(data: Path) -> Iterator[Log]:
    data.mkdir(parents=True, exist_ok=True)
    with Log.open(data / "log") as log:
        yield log


def _said(stream: str, number: int) -> Entry:
    at = f"2026-11-21T08:00:{number % 60:02}.000Z"
    return Entry(stream, f"id-{number}", at, Said("Alice", 7, "lobby", f"message {number} 你好"), 7)


def _fill(data: Path) -> None:
    with _log(data) as log:
        for number in range(1, 41):
            batch = Batch()
            add_entry(batch, _said("room:1", number))
            if number % 4 == 0:
                add_entry(batch, _said("talk:1:2", number))
            add_change(batch, Put(f"account/{number % 3}", bytes([number])))
            log.commit(batch)
        batch = Batch()
        add_change(batch, Erase("room:1", 20))
        add_change(batch, Trim("talk:1:2", 4))
        log.commit(batch)


def _everything(data: Path) -> Everything:
    with Log.open(data / "log", read_only=True) as log:
        reader = LogReader(log, wait=True)
        streams = {
            name: [
                Record(record.entry, "", record.offset)
                for record in reader.entries(name, 1, reader.head(name).offset)
            ]
            for name in reader.streams("")
        }
        return streams, list(reader.scan(""))


@pytest.fixture(name="data")
def _data(tmp_path: Path) -> Path:
    _fill(tmp_path / "data")
    return tmp_path / "data"


def test_verify_finds_nothing_in_a_sound_log_and_names_the_place_in_a_damaged_one(data: Path) -> None:
    assert "sound" in _hubbub("log", "verify", "--data", data)
    (segment,) = (data / "log").glob("*.seg")
    content = bytearray(segment.read_bytes())
    place = content.index(b"message 7 ")
    content[place] ^= 1
    segment.write_bytes(content)
    told = _hubbub("log", "verify", "--data", data, code=1)
    assert segment.name in told
    assert "Nothing was changed" in told
    assert segment.read_bytes() == content


def test_stat_counts(data: Path) -> None:
    rows = dict(line.split(None, 1) for line in _hubbub("log", "stat", "--data", data).splitlines())
    assert rows["streams"] == "2"
    assert rows["records"] == "3"


def test_dump_prints_entries_as_json(data: Path) -> None:
    lines = [json.loads(line) for line in _hubbub("log", "dump", "--data", data).splitlines()]
    assert [one["offset"] for one in lines if one["stream"] == "room:1"] == list(range(1, 41))
    assert lines[19]["body"] == {"type": "erased"}
    told = _hubbub("log", "dump", "--data", data, "--stream", "room:1", "--first", "39", "--count", "1")
    assert json.loads(told)["body"]["content"] == "message 39 你好"


def test_compact_takes_the_erased_out_of_the_files(data: Path) -> None:
    before = _everything(data)
    assert b"message 20 " in b"".join(one.read_bytes() for one in (data / "log").iterdir())
    # Retries may still come for what was just sent, and what they need is not compacted.
    told = _hubbub("log", "compact", "--data", data)
    assert "bytes before" in told or "could be compacted" in told
    assert _everything(data) == before


@pytest.mark.parametrize("command", ["compact", "rebuild-index"])
def test_what_interval_mode_may_have_lost_is_not_forgotten_by_a_tool_that_closes_in_order(
    tmp_path: Path, command: str
) -> None:
    crashed = tmp_path / "crashed"
    with _log(tmp_path / "data") as log:
        note_durability(log, interval=True)
        shutil.copytree(tmp_path / "data", crashed)
        before = log.epoch
    _hubbub("log", command, "--data", crashed)
    with _log(crashed) as log:
        assert log.closed_cleanly
        assert log.epoch != before, "positions of what was lost would be given to something else"


def test_an_export_is_imported_with_all_positions_and_another_epoch(data: Path, tmp_path: Path) -> None:
    file, copy = tmp_path / "export.jsonl", tmp_path / "copy"
    _hubbub("log", "export", file, "--data", data)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    _hubbub("log", "import", file, "--data", copy)
    assert _everything(copy) == _everything(data)
    assert _everything(copy)[0]["room:1"][19].entry.body == Erased()
    with Log.open(data / "log", read_only=True) as one, Log.open(copy / "log", read_only=True) as other:
        assert one.first(b"talk:1:2") == other.first(b"talk:1:2") == 4
        assert one.epoch != other.epoch
    again = _hubbub("log", "export", "-", "--data", copy)
    assert again == file.read_text()
    piped = tmp_path / "piped"
    _hubbub("log", "import", "-", "--data", piped, stdin=again.encode())
    assert _everything(piped) == _everything(data)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "line 1 is no line of an export"),
        (b'{"hubbub":"export","version":2}\n', "not an export of version 1"),
        (b'{"hubbub":"export","version":1}\n{"key":5}\n', "line 2 is no line of an export"),
        (b'{"hubbub":"export","version":1}\n{}\n', "line 2 is neither"),
        (b'{"hubbub":"export","version":1}\n{"stream":"s","offset":0}\n', "line 2 is neither"),
        (b'{"hubbub":"export","version":1}\n{"key":"a","value":"!"}\n', "line 2 is no line"),
    ],
)
def test_what_is_no_export_is_refused_with_its_line(tmp_path: Path, content: bytes, says: str) -> None:
    assert says in _hubbub("log", "import", "-", "--data", tmp_path / "new", stdin=content, code=1)
    assert not (tmp_path / "new" / "log").exists(), "half an import must not pass for a whole one"


def test_nothing_is_overwritten(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "export.jsonl"
    file.write_text("mine")
    told = _hubbub("log", "export", file, "--data", data, code=1)
    assert told == f"hubbub: {file}: File exists\n"
    assert file.read_text() == "mine"
    assert "empty place" in _hubbub("log", "import", file, "--data", data, code=1)
    assert "not empty" in _hubbub("backup", tmp_path, "--data", data, code=1)


def test_a_backup_beside_whoever_writes_is_restored_by_opening_it(data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    with _log(data) as log:  # as a server holds it
        batch = Batch()
        add_entry(batch, _said("room:1", 41))
        log.commit(batch)
        log.tidy()
        assert "copied" in _hubbub("backup", copy, "--data", data)
    assert _everything(copy)[0]["room:1"][:40] == _everything(data)[0]["room:1"][:40]
    with Log.open(data / "log", read_only=True) as one, Log.open(copy / "log", read_only=True) as other:
        assert one.epoch != other.epoch, "who is ahead of the copy must be told of a gap"
    with _log(copy) as log:
        batch = Batch()
        add_entry(batch, _said("room:1", 42))
        (offset,) = log.commit(batch)
        assert offset == log.head(b"room:1")


def test_what_is_damaged_is_neither_exported_nor_copied_as_if_it_were_sound(
    data: Path, tmp_path: Path
) -> None:
    with _log(data) as log:
        log.seal()
    segment = data / "log" / "00000000.seg"
    content = bytearray(segment.read_bytes())
    content[content.index(b"message 7 ")] ^= 1
    segment.write_bytes(content)
    assert "damaged" in _hubbub("log", "export", tmp_path / "export.jsonl", "--data", data, code=1)
    assert not (tmp_path / "export.jsonl").exists()
    told = _hubbub("backup", tmp_path / "copy", "--data", data, code=1)
    assert f"{segment.name}, offset " in told
    assert "also in the copy" in told


def test_a_reader_that_has_enough_is_no_fault(data: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "hubbub", "log", "dump", "--data", str(data)]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=60)
    os.close(writing)
    assert done.stderr == b""


def test_the_index_is_made_anew(data: Path) -> None:
    (data / "search.sqlite").write_bytes(b"rubbish")
    assert "indexed" in _hubbub("log", "rebuild-index", "--data", data)
    with Log.open(data / "log", read_only=True) as log:
        table = SearchTable(data / "search.sqlite", log.epoch)
    assert table.find("你好", ["room:1"], 100) == [("room:1", n) for n in range(40, 0, -1) if n != 20]
    assert table.find("message", ["talk:1:2"], 100) == [("talk:1:2", n) for n in range(10, 3, -1)]
    table.close()


def test_what_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "one").write_text("mine")
    for words in (
        ["log", "verify"],
        ["log", "stat"],
        ["log", "dump"],
        ["log", "compact"],
        ["log", "rebuild-index"],
        ["log", "export", str(tmp_path / "export.jsonl")],
        ["backup", str(tmp_path / "to")],
        ["user", "list"],
        ["user", "disable", "Zoe"],
    ):
        for where in ("nothing", "letters"):
            told = _hubbub(*words, "--data", tmp_path / where, code=1)
            assert told == f"hubbub: {tmp_path / where} holds no data of Hubbub\n"
    missing = tmp_path / "missing.jsonl"
    told = _hubbub("log", "import", missing, "--data", tmp_path / "nothing", code=1)
    assert told == f"hubbub: {missing}: there is no such file\n"
    told = _hubbub("log", "import", "-", "--data", tmp_path / "letters", code=1, stdin=b"")
    assert "holds 'one'" in told
    assert [one.name for one in tmp_path.iterdir()] == ["letters"]
    assert [one.name for one in (tmp_path / "letters").iterdir()] == ["one"]
    assert "nothing is kept" in _hubbub("log", "stat", "--data", ":memory:", code=2)


def test_a_person_sees_a_bar(data: Path) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    done = subprocess.run(
        [sys.executable, "-m", "hubbub", "log", "verify", "--data", str(data)],
        stdout=subprocess.PIPE, stderr=theirs, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0
    assert b"verifying" in os.read(ours, 65_536)
    os.close(theirs)
    os.close(ours)


def test_a_restored_backup_is_not_unread_for_everybody(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    with serving("--data", str(data)) as server:
        ann = server.ndjson()
        account = ann.ask("auth/register", username="Ann", password="a password of hers")["payload"]
        bob = server.ndjson("Bob")
        at = [bob.ask("message/send", text=f"message {number}")["payload"] for number in range(3)][-1]
        ann.ask("message/read", stream=at["stream"], offset=at["offset"] - 1)
        _hubbub("backup", copy, "--data", data)
    with serving("--data", str(copy)) as server:
        ann = server.ndjson()
        assert ann.ask("auth/login", token=account["token"])["status"] == 200
        (unread,) = ann.ask("message/unread")["payload"]["streams"]
        assert (unread["read"], unread["unread"]) == (at["offset"] - 1, 1)
        assert unread["epoch"] != at["epoch"]


def test_a_copy_is_not_made_within_what_is_copied(data: Path) -> None:
    for inside in (data, data / "log", data / "new"):
        assert "within what is to be copied" in _hubbub("backup", inside, "--data", data, code=1)
    assert not (data / "new").exists()


def test_a_backup_has_the_kept_files_as_copies_of_their_own(data: Path, tmp_path: Path) -> None:
    blobs = data / "files" / "blobs"
    contents = [os.urandom(size) for size in (0, 1, 5_000_000)]
    for content in contents:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest[:2]).mkdir(parents=True, exist_ok=True)
        (blobs / digest[:2] / digest[2:]).write_bytes(content)
    copy = tmp_path / "copy"
    assert "bytes copied" in _hubbub("backup", copy, "--data", data)
    for content in contents:
        digest = hashlib.sha256(content).hexdigest()
        copied = copy / "files" / "blobs" / digest[:2] / digest[2:]
        assert copied.read_bytes() == content
        assert not copied.samefile(blobs / digest[:2] / digest[2:])
        assert stat.S_IMODE(copied.stat().st_mode) == 0o600
    assert [path.name for path in (copy / "files").iterdir()] == ["blobs"]
