"""A real server on a real directory: what it acknowledged survives kill -9, and it shares with nobody."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hubbub.adapters.log_reading import LogReader
from hubbub.core.entries import Record, Said
from hubbub.log import Log
from serving import PATIENCE, Server, WebSocketClient, serving

_LOBBY = "room:1"


@contextlib.contextmanager
def _killed(*flags: str) -> Iterator[Server]:
    """A server that ends by kill -9."""
    server = Server(*flags)
    try:
        yield server
    finally:
        server.signal(signal.SIGKILL)
        server.stop()


def _publish(client: WebSocketClient, content: str) -> dict[str, Any]:
    answer = client.ask("publish", content=content)
    assert answer["type"] == "response", answer
    data: dict[str, Any] = answer["data"]
    return data


def _kept(data: Path, stream: str = _LOBBY) -> list[Record]:
    """What is said in a room, read beside whoever has the log."""
    with Log.open(data / "log", read_only=True) as log:
        reader = LogReader(log, wait=True)
        records = reader.entries(stream, 1, reader.head(stream).offset)
        return [record for record in records if isinstance(record.entry.body, Said)]


def _refused(*flags: str, code: int = 1) -> str:
    """What `serve` says where it does not start: one line, and its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "hubbub", "serve", "--listen", "127.0.0.1:0", *flags],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "HUBBUB_PROBES_MODE": "off"},  # which would have their own line
    )
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("hubbub: ")
    return line


def test_what_was_acknowledged_survives_kills_with_its_positions(tmp_path: Path) -> None:
    """Four times in a row, in the middle of a stream of messages that do not wait for each other."""
    chance = random.Random(7)
    acknowledged: dict[str, tuple[str, int]] = {}
    sent: list[str] = []
    for turn in range(4):
        with _killed("--data", str(tmp_path), "--limits", "off") as server:
            client = server.websocket(f"Writer{turn}")
            until = chance.randint(100, 400)
            for number in range(600):
                sent.append(f"{turn}.{number}")
                client.say("publish", f"r{number}", content=sent[-1])
            answers = 0
            while answers < until:
                message = client.get()
                if message["type"] == "response":
                    content = f"{turn}.{message['id'][1:]}"
                    acknowledged[content] = (message["data"]["epoch"], message["data"]["offset"])
                    answers += 1
        kept = _kept(tmp_path)
        positions = {
            record.entry.body.content: (record.epoch, record.offset)
            for record in kept
            if isinstance(record.entry.body, Said)
        }
        assert acknowledged.items() <= positions.items(), "nothing acknowledged is lost, nor moved"
        assert len(positions) == len(kept), "nothing is there twice"
        assert [content for content in sent if content in positions] == list(positions), "in order"
    assert len({epoch for epoch, _ in acknowledged.values()}) == 1


def test_a_retry_after_a_kill_gets_the_first_answer(tmp_path: Path) -> None:
    with _killed("--data", str(tmp_path)) as server:
        client = server.websocket("Alice")
        token = client.login["token"]
        first = _publish(client, "once")
    with serving("--data", str(tmp_path)) as server:
        client = server.websocket()
        client.ask("login", token=token)
        again = _publish(client, "once")
        assert {key: again[key] for key in ("epoch", "offset")} == {
            key: first[key] for key in ("epoch", "offset")
        }
    assert [record.offset for record in _kept(tmp_path)] == [first["offset"]]


def test_a_stop_in_order_loses_nothing_and_positions_go_on(tmp_path: Path) -> None:
    found = []
    for content in ("one", "two", "three"):
        with serving("--data", str(tmp_path)) as server:
            found.append(_publish(server.websocket("Alice"), content))
    assert len({one["epoch"] for one in found}) == 1
    kept = _kept(tmp_path)
    assert [record.offset for record in kept] == [one["offset"] for one in found]
    assert [record.offset for record in kept] == sorted({record.offset for record in kept})


def test_interval_says_so_and_begins_a_new_epoch_where_something_may_be_lost(tmp_path: Path) -> None:
    flags = ("--data", str(tmp_path), "--durability", "interval=50")
    with serving(*flags) as server:
        assert "may lose the last 50 ms" in server.banner
        first = _publish(server.websocket("Alice"), "one")
    with _killed(*flags) as server:
        second = _publish(server.websocket("Alice"), "two")
    with serving("--data", str(tmp_path)) as server:
        third = _publish(server.websocket("Alice"), "three")
    assert "positions begin a new epoch" in server.log
    assert first["epoch"] == second["epoch"] != third["epoch"]
    with _killed("--data", str(tmp_path)) as server:
        fourth = _publish(server.websocket("Alice"), "four")
    with serving("--data", str(tmp_path)) as server:
        fifth = _publish(server.websocket("Alice"), "five")
    assert third["epoch"] == fourth["epoch"] == fifth["epoch"], "a commit is on the disk"


def test_the_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    with serving("--data", str(data)) as server:
        assert f"Data           {data} (what is acknowledged is on the disk)" in server.banner
    assert data.stat().st_mode & 0o777 == 0o700


def test_two_servers_do_not_share_a_directory(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path)) as server:
        assert _refused("--data", str(tmp_path)) == f"hubbub: {tmp_path} is in use by another server"
        _publish(server.websocket("Alice"), "still here")


def test_somebody_elses_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    line = _refused("--data", str(tmp_path))
    assert f"{tmp_path} holds 'thesis.txt'" in line
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "syslog").write_text("")
    assert f"{tmp_path / 'log'} is not Hubbub's" in _refused("--data", str(tmp_path))
    assert [path.name for path in (tmp_path / "log").iterdir()] == ["syslog"]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = _refused("--data", str(tmp_path / "file" / "data"), code=2)
    assert "lies in what is not a directory" in said


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("HUBBUB-LOG", b"format 1", b"format 9", "was written by a newer version of Hubbub"),
        ("MANIFEST", b"{", b"[", "is damaged, and nothing was changed: MANIFEST, byte "),
    ],
)
def test_what_it_cannot_read_it_does_not_touch(
    tmp_path: Path, name: str, old: bytes, new: bytes, said: str
) -> None:
    with serving("--data", str(tmp_path)) as server:
        _publish(server.websocket("Alice"), "one")
    path = tmp_path / "log" / name
    sound = path.read_bytes()
    assert old in sound
    path.write_bytes(sound.replace(old, new, 1))
    before = {one.name: one.read_bytes() for one in (tmp_path / "log").iterdir()}
    assert said in _refused("--data", str(tmp_path))
    assert {one.name: one.read_bytes() for one in (tmp_path / "log").iterdir()} == before
    path.write_bytes(sound)
    with serving("--data", str(tmp_path)) as server:
        _publish(server.websocket("Alice"), "two")
    assert len(_kept(tmp_path)) == 2


def test_a_port_in_use_leaves_the_data_closed_in_order(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert address in _refused("--data", str(tmp_path), "--listen", address)
    with Log.open(tmp_path / "log", read_only=True) as log:
        assert log.closed_cleanly
