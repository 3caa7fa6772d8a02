"""The bad line itself: what it lets through is right to the byte, and what it does is what was planned."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from impaired import Impaired, Plan
from serving import PATIENCE, until

CONTENT = random.Random(7).randbytes(200_000)


class Peer:
    """Remembers what it hears, one connection after the other, and says it back if it is to."""

    def __init__(self, listener: socket.socket, answers: bool) -> None:
        self._listener = listener
        self._answers = answers
        self.heard: list[bytearray] = []
        self.ends: list[str] = []
        """How each of them ended: `end`, or `reset`."""

    def run(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            caller.settimeout(PATIENCE)
            heard = bytearray()
            self.heard.append(heard)
            with caller:
                self.ends.append(self._listen(caller, heard))

    def _listen(self, caller: socket.socket, heard: bytearray) -> str:
        try:
            while data := caller.recv(65_536):
                heard += data
                if self._answers:
                    caller.sendall(data)
        except ConnectionError:
            return "reset"
        return "end"


@contextmanager
def peer_beyond(*, answers: bool) -> Iterator[tuple[Peer, int]]:
    """The other side of the line, and its port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        peer = Peer(listener, answers)
        thread = threading.Thread(target=peer.run, daemon=True)
        thread.start()
        yield peer, listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE)
        assert not thread.is_alive()


def _dial(line: Impaired) -> socket.socket:
    return socket.create_connection(("127.0.0.1", line.port), PATIENCE)


def _say(peer: socket.socket, content: bytes) -> tuple[bytes, str]:
    """Send it all beside reading: what came back, and how it ended."""
    got = bytearray()

    def send() -> None:
        try:
            peer.sendall(content)
            peer.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it was cut: the reader says how

    sender = threading.Thread(target=send)
    sender.start()
    try:
        while data := peer.recv(65_536):
            got += data
        return bytes(got), "end"
    except ConnectionError:
        return bytes(got), "reset"
    finally:
        sender.join(PATIENCE)


@pytest.mark.parametrize(
    "plan",
    [
        Plan(),
        Plan(segment=(1, 700)),
        Plan(delay=(0.0, 0.002), segment=20_000),
        Plan(rate=2_000_000),
        Plan(freeze=0.05),
        Plan(freeze=0.05, freeze_at=(1_000, 100_000)),
        Plan(cut=1_000, whole_after=0),
    ],
    ids=["nothing", "segments", "delay", "rate", "frozen first", "frozen later", "not cut any more"],
)
def test_what_is_not_cut_is_whole_in_both_directions(plan: Plan) -> None:
    with peer_beyond(answers=True) as (beyond, port), Impaired(port, 1, plan) as line, _dial(line) as peer:
        assert _say(peer, CONTENT) == (CONTENT, "end")
        assert bytes(beyond.heard[0]) == CONTENT
        assert (line.counts.up, line.counts.down) == (len(CONTENT), len(CONTENT))
        assert line.counts.cut == 0
        if isinstance(plan.segment, tuple):
            assert line.counts.pieces > 2 * len(CONTENT) / 700
        assert (line.counts.delayed > 0) == (plan.delay != 0)
        assert (line.counts.throttled > 0) == (plan.rate != 0)
        assert line.counts.frozen == (plan.freeze != 0)


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("after", [1, 999, 65_536, 65_537, 150_000])
def test_it_is_cut_at_the_planned_byte(after: int, reset: bool) -> None:
    how = "reset" if reset else "end"
    plan = Plan(cut=after, reset=reset)
    with peer_beyond(answers=False) as (beyond, port), Impaired(port, 1, plan) as line:
        with _dial(line) as peer:
            assert _say(peer, CONTENT) == (b"", how)
        until(lambda: beyond.ends)
        assert (beyond.heard, beyond.ends) == ([bytearray(CONTENT[:after])], [how])
        assert (line.counts.up, line.counts.reset, line.counts.ended) == (after, int(reset), int(not reset))


def test_what_was_let_through_before_a_reset_arrives_also_at_a_slow_reader() -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        plan = Plan(cut=100_000, reset=True)
        with Impaired(listener.getsockname()[1], 1, plan) as line, _dial(line) as peer:
            reader, _ = listener.accept()
            reader.settimeout(PATIENCE)
            peer.sendall(CONTENT)
            until(lambda: line.counts.reset)
            got = bytearray()
            with reader, contextlib.suppress(ConnectionResetError):
                while data := reader.recv(65_536):
                    got += data
            assert got == CONTENT[:100_000]


def test_whoever_is_cut_by_an_end_may_talk_on_for_a_moment() -> None:
    plan = Plan(cut=10, reset=False)
    with peer_beyond(answers=False) as (beyond, port), Impaired(port, 1, plan) as line, _dial(line) as peer:
        peer.sendall(CONTENT[:10])
        assert peer.recv(1) == b""
        until(lambda: beyond.ends)
        for _ in range(10):
            peer.sendall(CONTENT[:1_000])  # into an RST, the second one would fail


def _fates(seed: int, count: int) -> list[tuple[int, str]]:
    """Where each of some connections was cut, and by what; that the one after them was not."""
    plan = Plan(cut=(10, 50_000), whole_after=count)
    with peer_beyond(answers=False) as (beyond, port), Impaired(port, seed, plan) as line:
        for number in range(count + 1):
            with _dial(line) as peer:
                _say(peer, CONTENT)
            until(lambda number=number: len(beyond.ends) > number)
        assert (line.counts.accepted, line.counts.cut) == (count + 1, count)
    assert bytes(beyond.heard.pop()) == CONTENT
    assert beyond.ends.pop() == "end"
    return [(len(heard), end) for heard, end in zip(beyond.heard, beyond.ends, strict=True)]


def test_a_seed_says_what_happens_to_each_connection() -> None:
    first = _fates(5, 6)
    assert first == _fates(5, 6)
    assert first != _fates(6, 6)
    assert len(set(first)) == 6
    assert {end for _, end in _fates(5, 12)} == {"end", "reset"}
    assert all(10 <= passed <= 50_000 for passed, _ in first)


def test_a_throttled_line_is_no_quicker_than_its_rate() -> None:
    with (
        peer_beyond(answers=True) as (_, port),
        Impaired(port, 1, Plan(rate=400_000)) as line,
        _dial(line) as peer,
    ):
        began = time.monotonic()
        assert _say(peer, CONTENT) == (CONTENT, "end")
        # The last piece (a twentieth of a second's) is not waited for.
        assert time.monotonic() - began >= len(CONTENT) / 400_000 - 0.05


def test_a_frozen_line_accepts_and_passes_nothing_on() -> None:
    with (
        peer_beyond(answers=True) as (beyond, port),
        Impaired(port, 1, Plan(freeze=3_600.0)) as line,
        _dial(line) as peer,
    ):
        peer.sendall(b"anybody?")
        until(lambda: line.counts.frozen == 1)
        peer.settimeout(0.1)  # for what must not come, a moment has to do
        with pytest.raises(TimeoutError):
            peer.recv(1)
        assert not beyond.heard


def test_a_line_frozen_in_the_middle_holds_what_comes_after() -> None:
    plan = Plan(freeze=3_600.0, freeze_at=5, segment=1)
    with peer_beyond(answers=True) as (beyond, port), Impaired(port, 1, plan) as line, _dial(line) as peer:
        peer.sendall(b"hello, anybody?")
        until(lambda: line.counts.frozen == 1)
        assert 5 <= line.counts.up + line.counts.down <= 6
        assert len(beyond.heard[0]) < 6


def test_whoever_resets_is_passed_on_as_a_reset() -> None:
    with peer_beyond(answers=True) as (beyond, port), Impaired(port, 1, Plan()) as line:
        peer = _dial(line)
        peer.sendall(b"x")
        assert peer.recv(1) == b"x"
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
        until(lambda: beyond.ends)
        assert beyond.ends == ["reset"]
        assert line.counts.cut == 0


def test_all_that_is_there_is_cut_on_demand() -> None:
    with (
        peer_beyond(answers=True) as (_, port),
        Impaired(port, 1, Plan(reset=False)) as line,
        _dial(line) as peer,
    ):
        peer.sendall(b"x")
        assert peer.recv(1) == b"x"
        line.cut()
        assert peer.recv(1) == b""
        assert line.counts.ended == 1


def test_everything_is_closed_at_the_end() -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (the one that reads it is among them)

    with peer_beyond(answers=False) as (beyond, port):
        before = descriptors(), threading.active_count()
        with Impaired(port, 1, Plan(segment=1_000)) as line:
            peers = [_dial(line) for _ in range(5)]
            for peer in peers:
                peer.sendall(b"hello")
            until(lambda: line.counts.up == 25)
        for peer in peers:
            assert peer.recv(1) == b""
            peer.close()
        until(lambda: len(beyond.ends) == 5)
        assert (descriptors(), threading.active_count()) == before
        with pytest.raises(ConnectionRefusedError):
            _dial(line)


def test_where_nobody_listens_the_connection_ends() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with Impaired(taken.getsockname()[1], 1, Plan()) as line, _dial(line) as peer:
            assert peer.recv(1) == b""
