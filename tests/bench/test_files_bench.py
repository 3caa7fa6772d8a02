"""The bench of files, briefly: its ends, its peers, and the table that is made of what they bring."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from bench.crowd import Crowd
from bench.drive import missing_compiler
from bench.ends import Ends, NotMeasuredError, block, carry, sha256_of, write_content
from bench.files import QUICK, Size, lines, report, run
from bench.found import Found
from bench.kept import store
from bench.machine import Cores, memory
from bench.pulse import Pulse
from bench.servers import find_program, hubbub_on, running

from bench import blobs, relays

NOT_PINNED = Cores(None, None)
SIZE = 3_000_000


@pytest.fixture(autouse=True)
def _compiler() -> None:
    if tool := missing_compiler():
        pytest.skip(f"{tool} is missing")


@contextmanager
def _pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as source,
        closing(listener.accept()[0]) as sink,
    ):
        yield source, sink


def test_the_ends_carry_every_byte_and_say_when() -> None:
    with _pair() as (source, sink):
        assert 0 < carry(SIZE, source, sink, None) < 60
        with Ends("send", SIZE, [source], None) as sender:
            sender.begin()
            got = b""
            while len(got) < SIZE:
                got += sink.recv(1 << 20)
            sent = sender.report()
    whole = block() * (SIZE // len(block()) + 1)
    assert got == whole[:SIZE]
    assert (sent.wrong, sent.streams[0].bytes) == (0, SIZE)
    assert 0 < sent.streams[0].begin < sent.streams[0].end


def test_the_ends_do_many_at_once_and_stop_when_they_are_told() -> None:
    with ExitStack() as stack:
        pairs = [stack.enter_context(_pair()) for _ in range(5)]
        sources, sinks = zip(*pairs, strict=True)
        sender = stack.enter_context(Ends("send", SIZE, sources, None))
        receiver = stack.enter_context(Ends("receive", SIZE, sinks, None))
        slow = stack.enter_context(_pair())
        snail = stack.enter_context(Ends("receive", SIZE, [slow[1]], None, rate=20_000))
        slow[0].setblocking(False)
        slow[0].send(block())
        for end in (snail, sender, receiver):
            end.begin()
        assert [one.bytes for one in receiver.report().streams] == [SIZE] * 5
        crept = snail.stop().streams[0]
    assert crept.bytes <= 20_000 * (crept.end - crept.begin) + 2_000  # its steps are a tenth of a second's


def test_the_receiving_end_sees_what_is_wrong_and_what_is_missing() -> None:
    with _pair() as (source, sink), Ends("receive", 100, [sink], None) as receiver:
        receiver.begin()
        source.sendall(bytes(100))
        with pytest.raises(NotMeasuredError, match="that were not sent"):
            receiver.report()
    with _pair() as (source, _), _pair() as (other, sink):
        other.shutdown(socket.SHUT_WR)  # the two pairs are not connected with each other
        with pytest.raises(NotMeasuredError, match="0 of 100 bytes arrived"):
            carry(100, source, sink, None)


@pytest.mark.parametrize("options", [(), ("-b", "1048576")])
def test_socat_relays(options: tuple[str, ...]) -> None:
    if find_program("socat") is None:
        pytest.skip("socat is missing")
    assert relays.socat(SIZE, NOT_PINNED, *options) > 0


def test_magic_wormhole_relays_through_its_own_relay(tmp_path: Path) -> None:
    if tool := relays.MAILBOX.missing() or relays.TRANSIT.missing():
        pytest.skip(f"{tool} is missing")
    assert relays.wormhole(SIZE, NOT_PINNED, tmp_path) > 0
    assert not list(tmp_path.iterdir())


def test_nginx_serves_the_same_bytes(tmp_path: Path) -> None:
    if tool := blobs.nginx_in(tmp_path).missing():
        pytest.skip(f"{tool} is missing")
    assert blobs.nginx(write_content(tmp_path / "content", SIZE), SIZE, NOT_PINNED) > 0
    with pytest.raises(NotMeasuredError, match="has 5 bytes"):
        blobs.nginx(write_content(tmp_path / "short", 5), SIZE, NOT_PINNED)


def test_the_disk_takes_the_same_bytes(tmp_path: Path) -> None:
    assert blobs.write_and_hash(tmp_path, SIZE) > 0
    assert not list(tmp_path.iterdir())


def test_content_is_the_same_everywhere(tmp_path: Path) -> None:
    path = write_content(tmp_path / "content", SIZE)
    assert path.stat().st_size == SIZE
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256_of(SIZE)


def test_a_chat_beside_other_work_is_timed(tmp_path: Path) -> None:
    with running(hubbub_on(store(tmp_path / "data")), None) as server:
        with Pulse(server.target.port, "Pulse") as pulse:
            while len(pulse.milliseconds) < 5:
                assert memory(server.pid).rss > 0
        assert 0 < pulse.p99() < 10_000
        assert len(pulse.milliseconds) >= 5


def _found(slower: float) -> Found:
    found = Found()
    for _ in range(3):
        for what, figure in (
            ("relay hubbub", 90 / slower),
            ("relay socat", 100),
            ("relay socat large", 200),
            ("relay wormhole", 20),
            ("chat busy", 1 + 4 * slower),
            ("chat idle", 1),
            ("download hubbub", 90 / slower),
            ("download nginx", 100),
            ("upload hubbub", 90 / slower),
            ("upload disk", 100),
            ("crowd slow", 95 / slower),
            ("crowd alone", 100),
            ("crowd slow rss", 30 * 1024**2 * slower),
            ("crowd alone rss", 20 * 1024**2),
            ("crowd slow slowest", 0.9),
            ("folder command", 400 / slower),
            ("folder requests", 100),
        ):
            found.add(what, figure)
    return found


@pytest.mark.parametrize(("slower", "met"), [(1.0, True), (3.0, False)])
def test_a_target_is_met_or_missed_by_the_median_of_the_rounds(slower: float, met: bool) -> None:
    told = [line.met for line in lines(_found(slower), Size())]
    assert told == [met, None, met, met, met, met, met, met, None, met]
    assert report(_found(slower), Size()).count("**missed**") == (0 if met else 8)


def test_what_was_not_measured_is_named_and_neither_met_nor_missed() -> None:
    found = _found(1.0)
    del found.figures["relay socat"]
    found.figures["chat busy"].pop()  # in another number of rounds than the rest
    found.skip("relay socat: socat is missing")
    found.skip("relay socat: socat is missing")
    told = lines(found, Size())
    assert (told[0].measured, told[0].met) == ("not measured", None)
    assert told[3].measured == "not measured"
    assert report(found, Size()).count("Not measured: relay socat: socat is missing") == 1


def test_every_part_of_the_quick_run_ends_with_a_figure_or_a_sentence(tmp_path: Path) -> None:
    size = Size(rounds=1, relay=SIZE, kept=SIZE, seconds=0.2, crowd=Crowd(3, 1, 500_000), files=20)
    found = run(size, tmp_path / "files", ["relay", "chat", "kept", "crowd", "folder"])
    assert all(min(figures) > 0 for name, figures in found.figures.items() if "rss" not in name)
    unmeasured = [line for line in lines(found, size) if line.measured == "not measured"]
    assert len(unmeasured) <= len(found.skipped), report(found, size)
    assert not (tmp_path / "files").exists()
    assert QUICK.rounds == 1
