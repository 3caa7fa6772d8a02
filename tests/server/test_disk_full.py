"""A real server on a disk that fills up, and has space again. Needs root: it mounts a small tmpfs."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving import Server, WebSocketClient, serving, until


@pytest.fixture(name="disk")
def _disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("mounting a tmpfs (needs root on Linux)")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting a tmpfs (not allowed here)")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _fill(path: Path) -> None:
    """Take every byte that is left."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 65_536)
    with path.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0")


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


def test_a_full_disk_is_told_and_goes_by(disk: Path) -> None:
    with serving("--data", str(disk / "data"), "--limits", "off") as server:
        alice, bob = server.websocket("Alice"), server.websocket("Bob")
        first = _publish(alice, "before")["data"]
        assert _ready(server) == (200, {"status": "ok"})

        _fill(disk / "filler")
        kept, content = 1, "x" * 50_000
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

        (disk / "filler").unlink()
        until(lambda: _ready(server)[0] == 200)
        after = _publish(alice, "after")["data"]
        assert (after["epoch"], after["offset"]) == (first["epoch"], first["offset"] + kept)
    assert server.log.count('"event": "read-only"') == server.log.count('"event": "writable again"') == 1
    with serving("--data", str(disk / "data")) as server:
        history = server.websocket("Alice").ask("history", room="lobby", limit=2)
        assert [one["content"] for one in history["data"]["messages"]] == [content, "after"]


def test_a_server_does_not_start_on_a_full_disk_and_says_so(disk: Path) -> None:
    with serving("--data", str(disk / "data")) as server:
        _publish(server.websocket("Alice"), "kept")
    _fill(disk / "filler")
    done = subprocess.run(
        [sys.executable, "-m", "hubbub", "serve", "--listen", "127.0.0.1:0", "--data", str(disk / "new")],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "No space left on device" in line
    (disk / "filler").unlink()
    with serving("--data", str(disk / "data")) as server:
        history = server.websocket("Alice").ask("history", room="lobby", limit=2)
        assert [one["content"] for one in history["data"]["messages"]] == ["kept"]
