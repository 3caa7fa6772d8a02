"""`send` and `receive` as functions: what becomes of a direct line, and what an observer hears."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hubbub.client import sending
from hubbub.client.arriving import Target
from hubbub.client.connection import Address, Asking, Client
from hubbub.client.direct import Peer, knock
from hubbub.client.fetching import fetch, kept_files
from hubbub.client.handshake import Secret
from hubbub.client.outcome import Outcome, Result
from hubbub.client.receiving import Wish, receive
from hubbub.client.recipient import Recipient
from hubbub.client.sending import send
from hubbub.client.sign_in import Guest
from hubbub.client.source import PlainFile
from hubbub.core.answers import LoggedIn
from hubbub.core.commands import Command, Login, Register
from hubbub.core.errors import Refusal
from hubbub.core.events import FileOffered
from hubbub.core.file_commands import AcceptFile, CancelFile, DeclineFile, OfferFile
from impaired import Impaired, Plan
from serving import Server, serving
from transferring import PATIENCE, names_in

SIZE = 6_000_000
CUT = 2_500_000


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--limits", "off") as running:
        yield running


class Watching:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.hashed = 0
        self.steps: list[int] = []
        self.notices: list[str] = []

    def hashing(self, done: int, total: int) -> None:
        assert total == SIZE
        self.hashed = done

    def moved(self, done: int, total: int) -> None:
        assert total == SIZE
        self.steps.append(done)

    def notice(self, text: str) -> None:
        self.notices.append(text)


async def yes(_: FileOffered) -> bool:
    return True


class Both:
    """A transfer from Alice to Bob, and what came of it at both ends."""

    def __init__(self, server: Server, directory: Path, code: str | None = None) -> None:
        self.address = Address("127.0.0.1", server.port)
        self.directory = directory
        self.code = code
        self.inbox = directory / "inbox"
        self.content = random.Random(3).randbytes(SIZE)
        self.alice, self.bob = Watching(), Watching()

    def run(self) -> tuple[Result, Result]:
        return asyncio.run(self._run())

    async def _run(self) -> tuple[Result, Result]:
        path = self.directory / "film.mkv"
        path.write_bytes(self.content)
        async with (
            asyncio.timeout(PATIENCE),
            self._client("Alice") as alice,
            self._client("Bob") as bob,
            asyncio.TaskGroup() as both,
        ):
            receiving = both.create_task(
                receive(bob, Target(self.inbox), Wish(yes, code=self.code), observer=self.bob)
            )
            with PlainFile(path) as file:
                sent = await send(alice, file, Recipient("Bob"), observer=self.alice, code=self.code)
                received = await receiving
        return sent, received

    def _client(self, name: str) -> Client:
        return Client(self.address, Guest(name, self.address.url, self.directory), random=lambda: 0.0)

    def check(self) -> None:
        assert names_in(self.inbox) == ["film.mkv"]
        assert (self.inbox / "film.mkv").read_bytes() == self.content


@pytest.mark.parametrize("code", [None, "7-crisp-otter"], ids=["plain", "code"])
def test_a_direct_line_that_drops_goes_on_through_the_server(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str | None
) -> None:
    both = Both(server, tmp_path, code)
    with ExitStack() as stack:

        async def badly(
            offer: str, secret: Secret, addresses: Iterable[str], port: int, on_the_line: str
        ) -> Peer | None:
            line = stack.enter_context(Impaired(port, 1, Plan(cut=CUT)))
            return await knock(offer, secret, addresses, line.port, on_the_line)

        monkeypatch.setattr(sending, "knock", badly)
        sent, received = both.run()
    assert (sent.outcome, received.outcome) == (Outcome.DONE, Outcome.DONE), (sent, received)
    both.check()
    assert any("The rest comes through the server" in one for one in both.bob.notices)
    assert both.bob.steps == sorted(both.bob.steps)  # what was here was not sent again
    assert both.alice.steps[-1] == SIZE


@pytest.mark.parametrize("code", [None, "7-crisp-otter"], ids=["plain", "code"])
def test_a_door_that_cannot_be_reached_costs_a_moment(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str | None
) -> None:
    both = Both(server, tmp_path, code)

    async def nowhere(
        offer: str, secret: Secret, addresses: Iterable[str], port: int, on_the_line: str
    ) -> Peer | None:
        del addresses
        return await knock(offer, secret, ["127.0.0.1"], 1, on_the_line)

    monkeypatch.setattr(sending, "knock", nowhere)
    sent, received = both.run()
    assert (sent.outcome, received.outcome) == (Outcome.DONE, Outcome.DONE), (sent, received)
    both.check()
    assert not any("Directly" in one for one in both.alice.notices)


def test_a_kept_file_is_fetched_over_a_line_that_is_cut(server: Server, tmp_path: Path) -> None:
    both = Both(server, tmp_path)
    path = tmp_path / "film.mkv"
    path.write_bytes(both.content)

    async def run() -> Result:
        async with asyncio.timeout(PATIENCE):
            async with both._client("Alice") as alice:
                with PlainFile(path) as file:
                    await send(alice, file, Recipient("lobby", "room"))
            both.address = Address("127.0.0.1", line.port)
            async with both._client("Bob") as bob:
                found = await kept_files(bob, Recipient("lobby", "room"))
                assert not isinstance(found, Refusal)
                return await fetch(bob, Target(both.inbox), found[0], observer=both.bob)

    with Impaired(server.port, 1, Plan(cut=CUT, whole_after=4)) as line:
        fetched = asyncio.run(run())
    assert fetched.outcome is Outcome.DONE, fetched
    both.check()
    assert both.bob.notices.count("The line dropped. Trying again.") >= 2
    assert both.bob.steps == sorted(both.bob.steps)  # it went on where it stopped
    assert both.bob.steps[-1] == SIZE


def test_who_watches_hears_how_far_it_is(server: Server, tmp_path: Path) -> None:
    both = Both(server, tmp_path)
    sent, received = both.run()
    assert sent.outcome is received.outcome is Outcome.DONE
    assert received.paths == (both.inbox / "film.mkv",)
    assert both.alice.hashed == SIZE
    for one in (both.alice, both.bob):
        assert one.steps == sorted(one.steps)
        assert one.steps[-1] == SIZE


class Account:
    """Signs in as somebody who has one, on as many devices as there are."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.known = False

    async def log_in(self, client: Asking) -> LoggedIn | Refusal:
        asked = (Login if self.known else Register)(self.name, f"password of {self.name}")
        self.known = True
        answer = await client.ask(asked)
        assert isinstance(answer, LoggedIn | Refusal)
        return answer


ELSEWHERE: list[tuple[Callable[[str], Command], Outcome, str]] = [
    (DeclineFile, Outcome.DECLINED, "'film.mkv' was declined on another device."),
    (CancelFile, Outcome.CANCELLED, "Carol cancelled it."),
    (AcceptFile, Outcome.CANCELLED, "'film.mkv' is taken on another device."),
]


def test_who_is_still_asking_hears_that_it_was_decided_elsewhere(server: Server, tmp_path: Path) -> None:
    address, carol = Address("127.0.0.1", server.port), Account("Carol")

    async def run() -> None:
        async with (
            asyncio.timeout(PATIENCE),
            Client(address, carol, random=lambda: 0.0) as laptop,
            Client(address, carol, random=lambda: 0.0) as phone,
            Client(address, Guest("Dave", address.url, tmp_path), random=lambda: 0.0) as dave,
        ):
            for there, outcome, message in ELSEWHERE:
                asked: asyncio.Future[str] = asyncio.get_running_loop().create_future()

                async def decide(offered: FileOffered, asked: asyncio.Future[str] = asked) -> bool:
                    asked.set_result(offered.offer)
                    await asyncio.Event().wait()
                    return True

                receiving = asyncio.ensure_future(receive(laptop, Target(tmp_path), Wish(decide)))
                await dave.ask(OfferFile("film.mkv", 3, "Carol"))
                await phone.ask(there(await asked))
                ended = await receiving
                assert (ended.outcome, ended.message) == (outcome, message)

    asyncio.run(run())
