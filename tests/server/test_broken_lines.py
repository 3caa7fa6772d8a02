"""Who goes with something unread resets the line. What the server's kernel has by then is carried out."""

from __future__ import annotations

import fcntl
import select
import sys
import termios
from collections.abc import Iterator

import pytest

from file_peers import CODECS, Peer, close_all, content
from hubbub.core.commands import Command, Publish
from hubbub.core.events import FileFailed, FileOffered, MessagePosted
from hubbub.core.file_commands import AcceptFile
from serving import PATIENCE, Server, serving, until

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="other kernels forget what came before a reset"
)

BURST = 20


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[Server]:
    """It reads no more of who is beyond the burst: what comes then waits in the kernel."""
    with serving(HUBBUB_LIMITS_MESSAGE_RATE="20", HUBBUB_LIMITS_MESSAGE_BURST=str(BURST)) as server:
        yield server


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    yield
    close_all()


def _say_and_break(peer: Peer, *last: Command) -> list[str]:
    """Say more than is read at once, and `last`, and go with all answers unread. What was said."""
    words = [f"{peer.name} {number}" for number in range(BURST + 8)]
    first, then = words[: BURST + 3], words[BURST + 3 :]
    peer.sock.sendall(b"".join(peer.encoded(Publish(one), one) for one in first))
    assert select.select([peer.sock], [], [], PATIENCE)[0], "they were read, and the first is answered"
    commands = [*(Publish(one) for one in then), *last]
    peer.sock.sendall(b"".join(peer.encoded(one, f"{peer.name}-{at}") for at, one in enumerate(commands)))
    until(lambda: not _unacknowledged(peer))
    peer.close()
    return words


def _unacknowledged(peer: Peer) -> int:
    """Bytes that the server's kernel does not have, for all we know (tcp(7), SIOCOUTQ)."""
    count = bytearray(4)
    fcntl.ioctl(peer.sock, termios.TIOCOUTQ, count)
    return int.from_bytes(count, sys.byteorder)


@pytest.mark.parametrize("dialect", CODECS)
def test_what_arrived_before_the_line_broke_is_said(server: Server, dialect: str) -> None:
    witness = Peer(server.port, "ndjson", f"Witness-{dialect}")
    words = _say_and_break(Peer(server.port, dialect, f"Alice-{dialect}"))
    assert [witness.hear(MessagePosted).content for _ in words] == words


def test_a_file_for_a_line_that_broke_is_told_as_lost(server: Server) -> None:
    """Bare bytes into a dead line would look like a file that arrived."""
    alice, bob = Peer(server.port, "ndjson", "Alice"), Peer(server.port, "json", "Bob")
    id = alice.offer("Bob", content(1000))
    assert bob.hear(FileOffered).offer == id
    _say_and_break(bob, AcceptFile(id))
    assert alice.hear(FileFailed, id).reason == "lost"
