"""Files that the server keeps, sent by the framed dialects; and links for people who have plain text only."""

from __future__ import annotations

import base64
import http.client
import itertools
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from file_peers import CODECS, Peer, close_all, content, device, digest
from hubbub.core.answers import Done, FileLink, FileList, Offered
from hubbub.core.commands import Publish
from hubbub.core.errors import Refusal
from hubbub.core.events import FileDone, FileFailed, MessagePosted, UploadStarted, WhisperPosted
from hubbub.core.file_commands import CancelFile, GetFile, ListFiles, OfferFile, SendChunk
from serving import PATIENCE, Server, TextClient, serving, until

MIB = 1 << 20
_numbers = itertools.count()


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[Server]:
    with serving("--limits", "off") as server:
        yield server


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    yield
    close_all()


def _new(name: str) -> str:
    return f"{name}-{next(_numbers)}"


def _keep(peer: Peer, size: int, **more: Any) -> str:
    """The id of an upload that the server asks for now."""
    answer = peer.ask(OfferFile("cat.png", size, **more))
    assert isinstance(answer, Offered), answer
    assert answer.keep
    return answer.offer


def _fetched(server: Server, url: str) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _link(peer: Peer, file: str) -> str:
    link = peer.ask(GetFile(file))
    assert isinstance(link, FileLink), link
    return link.url


@pytest.mark.parametrize("dialect", CODECS)
def test_a_file_for_a_room_becomes_a_message(server: Server, dialect: str) -> None:
    alice, bob = Peer(server.port, dialect, _new("Alice")), Peer(server.port, "ndjson", _new("Bob"))
    for seed, size in enumerate((2 * MIB + 3, 0, 1)):
        data = content(size, seed)
        id = _keep(alice, size, room="lobby", content=f"number {seed}")
        assert alice.give(data, id)
        assert alice.hear(FileDone, id).sha256 == digest(data)
        for one in (alice, bob):
            said = one.hear(MessagePosted)
            assert (said.content, said.sender) == (f"number {seed}", alice.name)
            assert said.file is not None
            assert (said.file.size, said.file.sha256, said.file.name) == (size, digest(data), "cat.png")
            assert _fetched(server, _link(one, said.file.file)) == (200, data)
    alice.post("goes on")


@pytest.mark.parametrize("dialect", CODECS)
def test_a_file_for_somebody_who_is_away_waits_for_them(server: Server, dialect: str) -> None:
    alice, bob = Peer(server.port, dialect, _new("Alice")), device(server.port, _new("Bob"), new=True)
    bob.close()
    data = content(300_000)
    id = _keep(alice, len(data), to=bob.name)
    assert alice.give(data, id)
    assert alice.hear(FileDone, id).sha256 == digest(data)
    assert alice.hear(WhisperPosted).file is not None
    bob = device(server.port, bob.name, "ndjson")
    listed = bob.ask(ListFiles(with_=alice.name))
    assert isinstance(listed, FileList)
    (file,) = listed.files
    assert file.sha256 == digest(data)
    assert _fetched(server, _link(bob, file.file)) == (200, data)
    refusal = Peer(server.port, "ndjson", _new("Eve")).ask(GetFile(file.file))
    assert isinstance(refusal, Refusal)


@pytest.mark.parametrize("how", ["end", "reset"])
@pytest.mark.parametrize("dialect", CODECS)
def test_an_upload_goes_on_where_the_line_was_lost(server: Server, dialect: str, how: str) -> None:
    alice = device(server.port, _new("Alice"), dialect, new=True)
    witness = Peer(server.port, "ndjson", _new("Bob"))
    data = content(MIB)
    half = data[: MIB // 2]
    id = _keep(alice, len(data), room="lobby")
    alice.hear(UploadStarted, id)
    alice.sock.sendall(half if dialect == "json" else alice.encoded(SendChunk(id, 0, half)))
    if how == "reset":
        alice.reset()
    else:
        alice.close()
    alice = device(server.port, alice.name, dialect)
    for name, size in (("dog.png", len(data)), ("cat.png", 1)):
        assert isinstance(alice.ask(OfferFile(name, size, room="lobby", offer=id)), Refusal)
    assert isinstance(witness.ask(OfferFile("cat.png", len(data), room="lobby", offer=id)), Refusal)
    answer = alice.ask(OfferFile("cat.png", len(data), room="lobby", offer=id))
    assert answer == Offered(id, keep=True)
    assert alice.give(data, id)
    assert alice.hear(FileDone, id).sha256 == digest(data)
    said = witness.hear(MessagePosted)
    assert said.file is not None
    assert said.file.sha256 == digest(data)
    again = alice.ask(OfferFile("cat.png", len(data), room="lobby", offer=id))  # as if it had not heard
    assert answer == again
    assert alice.hear(FileDone, id).sha256 == digest(data)
    witness.settle()
    assert not any(isinstance(event, MessagePosted) for event in witness.heard)


def test_who_goes_right_behind_the_last_byte_has_said_it(server: Server) -> None:
    """By ending what it sends, and reading on. A close with something unread, an event say, is a reset, with
    which its own machine forgets what it has not sent yet.
    """
    witness = Peer(server.port, "ndjson", _new("Bob"))
    for dialect in CODECS:
        alice = device(server.port, _new("Alice"), dialect, new=True)
        data = content(500_000)
        id = _keep(alice, len(data), room="lobby")
        assert alice.give(data, id)
        alice.sock.shutdown(socket.SHUT_WR)
        assert alice.at_end()
        said = witness.hear(MessagePosted)
        assert said.file is not None
        assert said.file.sha256 == digest(data)


@pytest.mark.parametrize("dialect", CODECS)
def test_a_digest_that_lies_is_told_and_nothing_is_said(server: Server, dialect: str) -> None:
    alice, witness = Peer(server.port, dialect, _new("Alice")), Peer(server.port, "ndjson", _new("Bob"))
    data = content(5000)
    id = _keep(alice, len(data), room="lobby", sha256=digest(b"another"))
    assert alice.give(data, id)
    failed = alice.hear(FileFailed, id)
    assert (failed.reason, failed.again) == ("digest", False)
    assert isinstance(alice.ask(OfferFile("cat.png", len(data), room="lobby", offer=id)), Refusal)
    witness.settle()
    assert not any(isinstance(event, MessagePosted) for event in witness.heard)
    alice.post("goes on")


@pytest.mark.parametrize("dialect", ["ndjson", "json"])
def test_an_upload_is_cancelled_in_the_middle(server: Server, dialect: str) -> None:
    alice = device(server.port, _new("Alice"), dialect, new=True)
    by = alice if dialect != "json" else device(server.port, alice.name, "ndjson")
    data = content(MIB)
    id = _keep(alice, len(data), room="lobby")
    alice.hear(UploadStarted, id)
    alice.sock.sendall(data[:1000] if dialect == "json" else alice.encoded(SendChunk(id, 0, data[:1000])))
    assert by.ask(CancelFile(id)) == Done()
    failed = alice.hear(FileFailed, id)
    assert (failed.reason, failed.again) == ("cancelled", False)
    if dialect == "json":
        alice.sock.sendall(data[1000:])
    alice.post("goes on")
    assert isinstance(alice.ask(OfferFile("cat.png", len(data), room="lobby", offer=id)), Refusal)


def test_an_upload_outlives_a_restart(tmp_path: Path) -> None:
    data = content(MIB)
    with serving("--data", str(tmp_path)) as server:
        alice = device(server.port, "Alice", new=True)
        id = _keep(alice, len(data), room="lobby")
        alice.hear(UploadStarted, id)
        alice.sock.sendall(data[:600_000])
    close_all()
    with serving("--data", str(tmp_path)) as server:
        alice = device(server.port, "Alice", "ndjson")
        assert isinstance(alice.ask(OfferFile("cat.png", len(data), room="lobby", offer=id)), Offered)
        started = alice.hear(UploadStarted, id)
        alice.heard.append(started)
        assert 0 <= started.offset <= 600_000
        assert alice.give(data, id)
        assert alice.hear(FileDone, id).sha256 == digest(data)
        said = alice.hear(MessagePosted)
        assert said.file is not None
        assert _fetched(server, _link(alice, said.file.file)) == (200, data)


# -- people with plain text


def _taken(person: TextClient) -> str:
    """The link to what somebody is offered, and takes."""
    while "offers you cat.png" not in person.line():
        pass
    person.say("/accept cat.png")
    while "http://" not in (line := person.line()):
        pass
    return line[line.index("http://") :].split()[0]


@pytest.mark.parametrize("dialect", CODECS)
def test_a_person_in_plain_text_fetches_by_a_link(server: Server, dialect: str) -> None:
    alice, bob = Peer(server.port, dialect, _new("Alice")), server.text(name := _new("Bob"))
    data = content(2 * MIB)
    id = alice.offer(name, data)
    url = _taken(bob)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(alice.give, data, id)
        assert _fetched(server, url) == (200, data)
        assert sent.result()
    assert alice.hear(FileDone, id).sha256 == digest(data)
    assert _fetched(server, url)[0] != 200
    alice.ask(Publish("goes on"))


@pytest.mark.parametrize("dialect", CODECS)
def test_a_link_whose_sender_goes_away_ends_short(server: Server, dialect: str) -> None:
    alice, bob = Peer(server.port, dialect, _new("Alice")), Peer(server.port, "ndjson", _new("Bob"))
    text = server.text(name := _new("Carol"))
    data = content(2 * MIB)
    id = alice.offer(name, data)
    url = _taken(text)
    with ThreadPoolExecutor(1) as pool:
        fetched = pool.submit(_fetched, server, url)
        alice.hear(UploadStarted, id)
        alice.sock.sendall(data[:MIB] if dialect == "json" else alice.encoded(SendChunk(id, 0, data[:MIB])))
        alice.reset()
        with pytest.raises(http.client.IncompleteRead):
            fetched.result()
    bob.post("goes on")


def test_a_person_in_plain_text_gets_what_was_sent_to_it_while_away(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path / "data")) as server:
        ann, bob = server.ndjson(), server.ndjson()
        for who, name in ((ann, "Ann"), (bob, "Bob")):
            assert who.ask("auth/register", username=name, password=f"password of {name}")["status"] == 200
        bob.close()
        until(lambda: [one["username"] for one in ann.ask("presence/list")["payload"]["users"]] == ["Ann"])
        bytes_of_it = os.urandom(1000)
        ann.say("file/offer", "o", to="Bob", filename="plan.txt", size=1000)
        offer = ann.get("file/upload")["payload"]["offer"]
        data = base64.b64encode(bytes_of_it).decode()
        assert ann.ask("file/chunk", offer=offer, offset=0, data=data, last=True)["status"] == 200
        ann.get("file/done")
        text = server.text()
        text.send(b"Bob\n/login password of Bob\n/get plan.txt\n")
        while "Fetch it" not in (line := text.line()):
            pass
        assert _fetched(server, line.rpartition(" ")[2]) == (200, bytes_of_it)


def test_what_a_guest_left_is_found_by_its_name_after_it_has_gone(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path / "data")) as server:
        bob = server.ndjson()
        assert bob.ask("auth/register", username="Bob", password="password of Bob")["status"] == 200
        bob.close()
        ann = server.ndjson("Ann")
        until(lambda: [one["username"] for one in ann.ask("presence/list")["payload"]["users"]] == ["Ann"])
        ann.say("file/offer", "o", to="Bob", filename="plan.txt", size=0)
        ann.get("file/done")
        ann.close()
        bob = server.ndjson()
        assert bob.ask("auth/login", username="Bob", password="password of Bob")["status"] == 200
        until(lambda: [one["username"] for one in bob.ask("presence/list")["payload"]["users"]] == ["Bob"])
        (kept,) = bob.ask("file/list", **{"with": "ann"})["payload"]["files"]
        assert kept["name"] == "plan.txt"
        assert bob.ask("file/list", **{"with": "Cid"})["status"] == 404
