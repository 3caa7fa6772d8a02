"""`Client`: what was said while its line was down comes once it is back, in order and once."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from hubbub.client.connection import Address, Client, Refused
from hubbub.client.errors import LineLostError
from hubbub.client.positions import Positions
from hubbub.client.sign_in import Guest
from hubbub.core.answers import Accepted, LoggedIn, RoomPlace
from hubbub.core.commands import Place, Publish
from hubbub.core.events import Event, Gap, Joined, MessagePosted
from impaired import Impaired, Plan
from serving import serving


async def messages(client: Client, count: int) -> list[str]:
    """What is said next, coming back as often as the line drops."""
    said: list[str] = []
    async with asyncio.timeout(30):
        while len(said) < count:
            try:
                event: Event | Refused = await client.next_event()
            except LineLostError:
                await client.again()
                continue
            if isinstance(event, MessagePosted):
                said.append(event.content)
    return said


def test_what_was_said_while_the_line_was_down_is_heard_once_and_in_order(tmp_path: Path) -> None:
    async def scenario(port: int, line: Impaired) -> None:
        async with (
            Client(
                Address("127.0.0.1", line.port),
                Guest("Ann", "ann", tmp_path),
                random=random.random,
                resume=True,
            ) as ann,
            Client(Address("127.0.0.1", port), Guest("Bob", "bob", tmp_path), random=random.random) as bob,
        ):
            for number in range(5):
                assert isinstance(await bob.ask(Publish(f"before {number}")), Accepted)
            heard = await messages(ann, 5)
            line.cut()
            for number in range(20):
                assert isinstance(await bob.ask(Publish(f"down {number}")), Accepted)
            heard += await messages(ann, 20)
            for number in range(5):
                assert isinstance(await bob.ask(Publish(f"after {number}")), Accepted)
            heard += await messages(ann, 5)
            assert heard == [
                *(f"before {number}" for number in range(5)),
                *(f"down {number}" for number in range(20)),
                *(f"after {number}" for number in range(5)),
            ]

    with serving() as server, Impaired(server.port, 1, Plan()) as line:
        asyncio.run(scenario(server.port, line))


def _said(offset: int, stream: str = "room:1", epoch: str = "e") -> MessagePosted:
    return MessagePosted("Bob", 2, "lobby", "hi", "id", stream, epoch, offset, "")


def test_positions_go_forward_begin_anew_with_an_epoch_and_end_with_a_stream() -> None:
    positions = Positions()
    positions.logged_in(LoggedIn("Ann", 1, "t", "s", rooms=[RoomPlace("lobby", "room:1", "e", 7)]))
    for event in (_said(8), Joined("Cid", 3, "lobby"), _said(3), _said(1, "talk:1:2")):
        positions.heard(event)
    assert positions.places() == {"room:1": Place("e", 8), "talk:1:2": Place("e", 1)}
    positions.logged_in(LoggedIn("Ann", 1, "t", "s", rooms=[RoomPlace("lobby", "room:1", "e", 9)]))
    assert positions.places()["room:1"] == Place("e", 8)  # what is between them is still to come
    positions.heard(Gap("room:1", "f", 2))
    positions.heard(Gap("talk:1:2", "", 0))
    assert positions.places() == {"room:1": Place("f", 2)}
