"""A transfer and its connections are let go by their last reference, however it ended: see `test_memory`."""

from __future__ import annotations

import asyncio
import io
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from file_peers import Peer, content
from hubbub.adapters.search_fts5 import Fts5Search
from hubbub.core.events import DownloadStarted, FileDone, FileFailed, UploadStarted
from hubbub.core.file_commands import AcceptFile, CancelFile, SendChunk
from hubbub.core.settings import GuestSettings
from hubbub.observe.logs import open_log
from hubbub.observe.server_log import ServerLog
from hubbub.server.compose import Server, new_memory_journal
from hubbub.server.config import Config
from server.test_memory import _no_collector, _objects
from serving import PATIENCE

_DATA = content(300_000)
_PAIRS = list(itertools.product(["json", "ndjson", "websocket"], repeat=2))


def _done(alice: Peer, bob: Peer) -> None:
    id = alice.offer("Bob", _DATA)
    bob.accept(id)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(alice.give, _DATA, id)
        assert bob.got(id) == _DATA
        sent.result()
    alice.hear(FileDone, id)
    bob.hear(FileDone, id)


def _begun(alice: Peer, bob: Peer) -> str:
    id, queued = alice.offer("Bob", _DATA), alice.offer("Bob", _DATA)
    bob.accept(id)
    bob.say(AcceptFile(queued))  # which waits for the other, where bytes are bare
    alice.hear(UploadStarted, id)
    half = _DATA[:150_000]
    alice.sock.sendall(half if alice.dialect == "json" else alice.encoded(SendChunk(id, 0, half)))
    bob.hear(DownloadStarted, id)
    return id


def _sender_goes(alice: Peer, bob: Peer) -> None:
    _begun(alice, bob)
    alice.reset()
    if bob.dialect == "json":
        assert bob.at_end()
    else:
        bob.hear(FileFailed)


def _receiver_goes(alice: Peer, bob: Peer) -> None:
    _begun(alice, bob)
    bob.reset()
    alice.hear(FileFailed)


def _both_go(alice: Peer, bob: Peer) -> None:
    _begun(alice, bob)
    alice.reset()
    bob.reset()


def _cancelled(alice: Peer, bob: Peer) -> None:
    id = _begun(alice, bob)
    if bob.dialect != "json":
        bob.say(CancelFile(id))
    elif alice.dialect != "json":
        alice.say(CancelFile(id))
    else:
        bob.reset()
    alice.hear(FileFailed, id)


@pytest.mark.parametrize("visit", [_done, _sender_goes, _receiver_goes, _both_go, _cancelled])
def test_nothing_of_a_transfer_is_left(visit: Callable[[Peer, Peer], None]) -> None:
    async def main() -> None:
        log = ServerLog(open_log("error", "json", io.StringIO()))
        loop = asyncio.get_running_loop()
        search = Fts5Search(None, None, "", loop, log.warned)
        server = Server(Config(guests=GuestSettings(max_kept=0)), new_memory_journal(loop), search, log, loop)
        ((_, port),) = await server.doorman.listen("127.0.0.1", 0)

        def once(sender: str, receiver: str) -> None:
            with Peer(port, sender, "Alice") as alice, Peer(port, receiver, "Bob") as bob:
                alice.heeds_no_answers = bob.heeds_no_answers = True
                visit(alice, bob)
            Peer.all.clear()

        async def all_pairs() -> None:
            for sender, receiver in _PAIRS:
                await asyncio.to_thread(once, sender, receiver)
                await asyncio.wait_for(server.doorman.empty(), PATIENCE)
                await asyncio.sleep(0)  # the turn in which the last callback lets go
            for live in server.service.transfers._offers:  # nobody can take them up again
                server.service.transfers._forget(live)
            await asyncio.sleep(0)

        try:
            await all_pairs()  # what is made once and kept
            with _no_collector():
                before = _objects()
                for _ in range(3):
                    await all_pairs()
                left = _objects() - before
                del left["hubbub.server.surroundings.Departed"]  # as many as DEPARTED, on purpose
        finally:
            server.doorman.stop()
            server.wheel.stop()
            await search.close()
        assert {name: count for name, count in left.items() if count >= 3} == {}

    asyncio.run(main())
