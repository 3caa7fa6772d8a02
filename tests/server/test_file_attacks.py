"""What nobody should send: chunks that fit nowhere, sizes and digests that lie, floods; and what is told."""

from __future__ import annotations

import contextlib
import itertools
import struct
from collections.abc import Iterator

import pytest

from file_peers import CODECS, Peer, close_all, content, digest
from hubbub.core.answers import Answer
from hubbub.core.commands import Ping, Publish
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import DownloadStarted, FileDone, FileFailed, FileOffered, UploadStarted
from hubbub.core.file_commands import AcceptFile, OfferFile, SendChunk
from hubbub.wire.codec import Reply
from serving import Server, serving

CHUNKED = [dialect for dialect in CODECS if dialect != "json"]
WINDOW = 10_000
_numbers = itertools.count()


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[Server]:
    with serving(HUBBUB_FILES_WINDOW=str(WINDOW)) as server:
        yield server


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    yield
    close_all()


def _two(server: Server, sender: str, receiver: str = "ndjson") -> tuple[Peer, Peer]:
    number = next(_numbers)
    return Peer(server.port, sender, f"Alice-{number}"), Peer(server.port, receiver, f"Bob-{number}")


def _asked(alice: Peer, bob: Peer, data: bytes, **more: str) -> str:
    """The id of a file whose bytes Alice is asked for."""
    id = alice.offer(bob.name, data, **more)
    bob.accept(id)
    alice.hear(UploadStarted, id)
    bob.hear(DownloadStarted, id)
    return id


def _refusal(peer: Peer, chunk: SendChunk) -> Refusal:
    """What is said of a chunk: in a binary message it has no id to say it by."""
    peer.say(chunk, None if peer.dialect == "websocket" else "chunk")
    answer: Answer | None = None
    while answer is None:
        told = peer.next()
        if isinstance(told, Reply):
            answer = told.answer
        else:
            peer.heard.append(told)
    assert isinstance(answer, Refusal), answer
    return answer


@pytest.mark.parametrize("dialect", CHUNKED)
def test_a_chunk_that_does_not_follow_is_refused_and_changes_nothing(server: Server, dialect: str) -> None:
    alice, bob = _two(server, dialect)
    data = content(3 * WINDOW)
    id = _asked(alice, bob, data)
    alice.say(SendChunk(id, 0, data[:1000]))
    for offset in (0, 999, 1001, len(data), len(data) + 1, 2**53 - 1):
        assert _refusal(alice, SendChunk(id, offset, b"x")).field == "offset"
    too_large = _refusal(alice, SendChunk(id, 1000, data[1000 : 1001 + WINDOW]))
    assert (too_large.code, too_large.limit) == (Code.TOO_LARGE, "files.window")
    for other in ("00" * 16, "ff" * 16):
        assert _refusal(alice, SendChunk(other, 1000, b"x")).code is Code.NOT_FOUND
    assert _refusal(bob, SendChunk(id, 1000, b"x")).code is Code.NOT_FOUND  # it is not Bob who sends
    alice.say(SendChunk(id, 1000, b""))  # nothing, where it belongs
    for at in range(1000, len(data), 1000):
        alice.say(SendChunk(id, at, data[at : at + 1000]))
    assert bob_gets(bob, id, len(data)) == data
    assert alice.hear(FileDone, id).sha256 == bob.hear(FileDone, id).sha256 == digest(data)
    assert _refusal(alice, SendChunk(id, len(data), b"")).code is Code.NOT_FOUND  # it is over
    assert _refusal(alice, SendChunk(id, 0, data[:10])).code is Code.NOT_FOUND


def bob_gets(bob: Peer, id: str, size: int) -> bytes:
    got = b""
    while len(got) < size:
        got += bob.chunk(id, len(got))
    return got


@pytest.mark.parametrize(
    ("dialect", "case"),
    [  # a binary message does not say that it is the last
        *((dialect, "more") for dialect in CHUNKED),
        *((dialect, "less") for dialect in CHUNKED if dialect != "websocket"),
    ],
)
@pytest.mark.parametrize("receiver", ["json", "websocket"])
def test_a_size_that_is_not_kept_to(server: Server, dialect: str, receiver: str, case: str) -> None:
    alice, bob = _two(server, dialect, receiver)
    data = content(2000)
    id = _asked(alice, bob, data)
    alice.say(SendChunk(id, 0, data[:1000]))
    wrong = SendChunk(id, 1000, data[:1001]) if case == "more" else SendChunk(id, 1000, data[:999], last=True)
    assert _refusal(alice, wrong).field == "data"
    assert (failed := alice.hear(FileFailed, id)).reason == "size"
    assert not failed.again
    if receiver == "json":
        assert bob.raw(1000) == data[:1000]
        assert bob.at_end()
    else:
        assert bob.hear(FileFailed, id).reason == "size"
        assert bob.ask(AcceptFile(id)) is not None
        assert not any(isinstance(event, FileDone) for event in bob.heard)
    alice.post("goes on")


def test_bytes_beyond_the_size_are_no_part_of_a_bare_file(server: Server) -> None:
    """They are read as what comes next, and are none: that ends the line, and not the file's."""
    alice, bob = _two(server, "json", "json")
    data = content(2000)
    id = _asked(alice, bob, data)
    alice.sock.sendall(data + b"\xff" * 100)
    assert bob.raw(2000) == data
    assert bob.hear(FileDone, id).sha256 == digest(data)
    assert alice.at_end()
    bob.post("goes on")


@pytest.mark.parametrize("sender", ["json", "ndjson"])
@pytest.mark.parametrize("receiver", ["json", "protobuf"])
def test_a_digest_that_lies_is_told_to_both_and_never_done(
    server: Server, sender: str, receiver: str
) -> None:
    alice, bob = _two(server, sender, receiver)
    data = content(5000)
    for lie in (digest(b"another"), digest(data).upper()[:-1] + "x"):
        answer = alice.ask(OfferFile("cat.png", len(data), bob.name, sha256=lie))
        if isinstance(answer, Refusal):  # no digest at all
            assert answer.field == "sha256"
            continue
        id = bob.accept()
        alice.give(data, id)
        assert bob.got(id) == data
        for one in (alice, bob):
            failed = one.hear(FileFailed, id)
            assert (failed.reason, failed.again) == ("digest", False)
            one.settle()
            assert not any(isinstance(event, FileDone) for event in one.heard)
        assert getattr(bob.ask(AcceptFile(id)), "code", None) is Code.NOT_FOUND


@pytest.mark.parametrize("dialect", CODECS)
def test_sizes_that_no_file_has(server: Server, dialect: str) -> None:
    alice, bob = _two(server, dialect)
    for size in (-1, -(2**63), 2**63, 2**64, 2**53, 1024**4 + 1):
        try:
            answer = alice.ask(OfferFile("cat.png", size, bob.name))
        except ValueError:  # the dialect has no such number
            continue
        assert isinstance(answer, Refusal), (size, answer)
        assert answer.field == "size"
    bob.settle()
    assert not any(isinstance(event, FileOffered) for event in bob.heard)
    id = alice.offer(bob.name, b"")
    assert bob.accept(id) == id


@pytest.mark.parametrize(
    "body",
    [
        b'{"offer":"","offset":0,"data":"AA=="}',
        b'{"offer":"zz","offset":0,"data":"AA=="}',
        b'{"offer":"%b","offset":-1,"data":"AA=="}',
        b'{"offer":"%b","offset":0.5,"data":"AA=="}',
        b'{"offer":"%b","offset":1e300,"data":"AA=="}',
        b'{"offer":"%b","offset":0,"data":"A"}',
        b'{"offer":"%b","offset":0,"data":"!!!!"}',
        b'{"offer":"%b","offset":0,"data":["AA=="]}',
        b'{"offer":"%b","offset":0}',
        b'{"offer":"%b","data":"AA=="}',
    ],
)
def test_a_chunk_in_json_that_is_none(server: Server, body: bytes) -> None:
    alice, bob = _two(server, "ndjson")
    id = _asked(alice, bob, b"1")
    body = body % id.encode() if b"%b" in body else body
    alice.sock.sendall(b'{"command":"file/chunk","id":"chunk","payload":%b}\n' % body)
    assert isinstance(alice.replies("chunk"), Refusal)
    alice.say(SendChunk(id, 0, b"1"))
    assert alice.hear(FileDone, id).sha256 == digest(b"1")


@pytest.mark.parametrize("message", [b"", b"\0" * 23, b"\xff" * 24, b"\0" * 16 + b"\xff" * 8 + b"x"])
def test_a_binary_message_that_is_no_chunk(server: Server, message: bytes) -> None:
    alice, bob = _two(server, "websocket")
    id = _asked(alice, bob, b"1")
    alice.sock.sendall(alice.wrap(message, binary=True))
    told = alice.next()
    while not isinstance(told, Reply):
        told = alice.next()
    assert isinstance(told.answer, Refusal)
    alice.say(SendChunk(id, 0, b"1"))
    assert alice.hear(FileDone, id).sha256 == digest(b"1")


def test_chunks_before_any_login(server: Server) -> None:
    for dialect in CHUNKED:
        peer = Peer(server.port, dialect)
        assert _refusal(peer, SendChunk("00" * 16, 0, b"x")).code is Code.UNAUTHENTICATED


@pytest.mark.parametrize("dialect", CHUNKED)
def test_chunks_are_bounded_by_their_window_and_not_by_the_rate(dialect: str) -> None:
    """Far more of them than requests may come, and those that nobody asked for count as any request."""
    limits = {"HUBBUB_LIMITS_MESSAGE_RATE": "0.001", "HUBBUB_LIMITS_MESSAGE_BURST": "10"}
    with serving(HUBBUB_FILES_WINDOW=str(WINDOW), **limits) as server:
        alice, bob = _two(server, dialect)
        data = content(100 * 500)
        id = _asked(alice, bob, data)
        for at in range(0, len(data), 500):
            alice.say(SendChunk(id, at, data[at : at + 500]))
        assert bob_gets(bob, id, len(data)) == data
        assert alice.hear(FileDone, id).sha256 == digest(data)
        for _ in range(12):
            alice.say(SendChunk(id, 0, b"x"))
        alice.sock.settimeout(0.3)
        answered = 0
        with contextlib.suppress(TimeoutError):
            while answered < 12:
                alice.next()
                answered += 1
        assert answered < 12


def test_a_frame_of_a_file_that_is_longer_than_frames_may_be(server: Server) -> None:
    """The bytes of a bare file look like a head of 4 GiB: they are no head."""
    alice, bob = _two(server, "json", "json")
    data = struct.pack("!I", 2**32 - 1) * 1000
    id = _asked(alice, bob, data)
    alice.sock.sendall(data + alice.encoded(Ping(), "ping"))
    assert bob.raw(len(data)) == data
    assert alice.hear(FileDone, id).sha256 == digest(data)
    alice.replies("ping")


def test_a_file_that_looks_like_requests_is_carried_out_by_nobody(server: Server) -> None:
    alice, bob = _two(server, "json", "json")
    data = alice.encoded(Publish("forged")) * 50
    id = _asked(alice, bob, data)
    alice.sock.sendall(data)
    assert bob.raw(len(data)) == data
    for one in (alice, bob):
        assert one.hear(FileDone, id).sha256 == digest(data)
        one.settle()
        assert "forged" not in [words for _, _, words in one.said()]
