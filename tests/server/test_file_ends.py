"""Files that break off: who went away, who stands still, what is told, and that everybody else goes on."""

from __future__ import annotations

import itertools
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from file_peers import CODECS, Peer, close_all, content, device, digest, halfway, rest
from hubbub.core.answers import LoggedOut, Offered
from hubbub.core.commands import ChangePassword, Login, Logout
from hubbub.core.events import DownloadStarted, FileDone, FileFailed, FileOffered, UploadStarted
from hubbub.core.file_commands import AcceptFile, CancelFile, FinishFile, OfferFile, SendChunk
from serving import PATIENCE, Server, serving, until

MIB = 1 << 20
PLAIN = list(itertools.product(["json", "ndjson"], repeat=2))
CHUNKED = [dialect for dialect in CODECS if dialect != "json"]


@pytest.fixture(name="busy", scope="module")
def _busy() -> Iterator[Server]:
    """One for all tests that need nothing of their own."""
    with serving("--limits", "off") as server:
        yield server


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    yield
    close_all()


_numbers = itertools.count()


def _new(name: str) -> str:
    """A name that nobody had before."""
    return f"{name}-{next(_numbers)}"


def _pair(server: Server, sender: str, receiver: str) -> tuple[Peer, Peer]:
    return Peer(server.port, sender, _new("Alice")), Peer(server.port, receiver, _new("Bob"))


def _half_sent(alice: Peer, bob: Peer, data: bytes, **more: str) -> str:
    """A file of which one half has arrived, in whatever dialects."""
    id = alice.offer(bob.name, data, **more)
    bob.accept(id)
    alice.hear(UploadStarted, id)
    half = data[: len(data) // 2]
    _send(alice, id, half, 0)
    bob.hear(DownloadStarted, id)
    got = b""
    while len(got) < len(half):
        got += bob.raw(len(half) - len(got)) if bob.dialect == "json" else bob.chunk(id, len(got))
    assert got == half
    return id


def _send(alice: Peer, id: str, data: bytes, offset: int) -> None:
    alice.sock.sendall(data if alice.dialect == "json" else alice.encoded(SendChunk(id, offset, data)))


def _send_rest(alice: Peer, id: str, data: bytes) -> None:
    half = len(data) // 2
    _send(alice, id, data[half:], half)


def _whole_again(alice: Peer, bob: Peer) -> None:
    """Both can chat, and send each other files."""
    data = content(100_000, 7)
    for sender, receiver in ((alice, bob), (bob, alice)):
        words = f"{sender.name} goes on"
        sender.post(words)
        receiver.settle()
        assert words in [said for _, _, said in receiver.said()]
        id = sender.offer(receiver.name, data)
        receiver.accept(id)
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(sender.give, data, id)
            assert receiver.got(id) == data
            sent.result()
        assert sender.hear(FileDone, id).sha256 == receiver.hear(FileDone, id).sha256 == digest(data)


# -- somebody goes away


@pytest.mark.parametrize("how", ["end", "reset"])
@pytest.mark.parametrize("sender", ["json", "websocket"])
@pytest.mark.parametrize("receiver", CODECS)
def test_the_sender_goes_away_in_the_middle(busy: Server, sender: str, receiver: str, how: str) -> None:
    alice, bob = _pair(busy, sender, receiver)
    data = content(MIB)
    id = _half_sent(alice, bob, data, sha256=digest(data))
    if how == "reset":
        alice.reset()
    else:
        alice.sock.shutdown(socket.SHUT_WR)
    if receiver == "json":  # only the end of the line says that nothing more of the file comes
        assert bob.at_end()
        bob = Peer(busy.port, receiver, _new("Bob"))
    else:
        failed = bob.hear(FileFailed, id)
        assert (failed.sender, failed.reason, failed.again) == (alice.name, "lost", True)
    alice.close()
    _whole_again(Peer(busy.port, sender, _new("Carol")), bob)


@pytest.mark.parametrize("sender", CODECS)
@pytest.mark.parametrize("receiver", ["json", "ndjson"])
def test_the_receiver_goes_away_in_the_middle(busy: Server, sender: str, receiver: str) -> None:
    alice = Peer(busy.port, sender, _new("Alice"))
    bob = device(busy.port, _new("Bob"), receiver, new=True)
    data = content(MIB)
    id = _half_sent(alice, bob, data, sha256=digest(data))
    bob.reset()
    failed = alice.hear(FileFailed, id)
    assert (failed.reason, failed.again) == ("lost", True)
    if sender == "json":  # it sends the rest all the same: nobody else knows where the file ends
        _send_rest(alice, id, data)
        alice.settle()
    bob = device(busy.port, bob.name, receiver)
    assert bob.hear(FileOffered, id).sha256 == digest(data)
    half = len(data) // 2
    bob.accept(id, half)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(alice.give, data, id)
        assert bob.got(id) == data[half:]
        sent.result()
    assert bob.ask(FinishFile(id, digest(data))) is not None
    assert alice.hear(FileDone, id).sha256 == bob.hear(FileDone, id).sha256 == digest(data)
    _whole_again(alice, bob)


@pytest.mark.parametrize("receiver", ["json", "websocket"])
def test_a_sender_who_goes_when_it_has_sent_all_is_needed_no_more(receiver: str) -> None:
    """Its last bytes wait for a slow reader, and reach it; then it is told that this was all."""
    with serving(HUBBUB_FILES_WINDOW=str(8 * MIB)) as server:
        for sender in CHUNKED:
            alice = Peer(server.port, sender, _new("Alice"))
            bob = Peer(server.port, receiver, _new("Bob"), receive_buffer=4096)
            data = content(7 * MIB)  # more than lies between the server and Bob
            id = alice.offer(bob.name, data)
            bob.accept(id)
            assert alice.give(data, id)
            alice.sock.shutdown(socket.SHUT_WR)
            assert alice.at_end()
            assert bob.got(id) == data
            assert bob.hear(FileDone, id).sha256 == digest(data)


@pytest.mark.parametrize(("sender", "receiver"), PLAIN)
@pytest.mark.parametrize("side", ["Alice", "Bob"])
def test_either_side_breaks_it_off(busy: Server, sender: str, receiver: str, side: str) -> None:
    """Who has nothing but bare bytes on its line does so by another."""
    alice, bob = (
        device(busy.port, _new("Alice"), sender, new=True),
        device(busy.port, _new("Bob"), receiver, new=True),
    )
    id = _half_sent(alice, bob, content(MIB))
    dialect = sender if side == "Alice" else receiver
    one = alice if side == "Alice" else bob
    by = device(busy.port, one.name, "ndjson") if dialect == "json" else one
    by.ask(CancelFile(id))
    if receiver == "json":
        assert bob.at_end()
    else:
        assert (failed := bob.hear(FileFailed, id)).reason == "cancelled"
        assert not failed.again
    assert alice.hear(FileFailed, id).reason == "cancelled"
    if sender == "json":
        _send_rest(alice, id, content(MIB))
    alice.settle()
    refused = device(busy.port, bob.name, "ndjson").ask(AcceptFile(id))
    assert getattr(refused, "field", None) == "offer"


def test_logging_out_breaks_off_what_comes_in_chunks(busy: Server) -> None:
    alice, bob = _pair(busy, "ndjson", "ndjson")
    id = _half_sent(alice, bob, content(MIB))
    assert isinstance(bob.ask(Logout()), LoggedOut)
    assert alice.hear(FileFailed, id).reason == "lost"
    bob.name = _new("Robert")
    bob.enter(Login(username=bob.name))
    _whole_again(alice, bob)


def test_logging_out_behind_bare_bytes_waits_for_their_end(busy: Server) -> None:
    alice, bob = _pair(busy, "json", "json")
    data = content(MIB)
    id = halfway(alice, bob, data)
    bob.say(Logout(), "out")
    rest(alice, bob, data, id)
    assert isinstance(bob.replies("out"), LoggedOut)


def test_who_is_put_out_in_the_middle_hears_no_words_in_its_file(busy: Server) -> None:
    """`policy`: the login ends by another device. Only bytes of the file come, then the end."""
    alice, bob = Peer(busy.port, "json", _new("Alice")), device(busy.port, _new("Bob"), new=True)
    other = device(busy.port, bob.name, "ndjson")
    id = halfway(alice, bob, content(MIB))
    other.ask(ChangePassword(f"password of {bob.name}", "another password"))
    assert bob.sock.recv(100) == b""
    assert alice.hear(FileFailed, id).again
    _send_rest(alice, id, content(MIB))
    _whole_again(alice, other)


def test_who_is_replaced_in_the_middle_hears_no_words_in_its_file(busy: Server) -> None:
    alice, bob = _pair(busy, "json", "json")
    assert bob.welcome is not None
    data = content(MIB)
    id = alice.offer(bob.name, data, sha256=digest(data))
    bob.accept(id)
    alice.hear(UploadStarted, id)
    alice.sock.sendall(data[:1000])
    bob.hear(DownloadStarted)
    bob.raw(1000)
    again = Peer(busy.port, "ndjson")
    again.name = bob.name
    again.enter(Login(username=bob.name, token=bob.welcome.token))
    assert bob.sock.recv(100) == b""
    assert alice.hear(FileFailed, id).again
    alice.sock.sendall(data[1000:])
    again.accept(id, 1000)
    alice.give(data, id)
    assert again.got(id) == data[1000:]
    again.ask(FinishFile(id, digest(data)))
    assert alice.hear(FileDone, id).sha256 == digest(data)


def test_a_sender_that_is_back_before_its_old_line_is_dead(busy: Server) -> None:
    alice, bob = device(busy.port, _new("Alice"), new=True), Peer(busy.port, "ndjson", _new("Bob"))
    data = content(MIB)
    id = _half_sent(alice, bob, data, sha256=digest(data))
    again = device(busy.port, alice.name)
    assert isinstance(again.ask(OfferFile("cat.png", len(data), bob.name, offer=id)), Offered)
    assert bob.hear(FileFailed, id).again
    bob.accept(id, len(data) // 2)
    again.give(data, id)
    assert bob.got(id) == data[len(data) // 2 :]
    bob.ask(FinishFile(id, digest(data)))
    assert again.hear(FileDone, id).sha256 == digest(data)
    assert alice.hear(FileFailed, id).again  # and what it still sends is passed over
    _send_rest(alice, id, data)
    alice.settle()


# -- nothing moves


@pytest.fixture(name="impatient", scope="module")
def _impatient() -> Iterator[Server]:
    with serving(HUBBUB_FILES_STALL_SECONDS="0.5") as server:
        yield server


@pytest.mark.parametrize(
    ("sender", "receiver"), [("json", "ndjson"), ("websocket", "json"), ("json", "json")]
)
def test_a_sender_that_stands_still(impatient: Server, sender: str, receiver: str) -> None:
    alice, bob = _pair(impatient, sender, receiver)
    data = content(MIB)
    id = _half_sent(alice, bob, data)
    failed = alice.hear(FileFailed, id)
    assert (failed.reason, failed.again) == ("stalled", True)
    if receiver == "json":
        assert bob.at_end()
        bob = Peer(impatient.port, receiver, _new("Bob"))
    else:
        assert bob.hear(FileFailed, id).reason == "stalled"
    if sender == "json":
        _send_rest(alice, id, data)
    _whole_again(alice, bob)


@pytest.mark.parametrize(
    ("sender", "receiver"), [("json", "ndjson"), ("ndjson", "json"), ("websocket", "websocket")]
)
def test_a_receiver_that_stands_still(impatient: Server, sender: str, receiver: str) -> None:
    """Its window is shut for longer than the server is patient. Somebody else's files go on."""
    alice = Peer(impatient.port, sender, _new("Alice"))
    bob = Peer(impatient.port, receiver, _new("Bob"), receive_buffer=4096)
    data = content(24 * MIB)
    id = alice.offer(bob.name, data)
    bob.accept(id)
    assert alice.give(data, id) is (sender == "json")  # whose rest was passed over
    assert alice.hear(FileFailed, id).reason == "stalled"
    bob.reset()
    _whole_again(alice, Peer(impatient.port, "ndjson", _new("Carol")))


# -- the server goes


@pytest.mark.parametrize("receiver", CODECS)
def test_at_a_stop_nobody_takes_half_a_file_for_whole(receiver: str) -> None:
    with serving() as server:
        alice, bob = _pair(server, "json", receiver)
        data = content(MIB)
        id = _half_sent(alice, bob, data)
        server.signal(signal.SIGTERM)
        if receiver == "json":
            assert bob.sock.recv(100) == b""
        else:
            with pytest.raises(EOFError):
                bob.hear(FileDone, id)
            assert not any(isinstance(event, FileDone) for event in bob.heard)
        with pytest.raises((EOFError, ConnectionError)):
            alice.hear(FileDone, id)
        alice.close()
        bob.close()
        assert server.process.wait(PATIENCE) == 0


# -- timers


def test_a_long_way_is_no_silence() -> None:
    """While nothing moves for longer than anybody else may be silent, and then goes on."""
    with serving(HUBBUB_TIMERS_PING="0.3", HUBBUB_TIMERS_IDLE="0.9", HUBBUB_TIMERS_FRAME="0.5") as server:
        alice, bob = _pair(server, "json", "json")
        data = content(MIB)
        id = halfway(alice, bob, data)
        silent = Peer(server.port, "ndjson", "Silent")
        assert silent.at_end()
        rest(alice, bob, data, id)


@pytest.mark.parametrize("dialect", CHUNKED)
def test_a_begun_chunk_is_waited_for_while_its_sender_is_not_read(dialect: str) -> None:
    """It sends more than its window, to one who does not read: the next chunk comes in part only."""
    with serving(HUBBUB_TIMERS_FRAME="0.5", HUBBUB_FILES_WINDOW="100000") as server:
        alice = Peer(server.port, dialect, "Alice")
        bob = Peer(server.port, "json", "Bob", receive_buffer=4096)
        data = content(12 * MIB)
        id = alice.offer("Bob", data)
        bob.accept(id)
        alice.hear(UploadStarted, id)
        chunks = [SendChunk(id, at, data[at : at + 100_000]) for at in range(0, len(data), 100_000)]
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(alice.sock.sendall, b"".join(map(alice.encoded, chunks)))
            bob.hear(DownloadStarted, id)
            for name in ("Witness", "Another"):
                witness = Peer(server.port, "ndjson", name)
                witness.sock.sendall(b'{"command":')
                assert witness.at_end()  # so long ago is it that Alice began hers
            assert not sent.done()
            assert bob.raw(len(data)) == data
            sent.result()
        assert alice.hear(FileDone, id).sha256 == digest(data)


# -- what it costs


def _status(server: Server, key: str) -> int:
    """KiB."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.split(f"{key}:")[1].split()[0])


def _descriptors(server: Server) -> int:
    return sum(1 for _ in Path(f"/proc/{server.process.pid}/fd").iterdir())


@pytest.mark.parametrize(
    ("sender", "receiver"), [("json", "json"), ("json", "ndjson"), ("websocket", "websocket")]
)
def test_a_slow_reader_costs_no_memory(server: Server, sender: str, receiver: str) -> None:
    small = content(MIB)
    with Peer(server.port, sender, "Alice") as alice, Peer(server.port, receiver, "Bob") as bob:
        _whole_again(alice, bob)  # what is needed once is there
    before = _status(server, "VmRSS")
    data = small * 128
    alice = Peer(server.port, sender, "Anna")
    bob = Peer(server.port, receiver, "Bert", receive_buffer=65_536)
    id = alice.offer("Bert", data)
    bob.accept(id)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(alice.give, data, id)
        bob.hear(DownloadStarted, id)
        witness = Peer(server.port, "ndjson", "Carol")
        most = 0
        for number in range(200):  # the server has all the time it wants to read more than it should
            witness.post(f"{number}")
            most = max(most, _status(server, "VmRSS") - before)
        assert not sent.done()
        bob.close()
        sent.result()
    assert alice.hear(FileFailed, id).reason == "lost"
    assert most < 16 * 1024, most
    alice.close()


def test_nothing_is_left_of_what_went_wrong() -> None:
    """Descriptors and memory, after many transfers that ended in every way."""
    with serving(HUBBUB_GUESTS_MAX_KEPT="10") as server:
        data = content(600_000)

        def one_round(number: int) -> None:
            for sender, receiver in itertools.product(CODECS, CODECS):
                alice = Peer(server.port, sender, f"Alice-{number}-{sender}-{receiver}")
                bob = Peer(server.port, receiver, f"Bob-{number}-{sender}-{receiver}")
                queued = alice.offer(bob.name, data, "queued.png")
                _half_sent(alice, bob, data)
                bob.say(AcceptFile(queued))
                (alice if number % 2 else bob).reset()
                alice.close()
                bob.close()

        one_round(0)
        one_round(1)
        before, memory = _descriptors(server), _status(server, "VmRSS")
        for number in range(2, 8):
            one_round(number)
        until(lambda: _descriptors(server) <= before)
        assert _status(server, "VmRSS") - memory < 8 * 1024
