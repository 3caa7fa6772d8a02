"""Transfers that are broken off: a server, a sender or a receiver that is killed, and bad lines."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from impaired import Impaired, Plan
from serving import PATIENCE, Server
from transferring import Ends, names_in, part_of
from transferring import until as eventually

SIZE = 64 * 1024 * 1024
SOME = 6 * 1024 * 1024
"""So much is across when something happens."""
RATE = 24 * 1024 * 1024
"""Bytes a second of a slowed line: there is a middle to be broken off in."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def start(data: Path) -> Iterator[Callable[[int], Server]]:
    """A server on a port (0: any) that finds what the one before left."""
    servers: list[Server] = []

    def begin(port: int = 0) -> Server:
        server = Server("--data", str(data), "--limits", "off", listen=(f"127.0.0.1:{port}",))
        servers.append(server)
        return server

    yield begin
    for server in servers:
        server.stop()
        assert "Traceback" not in server.log, server.log


@pytest.fixture
def server(start: Callable[[int], Server]) -> Server:
    return start(0)


@pytest.fixture
def ends(tmp_path: Path, server: Server) -> Iterator[Ends]:
    two = Ends(tmp_path, server.port)
    yield two
    two.close()


def crash(server: Server) -> None:
    server.signal(signal.SIGKILL)
    server.process.wait(PATIENCE)


def test_the_server_is_killed_in_the_middle(
    ends: Ends, server: Server, start: Callable[[int], Server]
) -> None:
    file = ends.file("film.mkv", SIZE)
    with Impaired(server.port, 1, Plan(rate=RATE)) as line:
        receiver = ends.receive("--no-direct", port=line.port)
        sender = ends.send(file)
        eventually(lambda: part_of(ends.inbox, SOME))
        crash(server)
        start(server.port)
        sender.ends()
        receiver.ends()
        assert line.counts.down < SIZE + SOME  # it went on, and did not begin anew
    assert (ends.inbox / "film.mkv").read_bytes() == file.read_bytes()
    assert names_in(ends.inbox) == ["film.mkv"]


def test_the_server_is_killed_while_a_room_gets_a_file(
    ends: Ends, server: Server, start: Callable[[int], Server], data: Path
) -> None:
    file = ends.file("film.mkv", SIZE)
    with Impaired(server.port, 2, Plan(rate=RATE)) as line:
        sender = ends.send(file, to="#lobby", port=line.port)
        eventually(lambda: line.counts.up > SOME)
        crash(server)
        start(server.port)
        assert "is kept in 'lobby'" in sender.ends()
        assert line.counts.up < SIZE + 2 * SOME


@pytest.mark.parametrize("way", [(), ("--no-direct",)], ids=["direct", "relayed"])
def test_a_receiver_that_was_killed_goes_on(ends: Ends, server: Server, way: tuple[str, ...]) -> None:
    file = ends.file("film.mkv", SIZE if way else 4 * SIZE)  # nothing slows a direct line down
    with Impaired(server.port, 3, Plan(rate=RATE)) as line:
        first = ends.receive(*way, port=line.port)
        sender = ends.send(file)
        eventually(lambda: part_of(ends.inbox, SOME))
        first.kill()
        second = ends.receive(*way, port=line.port)
        assert "Going on behind" in second.ends()
        sender.ends()
    assert (ends.inbox / "film.mkv").read_bytes() == file.read_bytes()
    assert names_in(ends.inbox) == ["film.mkv"]


def test_a_sender_that_was_killed_goes_on(ends: Ends, server: Server) -> None:
    file = ends.file("film.mkv", SIZE)
    with Impaired(server.port, 4, Plan(rate=RATE)) as line:
        receiver = ends.receive("--no-direct", port=line.port)
        first = ends.send(file)
        eventually(lambda: part_of(ends.inbox, SOME))
        first.kill()
        ends.send(file).ends()
        receiver.ends()
        assert line.counts.down < SIZE + SOME
    assert (ends.inbox / "film.mkv").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("code", [False, True], ids=["plain", "code"])
def test_lines_that_are_cut_again_and_again(ends: Ends, server: Server, seed: int, code: bool) -> None:
    file = ends.file("film.mkv", 8 * 1024 * 1024)
    plan = Plan(cut=(2_000, 4_000_000), whole_after=6, delay=(0.0, 0.001))
    with Impaired(server.port, seed, plan) as theirs, Impaired(server.port, seed + 100, plan) as ours:
        if code:
            sender = ends.send(file, "--code", "--no-direct", port=ours.port)
            eventually(lambda: sender.out.endswith(b"\n"))
            phrase = sender.out.decode().strip()
            receiver = ends.receive("--code", phrase, "--no-direct", port=theirs.port, wait=False)
        else:
            receiver = ends.receive("--no-direct", port=theirs.port, wait=False)
            with contextlib.suppress(AssertionError):
                receiver.until_said("waits for a file")
            sender = ends.send(file, port=ours.port)
        sender.ends()
        receiver.ends()
        assert theirs.counts.cut + ours.counts.cut > 0
    assert (ends.inbox / "film.mkv").read_bytes() == file.read_bytes()


def test_a_server_that_stops_and_comes_back(
    ends: Ends, server: Server, start: Callable[[int], Server]
) -> None:
    receiver = ends.receive("--all", "--no-direct")
    server.stop()
    start(server.port)
    receiver.until_said("Back at the server.")
    ends.send(ends.file("a", 1_000)).ends()
    eventually(lambda: names_in(ends.inbox) == ["a"])
    receiver.interrupt()
    receiver.ends(130)
