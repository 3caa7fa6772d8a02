"""What the doctor says of the data directory: on real file systems, damaged, beside a real server."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from hubbub.log import Batch, Log
from hubbub.server.doctor import disk, keeping
from server.doctor.examining import command, deployment, look, of, said
from serving import serving, until

MOUNTED = 'mount -t tmpfs -o size={size} doctor "{at}" && {then} exec "$@"'


def mounted(at: Path, size: str, then: str = "") -> tuple[str, ...]:
    """A command that runs in a mount namespace of its own, with a file system in memory at that place."""
    return ("unshare", "-m", "sh", "-c", MOUNTED.format(size=size, at=at, then=then), "sh")


def filled(data: Path, entries: int = 50) -> Path:
    data.mkdir(mode=0o700)
    with Log.open(data / "log") as log:
        for number in range(entries):
            batch = Batch()
            batch.put(b"key/%d" % number, b"value" * 100)
            log.commit(batch)
    return data


def test_none_yet(tmp_path: Path) -> None:
    at = deployment("--data", str(tmp_path / "data"))
    said(look("directory", at), "note", "is not there yet")
    said(look("log", at), "note", "There is no log yet")
    said(look("space", at), "ok", f"free at {tmp_path}.")
    assert look("latency", at)[0].figures["writes"]
    assert list(tmp_path.iterdir()) == []  # the doctor has made nothing


def test_where_nobody_may_look() -> None:
    """A name that is too long is refused to root, too."""
    at = deployment("--data", "x" * 300)
    said(look("directory", at), "failed", "File name too long")
    said(look("log", at), "warning", "File name too long")
    for check in ("space", "latency"):
        said(look(check, at), "note", "File name too long")
    said(look("directory", deployment("--data", "a\0b")), "failed", "a?b is not a path")


def test_nothing_is_kept() -> None:
    at = deployment("--data", ":memory:")
    for check in ("directory", "log", "space", "latency"):
        said(look(check, at), "note", "Nothing is kept")


def test_a_sound_one(tmp_path: Path) -> None:
    at = deployment("--data", str(filled(tmp_path / "data")))
    before = sorted(path.name for path in (tmp_path / "data").rglob("*"))
    said(look("directory", at), "ok", "no server runs on it")
    figures = said(look("log", at), "ok", "The log is sound").figures
    assert figures["whole"] is True
    assert isinstance(figures["read"], int)
    assert figures["read"] > 50 * 500
    look("latency", at)
    assert sorted(path.name for path in (tmp_path / "data").rglob("*")) == before


def test_beside_a_server(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving("--data", str(data)) as server:
        server.text("Ann").say("hello")
        at = deployment("--data", str(data))
        assert at.pid == server.process.pid
        found = look("directory", at)
        said(found, "ok", f"(process {server.process.pid})")
        said(found, "note", "admin-password")
        said(look("log", at), "ok", "The log is sound")
    assert deployment("--data", str(data)).pid is None


def test_damage(tmp_path: Path) -> None:
    data = filled(tmp_path / "data")
    segment = next((data / "log").glob("*.seg"))
    content = bytearray(segment.read_bytes())
    content[content.index(b"valuevalue") + 3] ^= 1
    segment.write_bytes(content)
    found = said(look("log", deployment("--data", str(data))), "failed", f"{segment.name}, offset")
    assert "restore the backup" in found.advice


def test_no_log_where_one_should_be(tmp_path: Path) -> None:
    (tmp_path / "data" / "log").mkdir(parents=True)
    said(look("log", deployment("--data", str(tmp_path / "data"))), "failed", "cannot be read")


def test_a_long_log_is_read_as_far_as_there_is_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = filled(tmp_path / "data")
    monkeypatch.setattr(keeping, "TIME_FOR_LOG", 0.0)
    figures = said(look("log", deployment("--data", str(data))), "ok", "as far as it was read").figures
    assert figures == {"read": 0, "whole": False}


def test_open_to_others(tmp_path: Path) -> None:
    data = filled(tmp_path / "data")
    data.chmod(0o755)
    found = said(look("directory", deployment("--data", str(data))), "warning", "Others on this machine")
    assert found.figures == {"mode": "0755"}


def test_owners_that_do_not_fit(tmp_path: Path) -> None:
    data = filled(tmp_path / "data")
    os.chown(data, 65_534, 65_534)  # as after a command that root ran
    found = look("directory", deployment("--data", str(data)))
    said(found, "failed", f"{data / 'log'} belongs to root")
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent.stat().st_mode & 0o5 != 0o5:
            parent.chmod(parent.stat().st_mode | 0o5)
    as_another = ("setpriv", "--reuid=1234", "--regid=1234", "--clear-groups")
    code, report = command("--data", data, within=as_another)
    said(of(report, "directory"), "warning", "user 1234 asks")
    said(of(report, "latency"), "failed", "Nothing can be written")
    assert code == 1


def test_a_server_that_runs_as_another(tmp_path: Path) -> None:
    """Any process of another user's may stand for it here: whose it is, is all that is asked."""
    at = deployment("--data", str(filled(tmp_path / "data")))
    with subprocess.Popen(["setpriv", "--reuid=1234", "sleep", "60"]) as process:
        at.pid = process.pid
        until(lambda: keeping._owner_of(process.pid) == 1234)
        found = said(look("directory", at), "warning", "belongs to root, and the server runs as user 1234")
        assert "chown -R user 1234" not in found.advice  # what is told to be typed can be typed
        assert f"chown -R 1234 {tmp_path / 'data'}" in found.advice
        process.kill()


def test_memory_is_no_disk(tmp_path: Path) -> None:
    code, report = command("--data", tmp_path / "data", within=mounted(tmp_path, "2g"))
    found = said(of(report, "latency"), "warning", "is memory (tmpfs)")
    assert found.figures["kind"] == "tmpfs"
    said(of(report, "space"), "ok", "2.0 GiB of 2.0 GiB free")
    assert code == 3


def test_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    _, report = command("--data", tmp_path / "data", within=mounted(tmp_path, "500m"))
    said(of(report, "space"), "warning", "500 MiB free")
    _, report = command("--data", tmp_path / "data", within=mounted(tmp_path, "20m"))
    said(of(report, "space"), "failed", "20 MiB free")


def test_a_full_disk(tmp_path: Path) -> None:
    fill = f'dd if=/dev/zero of="{tmp_path}/full" bs=4k 2>/dev/null;'
    code, report = command("--data", tmp_path, within=mounted(tmp_path, "1m", fill))
    assert said(of(report, "space"), "failed", "0 MiB free").figures["free"] == 0
    said(of(report, "latency"), "failed", "No space left on device")
    assert code == 1


def test_a_disk_for_reading_only(tmp_path: Path) -> None:
    then = f'mkdir "{tmp_path}/data" && mount -o remount,ro "{tmp_path}" &&'
    code, report = command("--data", tmp_path / "data", within=mounted(tmp_path, "2g", then))
    said(of(report, "space"), "failed", "mounted for reading only")
    said(of(report, "latency"), "failed", "Read-only file system")
    said(of(report, "directory"), "failed", "cannot be written")
    assert code == 1


def test_no_more_files(tmp_path: Path) -> None:
    _, report = command("--data", tmp_path, within=mounted(tmp_path, "2g,nr_inodes=100"))
    said(of(report, "space"), "warning", "more files can be made")


def test_slow_and_too_fast_disks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the thresholds: how slow this disk is just now, a test cannot know."""
    at = deployment("--data", str(tmp_path))
    monkeypatch.setattr(disk, "VERY_SLOW_P99", 0.0)
    assert "interval=MS" in said(look("latency", at), "warning", "each message waits").advice
    monkeypatch.setattr(disk, "VERY_SLOW_P99", 1e9)
    monkeypatch.setattr(disk, "SLOW_P99", 0.0)
    said(look("latency", at), "note", "slow for a log")
    monkeypatch.setattr(disk, "SLOW_P99", 1e9)
    monkeypatch.setattr(disk, "TOO_FAST_P50", 1e9)
    said(look("latency", at), "note", "faster than a disk")
    monkeypatch.setattr(disk, "TOO_FAST_P50", 0.0)
    figures = said(look("latency", at), "ok", "99 of 100 within").figures
    assert isinstance(figures["p50"], float)
    assert isinstance(figures["p99"], float)
    assert 0 < figures["p50"] <= figures["p99"]


MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:25 / /srv rw - nfs4 host:/x rw
31 30 0:26 / /srv/a\\040b rw - xfs /dev/vdb rw
32 22 0:27 / /srvother rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("place", "expected"),
    [("/", "ext4"), ("/srv/x", "nfs4"), ("/srv/a b/c", "xfs"), ("/srv/a", "nfs4"), ("/srvother", "tmpfs")],
)
def test_which_file_system(place: str, expected: str) -> None:
    assert disk.file_system(Path(place), MOUNTS) == expected
