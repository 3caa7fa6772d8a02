"""One line of a client: messages and bare bytes, however they are cut, and what ends it."""

from __future__ import annotations

import asyncio
import json
import random
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hubbub.client.bundle import Bundle
from hubbub.client.connection import Address, Asking, Client
from hubbub.client.errors import ChangedError, LineLostError, RefusedError
from hubbub.client.source import PlainFile
from hubbub.core.answers import LoggedIn, Ponged
from hubbub.core.commands import Ping
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import DownloadStarted, FileDone, UploadStarted
from serving import PATIENCE

Speaking = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

CONTENT = random.Random(1).randbytes(3_000_000)
OFFER = "0f" * 16


class Anybody:
    """An identity that needs no login."""

    async def log_in(self, client: Asking) -> LoggedIn | Refusal:
        del client
        return LoggedIn("Alice", 1, "token", "server")


def message(kind: str, **members: object) -> bytes:
    body = json.dumps({"type": kind, **members}).encode()
    return struct.pack("!I", len(body)) + body


async def heard(reader: asyncio.StreamReader) -> dict[str, object]:
    (size,) = struct.unpack("!I", await reader.readexactly(4))
    told: dict[str, object] = json.loads(await reader.readexactly(size))
    return told


@asynccontextmanager
async def talking(*speaking: Speaking) -> AsyncIterator[Client]:
    """A client of a server that says what the test says, one function for each connection."""
    left = list(speaking)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await left.pop(0)(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
    client = Client(address, Anybody(), random=lambda: 0.0)
    try:
        async with asyncio.timeout(PATIENCE), client:
            yield client
    finally:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others)
        for _ in range(3):  # transports close in the turns that follow
            await asyncio.sleep(0)


def run(test: Coroutine[object, object, None]) -> None:
    asyncio.run(test)


async def all_events(client: Client) -> None:
    while True:
        await client.next_event()


@pytest.mark.parametrize("seed", range(5))
def test_bare_bytes_between_messages_however_they_are_cut(seed: int) -> None:
    chance = random.Random(seed)
    size = chance.choice([0, 1, 70_000, len(CONTENT)])
    sent = b"".join(
        [
            message("StartDownload", **{"from": "B"}, filename="a", size=size, offer=OFFER),
            CONTENT[:size],
            message("FileDone", filename="a", offer=OFFER, sha256="00"),
            message("StartDownload", **{"from": "B"}, filename="b", size=size + 9, offer=OFFER, offset=size),
            b"123456789",
            message("FileDone", filename="b", offer=OFFER, sha256="11"),
        ]
    )

    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        at = 0
        while at < len(sent):
            some = chance.choice([1, 3, 1_000, 65_536, 1_000_000])
            writer.write(sent[at : at + some])
            at += some
            await writer.drain()
            await asyncio.sleep(0)

    async def test() -> None:
        async with talking(speak) as client:
            for name, content in (("a", CONTENT[:size]), ("b", b"123456789")):
                started = await client.next_event()
                assert isinstance(started, DownloadStarted)
                assert started.filename == name
                taken = bytearray()
                if started.offset < started.size:
                    async for piece in client.line.pieces():
                        taken += piece
                        await asyncio.sleep(0)
                assert taken == content
                done = await client.next_event()
                assert isinstance(done, FileDone)
                assert done.filename == name

    run(test())


def test_a_line_that_drops_in_the_middle_of_a_file_is_told() -> None:
    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(message("StartDownload", **{"from": "B"}, filename="a", size=1_000, offer=OFFER))
        writer.write(b"x" * 999)

    async def test() -> None:
        async with talking(speak) as client:
            assert isinstance(await client.next_event(), DownloadStarted)
            taken = bytearray()

            async def take() -> None:
                async for piece in client.line.pieces():
                    taken.extend(piece)

            with pytest.raises(LineLostError):
                await take()
            assert taken == b"x" * 999

    run(test())


def test_a_file_is_sent_from_where_it_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(CONTENT)
    taken: list[bytes] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(message("StartUpload", filename="a", offer=OFFER, size=len(CONTENT), offset=1_000))
        taken.append(await reader.readexactly(len(CONTENT) - 1_000))
        request = await heard(reader)
        writer.write(message("Pong", id=request["id"]))
        await reader.read()

    async def test() -> None:
        async with talking(speak) as client:
            started = await client.next_event()
            assert isinstance(started, UploadStarted)
            told: list[int] = []
            with PlainFile(path) as file:
                await client.line.upload(file, started, told.append)
            assert told[-1] == len(CONTENT)
            assert isinstance(await client.ask(Ping()), Ponged)
            client.close()

    run(test())
    assert taken == [CONTENT[1_000:]]


def test_a_file_that_is_not_the_one_that_was_offered_is_not_sent(tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(b"short")

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(message("StartUpload", filename="a", offer=OFFER, size=1_000))
        assert await reader.read() == b""

    async def test() -> None:
        async with talking(speak) as client:
            started = await client.next_event()
            assert isinstance(started, UploadStarted)
            with PlainFile(path) as file, pytest.raises(ChangedError):
                await client.line.upload(file, started, lambda _: None)
            with pytest.raises(LineLostError):
                await client.ask(Ping())

    run(test())


@pytest.mark.parametrize("offset", [-1, 6, 2**63])
@pytest.mark.parametrize("bundled", [False, True])
def test_what_is_not_in_the_file_is_not_sent(tmp_path: Path, offset: int, bundled: bool) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(b"short")

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = Bundle.of([path]).size if bundled else 5
        wanted = offset if offset < 0 else offset + size
        writer.write(message("StartUpload", filename="a", offer=OFFER, size=size, offset=wanted))
        assert await reader.read() == b""

    async def test() -> None:
        async with talking(speak) as client:
            started = await client.next_event()
            assert isinstance(started, UploadStarted)
            source = Bundle.of([path]) if bundled else PlainFile(path)
            with pytest.raises(LineLostError, match="not in the file"):
                await client.line.upload(source, started, lambda _: None)
            if isinstance(source, PlainFile):
                source.close()

    run(test())


def test_what_nobody_wants_any_more_is_not_sent_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse: nobody could wait for all of it

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(message("StartUpload", filename="a", offer=OFFER, size=1 << 40))
        await reader.readexactly(1_000_000)
        failed = {"reason": "cancelled", "message": "Bob cancelled it."}
        writer.write(message("FileFailed", **{"from": "A"}, filename="a", offer=OFFER, **failed))
        try:
            while await reader.read(1 << 20):
                pass
        except ConnectionError:
            pass

    async def test() -> None:
        async with talking(speak) as client:
            started = await client.next_event()
            assert isinstance(started, UploadStarted)
            with PlainFile(path) as source, pytest.raises(LineLostError, match="Bob cancelled it"):
                await client.line.upload(source, started, lambda _: None)
            assert [type(one).__name__ for one in client.waiting_events()] == ["FileFailed"]

    run(test())


def test_pings_are_answered() -> None:
    answers: list[object] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(message("Ping"))
        answers.append(await heard(reader))

    async def test() -> None:
        async with talking(speak) as client:
            with pytest.raises(LineLostError):
                await client.next_event()

    run(test())
    assert answers == [{"type": "Pong"}]


def test_what_is_no_message_of_ours_is_passed_over_and_a_huge_one_ends_the_line() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for nonsense in (b"{", b"[]", b'{"type":"Later"}', b'{"type":"FileDone"}', b""):
            writer.write(struct.pack("!I", len(nonsense)) + nonsense)
        writer.write(message("FileDone", filename="a", offer=OFFER, sha256="00"))
        writer.write(b"\x7f\xff\xff\xff")
        await reader.read()

    async def test() -> None:
        async with talking(speak) as client:
            assert isinstance(await client.next_event(), FileDone)
            with pytest.raises(LineLostError, match="2147483647"):
                await client.next_event()

    run(test())


def test_it_comes_back_until_it_was_replaced() -> None:
    async def drop(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(message("GoingAway", reason="drain", retry_after=0.0))

    async def replace(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(message("GoingAway", reason="replaced"))

    async def test() -> None:
        async with talking(drop, drop, replace) as client:
            for _ in range(2):
                with pytest.raises(LineLostError):
                    await all_events(client)
                await client.again()
            with pytest.raises(LineLostError):
                await all_events(client)
            with pytest.raises(LineLostError, match="elsewhere"):
                await client.again()

    run(test())


def test_a_refused_login_is_told() -> None:
    class Refused:
        async def log_in(self, client: Asking) -> LoggedIn | Refusal:
            del client
            return Refusal(Code.NAME_TAKEN, "It is taken.")

    async def speak(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async def test() -> None:
        async with talking(speak, speak) as client:
            client.close()
            client._identity = Refused()
            with pytest.raises(RefusedError, match="It is taken"):
                await client.connect()

    run(test())
