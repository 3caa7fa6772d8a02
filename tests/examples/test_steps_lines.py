"""v0.1 to v0.3 of `examples/steps`, by the list of features that docs/roadmap.md gives each version."""

from __future__ import annotations

import select
import subprocess
from typing import TYPE_CHECKING

import pytest

from examples.company import FLOOD, listeners, people

if TYPE_CHECKING:
    from examples.conftest import Peer, Program, Start


@pytest.fixture(params=["v0_1", "epoll_reactor"] if hasattr(select, "epoll") else ["v0_1"])
def relay(request: pytest.FixtureRequest, start: Start) -> Program:
    return start(request.param)


@pytest.fixture(params=["v0_2", "v0_3"])
def room(request: pytest.FixtureRequest, start: Start) -> Program:
    return start(request.param)


class TestV01:
    """The anonymous relay, by asyncio and by the reactor."""

    def test_a_line_reaches_everybody_and_its_sender_as_it_came(self, relay: Program) -> None:
        a, b, c = listeners(relay, 3)
        b.send("  héllo, 世界 \r\n".encode())
        for peer in (a, b, c):
            assert peer.incoming.readline() == "  héllo, 世界 \r\n".encode()

    def test_a_newcomer_sees_nothing_of_what_was_said(self, relay: Program) -> None:
        (a,) = listeners(relay, 1)
        a.say("before")
        assert a.line() == "before"
        b = relay.peer()
        b.say("first")
        assert b.line() == "first"

    def test_half_a_character_waits_for_its_other_half(self, relay: Program) -> None:
        a, b = listeners(relay, 2)
        a.send("世".encode()[:2])
        b.say("meanwhile")
        assert [a.line(), b.line()] == ["meanwhile"] * 2
        a.send("世".encode()[2:] + b"\n")
        assert [a.line(), b.line()] == ["世"] * 2

    def test_two_lines_in_one_write_are_two(self, relay: Program) -> None:
        a, b = listeners(relay, 2)
        a.send(b"one\ntwo\nthr")
        assert [b.line(), b.line()] == ["one", "two"]
        a.send(b"ee\n")
        assert b.line() == "three"

    def test_what_is_not_utf8_is_told_to_its_sender_alone(self, relay: Program) -> None:
        a, b = listeners(relay, 2)
        a.send(b"\xff\xfe\nfine\n")
        assert a.line() == "[Server] Error: that line is not UTF-8."
        assert [a.line(), b.line()] == ["fine"] * 2

    def test_the_beginning_of_a_line_is_lost_with_its_connection(self, relay: Program) -> None:
        a, b = listeners(relay, 2)
        a.send(b"half")
        a.close()
        for number in range(20):  # the relay meets a's end somewhere among them
            b.say(f"whole {number}")
            assert b.line() == f"whole {number}"

    def test_a_line_without_end_ends_its_connection_alone(self, relay: Program) -> None:
        a, b = listeners(relay, 2)
        a.send(b"x" * 70_000)
        assert a.drain() == 0
        b.say("still here")
        assert b.line() == "still here"

    def test_a_reset_disturbs_nobody(self, relay: Program) -> None:
        a, b = listeners(relay, 2)
        a.break_off()
        # Taken up only after the reset was met, so that it is met by reading, not by writing.
        c = relay.peer()
        c.say("still here")
        assert [b.line(), c.line()] == ["still here"] * 2

    def test_a_slow_reader_is_cut_off_and_stops_nobody(self, relay: Program) -> None:
        a, b = listeners(relay, 2)
        slow = relay.peer(receive_buffer=4096)
        slow.say("I shall not read")
        assert [a.line(), b.line()] == ["I shall not read"] * 2
        line = "x" * 32_000
        sent = 0
        while sent < FLOOD:
            a.say(line)
            assert a.line() == line
            assert b.line() == line
            sent += len(line)
        assert slow.drain() < sent

    def test_ctrl_c_ends_it_with_people_connected(self, relay: Program) -> None:
        a, b = listeners(relay, 2)
        assert relay.stop() == (0, "")
        assert a.drain() == b.drain() == 0

    def test_a_port_that_is_taken_cannot_be_listened_on(self, relay: Program) -> None:
        second = subprocess.run(
            [*relay.command[:-1], str(relay.port)], capture_output=True, text=True, timeout=20
        )
        assert second.returncode == 1
        assert "address already in use" in second.stderr.lower()


class TestV02:
    """Names; v0.3 must still do the same."""

    def test_others_see_who_speaks_and_the_sender_does_not(self, room: Program) -> None:
        alice, bob, carol = people(room, "Alice", "Bob", "Carol")
        alice.say("hello")
        assert [bob.line(), carol.line()] == ["Alice: hello"] * 2
        bob.say("hi")
        assert alice.line() == "Bob: hi"

    def test_a_taken_name_is_refused_and_closed(self, room: Program) -> None:
        alice, bob = people(room, "Alice", "Bob")
        second = room.peer()
        second.say("Alice")
        assert second.line() == "[Server] Username 'Alice' is already taken."
        assert second.drain() == 0
        alice.say("it is me")
        assert bob.line() == "Alice: it is me"

    def test_leaving_is_told_once_and_frees_the_name(self, room: Program) -> None:
        alice, bob = people(room, "Alice", "Bob")
        alice.close()
        assert bob.line() == "[Server] Alice has left."
        again = room.peer()
        again.say("Alice", "back")
        assert [bob.line(), bob.line()] == ["[Server] Alice has joined.", "Alice: back"]

    def test_a_broken_connection_is_a_leave_too(self, room: Program) -> None:
        alice, bob = people(room, "Alice", "Bob")
        alice.break_off()
        assert bob.line() == "[Server] Alice has left."

    def test_who_never_gave_a_name_joins_and_leaves_unseen(self, room: Program) -> None:
        alice, bob = people(room, "Alice", "Bob")
        room.peer().close()
        alice.say("hello")
        assert bob.line() == "Alice: hello"

    @pytest.mark.parametrize("name", ["", "a b", "[Server]", "x" * 33, "/list"])
    def test_a_name_that_would_confuse_is_refused(self, room: Program, name: str) -> None:
        peer = room.peer()
        peer.say(name)
        assert (
            peer.line()
            == f"[Server] Username '{name}' is not valid: 1 to 32 letters, digits, '_', '-' or '.'."
        )
        assert peer.drain() == 0

    def test_a_name_may_be_in_any_script(self, room: Program) -> None:
        alice, wang = people(room, "Alice", "王小明")
        wang.say("你好")
        assert alice.line() == "王小明: 你好"

    def test_nobody_forges_a_line_within_a_line(self, room: Program) -> None:
        alice, bob = people(room, "Alice", "Bob")
        alice.say("x\rBob: forged\x1b[2K\u202e")
        assert bob.line() == "Alice: x\ufffdBob: forged\ufffd[2K\ufffd"

    def test_half_a_character_waits_for_its_other_half(self, room: Program) -> None:
        alice, bob = people(room, "Alice", "Bob")
        alice.send("世".encode()[:1])
        bob.say("meanwhile")
        assert alice.line() == "Bob: meanwhile"
        alice.send("世".encode()[1:] + b"\r\n")
        assert bob.line() == "Alice: 世"

    def test_what_is_not_utf8_is_told_to_its_sender_alone(self, room: Program) -> None:
        alice, bob = people(room, "Alice", "Bob")
        alice.send(b"\xff\n\nfine\n")
        assert alice.line() == "[Server] Error: that line is not UTF-8."
        assert bob.line() == "Alice: fine"

    def test_a_line_without_end_ends_its_connection_alone(self, room: Program) -> None:
        alice, bob = people(room, "Alice", "Bob")
        alice.send(b"x" * 70_000)
        assert bob.line() == "[Server] Alice has left."

    def test_a_slow_reader_is_cut_off_and_the_others_are_told(self, room: Program) -> None:
        alice, bob = people(room, "Alice", "Bob")
        slow = room.peer(receive_buffer=4096)
        slow.say("Slow")
        assert [alice.line(), bob.line()] == ["[Server] Slow has joined."] * 2
        assert flood_until_left(alice, bob)
        assert alice.line() == "[Server] Slow has left."

    def test_commands_come_with_v03_only(self, start: Start) -> None:
        alice, bob = people(start("v0_2"), "Alice", "Bob")
        alice.say("/list")
        assert bob.line() == "Alice: /list"


def flood_until_left(alice: Peer, bob: Peer) -> bool:
    """Alice talks and Bob reads, until he is told that Slow has left."""
    text = "x" * 32_000
    for _ in range(FLOOD // len(text)):
        alice.say(text)
        if (line := bob.line()) == "[Server] Slow has left.":
            return True
        assert line == f"Alice: {text}"
    return False


class TestV03:
    """Commands."""

    def test_list_is_sorted_and_for_the_asker_alone(self, start: Start) -> None:
        bob, carol, alice = people(start("v0_3"), "Bob", "Charlie", "Alice")
        carol.say("/list", "after")
        assert carol.line() == "[Server] Users online: Alice, Bob, Charlie"
        assert [alice.line(), bob.line()] == ["Charlie: after"] * 2

    def test_a_private_message_is_for_two(self, start: Start) -> None:
        alice, bob, carol = people(start("v0_3"), "Alice", "Bob", "Carol")
        alice.say("/w Bob hello bob", "to all")
        assert bob.line() == "[Private from Alice] hello bob"
        assert alice.line() == "[Private to Bob] hello bob"
        assert [bob.line(), carol.line()] == ["Alice: to all"] * 2

    def test_a_private_message_to_nobody(self, start: Start) -> None:
        alice, bob = people(start("v0_3"), "Alice", "Bob")
        alice.say("/w Bobby hello", "/list")
        assert alice.line() == "[Server] User 'Bobby' not found."
        assert alice.line() == "[Server] Users online: Alice, Bob"
        alice.say("to all")
        assert bob.line() == "Alice: to all"

    @pytest.mark.parametrize("line", ["/w", "/w Bob", "/w Bob ", "/w  hello"])
    def test_half_a_private_message(self, start: Start, line: str) -> None:
        alice, bob = people(start("v0_3"), "Alice", "Bob")
        alice.say(line, "to all")
        assert alice.line() == "[Server] Usage: /w <username> <message>"
        assert bob.line() == "Alice: to all"

    def test_an_unknown_command_is_not_said_aloud(self, start: Start) -> None:
        alice, bob = people(start("v0_3"), "Alice", "Bob")
        alice.say("/shout secret", "to all")
        assert alice.line() == "[Server] Unknown command '/shout'. Try /list or /w."
        assert bob.line() == "Alice: to all"
