"""What edge triggering asks of a reactor. That it serves v0.1 is told in test_steps_lines.py."""

from __future__ import annotations

import importlib.util
import resource
import select
import socket
import threading
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from examples.conftest import Peer, Program, Start

pytestmark = pytest.mark.skipif(not hasattr(select, "epoll"), reason="epoll is Linux's own")


def settled(server: Program) -> Peer:
    """A connection that the relay has taken up."""
    peer = server.peer()
    peer.say("here")
    assert peer.line() == "here"
    return peer


class TestByRealSockets:
    def test_more_than_one_turn_of_reading_arrives_whole(self, start: Start) -> None:
        a, b = (settled(server) for server in [start("epoll_reactor")] * 2)
        assert a.line() == "here"
        lines = [f"{number} " + "x" * 1000 for number in range(8_000)]  # 8 MB, many times READS_A_TURN
        talking = threading.Thread(target=a.say, args=lines)
        reading = threading.Thread(target=lambda: [a.line() for _ in lines])
        talking.start()
        reading.start()
        assert [b.line() for _ in lines] == lines
        talking.join()
        reading.join()

    def test_one_edge_may_be_many_connections(self, start: Start) -> None:
        server = start("epoll_reactor")
        peers = [server.peer() for _ in range(300)]
        peers[0].say("to all who have been taken up")
        peers[0].line()
        for peer in peers:
            peer.say("here")
            while peer.line() != "here":
                pass  # what the others said before

    def test_without_file_descriptors_people_are_turned_away_not_forgotten(self, start: Start) -> None:
        server = start("epoll_reactor")
        first = settled(server)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (16, 16))
        crowd = [server.peer() for _ in range(30)]
        # Each of them is either in the room or sees an end: nobody hangs in the queue.
        turned_away = [peer for peer in crowd if not joined(peer)]
        assert 0 < len(turned_away) < 30
        for peer in crowd:
            peer.close()
        first.say("done")
        while first.line() != "done":
            pass  # what the crowd said
        while not joined(server.peer()):
            pass  # the last of the crowd may not be gone yet


def joined(peer: Peer) -> bool:
    """Whether the relay has taken it up; False where it has hung up. Waits for either."""
    try:
        peer.say("here")
        return peer.incoming.readline() != b""
    except (BrokenPipeError, ConnectionResetError):
        return False


@pytest.fixture
def reactor() -> ModuleType:
    path = Path(__file__).parents[2] / "examples" / "steps" / "epoll_reactor.py"
    spec = importlib.util.spec_from_file_location("epoll_reactor", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestTheParts:
    def test_write_interest_is_there_only_while_something_is_left(self, reactor: Any) -> None:
        loop = reactor.EventLoop()
        relay = reactor.Relay(loop)
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        relay.welcome(ours)
        (connection,) = relay.connections
        connection.send(b"short\n")
        assert connection.channel.interest == reactor.READ
        connection.send(b"x" * 900_000)
        left = len(connection.outgoing.data)
        assert 0 < left < 900_000
        assert connection.channel.interest == reactor.READ | select.EPOLLOUT
        received = 0
        while received < 6 + 900_000:
            received += len(theirs.recv(65_536))
            for channel, flags in loop.poller.wait(0):
                assert flags & select.EPOLLOUT
                channel.on_write()
        assert connection.channel.interest == reactor.READ
        theirs.close()
        connection.close()

    def test_who_sends_without_pause_gets_his_share_and_is_remembered(
        self, reactor: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reactor, "CHUNK", 10)
        monkeypatch.setattr(reactor, "READS_A_TURN", 3)
        loop = reactor.EventLoop()
        relay = reactor.Relay(loop)
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        relay.welcome(ours)
        (connection,) = relay.connections
        theirs.sendall(b"x" * 45)
        connection.read()
        assert len(connection.incoming.data) == 30
        assert loop.again == {ours.fileno(): connection.channel}
        loop.again.clear()
        connection.read()
        assert len(connection.incoming.data) == 45
        assert loop.again == {}  # EAGAIN was met: the kernel will tell
        theirs.close()
        connection.close()

    def test_an_edge_comes_once(self, reactor: Any) -> None:
        poller = reactor.Poller()
        ours, theirs = socket.socketpair()
        channel = reactor.Channel(ours.fileno(), lambda: None, lambda: None)
        poller.add(channel)
        theirs.send(b"two bytes are not read")
        assert [found for found, _ in poller.wait(1)] == [channel]
        assert poller.wait(0) == []
        poller.remove(channel)
        ours.close()
        theirs.close()

    def test_a_buffer_hands_out_whole_lines(self, reactor: Any) -> None:
        buffer = reactor.Buffer(10)
        assert buffer.append(b"one\ntw")
        assert buffer.take_lines() == b"one\n"
        assert buffer.append(b"o")
        assert buffer.take_lines() == b""
        assert buffer.append(b"\n")
        assert buffer.take_lines() == b"two\n"
        assert not buffer.append(b"x" * 11)
