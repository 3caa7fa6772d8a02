"""People with `nc`: v0.2 and v0.3, word for word."""

from __future__ import annotations

import socket
import struct

import pytest

from serving import Server


def test_others_see_who_comes_speaks_and_goes(server: Server) -> None:
    alice, bob = server.text("Alice"), server.text("Bob")
    assert alice.line() == "[Server] Bob has joined."
    bob.say("hello")
    assert alice.line() == "Bob: hello"
    assert bob.hears_nothing(), "text and only text leaves the sender out; a login adds no line of one's own"
    bob.close()
    assert alice.line() == "[Server] Bob has left."


@pytest.mark.parametrize("how", ["quit", "shutdown", "reset"])
def test_leaving_is_told_once_however_it_ended(server: Server, how: str) -> None:
    alice, bob = server.text("Alice"), server.text("Bob")
    assert alice.line() == "[Server] Bob has joined."
    if how == "quit":
        bob.say("/quit")
    elif how == "shutdown":
        bob.end()
    else:
        bob.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        bob.close()
    assert alice.line() == "[Server] Bob has left."
    alice.settle()
    assert alice.passed == []


@pytest.mark.parametrize("second", ["Alice", "ALICE", "аlice", "Ａlice"])
def test_a_name_that_is_taken_or_looks_the_same(server: Server, second: str) -> None:
    server_alice = server.text("Alice")
    other = server.text()
    other.say(second)
    line = other.line()
    shown = "Alice" if second == "Ａlice" else second  # NFKC makes wide letters plain
    assert line == f"[Server] Username '{shown}' is already taken."
    assert other.at_end()
    server_alice.settle()
    assert server_alice.passed == [], "and nobody hears of it"


def test_a_name_that_is_not_valid(server: Server) -> None:
    other = server.text()
    other.say("a b")
    assert other.line().startswith("[Server] Username 'a b' is not valid: ")
    assert other.at_end()


def test_names_of_the_house_are_not_for_guests(server: Server) -> None:
    for name in ("Server", "LOBBY"):
        other = server.text()
        other.say(name)
        assert other.line() == f"[Server] Username '{name}' is already taken."


def test_a_name_is_free_again_after_its_owner_left(server: Server) -> None:
    first = server.text("Alice")
    first.say("/quit")
    assert first.line() == "[Server] Goodbye."
    assert first.at_end()
    second = server.text("Alice")
    second.say("/list")
    assert second.line() == "[Server] Users online: Alice"


def test_list_is_sorted_and_for_the_asker_only(server: Server) -> None:
    charlie, alice, bob = server.text("Charlie"), server.text("Alice"), server.text("Bob")
    charlie.settle()
    alice.settle()
    bob.say("/list")
    assert bob.line() == "[Server] Users online: Alice, Bob, Charlie"
    assert charlie.hears_nothing()
    assert alice.hears_nothing()


def test_whispers(server: Server) -> None:
    alice, bob, carol = server.text("Alice"), server.text("Bob"), server.text("Carol")
    alice.settle()
    bob.settle()
    alice.say("/w Bob hello bob")
    assert bob.line() == "[Private from Alice] hello bob"
    assert alice.line() == "[Private to Bob] hello bob"
    alice.say("/w Nobody hello")
    assert alice.line() == "[Server] User 'Nobody' not found."
    alice.say("/w Bob")
    assert alice.line() == "[Server] Usage: /w <username> <message>"
    assert carol.hears_nothing()


def test_rooms_by_hand(server: Server) -> None:
    alice, bob = server.text("Alice"), server.text("Bob")
    alice.settle()
    bob.say("/join den")
    assert bob.line() == "[Server] You are now in 'den' (1 members)."
    assert alice.line() == "[Server] Bob has left."
    alice.say("/join Den")
    assert alice.line() == "[Server] You are now in 'den' (2 members)."
    assert bob.line() == "[Server] Alice has joined."
    alice.say("/topic foxes")
    assert bob.line() == "[Server] Alice set the topic of 'den': foxes"
    bob.say("only here")
    assert alice.lines(2) == ["[Server] The topic of 'den' is: foxes", "Bob: only here"]
    alice.say("/leave")
    assert alice.line() == "[Server] You are now in 'lobby' (1 members)."
    assert bob.line() == "[Server] Alice has left."
    bob.say("alone")
    bob.settle()
    assert alice.hears_nothing()


def test_commands_that_do_not_exist_and_a_slash_that_is_meant(server: Server) -> None:
    alice, bob = server.text("Alice"), server.text("Bob")
    alice.say("/x")
    assert alice.lines(2)[-1] == "[Server] Unknown command '/x'. Try /help."
    alice.say("//x")
    assert bob.line() == "Alice: /x"


def test_a_line_cannot_be_forged(server: Server) -> None:
    alice, eve = server.text("Alice"), server.json("Eve")
    assert alice.line() == "[Server] Eve has joined."
    eve.say("Broadcast", content="hi\n[Server] Bob has left.\r\x1b[2Jx\u202ey")
    assert alice.lines(2) == ["Eve: hi", "Eve: [Server] Bob has left."]
    rest = alice.line()
    assert rest.startswith("Eve: ")
    assert not set(rest) & {"\x1b", "\u202e", "\r"}


def test_what_is_not_text_is_refused_and_the_connection_kept(server: Server) -> None:
    alice, bob = server.text("Alice"), server.text("Bob")
    alice.settle()
    bob.send(b"\xff\xfe\n")
    assert bob.line().startswith("[Server] Error: ")
    bob.send(b"x" * 70_000 + b"\nstill here\n")
    assert bob.line().startswith("[Server] Error: ")
    assert alice.line() == "Bob: still here"


def test_a_character_cut_in_two_arrives_whole(server: Server) -> None:
    alice, bob = server.text("Alice"), server.text("Bob")
    alice.settle()
    data = "你好\n".encode()
    for at in range(len(data)):
        bob.send(data[at : at + 1])
    assert alice.line() == "Bob: 你好"


def test_what_came_before_the_end_is_still_answered(server: Server) -> None:
    alice, bob = server.text("Alice"), server.text()
    bob.send(b"Bob\nhello\n/list\n")
    bob.end()
    assert bob.line() == "[Server] Users online: Alice, Bob"
    assert bob.at_end()
    assert alice.lines(3) == ["[Server] Bob has joined.", "Bob: hello", "[Server] Bob has left."]
