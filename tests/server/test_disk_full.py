"""A real server on a disk that fills up, and has space again: a small tmpfs where one may be mounted."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.file_requests import digest, noise, requests
from serving import Server, WebSocketClient, serving, until


class Disk:
    """A place to keep data, and its space."""

    def __init__(self, path: Path, env: dict[str, str]) -> None:
        self.path = path
        self.env = env
        """What a server needs to be on it."""

    def fill(self) -> None:
        """Take every byte that is left."""
        with (self.path / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * 65_536)
        with (self.path / "filler").open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0")

    def free(self) -> None:
        """Give it back."""
        (self.path / "filler").unlink()


class PretendedDisk(Disk):
    """One where every write of the server's C library fails while it is full: needs no privilege."""

    def __init__(self, path: Path, library: Path) -> None:
        self._flag = path / "full"
        super().__init__(path, {"LD_PRELOAD": str(library), "FULL_DISK": str(self._flag)})

    def fill(self) -> None:
        self._flag.touch()

    def free(self) -> None:
        self._flag.unlink()


def _mount(place: Path) -> bool:
    """Put a file system of 24 MiB there. False: not allowed."""
    mount = shutil.which("mount")
    if mount is None or not sys.platform.startswith("linux") or os.geteuid() != 0:
        return False
    place.mkdir()
    size = ("-t", "tmpfs", "-o", "size=24m", "none")
    return subprocess.run([mount, *size, str(place)], capture_output=True, check=False).returncode == 0


def _unmount(place: Path) -> None:
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def _may_mount() -> bool:
    with tempfile.TemporaryDirectory() as where:
        place = Path(where) / "disk"
        if not _mount(place):
            return False
        _unmount(place)
        return True


@pytest.fixture(name="disk", params=["pretended", *(["mounted"] if _may_mount() else [])])
def _disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    place = tmp_path / "disk"
    if request.param == "mounted":
        assert _mount(place)
        try:
            yield Disk(place, {})
        finally:
            _unmount(place)
        return
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("a full disk (needs a C compiler on Linux)")
    library = tmp_path / "full_disk.so"
    source = Path(__file__).with_name("full_disk.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    place.mkdir()
    yield PretendedDisk(place, library)


def _ready(server: Server) -> tuple[int, dict[str, str]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/ready") as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


_ids = itertools.count()


def _publish(client: WebSocketClient, content: str) -> dict[str, Any]:
    return client.ask("publish", id=str(next(_ids)), content=content)


def test_a_full_disk_is_told_and_goes_by(disk: Disk) -> None:
    data = ("--data", str(disk.path / "data"))
    with serving(*data, "--limits", "off", **disk.env) as server:
        alice, bob = server.websocket("Alice"), server.websocket("Bob")
        first = _publish(alice, "before")["data"]
        content = "x" * 50_000
        for _ in range(3):
            assert _publish(alice, content)["type"] == "response"
        assert _ready(server) == (200, {"status": "ok"})

        disk.fill()
        kept = 4
        while (answer := _publish(alice, content))["type"] == "response":
            kept += 1  # into the space that the log had taken ahead
        assert answer["error"]["code"] == "read_only", answer
        assert "the disk is full" in answer["error"]["message"]
        assert _publish(bob, "me too")["error"]["code"] == "read_only"
        assert _ready(server) == (503, {"status": "unavailable", "reason": "read-only: the disk is full"})

        history = bob.ask("history", room="lobby", limit=3)
        assert history["type"] == "response", "reading goes on"
        assert [one["content"] for one in history["data"]["messages"]] == [content] * 3
        assert server.text("Carol").hears_nothing(), "coming in goes on, too"
        assert bob.ask("list")["type"] == "response"

        disk.free()
        until(lambda: _ready(server)[0] == 200)
        after = _publish(alice, "after")["data"]
        assert (after["epoch"], after["offset"]) == (first["epoch"], first["offset"] + kept)
    assert server.log.count('"event": "read-only"') == server.log.count('"event": "writable again"') == 1
    with serving(*data) as server:
        history = server.websocket("Alice").ask("history", room="lobby", limit=2)
        assert [one["content"] for one in history["data"]["messages"]] == [content, "after"]


def test_a_server_does_not_start_on_a_full_disk_and_says_so(disk: Disk) -> None:
    with serving("--data", str(disk.path / "data")) as server:
        _publish(server.websocket("Alice"), "kept")
    disk.fill()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "hubbub",
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--data",
            str(disk.path / "new"),
        ],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={**os.environ, **disk.env},
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "No space left on device" in line
    disk.free()
    with serving("--data", str(disk.path / "data")) as server:
        history = server.websocket("Alice").ask("history", room="lobby", limit=2)
        assert [one["content"] for one in history["data"]["messages"]] == ["kept"]


def test_an_upload_onto_a_full_disk_is_told_so_and_goes_on_when_there_is_space(disk: Disk) -> None:
    data = noise(3_000_000)
    with serving("--data", str(disk.path / "data"), **disk.env) as server:
        alice, line = requests(server)
        path = alice.begin(len(data), sha256=digest(data))
        assert alice.patch(path, 0, data[:1_000_000]).status == 204
        disk.fill()
        full = alice.patch(path, 1_000_000, data[1_000_000:2_500_000])
        assert (full.status, full.error["code"], full["Retry-After"]) == (503, "read_only", "10")
        offset = alice.offset(path)
        assert 1_000_000 <= offset < 2_500_000
        refused = alice.create(1, filename="b")
        assert refused.status in (201, 503), "the log has a little space ahead"
        disk.free()
        until(lambda: _ready(server)[0] == 200)
        last = alice.patch(path, offset, data[offset:])
        assert last.status == 204, last
        assert alice.ask("GET", last["Content-Location"]).body == data
        assert line.get("message/new")["payload"]["file"]["sha256"] == digest(data)
