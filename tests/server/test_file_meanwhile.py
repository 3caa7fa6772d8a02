"""The edge between bytes and messages, and what is said while a line is taken for the bytes of a file."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from file_peers import Peer, close_all, content, device, digest, halfway, rest
from hubbub.core.answers import Accepted, RoomJoined
from hubbub.core.commands import CreateRoom, Edit, JoinRoom, Ping, Publish, Whisper
from hubbub.core.events import (
    DownloadStarted,
    FileAccepted,
    FileDeclined,
    FileDone,
    FileFailed,
    FileOffered,
    Gap,
    MessageEdited,
    MessagePosted,
    UploadStarted,
)
from hubbub.core.file_commands import AcceptFile, CancelFile, DeclineFile
from serving import Server, serving

MIB = 1 << 20


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    yield
    close_all()


def _pair(server: Server, sender: str, receiver: str) -> tuple[Peer, Peer]:
    return Peer(server.port, sender, "Alice"), Peer(server.port, receiver, "Bob")


# -- between bytes and messages


def test_by_name_and_without_any_id_as_the_first_clients_do(server: Server) -> None:
    alice, bob = server.json("Alice"), server.json("Bob")
    alice.say("FileOffer", to="Bob", filename="cat.png", size=5)
    offer = bob.get("FileOffer")
    assert (offer["from"], offer["filename"], offer["size"]) == ("Alice", "cat.png", 5)
    bob.say("FileAccept", **{"from": "Alice", "filename": "cat.png"})
    assert alice.get()["type"] == "UserJoined"
    assert alice.get()["type"] == "StartUpload"
    alice.send(b"bytes")
    start = bob.get()
    assert (start["type"], start["from"], start["filename"], start["size"]) == (
        "StartDownload",
        "Alice",
        "cat.png",
        5,
    )
    assert bob.read(5) == b"bytes"
    assert alice.get()["type"] == bob.get()["type"] == "FileDone"


def test_what_stands_right_behind_the_bytes_is_carried_out(server: Server) -> None:
    """Bytes and requests in one segment, and a request cut anywhere around the end of the bytes."""
    alice, bob = _pair(server, "json", "json")
    with alice, bob:
        for cut in (0, 1, 5, 7, 20, None):
            data = content(1000)
            id = alice.offer("Bob", data)
            bob.accept(id)
            alice.hear(UploadStarted, id)
            behind = alice.encoded(Publish(f"cut {cut}")) + alice.encoded(Ping(), f"ping {cut}")
            whole = data + behind
            edge = len(whole) if cut is None else len(data) + cut - 3
            alice.sock.sendall(whole[:edge])
            assert bob.hear(DownloadStarted, id).size == len(data)
            got = bob.raw(min(edge, len(data)))  # so they have arrived
            alice.sock.sendall(whole[edge:])
            assert got + bob.raw(len(data) - len(got)) == data
            for one in (alice, bob):
                assert one.hear(FileDone, id).sha256 == digest(data)
            alice.replies(f"ping {cut}")
        for one in (alice, bob):
            one.settle()
            assert [said for _, _, said in one.said()] == [f"cut {cut}" for cut in (0, 1, 5, 7, 20, None)]


@pytest.mark.parametrize("receiver", ["json", "ndjson"])
def test_requests_behind_bytes_wait_until_these_are_out(server: Server, receiver: str) -> None:
    """Of one of these sizes, the last bytes are read, with what stands behind them, while Bob has no room."""
    carol = Peer(server.port, "ndjson", "Carol")
    carol.ask(JoinRoom("den"))
    for number, size in enumerate(range(2 * MIB, 7 * MIB, MIB // 2)):
        alice = Peer(server.port, "json", f"Alice-{number}")
        bob = Peer(server.port, receiver, f"Bob-{number}", receive_buffer=4096)
        data = content(size)
        id = alice.offer(bob.name, data)
        bob.accept(id)
        alice.hear(UploadStarted, id)
        behind = alice.encoded(JoinRoom("den"), "join") + alice.encoded(Publish("I am in", "den"), "say")
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(alice.sock.sendall, data + behind)
            bob.hear(DownloadStarted, id)
            for turn in range(20):  # time enough to read more than there is room for
                carol.post(f"turn {turn}")
            carol.post("one", "den")
            got = bytearray()
            if receiver == "json":
                got += bob.raw(size)
            while len(got) < size:
                got += bob.chunk(id, len(got))
            sent.result()
        assert got == data
        alice.hear(FileDone, id)  # and no answer before
        assert isinstance(alice.replies("say"), Accepted)
        carol.post("two", "den")
        alice.settle()
        heard = [said for stream, _, said in alice.said() if stream != "room:1"]
        assert heard in (["I am in", "two"], ["I am in", "one", "two"])  # as Carol was later, or sooner
        alice.close()
        bob.close()


def test_a_begun_request_comes_to_its_end_before_bytes_are_asked_for(server: Server) -> None:
    alice, bob = _pair(server, "json", "json")
    with alice, bob:
        data = content(1000)
        id = alice.offer("Bob", data)
        request = alice.encoded(Publish("before the bytes"))
        alice.sock.sendall(alice.encoded(Ping(), "ping") + request[:10])
        alice.replies("ping")  # so the server has what is behind it, too
        bob.accept(id)
        bob.post("accepted")  # reaches Alice behind whatever the accept brought her
        assert alice.hear(MessagePosted).content == "accepted"
        assert not any(isinstance(event, UploadStarted) for event in alice.heard)
        alice.sock.sendall(request[10:])
        alice.hear(UploadStarted, id)
        alice.sock.sendall(data)
        assert bob.got(id) == data
        assert [said for _, _, said in alice.said()] == ["before the bytes"]


# -- what is said meanwhile


def test_what_is_said_meanwhile_follows_once_and_in_order(server: Server) -> None:
    alice, bob = device(server.port, "Alice", new=True), device(server.port, "Bob", new=True)
    phone = device(server.port, "Bob", "ndjson")
    carol = Peer(server.port, "ndjson", "Carol")
    data = content(MIB)
    with alice, bob, phone, carol:
        carol.post("before")
        id = halfway(alice, bob, data)
        first = carol.post("in the lobby")
        for number in range(200):
            carol.post(f"lobby {number}")
            if number % 20 == 0:
                carol.ask(Whisper("Bob", f"to Bob {number}"))
                carol.ask(Whisper("Alice", f"to Alice {number}"))
        carol.ask(Edit("edited meanwhile", first.stream, first.offset))
        assert isinstance(phone.ask(CreateRoom("den")), RoomJoined)  # and so Bob is in it everywhere
        carol.ask(JoinRoom("den"))
        carol.post("den 1", "den")
        late = Peer(server.port, "json", "Late")  # somebody comes meanwhile, and goes again
        late.close()
        rest(alice, bob, data, id)
        carol.post("after")
        carol.post("den 2", "den")
        phone.settle()
        for one in (alice, bob):
            one.settle()
            said = one.said()
            lobby = [words for stream, _, words in said if stream == first.stream]
            assert lobby == ["before", "in the lobby", *(f"lobby {n}" for n in range(200)), "after"]
            (edit,) = [event for event in one.heard if isinstance(event, MessageEdited)]
            assert (edit.target, edit.content) == (first.offset, "edited meanwhile")
            whispers = [words for stream, _, words in said if stream.startswith("talk:")]
            assert whispers == [f"to {one.name} {number}" for number in range(0, 200, 20)]
            for stream in {stream for stream, _, _ in said}:
                offsets = [
                    event.offset
                    for event in one.heard
                    if isinstance(event, MessagePosted | MessageEdited) and event.stream == stream
                ]
                assert offsets == sorted(set(offsets))
        assert [words for _, _, words in bob.said() if words.startswith("den")] == ["den 1", "den 2"]
        assert phone.said() == [one for one in phone.said() if one in bob.said()]
        assert len(phone.said()) == len(bob.said())


def test_more_than_is_told_again_is_an_explicit_gap() -> None:
    with serving(HUBBUB_ROOMS_RESUME_ENTRIES="10") as server:
        alice, bob = _pair(server, "json", "json")
        carol = Peer(server.port, "ndjson", "Carol")
        data = content(MIB)
        with alice, bob, carol:
            id = halfway(alice, bob, data)
            last = [carol.post(f"{number}") for number in range(11)][-1]
            rest(alice, bob, data, id)
            for one in (alice, bob):
                gap = one.hear(Gap)
                assert (gap.stream, gap.offset) == (last.stream, last.offset)
            carol.post("after")
            for one in (alice, bob):
                one.settle()
                assert [words for _, _, words in one.said()] == ["after"]


def test_offers_answers_and_ends_that_come_meanwhile_follow_too(server: Server) -> None:
    """Bob's line is taken, and others decide on what lies between him and them."""
    alice, bob = _pair(server, "json", "json")
    carol = Peer(server.port, "ndjson", "Carol")
    data = content(MIB)
    with alice, bob, carol:
        declined = bob.offer("Carol", b"1", "declined.txt")
        taken = carol.offer("Bob", b"2", "taken back.txt")
        bob.hear(FileOffered, taken)
        direct = bob.offer("Carol", b"3", "direct.txt")
        id = halfway(alice, bob, data)
        carol.ask(DeclineFile(declined))
        carol.ask(CancelFile(taken))
        carol.ask(AcceptFile(direct, direct=True, hello="here"))
        new = carol.offer("Bob", b"4", "new.txt")
        rest(alice, bob, data, id)
        assert bob.hear(FileDeclined).offer == declined
        assert bob.hear(FileFailed).offer == taken
        assert bob.hear(FileAccepted).hello == "here"
        assert bob.hear(FileOffered, new).filename == "new.txt"
