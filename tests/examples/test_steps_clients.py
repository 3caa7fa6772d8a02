"""The clients of `examples/steps`: the other half of each file, from keyboard to screen."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from examples.company import done, listeners, people, users

if TYPE_CHECKING:
    from examples.conftest import Start


class TestClients:
    """The other half of each file."""

    @pytest.mark.parametrize("step", ["v0_1", "v0_2", "v0_3"])
    def test_what_is_typed_arrives_and_what_arrives_is_printed(self, start: Start, step: str) -> None:
        server = start(step)
        (other,) = listeners(server, 1) if step == "v0_1" else people(server, "Other")
        client = start(step, "connect", server.port)
        client.type("Me")
        assert other.line() == ("Me" if step == "v0_1" else "[Server] Me has joined.")
        if step == "v0_1":
            assert client.line() == "Me"
        other.say("世界")
        assert client.line() == ("世界" if step == "v0_1" else "Other: 世界")

    @pytest.mark.parametrize("step", ["v0_4", "v0_5"])
    def test_typed_lines_become_messages(self, start: Start, step: str) -> None:
        server = start(step)
        (other,) = users(server, "Other")
        client = start(step, "connect", server.port)
        assert client.line() == "Your name?"
        client.type("Me")
        assert client.line() == "You are Me."
        assert other.hear() == {"type": "UserJoined", "username": "Me"}
        client.type("hello")
        assert other.hear() == {"type": "NewMessage", "from": "Me", "content": "hello"}
        client.type("/list")
        assert client.line() == "Users online: Me, Other"
        client.type("/w Other psst")
        assert client.line() == "[Private from Me to Other] psst"
        assert other.hear()["type"] == "PrivateMessage"
        client.type("/shout secret")
        assert client.line().startswith("Try /list")
        other.tell("Broadcast", content="x\x1b[2K")
        assert client.line() == "Other: x\ufffd[2K"

    def test_a_file_from_keyboard_to_keyboard(self, start: Start, tmp_path: Path) -> None:
        data = random.Random(5).randbytes(700_001)
        home = {name: tmp_path / name for name in ("Alice", "Bob")}
        for folder in home.values():
            folder.mkdir()
        (home["Alice"] / "my cat.png").write_bytes(data)
        server = start("v0_5")
        alice, bob = (start("v0_5", "connect", server.port, cwd=home[name]) for name in home)
        for name, client in zip(home, (alice, bob), strict=True):
            assert client.line() == "Your name?"
            client.type(name)
            assert client.line() == f"You are {name}."
        assert alice.line() == "Bob has joined."
        alice.type("/send Bob my cat.png")
        alice.type("held until the file is over")
        assert bob.line() == "Alice offers 'my cat.png' (700001 bytes): /accept Alice my cat.png"
        bob.type("/accept Alice my cat.png")
        for client in (alice, bob):
            assert client.line() == f"'my cat.png' is complete, SHA-256 {hashlib.sha256(data).hexdigest()}"
        assert (home["Bob"] / "my cat.png").read_bytes() == data
        assert bob.line() == "Alice: held until the file is over"
        bob.type("/accept Alice my cat.png")
        assert bob.line() == "'my cat.png': no such file to send, or one that is here already."

    def test_a_refused_offer_lets_its_client_speak_again(self, start: Start, tmp_path: Path) -> None:
        (tmp_path / "cat.png").write_bytes(b"cat")
        server = start("v0_5")
        (other,) = users(server, "Other")
        client = start("v0_5", "connect", server.port, cwd=tmp_path)
        for line in ("Me", "/send Nobody cat.png", "hello"):
            client.type(line)
        expected = ["Your name?", "You are Me.", "Error: User 'Nobody' not found."]
        assert [client.line() for _ in expected] == expected
        assert other.hear() == {"type": "UserJoined", "username": "Me"}
        assert other.hear() == {"type": "NewMessage", "from": "Me", "content": "hello"}
        client.type("/send Other cat.png")
        assert other.hear()["type"] == "FileOffer"
        other.tell("FileDecline", **{"from": "Me"}, filename="cat.png")
        assert client.line() == "Other does not take 'cat.png'."
        client.type("what a pity")
        assert other.hear() == {"type": "NewMessage", "from": "Me", "content": "what a pity"}

    def test_who_has_nothing_more_to_type_still_sends_the_file(self, start: Start, tmp_path: Path) -> None:
        (tmp_path / "cat.png").write_bytes(b"cat")
        server = start("v0_5")
        (other,) = users(server, "Other")
        client = start("v0_5", "connect", server.port, cwd=tmp_path)
        client.type("Me\n/send Other cat.png")
        assert client.process.stdin is not None
        client.process.stdin.close()
        client.process.stdin = None
        assert other.hear() == {"type": "UserJoined", "username": "Me"}
        assert other.hear()["type"] == "FileOffer"
        other.tell("FileAccept", **{"from": "Me"}, filename="cat.png")
        assert other.hear()["type"] == "StartDownload"
        assert other.read(3) == b"cat"
        assert other.hear() == done(b"cat")
        assert client.process.wait(20) == 0

    def test_half_a_file_does_not_stay(self, start: Start, tmp_path: Path) -> None:
        server = start("v0_5")
        (alice,) = users(server, "Alice")
        bob = start("v0_5", "connect", server.port, cwd=tmp_path)
        assert bob.line() == "Your name?"
        bob.type("Bob")
        assert bob.line() == "You are Bob."
        assert alice.hear() == {"type": "UserJoined", "username": "Bob"}
        alice.tell("FileOffer", to="Bob", filename="cat.png", size=1000)
        assert bob.line().startswith("Alice offers")
        bob.type("/accept Alice cat.png")
        assert alice.hear()["type"] == "StartUpload"
        alice.send(b"x" * 400)
        alice.close()
        assert bob.process.stderr is not None
        assert bob.process.stderr.read() == b"'cat.png' broke off, 600 bytes before its end.\n"
        assert bob.process.wait(20) == 1
        assert list(tmp_path.iterdir()) == []
        bob.process.returncode = 0  # an exit code of 1 is what this test asked for
