"""Files from one person to another by a real server: every pair of dialects, and several at once."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from file_peers import CODECS, Peer, close_all, content, device, digest
from hubbub.core.answers import Accepted
from hubbub.core.commands import Whisper
from hubbub.core.events import (
    FileData,
    FileDone,
    FileProgress,
    UploadStarted,
)
from hubbub.core.file_commands import SendChunk
from serving import Server, serving

PAIRS = list(itertools.product(CODECS, CODECS))
MIB = 1 << 20


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture(name="beside")
def _beside() -> Iterator[ThreadPoolExecutor]:
    """For what happens at the same time."""
    with ThreadPoolExecutor(16) as pool:
        yield pool


@pytest.fixture(name="busy", scope="module")
def _busy() -> Iterator[Server]:
    """One server for all pairs."""
    with serving() as server:
        yield server


def _pair(server: Server, sender: str, receiver: str) -> tuple[Peer, Peer]:
    return Peer(server.port, sender, "Alice"), Peer(server.port, receiver, "Bob")


@pytest.mark.parametrize(("sender", "receiver"), PAIRS)
def test_any_two_dialects_exchange_a_file(
    busy: Server, beside: ThreadPoolExecutor, sender: str, receiver: str
) -> None:
    bobs = f"Bob-{sender}-{receiver}"
    with (
        Peer(busy.port, sender, f"Alice-{sender}-{receiver}") as alice,
        Peer(busy.port, receiver, bobs) as bob,
    ):
        for seed, size in enumerate((3 * MIB + 17, 0, 1, 65_536, 2 * MIB)):  # one connection, again and again
            data = content(size, seed)
            id = alice.offer(bobs, data, sha256=digest(data) if seed % 2 else None)
            assert bob.accept() == id
            sent = beside.submit(alice.give, data)
            assert digest(bob.got(id)) == digest(data)
            sent.result()
            for one in (alice, bob):
                assert one.hear(FileDone, id).sha256 == digest(data)
            bob.post(f"thanks for {seed}")
            assert isinstance(alice.ask(Whisper(bobs, f"any time {seed}")), Accepted)
        for one in (alice, bob):
            one.settle()
            assert [said for _, _, said in one.said()] == [
                f"{words} {seed}" for seed in range(5) for words in ("thanks for", "any time")
            ]


@pytest.mark.parametrize(("sender", "receiver"), [("json", "websocket"), ("websocket", "json")])
def test_over_tls(tmp_path: Path, beside: ThreadPoolExecutor, sender: str, receiver: str) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(str(cert))
    issued.private_key_pem.write_to_path(str(key))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    data = content(3 * MIB)
    with (
        serving("--tls-cert", str(cert), "--tls-key", str(key)) as server,
        Peer(server.port, sender, "Alice", tls=context) as alice,
        Peer(server.port, receiver, "Bob", tls=context) as bob,
    ):
        for _ in range(2):
            id = alice.offer("Bob", data)
            bob.accept(id)
            sent = beside.submit(alice.give, data)
            assert digest(bob.got(id)) == digest(data)
            sent.result()
            assert alice.hear(FileDone).sha256 == bob.hear(FileDone).sha256 == digest(data)


# -- several at once


def test_between_the_same_two_on_several_connections(server: Server, beside: ThreadPoolExecutor) -> None:
    senders = [device(server.port, "Alice", dialect, new=not n) for n, dialect in enumerate(CODECS)]
    receivers = [device(server.port, "Bob", dialect, new=not n) for n, dialect in enumerate(reversed(CODECS))]
    files = [content(2 * MIB + seed, seed) for seed in range(len(CODECS))]
    ids = [one.offer("Bob", data) for one, data in zip(senders, files, strict=True)]
    for one, id in zip(receivers, ids, strict=True):
        one.accept(id)
    sent = [beside.submit(one.give, data) for one, data in zip(senders, files, strict=True)]
    got = [beside.submit(one.got, id) for one, id in zip(receivers, ids, strict=True)]
    for given, taken, data in zip(sent, got, files, strict=True):
        given.result()
        assert digest(taken.result()) == digest(data)
    for one, id, data in zip([*senders, *receivers], ids * 2, files * 2, strict=True):
        assert one.hear(FileDone, id).sha256 == digest(data)
        one.close()


@pytest.mark.parametrize("dialect", ["ndjson", "websocket", "protobuf"])
def test_a_slow_reader_does_not_hold_up_what_else_its_sender_sends(server: Server, dialect: str) -> None:
    """Three files on one connection, in turns; one of them is not read at all until the others are done."""
    alice = Peer(server.port, dialect, "Alice")
    names, chunk = ("Fast", "Faster", "Slow"), 50_000
    readers = [
        Peer(server.port, "ndjson", "Fast"),
        Peer(server.port, "json", "Faster"),
        Peer(server.port, "json", "Slow", receive_buffer=4096),
    ]
    data = [content(12 * MIB, seed) for seed in range(3)]
    with ThreadPoolExecutor(2) as pool:
        ids = [alice.offer(name, file) for name, file in zip(names, data, strict=True)]
        for reader, id in zip(readers, ids, strict=True):
            reader.accept(id)
        got = [pool.submit(reader.got, id) for reader, id in zip(readers[:2], ids[:2], strict=True)]
        started = {id: alice.hear(UploadStarted, id) for id in ids}
        sent, told, finished = dict.fromkeys(ids, 0), dict.fromkeys(ids, 0), set[str]()

        def go_on(until: set[str]) -> None:
            while not until <= finished:
                stuck = True
                for id, file in zip(ids, data, strict=True):
                    size = min(chunk, len(file) - sent[id])
                    if size and sent[id] + size - told[id] <= started[id].window:
                        stuck = False
                        alice.say(SendChunk(id, sent[id], file[sent[id] : sent[id] + size]))
                        sent[id] += size
                while stuck:
                    event = alice.next()
                    if isinstance(event, FileProgress):
                        told[event.offer] = event.offset
                        stuck = False
                    elif isinstance(event, FileDone):
                        finished.add(event.offer)
                        stuck = False

        go_on(set(ids[:2]))
        for taken, file in zip(got, data[:2], strict=True):
            assert digest(taken.result()) == digest(file)
        assert ids[2] not in finished
        assert sent[ids[2]] < len(data[2])
        slow = pool.submit(readers[2].got, ids[2])
        go_on(set(ids))
        assert digest(slow.result()) == digest(data[2])
    for one in (alice, *readers):
        one.close()


@pytest.mark.parametrize("dialect", ["ndjson", "websocket"])
def test_many_files_to_one_who_does_not_read_yet(server: Server, dialect: str) -> None:
    """All begin, and none of them finds room: together they are no more than one reader may leave unread."""
    bob = Peer(server.port, dialect, "Bob", receive_buffer=4096)
    senders = [Peer(server.port, ("json", "websocket")[n % 2], f"Sender-{n}") for n in range(24)]
    data = content(MIB)
    ids = [one.offer("Bob", data) for one in senders]
    with ThreadPoolExecutor(len(senders)) as pool:
        for id in ids:
            bob.accept(id)
        sent = [pool.submit(one.give, data, chunk=MIB // 2) for one in senders]
        parts: dict[str, bytearray] = {id: bytearray() for id in ids}
        done = set[str]()
        while len(done) < len(ids):
            event = bob.next()
            if isinstance(event, FileData):
                assert event.offset == len(parts[event.offer])
                parts[event.offer] += event.data
            elif isinstance(event, FileDone):
                done.add(event.offer)
        for given in sent:
            given.result()
    assert all(part == data for part in parts.values())
    for one in (bob, *senders):
        one.close()
