"""The server's WebSocket as the `websockets` library sees it, with and without compression."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.typing import Subprotocol

from serving import PATIENCE, Server


async def _ask(client: ClientConnection, action: str, **payload: object) -> dict[str, Any]:
    """The answer to a request; notifications before it are passed over."""
    await client.send(json.dumps({"id": action, "type": "request", "action": action, "payload": payload}))
    while True:
        message: dict[str, Any] = json.loads(await client.recv())
        if message["id"] == action:
            return message


async def _heard(client: ClientConnection, event: str) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(await client.recv())
        if message.get("event") == event:
            data: dict[str, Any] = message["data"]
            return data


def _run(main: Any) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(PATIENCE):
            await main

    asyncio.run(in_time())


def test_one_room_with_and_without_compression(server: Server) -> None:
    async def main() -> None:
        url = f"ws://127.0.0.1:{server.port}/ws"
        async with (
            connect(url, subprotocols=[Subprotocol("hubbub.v1")]) as small,
            connect(url, compression=None) as plain,
        ):
            assert small.subprotocol == "hubbub.v1"
            assert plain.subprotocol is None
            assert "permessage-deflate" in (
                small.response.headers["Sec-WebSocket-Extensions"] if small.response else ""
            )
            for client, name in ((small, "Small"), (plain, "Plain")):
                assert (await _heard(client, "welcome"))["user"] is None
                assert (await _ask(client, "login", username=name))["type"] == "response"
            content = "你好, " * 5_000
            assert (await _ask(small, "publish", room="lobby", content=content))["type"] == "response"
            for client in (small, plain):
                message = await _heard(client, "message")
                assert (message["from"], message["content"], message["offset"]) == ("Small", content, 1)
            await (await plain.ping(b"are you there"))

    _run(main())


def test_a_message_in_fragments_is_one_request(server: Server) -> None:
    async def main() -> None:
        async with connect(f"ws://127.0.0.1:{server.port}/ws") as client:
            await client.send(['{"id":"e","type":"request",', '"action":"echo",', '"payload":[1,2]}'])
            while (message := json.loads(await client.recv()))["id"] != "e":
                pass
            assert message["data"] == [1, 2]

    _run(main())


def test_both_ends_close_well(server: Server) -> None:
    async def main() -> None:
        url = f"ws://127.0.0.1:{server.port}/ws"
        async with connect(url) as client:
            await client.close(4001, "enough")
            assert client.close_code == 4001
        async with connect(url) as client:
            await _heard(client, "welcome")
            server.process.terminate()
            assert (await _heard(client, "going_away"))["reason"] == "drain"
            with pytest.raises((ConnectionClosedError, ConnectionClosedOK)) as closed:
                await client.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012

    _run(main())


def test_a_foreign_origin_is_refused(server: Server) -> None:
    async def main() -> None:
        with pytest.raises(InvalidStatus) as refused:
            await connect(
                f"ws://127.0.0.1:{server.port}/ws", additional_headers={"Origin": "https://evil.example"}
            )
        assert refused.value.response.status_code == 403

    _run(main())
