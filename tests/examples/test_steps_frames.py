"""v0.4 and v0.5 of `examples/steps`, by the list of features that docs/roadmap.md gives each version."""

from __future__ import annotations

import os
import random
import struct
import threading
from typing import TYPE_CHECKING

import pytest

from examples.company import FLOOD, done, users

if TYPE_CHECKING:
    from examples.conftest import Peer, Program, Start


@pytest.fixture(params=["v0_4", "v0_5"])
def framed(request: pytest.FixtureRequest, start: Start) -> Program:
    return start(request.param)


class TestV04:
    """Frames; v0.5 must still do the same."""

    def test_the_features_of_v03_in_messages(self, framed: Program) -> None:
        alice, bob, carol = users(framed, "Alice", "Bob", "Carol")
        alice.tell("Broadcast", content="hello\n世界")
        for peer in (bob, carol):
            assert peer.hear() == {"type": "NewMessage", "from": "Alice", "content": "hello\n世界"}
        alice.tell("Whisper", to="Bob", content="hello bob")
        private = {"type": "PrivateMessage", "from": "Alice", "to": "Bob", "content": "hello bob"}
        assert alice.hear() == private
        assert bob.hear() == private
        carol.tell("List")
        assert carol.hear() == {"type": "UserList", "users": ["Alice", "Bob", "Carol"]}
        carol.tell("Whisper", to="Nobody", content="hello")
        assert carol.hear() == {"type": "Error", "msg": "User 'Nobody' not found."}
        carol.close()
        assert alice.hear() == bob.hear() == {"type": "UserLeft", "username": "Carol"}

    def test_the_length_comes_first(self, framed: Program) -> None:
        alice, bob = users(framed, "Alice", "Bob")
        alice.send(b'\x00\x00\x00\x23{"type":"Broadcast","content":"hi"}')
        frame = b'{"type": "NewMessage", "from": "Alice", "content": "hi"}'
        assert bob.read(4 + len(frame)) == struct.pack(">I", len(frame)) + frame

    def test_half_a_character_waits_for_its_other_half(self, framed: Program) -> None:
        alice, bob = users(framed, "Alice", "Bob")
        body = '{"type":"Broadcast","content":"世"}'.encode()
        cut = body.index("世".encode()) + 1
        alice.send(struct.pack(">I", len(body)) + body[:cut])
        bob.tell("Broadcast", content="meanwhile")
        assert alice.hear() == {"type": "NewMessage", "from": "Bob", "content": "meanwhile"}
        alice.send(body[cut:])
        assert bob.hear() == {"type": "NewMessage", "from": "Alice", "content": "世"}

    def test_byte_by_byte_and_all_at_once_are_the_same(self, framed: Program) -> None:
        alice, bob = users(framed, "Alice", "Bob")
        body = '{"type":"Broadcast","content":"世"}'.encode()
        frame = struct.pack(">I", len(body)) + body
        for byte in frame:
            alice.send(bytes([byte]))
        alice.send(frame + frame)
        for _ in range(3):
            assert bob.hear() == {"type": "NewMessage", "from": "Alice", "content": "世"}

    def test_a_taken_name_is_refused_and_closed(self, framed: Program) -> None:
        users(framed, "Alice")
        second = framed.peer()
        second.tell("Login", username="Alice")
        assert second.hear() == {"type": "Error", "msg": "Username 'Alice' is already taken."}
        assert second.drain() == 0

    def test_a_name_that_would_confuse_is_refused_and_closed(self, framed: Program) -> None:
        peer = framed.peer()
        peer.tell("Login", username="a\nb")
        assert peer.hear()["type"] == "Error"
        assert peer.drain() == 0

    def test_nothing_goes_before_the_login(self, framed: Program) -> None:
        (alice,) = users(framed, "Alice")
        stranger = framed.peer()
        stranger.tell("Broadcast", content="hello")
        assert stranger.hear() == {"type": "Error", "msg": "Log in first."}
        stranger.tell("Login", username="Bob")
        assert stranger.hear() == {"type": "Welcome", "username": "Bob"}
        assert alice.hear() == {"type": "UserJoined", "username": "Bob"}

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"hello",
            b"[" * 60_000,
            b'{"type":"Broadcast","content":"\xff"}',
            b"[]",
            b'{"type":"Nonsense"}',
            b'{"type":["List"]}',
            b'{"type":"Broadcast"}',
            b'{"type":"Broadcast","content":7}',
        ],
    )
    def test_a_broken_message_is_answered_and_the_connection_kept(self, framed: Program, body: bytes) -> None:
        alice, bob = users(framed, "Alice", "Bob")
        alice.send(struct.pack(">I", len(body)) + body)
        assert alice.hear()["type"] == "Error"
        alice.tell("Broadcast", content="still here")
        assert bob.hear() == {"type": "NewMessage", "from": "Alice", "content": "still here"}

    def test_half_a_surrogate_harms_nobody(self, framed: Program) -> None:
        alice, bob = users(framed, "Alice", "Bob")
        body = b'{"type":"Broadcast","content":"\\ud800"}'
        alice.send(struct.pack(">I", len(body)) + body)
        assert bob.hear() == {"type": "NewMessage", "from": "Alice", "content": "?"}

    def test_a_length_that_is_too_big_ends_the_connection(self, framed: Program) -> None:
        alice, bob = users(framed, "Alice", "Bob")
        alice.send(struct.pack(">I", 65_537))
        assert alice.hear() == {"type": "Error", "msg": "a message may have at most 65536 bytes"}
        assert alice.drain() == 0
        assert bob.hear() == {"type": "UserLeft", "username": "Alice"}

    def test_a_slow_reader_is_cut_off_and_the_others_are_told(self, framed: Program) -> None:
        alice, bob = users(framed, "Alice", "Bob")
        slow = framed.peer(receive_buffer=4096)
        slow.tell("Login", username="Slow")
        assert alice.hear() == bob.hear() == {"type": "UserJoined", "username": "Slow"}
        for _ in range(FLOOD // 32_000):
            alice.tell("Broadcast", content="x" * 32_000)
            if (message := bob.hear())["type"] != "NewMessage":
                assert message == {"type": "UserLeft", "username": "Slow"}
                return
        pytest.fail("the slow reader was never cut off")


def accepted(alice: Peer, bob: Peer, size: int, filename: str = "cat.png") -> None:
    """Alice offers a file, Bob accepts, and both are told to begin."""
    alice.tell("FileOffer", to="Bob", filename=filename, size=size)
    offer = {"type": "FileOffer", "from": "Alice", "to": "Bob", "filename": filename, "size": size}
    assert bob.hear() == offer
    bob.tell("FileAccept", **{"from": "Alice"}, filename=filename)
    assert alice.hear() == {"type": "StartUpload", "filename": filename}
    assert bob.hear() == {"type": "StartDownload", "from": "Alice", "filename": filename, "size": size}


class TestV05:
    """Files."""

    @pytest.mark.parametrize("size", [0, 1, 3, 123_456, 3_000_001])
    def test_the_bytes_arrive_and_both_are_back_in_json(self, start: Start, size: int) -> None:
        alice, bob = users(start("v0_5"), "Alice", "Bob")
        data = random.Random(size).randbytes(size)
        accepted(alice, bob, size)
        uploading = threading.Thread(target=alice.send, args=(data,))
        uploading.start()
        assert bob.read(size) == data
        uploading.join()
        assert alice.hear() == bob.hear() == done(data)
        alice.tell("Broadcast", content="did you get it?")
        assert bob.hear()["content"] == "did you get it?"
        bob.tell("Broadcast", content="yes")
        assert alice.hear()["content"] == "yes"

    def test_file_bytes_and_the_next_message_in_one_write(self, start: Start) -> None:
        alice, bob = users(start("v0_5"), "Alice", "Bob")
        accepted(alice, bob, 4)
        body = b'{"type":"List"}'
        alice.send(b"\x00\x00\x00\x0f" + struct.pack(">I", len(body)) + body)
        assert bob.read(4) == b"\x00\x00\x00\x0f"
        assert alice.hear() == bob.hear() == done(b"\x00\x00\x00\x0f")
        assert alice.hear() == {"type": "UserList", "users": ["Alice", "Bob"]}

    def test_nothing_comes_between_and_what_was_said_follows(self, start: Start) -> None:
        alice, bob, carol = users(start("v0_5"), "Alice", "Bob", "Carol")
        accepted(alice, bob, 6)
        alice.send(b"abc")
        assert bob.read(3) == b"abc"
        carol.tell("Broadcast", content="how is it going?")
        carol.tell("List")
        assert carol.hear()["type"] == "UserList"
        bob.tell("Broadcast", content="fine")  # whoever receives a file can still speak
        assert carol.hear() == {"type": "NewMessage", "from": "Bob", "content": "fine"}
        alice.send(b"def")
        assert bob.read(3) == b"def"
        assert bob.hear() == done(b"abcdef")
        assert bob.hear() == {"type": "NewMessage", "from": "Carol", "content": "how is it going?"}
        assert alice.hear() == done(b"abcdef")
        assert alice.hear() == {"type": "NewMessage", "from": "Carol", "content": "how is it going?"}
        assert alice.hear() == {"type": "NewMessage", "from": "Bob", "content": "fine"}

    def test_a_slow_receiver_slows_the_sender_and_nobody_else(self, start: Start) -> None:
        server = start("v0_5")
        alice, bob, carol, dave = users(server, "Alice", "Bob", "Carol", "Dave")
        data = os.urandom(16 * 1024 * 1024)
        accepted(alice, bob, len(data))
        uploading = threading.Thread(target=alice.send, args=(data,))
        uploading.start()
        for number in range(100):  # Bob reads nothing meanwhile
            carol.tell("Broadcast", content=str(number))
            assert dave.hear() == {"type": "NewMessage", "from": "Carol", "content": str(number)}
        assert bob.read(len(data)) == data
        uploading.join()
        assert bob.hear() == done(data)
        assert [bob.hear()["content"] for _ in range(100)] == [str(number) for number in range(100)]

    def test_a_file_can_be_declined(self, start: Start) -> None:
        alice, bob = users(start("v0_5"), "Alice", "Bob")
        alice.tell("FileOffer", to="Bob", filename="cat.png", size=5)
        assert bob.hear()["type"] == "FileOffer"
        bob.tell("FileDecline", **{"from": "Alice"}, filename="cat.png")
        assert alice.hear() == {"type": "FileDecline", "from": "Alice", "to": "Bob", "filename": "cat.png"}
        bob.tell("FileAccept", **{"from": "Alice"}, filename="cat.png")
        assert bob.hear() == {"type": "Error", "msg": "There is no offer of 'cat.png' by 'Alice'."}

    def test_the_receiver_leaves_before_he_has_answered(self, start: Start) -> None:
        alice, bob, carol = users(start("v0_5"), "Alice", "Bob", "Carol")
        alice.tell("FileOffer", to="Bob", filename="cat.png", size=5)
        bob.hear()
        bob.close()
        assert alice.hear() == {"type": "UserLeft", "username": "Bob"}
        decline = alice.hear()
        assert (decline["type"], decline["to"], decline["filename"]) == ("FileDecline", "Bob", "cat.png")
        alice.tell("FileOffer", to="Carol", filename="cat.png", size=5)
        assert carol.hear() == {"type": "UserLeft", "username": "Bob"}
        assert carol.hear()["type"] == "FileOffer"

    def test_a_sender_who_fails_closes_the_receiver(self, start: Start) -> None:
        alice, bob, carol = users(start("v0_5"), "Alice", "Bob", "Carol")
        accepted(alice, bob, 1000)
        alice.send(b"x" * 400)
        assert bob.read(400) == b"x" * 400
        carol.tell("Broadcast", content="noise")
        alice.break_off()
        assert bob.drain() == 0  # an end, and no JSON that could be taken for the rest
        assert [carol.hear()["username"], carol.hear()["username"]] == ["Alice", "Bob"]

    def test_a_receiver_who_fails_leaves_the_sender_in_step(self, start: Start) -> None:
        alice, bob, carol = users(start("v0_5"), "Alice", "Bob", "Carol")
        accepted(alice, bob, 1000)
        alice.send(b"x" * 400)
        bob.read(400)
        bob.break_off()
        assert carol.hear() == {"type": "UserLeft", "username": "Bob"}
        alice.send(b"x" * 600)
        msg = "'Bob' left before 'cat.png' was complete."
        assert alice.hear() == {"type": "Error", "msg": msg, "filename": "cat.png"}
        assert alice.hear() == {"type": "UserLeft", "username": "Bob"}
        alice.tell("Broadcast", content="never mind")
        assert carol.hear() == {"type": "NewMessage", "from": "Alice", "content": "never mind"}

    def test_what_is_held_back_is_bounded(self, start: Start) -> None:
        alice, bob, carol = users(start("v0_5"), "Alice", "Bob", "Carol")
        accepted(alice, bob, 1000)
        for _ in range(40):
            carol.tell("Broadcast", content="x" * 60_000)
        assert {carol.hear()["username"], carol.hear()["username"]} == {"Alice", "Bob"}
        assert bob.drain() == 0

    def test_one_file_at_a_time(self, start: Start) -> None:
        alice, bob, carol = users(start("v0_5"), "Alice", "Bob", "Carol")
        carol.tell("FileOffer", to="Bob", filename="dog.png", size=3)
        assert bob.hear()["type"] == "FileOffer"
        accepted(alice, bob, 3)
        bob.tell("FileAccept", **{"from": "Carol"}, filename="dog.png")
        carol.tell("FileOffer", id="7", to="Bob", filename="more.png", size=3)
        assert carol.hear() == {"type": "Error", "msg": "You have an open offer already.", "id": "7"}
        alice.send(b"cat")
        assert bob.read(3) == b"cat"
        assert bob.hear() == done(b"cat")
        msg = "One of you is busy with another file. Try again after it."
        assert bob.hear() == {"type": "Error", "msg": msg}
        bob.tell("FileAccept", **{"from": "Carol"}, filename="dog.png")
        assert carol.hear() == {"type": "StartUpload", "filename": "dog.png"}

    @pytest.mark.parametrize(
        ("to", "filename", "size"),
        [
            ("Nobody", "cat.png", 5),
            ("Alice", "cat.png", 5),
            ("Bob", "../cat.png", 5),
            ("Bob", "a\\b", 5),
            ("Bob", "..", 5),
            ("Bob", "", 5),
            ("Bob", "cat.png", -1),
            ("Bob", "cat.png", 2**41),
        ],
    )
    def test_an_offer_that_cannot_be(self, start: Start, to: str, filename: str, size: int) -> None:
        alice, bob = users(start("v0_5"), "Alice", "Bob")
        alice.tell("FileOffer", id="1", to=to, filename=filename, size=size)
        refusal = alice.hear()
        assert (refusal["type"], refusal["id"]) == ("Error", "1")
        alice.tell("Broadcast", content="sorry")
        assert bob.hear()["content"] == "sorry"
