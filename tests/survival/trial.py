"""The trial: clients of every dialect talk at random while the server is killed again and again.

In the end every client's view of every stream must be the same sequence, without hole or double, with
everything that was acknowledged in it, at the position that was acknowledged.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from hubbub.core import answers, commands
from survival.clients import PATIENCE, WIRES, Client, TextClient, TroubleError

ROOM = "lobby"
DEN = "den"


class Outcome(NamedTuple):
    """What a trial went through."""

    kills: int
    messages: int
    retried: int
    returns: int


class House:
    """The server's process on its directory, killed and started anew."""

    def __init__(self, data: Path, *flags: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._arguments = [
            sys.executable, "-m", "hubbub", "serve", "--listen", f"127.0.0.1:{self.port}",
            "--data", str(data), "--log-level", "warning", *flags,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self._log = (data.parent / "server.log").open("ab")

    def start(self) -> None:
        self._process = subprocess.Popen(self._arguments, stdout=subprocess.DEVNULL, stderr=self._log)

    def kill(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, "the server went by itself"
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        code = self._process.wait(PATIENCE)
        self._log.close()
        return code


async def trial(
    data: Path, seed: int, *, people: int = 20, kills: int = 30, flags: tuple[str, ...] = ()
) -> Outcome:
    """Run one; raises TroubleError, or AssertionError."""
    chance = random.Random(seed)
    house = House(data, *flags)
    clients = [
        Client(
            f"C{number}",
            WIRES[number % len(WIRES)],
            [ROOM, DEN],
            random.Random(chance.random()),
            account=number % 8 < 4,
        )
        for number in range(people * 4 // 5)
    ]
    texts = [
        TextClient(f"T{number}", random.Random(chance.random())) for number in range(people - len(clients))
    ]
    everybody: list[Client | TextClient] = [*clients, *texts]
    house.start()
    lives = [asyncio.create_task(one.live(house.port)) for one in everybody]
    try:
        await all_ready(everybody, lives)
        await greet([client for client in clients if client.account])
        for _ in range(kills):
            await _talk(clients, texts, chance)
            house.kill()
            for one in everybody:
                one.ready.clear()  # they may not have noticed yet
            house.start()
            if chance.random() < 0.75:
                await all_ready(everybody, lives)
            else:  # and sometimes it dies again while it starts, or while they come back
                await asyncio.sleep(chance.uniform(0.0, 1.0))
        await all_ready(everybody, lives)
        await _talk(clients, texts, chance)
        await _settle(clients, texts, lives)
        _check(clients, texts)
        assert house.stop() == 0
    finally:
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            house.kill()
    return Outcome(
        kills,
        sum(len(client.acknowledged) for client in clients),
        sum(client.retried for client in clients),
        sum(one.returns for one in everybody),
    )


async def greet(people: list[Client]) -> None:
    """Each has a private talk with each: they know its stream from the first message on."""
    for number, one in enumerate(people):
        for other in people[number + 1 :]:
            one.whisper(other.name)
    async with asyncio.timeout(PATIENCE):
        while any(len(one.view) < len(people) - 1 for one in people):  # noqa: ASYNC110 (many clients hear)
            await asyncio.sleep(0.01)


async def all_ready(everybody: list[Client | TextClient], lives: list[asyncio.Task[None]]) -> None:
    """Everybody is back. A client that found something wrong ends the trial."""
    waiting = asyncio.create_task(_every_ready(everybody))
    await asyncio.wait({waiting, *lives}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    for life in lives:
        if life.done():
            await life
    if not waiting.done():
        waiting.cancel()
        missing = [one.name for one in everybody if not one.ready.is_set()]
        raise TroubleError(f"not back after {PATIENCE:g} s: {missing}")


async def _every_ready(everybody: list[Client | TextClient]) -> None:
    for one in everybody:
        await one.ready.wait()


async def _talk(clients: list[Client], texts: list[TextClient], chance: random.Random) -> None:
    """A burst of random length, cut off by whatever comes next."""
    accounts = [client.name for client in clients if client.account]
    for _ in range(chance.randrange(5, 40)):
        for client in chance.sample(clients, len(clients) // 2):
            others = [name for name in accounts if name != client.name]
            client.act(others if client.account else [])
        chance.choice(texts).act()
        await asyncio.sleep(chance.uniform(0.0, 0.01))


async def _settle(clients: list[Client], texts: list[TextClient], lives: list[asyncio.Task[None]]) -> None:
    """Until nobody waits for anything, and everybody has heard everything."""
    async with asyncio.timeout(PATIENCE):
        while any(client.unacknowledged for client in clients):
            for life in lives:
                if life.done():
                    await life
            await asyncio.sleep(0.02)
        heads: dict[str, int] = {}
        for client in clients:
            for stream, offset in client.acknowledged.values():
                heads[stream] = max(heads.get(stream, 0), offset)
        for room in (ROOM, DEN):
            told = await clients[0].ask(commands.GetHistory(room=room, limit=1))
            assert isinstance(told, answers.History), told
            last = told.messages[-1].offset if told.messages else 0
            heads[told.stream] = max(heads.get(told.stream, 0), last)
        while any(  # noqa: ASYNC110 (many clients move)
            stream in client.places and client.places[stream].offset < head
            for client in clients
            for stream, head in heads.items()
        ):
            await asyncio.sleep(0.02)
        for text in texts:
            text.finish()
        for text in texts:
            await text.ready.wait()


def _check(clients: list[Client], texts: list[TextClient]) -> None:
    for client in clients:
        if client.refusals:
            raise TroubleError(f"{client.name} was refused: {client.refusals[0]}")
        for stream, seen in client.view.items():
            offsets = sorted(seen)
            if offsets != list(range(offsets[0], offsets[-1] + 1)):
                raise TroubleError(f"{client.name} has holes in {stream}")
    for room in (ROOM, DEN):
        stream = clients[0].streams[room]
        first = clients[0].view[stream]
        for client in clients:
            if client.view[stream] != first:
                raise TroubleError(f"{client.name} and {clients[0].name} saw different things in {room}")
            said = [
                int(word.rpartition("-")[2]) for word in first.values() if f": say {client.name}-" in word
            ]
            if said != sorted(set(said)):
                raise TroubleError(f"{client.name}'s messages are out of order, or doubled")
        doubled = [word for word, count in Counter(first.values()).items() if count > 1 and "say" in word]
        if doubled:
            raise TroubleError(f"doubled: {doubled}")
    for client in clients:
        for id, (stream, offset) in client.acknowledged.items():
            if not client.view[stream].get(offset, "").endswith(f" {id}"):
                raise TroubleError(
                    f"{id} was acknowledged at {stream} #{offset}, and something else stands there"
                )
    lobby = clients[0].view[clients[0].streams[ROOM]]
    for text in texts:
        if text.seen != lobby:
            raise TroubleError(f"{text.name} reads another history than others heard")
