"""How an HTTP connection becomes a WebSocket, and who may have that."""

from __future__ import annotations

import asyncio
import gc

import pytest
from msgspec.structs import replace

from hubbub.server.config import Config, WebSettings
from hubbub.server.exchange import Exchange
from hubbub.server.http import HttpConnection
from server.http_apps import LOOPS, LoopFactory, request, response, run, site, until

pytestmark = pytest.mark.parametrize("loop", LOOPS)

UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)
ACCEPTED = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 §1.3


async def handshake(reader: asyncio.StreamReader) -> dict[str, str]:
    status, headers, _ = await response(reader)
    assert status == 101
    assert headers["sec-websocket-accept"] == ACCEPTED
    return headers


@pytest.mark.parametrize("before", [0, 1, 3])
def test_any_request_of_a_connection_may_upgrade(loop: LoopFactory, before: int) -> None:
    async def main() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            for _ in range(before):
                writer.write(request())
                assert (await response(reader))[2] == b"hello"
            writer.write(request("/ws", *UPGRADE))
            await handshake(reader)
            writer.write(b"later")
            assert await reader.readexactly(9) == b"raw:later"
            assert [(deflate, leftover) for _, deflate, leftover in here.upgrades] == [(False, b"")]
            writer.close()

    run(loop, main)


def test_bytes_behind_the_handshake_are_handed_over(loop: LoopFactory) -> None:
    body = request("/echo", "Content-Length: 2", method="POST") + b"ab"

    async def main() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(request() + body + request("/ws", *UPGRADE) + b"\x81frame")
            assert [(await response(reader))[2] for _ in range(2)] == [b"hello", b"ab"]
            await handshake(reader)
            assert await reader.readexactly(10) == b"raw:\x81frame"
            assert here.upgrades[0][2] == b"\x81frame"
            writer.close()

    run(loop, main)


def test_a_websocket_keeps_nothing_of_http(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(request() + request("/ws", *UPGRADE))
            await response(reader)
            await handshake(reader)
            await until(lambda: not here.server.tasks)
            gc.collect()
            assert not here.server.open
            assert not [kept for kept in gc.get_objects() if isinstance(kept, HttpConnection | Exchange)]
            assert not here.server.wheel._buckets
            writer.close()

    run(loop, main)


def test_subprotocol_and_compression_are_agreed_on_where_offered(loop: LoopFactory) -> None:
    offers = ("Sec-WebSocket-Protocol: chat, hubbub.v1", "Sec-WebSocket-Extensions: permessage-deflate")

    async def main() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(request("/ws", *UPGRADE, *offers))
            headers = await handshake(reader)
            assert headers["sec-websocket-protocol"] == "hubbub.v1"
            assert headers["sec-websocket-extensions"].startswith("permessage-deflate;")
            assert here.upgrades[0][1] is True
            writer.close()

    run(loop, main)


REFUSED = {
    "no upgrade": (request("/ws"), 426),
    "an old version": (request("/ws", *UPGRADE[:3], "Sec-WebSocket-Version: 8"), 426),
    "no key": (request("/ws", *UPGRADE[:2], UPGRADE[3]), 400),
    "another method": (request("/ws", *UPGRADE, method="POST"), 405),
    "a body": (request("/ws", *UPGRADE, "Content-Length: 2") + b"ab", 400),
    "a chunked body": (request("/ws", *UPGRADE, "Transfer-Encoding: chunked") + b"0\r\n\r\n", 400),
    "another site": (request("/ws", *UPGRADE, "Origin: https://evil.example"), 403),
    "an opaque origin": (request("/ws", *UPGRADE, "Origin: null"), 403),
    "a page of another port": (request("/ws", *UPGRADE, "Origin: http://127.0.0.1:81"), 403),
    "a rebound name": (request("/ws", *UPGRADE, "Origin: http://evil.example", host="evil.example"), 421),
}


@pytest.mark.parametrize("name", REFUSED)
def test_who_may_not_upgrade(loop: LoopFactory, name: str) -> None:
    data, status = REFUSED[name]

    async def main() -> None:
        async with site() as here:
            answer = await here.exchange(data)
            assert int(answer.split(b" ")[1]) == status
            assert not here.upgrades
            if status == 426:
                assert b"\r\nUpgrade: websocket\r\n" in answer

    run(loop, main)


def test_origins_that_may_upgrade(loop: LoopFactory) -> None:
    web = WebSettings(public_hosts=["Chat.Example.org"], allowed_origins=["https://App.example.org"])
    config = replace(Config(), web=web)

    async def main() -> None:
        async with site(config) as here:
            allowed = [
                ("127.0.0.1:8080", "http://127.0.0.1:8080"),
                ("LOCALHOST.", "http://localhost"),
                ("chat.example.org", "https://chat.example.org"),
                ("127.0.0.1", "https://app.example.org"),
                ("127.0.0.1", "HTTPS://APP.EXAMPLE.ORG:443"),
            ]
            for host, origin in allowed:
                reader, writer = await here.connect()
                writer.write(request("/ws", *UPGRADE, f"Origin: {origin}", host=host))
                await handshake(reader)
                writer.close()

    run(loop, main)


def test_an_upgrade_elsewhere_is_an_ordinary_request(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(request("/hello", "Upgrade: h2c", "Connection: Upgrade") + request("/count"))
            assert [(await response(reader))[2] for _ in range(2)] == [b"hello", b"2"]
            writer.close()

    run(loop, main)


def test_the_scope_tells_who_asks(loop: LoopFactory) -> None:
    headers = ("X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "Connection: close")
    target = "http://127.0.0.1:99/hello?a=%20"

    async def main() -> None:
        for proxies, client, scheme in ([], "127.0.0.1", "http"), (["127.0.0.0/8"], "203.0.113.9", "https"):
            config = replace(Config(), web=WebSettings(trusted_proxies=proxies))
            async with site(config) as here:
                assert (await here.exchange(request(target, *headers))).endswith(b"hello")
                scope = here.app.scopes[0]
                assert (scope["client"], scope["scheme"]) == ((client, 0), scheme)
                assert (scope["path"], scope["query_string"]) == ("/hello", b"a=%20")
                assert (scope["server"], scope["method"]) == (("127.0.0.1", 99), "GET")

    run(loop, main)
