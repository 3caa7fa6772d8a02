"""The door between two peers: who is let in, what a stranger gets, and what a line between them can do."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager

import pytest

from hubbub.client.direct import Door, Peer, knock, own_addresses
from hubbub.client.errors import SealingError
from hubbub.client.greeting import AcceptHello, heard
from hubbub.client.handshake import Secret
from hubbub.client.sealing import Opener, Sealer
from serving import PATIENCE

HERE = "127.0.0.1"
OFFER = "0f" * 16
SECRET = b"s" * 32
CONTENT = random.Random(5).randbytes(1_000_000)


Test = Callable[..., Coroutine[object, object, None]]


def scenario(test: Test) -> Callable[..., None]:
    """Run a test on a loop of its own, with an end."""

    @functools.wraps(test)
    def bounded(*args: object, **kwargs: object) -> None:
        async def run() -> None:
            async with asyncio.timeout(PATIENCE):
                await test(*args, **kwargs)
                if others := asyncio.all_tasks() - {asyncio.current_task()}:  # those that were let go of
                    await asyncio.wait(others)
                for _ in range(3):  # transports close in the turns that follow
                    await asyncio.sleep(0)

        asyncio.run(run())

    return bounded


class Content:
    name = "cat.png"
    size = len(CONTENT)

    def read_from(self, offset: int) -> Iterator[bytes]:
        for at in range(offset, self.size, 100_000):
            yield CONTENT[at : at + 100_000]


@asynccontextmanager
async def opened(secret: bytes = SECRET, offset: int = 0) -> AsyncIterator[tuple[Door, int]]:
    door = Door(OFFER, Secret(secret), offset)
    port = await door.open([HERE])
    try:
        yield door, port
    finally:
        door.close()


async def _send(peer: Peer, secret: bytes = SECRET) -> None:
    sealer = Sealer(Secret(secret), OFFER, Content())
    await peer.send(sealer.read_from(peer.offset), lambda _: None)


async def _take(peer: Peer, opener: Opener) -> bytes:
    taken = bytearray()
    async for piece in peer.pieces():
        for part in opener.feed(piece):
            taken += part
        if len(taken) == Content.size:
            break
    return bytes(taken)


@scenario
async def test_two_who_have_the_secret_find_each_other() -> None:
    async with opened() as (door, port):
        there = await knock(OFFER, Secret(SECRET), ["192.0.2.1", HERE], port, HERE)
        assert there is not None
        here = await door.peer
        opener = Opener(Secret(SECRET), OFFER, Sealer(Secret(SECRET), OFFER, Content()).size)
        sending = asyncio.create_task(_send(there))
        assert await _take(here, opener) == CONTENT
        await sending
        here.confirm()
        await there.confirmed()
        await here.close()
        await there.close()


@scenario
async def test_who_hangs_up_in_the_middle_sends_what_was_said_and_no_more() -> None:
    async with opened() as (door, port):
        there = await knock(OFFER, Secret(SECRET), [HERE], port, HERE)
        assert there is not None
        here = await door.peer
        said = [bytes(20_000_000)] * 2  # more than the system takes at once, so that some of it waits
        sending = asyncio.create_task(there.send(iter(said), lambda _: None))
        pieces = here.pieces()
        taken = len(await anext(pieces))
        sending.cancel()
        await asyncio.wait([sending])
        closing = asyncio.create_task(there.close())
        async for piece in pieces:
            taken += len(piece)
        await closing
        assert taken == len(said[0])
        await here.close()


@pytest.mark.parametrize("port", [-1, 65_536, 2**70])
def test_a_port_that_is_none_is_not_heard(port: int) -> None:
    said = f'{{"hubbub":1,"port":{port},"addresses":["127.0.0.1"]}}'
    assert heard(said, AcceptHello) is None
    assert heard(said.replace(str(port), "65535"), AcceptHello) is not None


@scenario
async def test_who_has_another_secret_is_nobody() -> None:
    async with opened() as (door, port):
        assert await knock(OFFER, Secret(b"x" * 32), [HERE], port, HERE) is None
        assert await knock("another offer", Secret(SECRET), [HERE], port, HERE) is None
        assert not door.peer.done()
        there = await knock(OFFER, Secret(SECRET), [HERE], port, HERE)
        assert there is not None
        await (await door.peer).close()
        await there.close()


@scenario
async def test_strangers_get_a_random_number_and_are_in_nobodys_way() -> None:
    async with opened() as (door, port):
        heard = []
        for said in (b"GET / HTTP/1.1\r\n\r\n".ljust(48), os.urandom(48)):
            reader, writer = await asyncio.open_connection(HERE, port)
            writer.write(said)
            with contextlib.suppress(ConnectionError):
                heard.append(await reader.read())
            writer.close()
        assert all(len(one) <= 16 for one in heard)
        silent = [await asyncio.open_connection(HERE, port) for _ in range(10)]
        there = await knock(OFFER, Secret(SECRET), [HERE], port, HERE)
        assert there is not None
        await (await door.peer).close()
        await there.close()
        for _, writer in silent:
            writer.close()


@scenario
async def test_a_proof_is_good_once() -> None:
    said = bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Between the two: passes on what is said, and remembers it."""
        up_reader, up = await asyncio.open_connection(HERE, port)
        writer.write(await up_reader.readexactly(16))
        said.extend(await reader.readexactly(48))
        up.close()
        writer.close()

    async with opened() as (door, port):
        server = await asyncio.start_server(listen, HERE, 0)
        between = server.sockets[0].getsockname()[1]
        assert await knock(OFFER, Secret(SECRET), [HERE], between, HERE) is None
        server.close()
        reader, writer = await asyncio.open_connection(HERE, port)
        await reader.readexactly(16)
        writer.write(said)  # the same once more, to another question
        assert await reader.read() == b""
        writer.close()
        assert not door.peer.done()


@pytest.mark.parametrize("at", [40, 2_000, 500_000])
@scenario
async def test_a_byte_that_changes_on_the_way_is_seen(at: int) -> None:
    async with opened() as (door, port):
        there = await knock(OFFER, Secret(SECRET), [HERE], port, HERE)
        assert there is not None
        here = await door.peer
        sealer = Sealer(Secret(SECRET), OFFER, Content())
        sealed = bytearray(b"".join(sealer.read_from(0)))
        sealed[at] ^= 1
        sending = asyncio.create_task(there.send(iter([bytes(sealed)]), lambda _: None))
        with pytest.raises(SealingError):
            await _take(here, Opener(Secret(SECRET), OFFER, sealer.size))
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await sending
        await here.close()
        await there.close()


@scenario
async def test_nobody_answers_for_long() -> None:
    """An address that swallows everything costs two seconds, whatever else is tried."""
    callers: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: callers.append(writer), HERE, 0)
    port = silent.sockets[0].getsockname()[1]
    assert await knock(OFFER, Secret(SECRET), [HERE, "not an address", "224.0.0.1"], port, HERE) is None
    assert len(callers) == 1
    callers[0].close()
    silent.close()


@scenario
async def test_a_peer_elsewhere_does_not_send_us_to_this_machine() -> None:
    async with opened() as (door, port):
        assert await knock(OFFER, Secret(SECRET), [HERE, "::1"], port, "192.0.2.7") is None
        assert not door.peer.done()


def test_with_a_server_on_this_machine_nothing_else_is_opened() -> None:
    assert own_addresses(HERE) == [HERE]
    assert own_addresses("192.0.2.7")[0] == "192.0.2.7"
    assert HERE not in own_addresses("192.0.2.7")
