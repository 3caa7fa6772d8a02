"""`hubbub send` and `receive` with other programs, through TLS, and with those who mean no good."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from spake2 import SPAKE2_B  # type: ignore[import-untyped]

from serving import JsonClient, Server, serving
from transferring import Command, Ends, names_in, until

CONTENT = b"cat" * 100_000


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--limits", "off") as running:
        yield running


@pytest.fixture
def ends(tmp_path: Path, server: Server) -> Iterator[Ends]:
    two = Ends(tmp_path, server.port)
    yield two
    two.close()


def offer(client: JsonClient, **members: object) -> None:
    """As a program of v0.5 does, which knows no more than that."""
    client.say("FileOffer", to="Bob", filename="cat.png", size=len(CONTENT), **members)


def test_from_a_program_that_knows_v0_5_alone(ends: Ends, server: Server) -> None:
    receiver = ends.receive()
    with server.json("Mara") as mara:
        offer(mara)
        mara.get("StartUpload")
        mara.send(CONTENT)
        assert mara.get("FileDone")["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    receiver.ends()
    assert (ends.inbox / "cat.png").read_bytes() == CONTENT


def test_to_a_program_that_knows_v0_5_alone(ends: Ends, server: Server) -> None:
    file = ends.file("dog.png", 500_000)
    with server.json("Nora") as nora:
        sender = ends.send(file, to="Nora")
        assert nora.get("FileOffer")["size"] == 500_000
        nora.say("FileAccept", **{"from": "Alice", "filename": "dog.png"})
        nora.get("StartDownload")
        assert nora.read(500_000) == file.read_bytes()
        nora.get("FileDone")
        sender.ends()


def test_a_lying_digest_is_told_and_nothing_is_left(ends: Ends, server: Server) -> None:
    receiver = ends.receive()
    with server.json("Liar") as liar:
        offer(liar, sha256="00" * 32)
        liar.get("StartUpload")
        liar.send(CONTENT)
        assert liar.get("FileFailed")["reason"] == "digest"
    receiver.ends(5)
    assert names_in(ends.inbox) == []


@pytest.mark.parametrize("name", ["NUL", "a\u202egnp.exe"])
def test_a_name_that_may_do_harm_is_not_passed_on(ends: Ends, server: Server, name: str) -> None:
    with server.json("Liar") as liar, server.json("Otto"):
        liar.say("FileOffer", id="1", to="Otto", filename=name, size=1)
        assert liar.get("Error")["id"] == "1"


def test_a_sender_that_takes_it_back_is_heard(ends: Ends, server: Server) -> None:
    receiver = ends.receive()
    with server.json("Mara") as mara:
        offer(mara)
        started = mara.get("StartUpload")
        mara.send(CONTENT[:1_000])
        until(lambda: list(ends.inbox.glob(".*.part")))
        with server.json("Mara2") as other:
            other.say("FileCancel", id="1", offer=started["offer"])  # it is none of hers
            assert other.get("Error")["code"] == "not_found"
    receiver.until_said("Trying again")  # it broke off; the offer stands
    assert names_in(ends.inbox)[0].endswith(".part")
    receiver.interrupt()
    receiver.ends(130)


def test_through_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    pem = str(tmp_path / "server.pem")
    with serving("--tls-cert", pem, "--tls-key", pem) as server:
        ends = Ends(tmp_path, server.port)
        try:
            file = ends.file("cat.png", 5_000_000)
            tls = ("--ca", tmp_path / "ca.pem")
            receiver = ends.receive("--no-direct", *tls)
            assert "tls://127.0.0.1" in receiver.said
            ends.send(file, *tls).ends()
            receiver.ends()
            assert (ends.inbox / "cat.png").read_bytes() == file.read_bytes()
            assert "certificate" in ends.send(file, "--tls").ends(1)
        finally:
            ends.close()


# -- a server that lies


@contextmanager
def lying(size: int, started: int, sent: int) -> Iterator[int]:
    """A server that offers a file of one size, begins one of another, and sends as much as it likes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pack(**message: object) -> bytes:
        text = json.dumps(message).encode()
        return len(text).to_bytes(4, "big") + text

    def serve() -> None:
        caller, _ = listener.accept()
        with caller, caller.makefile("rb") as stream:
            while head := stream.read(4):
                message = json.loads(stream.read(int.from_bytes(head, "big")))
                if message["type"] == "Login":
                    me = {"username": "Bob", "user_id": 1, "token": "t", "server": "liar", "rooms": []}
                    caller.sendall(pack(type="Welcome", id=message["id"], **me))
                    offered = {"filename": "x", "size": size, "offer": "o", "to": "Bob"}
                    caller.sendall(pack(type="FileOffer", **offered, **{"from": "Eve", "from_id": 2}))
                elif message["type"] == "FileAccept":
                    about = {"filename": "x", "offer": "o"}
                    caller.sendall(
                        pack(type="StartDownload", **about, size=started, offset=0, **{"from": "Eve"})
                        + bytes(sent)
                        + pack(type="FileDone", **about, sha256="")
                    )

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        thread.join(10)


@pytest.mark.parametrize(("started", "sent"), [(500, 500), (3, 3), (-5, 0), (0, 0)])
def test_a_server_that_speaks_of_another_size_is_left(ends: Ends, started: int, sent: int) -> None:
    with lying(5, started, sent) as port:
        receiver = ends.receive(port=port, wait=False)
        assert "another size than was offered" in receiver.ends(1)
    assert names_in(ends.inbox) == []


def test_a_size_that_cannot_be_is_no_offer(ends: Ends) -> None:
    with lying(-5, -5, 0) as port:
        receiver = ends.receive(port=port)
        receiver.until_said("cannot be")
        receiver.interrupt()
        receiver.ends(130)
    assert names_in(ends.inbox) == []


# -- somebody between a client and the server


@contextmanager
def between(port: int, change_at: int) -> Iterator[int]:
    """A line to the server on which one byte that the server sends is changed; yields its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    sockets: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def pass_on(source: socket.socket, sink: socket.socket, at: int | None) -> None:
        seen = 0
        try:
            while data := bytearray(source.recv(65_536)):
                if at is not None and seen <= at < seen + len(data):
                    data[at - seen] ^= 1
                seen += len(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def accept() -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", port))
            sockets.extend((caller, there))
            for source, sink, at in ((caller, there, None), (there, caller, change_at)):
                threads.append(threading.Thread(target=pass_on, args=(source, sink, at), daemon=True))
                threads[-1].start()

    threads.append(threading.Thread(target=accept, daemon=True))
    threads[0].start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        for one in (listener, *sockets):
            one.close()
        for thread in threads:
            thread.join(10)


def test_a_byte_that_is_changed_on_the_way_is_seen(ends: Ends) -> None:
    with between(ends.port, 150_000) as port:
        receiver = ends.receive("--no-direct", port=port)
        ends.send(ends.file("cat.png", 300_000))
        assert "did not arrive as it was sent" in receiver.ends(5)
    assert names_in(ends.inbox) == []


def test_a_byte_of_what_is_sealed_is_seen_too(ends: Ends) -> None:
    sender = ends.send(ends.file("cat.png", 300_000), "--code", "--no-direct")
    with between(ends.port, 150_000) as port:
        receiver = ends.receive("--code", _code(sender), "--no-direct", port=port)
        assert "is not what the sender sealed" in receiver.ends(5)
    assert names_in(ends.inbox) == []


def test_the_exchange_of_a_code_cannot_be_changed_either(ends: Ends, server: Server) -> None:
    """A server that puts itself in between has one guess, and is found out."""
    with server.json("Eve") as eve:
        sender = ends.send(ends.file("cat.png", 1_000), "--code", to="Eve")
        offered = eve.get("FileOffer")
        element = SPAKE2_B(b"1-agile-acorn").start()  # a guess
        exchange = base64.b64encode(element + bytes(32)).decode()
        hello = json.dumps({"hubbub": 1, "exchange": exchange})
        eve.say("FileAccept", offer=offered["offer"], direct=True, hello=hello)
        sender.ends(4)
        assert eve.get("FileFailed")["reason"] == "cancelled"


def _code(sender: Command) -> str:
    until(lambda: sender.out.endswith(b"\n") or sender.process.poll() is not None)
    return sender.out.decode().strip()
