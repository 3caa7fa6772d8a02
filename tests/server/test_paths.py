"""The path of a message, from a started server: each stage, and the acknowledgement of kernels."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hubbub.core.commands import Publish
from hubbub.core.errors import Code, Refusal
from hubbub.server.paths import Paths
from hubbub.wire.codec import Request
from server.watched import Watched, watched
from serving import PATIENCE, until

PATHS = "/api/v1/admin/paths"


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path / "data") as house:
        yield house


def paths(house: Watched) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = house.ask(PATHS).content["paths"]
    return told


def test_each_stage_of_a_message_is_told(house: Watched) -> None:
    server = house.server
    alice, bob, carol = server.json("Alice"), server.ndjson("Bob"), server.websocket("Carol")
    alice.say("Broadcast", content="hello")
    until(lambda: paths(house))
    (path,) = paths(house)
    assert (path["number"], path["sender"], path["dialect"], path["receivers"]) == (1, "Alice", "json", 3)
    assert (path["stream"], path["offset"]) == ("room:1", 1)
    stages = [path[name] for name in ("decided", "committed", "encoded", "written")]
    assert stages == sorted(stages)
    assert stages[0] > 0
    until(lambda: all(one["took"] for one in paths(house)[0]["acknowledged"]))
    (path,) = paths(house)
    there = {(one["user"], one["dialect"]) for one in path["acknowledged"]}
    assert there == {("admin", "ndjson"), ("Bob", "ndjson"), ("Carol", "websocket")}
    assert all(one["took"] >= path["committed"] for one in path["acknowledged"])
    assert "hello" not in house.ask(PATHS).text
    del bob, carol


def test_the_next_message_is_followed_after_a_second(house: Watched) -> None:
    bob = house.server.json("Bob")
    said = 0

    def one_more(count: int) -> bool:
        nonlocal said
        said += 1
        bob.say("Broadcast", content=f"number {said}")
        return len(paths(house)) == count

    until(lambda: one_more(1))
    until(lambda: one_more(2))
    assert [path["number"] for path in paths(house)] == [2, 1], "the newest first"
    assert paths(house)[0]["sender"] == "Bob"


def test_what_is_said_to_one_person_is_not_followed(house: Watched) -> None:
    alice, bob = house.server.json("Alice"), house.server.json("Bob")
    for _ in range(20):
        alice.say("Whisper", to="Bob", content="psst")
        bob.get("PrivateMessage")
        assert paths(house) == []

    def followed() -> bool:
        alice.say("Broadcast", content="hello")
        return bool(paths(house))

    until(followed)


def test_what_is_refused_has_no_path_and_others_are_followed_still(house: Watched) -> None:
    server = house.server
    alice, _bob = server.json("Alice"), server.json("Bob")
    alice.say("Whisper", to="nobody", content="psst")

    def followed() -> bool:
        alice.say("Broadcast", content="hello")
        return bool(paths(house))

    until(followed)
    assert [path["stream"] for path in paths(house)] == ["room:1"]


def test_what_the_log_refuses_has_no_path_and_others_are_followed_still() -> None:
    """As when its disk is full: it was in flight by then."""

    async def play() -> None:
        followed = Paths(asyncio.get_running_loop())
        followed.start()
        sender: Any = SimpleNamespace(user=SimpleNamespace(name="Alice"))
        followed.bytes_came()
        followed.decided(sender, Request(Publish("hello")))
        assert not followed.armed
        followed.answered(Refusal(Code.READ_ONLY, "The disk is full."))
        async with asyncio.timeout(PATIENCE):
            while not followed.armed:  # noqa: ASYNC110 (a timer of its own sets it)
                await asyncio.sleep(0.01)
        assert not followed.kept
        followed.stop()

    asyncio.run(play())


def test_what_a_kernel_does_not_acknowledge_has_no_time(tmp_path: Path) -> None:
    """A peer that reads nothing: his kernel's buffer fills, and the rest waits in ours."""
    with watched(tmp_path / "data", "--limits", "off") as house:
        alice, bob = house.server.text("Alice"), house.server.json("Bob")
        bob.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)

        def of_bob() -> dict[str, Any] | None:
            known = (one for path in paths(house) for one in path["acknowledged"])
            return next((one for one in known if one["user"] == "Bob" and one["took"] is None), None)

        def stuck() -> bool:
            for _ in range(20):
                alice.say("x" * 3_000)
            alice.settle()
            rows = house.ask("/api/v1/admin/connections").content["connections"]
            return any(row["user"] == "Bob" and row["queued"] for row in rows) and of_bob() is not None

        until(stuck)
        assert paths(house)[0]["receivers"] == 2


def test_paths_are_for_admins(house: Watched) -> None:
    assert house.ask(PATHS, token=None).status == 401
    guest = house.server.json("Guest")
    assert house.ask(PATHS, token=guest.welcome["token"]).status == 403
