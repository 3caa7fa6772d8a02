"""What HTTP refuses, and with which status: smuggled, overlong, slow and misdirected requests."""

from __future__ import annotations

import asyncio
import json

import pytest

from hubbub.server.config import HttpSettings
from server.http_apps import LOOPS, LoopFactory, request, response, run, site, until

pytestmark = pytest.mark.parametrize("loop", LOOPS)

HOST = b"Host: 127.0.0.1\r\n"
MALFORMED = {
    "both a length and chunks": (
        b"POST /echo HTTP/1.1\r\n%bContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % HOST,
        400,
    ),
    "two lengths": (b"POST /echo HTTP/1.1\r\n%bContent-Length: 5\r\nContent-Length: 6\r\n\r\n" % HOST, 400),
    "a length in a list": (b"POST /echo HTTP/1.1\r\n%bContent-Length: 5, 6\r\n\r\n" % HOST, 400),
    "a length with a sign": (b"POST /echo HTTP/1.1\r\n%bContent-Length: +5\r\n\r\n" % HOST, 400),
    "a length below zero": (b"POST /echo HTTP/1.1\r\n%bContent-Length: -5\r\n\r\n" % HOST, 400),
    "chunks in HTTP/1.0": (b"POST /echo HTTP/1.0\r\n%bTransfer-Encoding: chunked\r\n\r\n" % HOST, 400),
    "another coding": (b"POST /echo HTTP/1.1\r\n%bTransfer-Encoding: gzip, chunked\r\n\r\n" % HOST, 501),
    "codings twice": (
        b"POST /echo HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" % HOST,
        501,
    ),
    "a chunk size that is none": (
        b"POST /echo HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n" % HOST,
        400,
    ),
    "bare line feeds": (b"GET /hello HTTP/1.1\nHost: 127.0.0.1\n\n", 400),
    "one bare line feed": (b"GET /hello HTTP/1.1\r\n%bX: a\nY: b\r\n\r\n" % HOST, 400),
    "a bare carriage return": (b"GET /hello HTTP/1.1\r\n%bX: a\rY: b\r\n\r\n" % HOST, 400),
    "a folded header": (b"GET /hello HTTP/1.1\r\n%bX: a\r\n b\r\n\r\n" % HOST, 400),
    "a header folded by a tab": (b"GET /hello HTTP/1.1\r\n%bX: a\r\n\tb\r\n\r\n" % HOST, 400),
    "a blank before a colon": (b"GET /hello HTTP/1.1\r\n%bX : a\r\n\r\n" % HOST, 400),
    "a header without a name": (b"GET /hello HTTP/1.1\r\n%b: a\r\n\r\n" % HOST, 400),
    "a NUL": (b"GET /hello HTTP/1.1\r\n%bX: a\0b\r\n\r\n" % HOST, 400),
    "no Host": (b"GET /hello HTTP/1.1\r\nX: a\r\n\r\n", 400),
    "no Host in HTTP/1.0": (b"GET /hello HTTP/1.0\r\n\r\n", 400),
    "two Hosts": (b"GET /hello HTTP/1.1\r\n%b%b\r\n" % (HOST, HOST), 400),
    "a Host that is none": (b"GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "an empty Host": (b"GET /hello HTTP/1.1\r\nHost:\r\n\r\n", 400),
    "somebody else's Host": (b"GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
    "somebody else's Host in the target": (b"GET http://evil.example/hello HTTP/1.1\r\n%b\r\n" % HOST, 421),
    "a target that is none": (b"GET hello HTTP/1.1\r\n%b\r\n" % HOST, 400),
    "a request line of one word": (b"GET\r\n%b\r\n" % HOST, 400),
    "a proxy's method": (b"CONNECT 127.0.0.1:80 HTTP/1.1\r\n%b\r\n" % HOST, 501),
    "HTTP/2 by another name": (b"GET /hello HTTP/2.0\r\n%b\r\n" % HOST, 505),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_request_is_refused_and_nothing_behind_it_is_served(loop: LoopFactory, name: str) -> None:
    data, status = MALFORMED[name]

    async def main() -> None:
        async with site() as here:
            head, _, body = (await here.exchange(data + request("/hello"))).partition(b"\r\n\r\n")
            assert int(head.split(b" ")[1]) == status
            assert b"\r\nConnection: close\r\n" in head + b"\r\n"
            assert set(json.loads(body)) == {"code", "message"}
            assert not here.app.scopes

    run(loop, main)


def test_the_limits_of_a_head_and_of_its_headers(loop: LoopFactory) -> None:
    settings = HttpSettings(max_head=1_000, max_headers=10)
    fits = request("/hello", "X: " + "a" * 900)
    many = [f"X-{number}: a" for number in range(9)]

    async def main() -> None:
        async with site(settings=settings) as here:

            async def status(data: bytes) -> int:
                return int((await here.exchange(data)).split(b" ")[1])

            assert await status(request("/hello", "X: " + "a" * 1_000)) == 431
            assert await status(b"GET /" + b"a" * 1_100) == 431  # before its end is seen
            assert await status(request("/hello", *many, "X-10: a")) == 431
            reader, writer = await here.connect()
            writer.write(fits + request("/hello", *many))
            assert [(await response(reader))[0] for _ in range(2)] == [200, 200]
            writer.close()

    run(loop, main)


def test_the_limit_of_a_body(loop: LoopFactory) -> None:
    settings = HttpSettings(max_body=1_000)
    chunk = b"3e8\r\n" + b"a" * 1_000 + b"\r\n"
    chunked = request("/echo", "Transfer-Encoding: chunked", method="POST")

    async def main() -> None:
        async with site(settings=settings) as here:
            answer = await here.exchange(request("/echo", "Content-Length: 1001", method="POST"))
            assert answer.startswith(b"HTTP/1.1 413 ")
            assert not here.app.scopes
            assert (await here.exchange(chunked + chunk + b"1\r\na\r\n0\r\n\r\n")).startswith(
                b"HTTP/1.1 413 "
            )
            reader, writer = await here.connect()
            writer.write(chunked + chunk + b"0\r\n\r\n")
            assert (await response(reader))[2] == b"a" * 1_000
            writer.close()

    run(loop, main)


@pytest.mark.parametrize(
    "begun", [b"", b"GET /hello HTTP/1.1\r\nHos", b"\r\n"], ids=["nothing", "half", "empty"]
)
def test_a_head_that_does_not_come_in_time(loop: LoopFactory, begun: bytes) -> None:
    async def main() -> None:
        async with site(head_seconds=0.05) as here:
            answer = await here.exchange(begun)
            assert answer[:13] == (b"HTTP/1.1 408 " if len(begun) > 2 else b"")

    run(loop, main)


def test_a_head_that_drips_is_slow_however_often_it_drips(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site(head_seconds=0.2) as here:
            reader, writer = await here.connect()

            async def drip() -> None:
                for byte in request("/hello", "X: " + "a" * 100_000):
                    writer.write(bytes((byte,)))
                    await asyncio.sleep(0.001)

            dripping = asyncio.create_task(drip())
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
            dripping.cancel()
            writer.close()

    run(loop, main)


def test_a_bare_line_feed_is_refused_before_the_head_is_whole(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            for part in (b"GET /hello HTTP/1.1\r", b"\n", b"Host: 127.0.0.1\r\nX: a", b"\n"):
                writer.write(part)
                await writer.drain()
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
            writer.close()

    run(loop, main)


def test_a_body_that_does_not_come_in_time(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site(head_seconds=0.05) as here:
            answer = await here.exchange(request("/echo", "Content-Length: 4", method="POST") + b"bod")
            assert answer.startswith(b"HTTP/1.1 408 ")
            await until(lambda: not here.server.tasks)

    run(loop, main)


def test_a_body_that_was_promised_and_asked_for_and_does_not_come(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site(head_seconds=0.05) as here:
            reader, writer = await here.connect()
            writer.write(request("/gated-echo", "Content-Length: 4", "Expect: 100-continue", method="POST"))
            await until(lambda: len(here.app.scopes) == 1 and not here.server.wheel._buckets)
            here.app.gate.set()  # only now it is the peer's turn
            assert (await response(reader))[0] == 100
            assert (await response(reader))[0] == 408
            writer.close()

    run(loop, main)


def test_a_body_that_stops_when_the_app_has_caught_up(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site(head_seconds=0.05) as here:
            reader, writer = await here.connect()
            writer.write(request("/echo", "Content-Length: 1000000", method="POST") + b"x" * 200_000)
            assert (await response(reader))[0] == 408
            writer.close()

    run(loop, main)


def test_an_app_that_takes_its_time_is_not_hurried(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site(head_seconds=0.02) as here:
            reader, writer = await here.connect()
            writer.write(request("/wait"))
            await until(lambda: len(here.server.tasks) == 1)
            with pytest.raises(TimeoutError):  # ten times as long as a head may take
                await asyncio.wait_for(reader.read(1), 0.2)
            writer.close()

    run(loop, main)


def test_a_connection_at_rest_is_closed_in_the_end(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site(settings=HttpSettings(keep_alive=0.05)) as here:
            reader, writer = await here.connect()
            writer.write(request())
            assert (await response(reader))[2] == b"hello"
            assert await reader.read() == b""
            writer.close()

    run(loop, main)


def test_refusals_are_logged_without_what_was_asked(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            await here.exchange(request("/hello?token=secret", host="evil.example"))
            await here.exchange(request("/hello?token=secret", "Connection: close"))
            line = json.loads(here.log.getvalue().splitlines()[0])
            assert (line["event"], line["status"], line["peer"]) == ("request refused", 421, "127.0.0.1")
            assert json.loads(here.log.getvalue().splitlines()[1])["path"] == "/hello"
            # h11 quotes the line that it cannot read.
            await here.exchange(b"GET /hello?ticket=secret \x01 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            await here.exchange(request("/hello", "Cookie secret"))
            assert [json.loads(line)["event"] for line in here.log.getvalue().splitlines()].count(
                "request refused"
            ) == 3
            assert "secret" not in here.log.getvalue()

    run(loop, main)
