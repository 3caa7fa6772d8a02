"""HTTP/1.1 on real sockets, on both loops: exchanges one after another, back-pressure, faults of the app."""

from __future__ import annotations

import json
import socket
import struct

import httpx
import pytest

from hubbub.server.direct import Direct
from server.http_apps import CHUNK, LOOPS, LoopFactory, request, response, run, site, until

pytestmark = pytest.mark.parametrize("loop", LOOPS)


def test_httpx_keeps_its_connection(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here, httpx.AsyncClient(base_url=f"http://127.0.0.1:{here.port}") as client:
            assert (await client.get("/hello")).text == "hello"
            assert (await client.post("/echo", content=b"a" * 200_000)).content == b"a" * 200_000
            streamed = await client.get("/stream")
            assert streamed.text == "one two three"
            assert "date" in streamed.headers
            assert len(here.streams) == 1

    run(loop, main)


def test_pipelined_requests_are_answered_in_order(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            body = request("/echo", "Content-Length: 3", method="POST") + b"abc"
            writer.write(request("/count") + body + b"\r\n" + request("/stream") + request("/count"))
            assert [(await response(reader))[2] for _ in range(4)] == [b"1", b"abc", b"one two three", b"4"]
            writer.close()

    run(loop, main)


def test_however_bytes_are_cut_the_answers_are_the_same(loop: LoopFactory) -> None:
    chunked = b"4\r\nchun\r\n2\r\nks\r\n0\r\n\r\n"
    data = request("/echo", "Transfer-Encoding: chunked", method="POST") + chunked + request("/hello")

    async def main() -> None:
        async with site() as here:
            for size in (1, 7, len(data)):
                reader, writer = await here.connect()
                for start in range(0, len(data), size):
                    writer.write(data[start : start + size])
                    await writer.drain()
                assert [(await response(reader))[2] for _ in range(2)] == [b"chunks", b"hello"]
                writer.close()

    run(loop, main)


def test_thousands_of_pipelined_requests_are_held_back_and_all_answered(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(request("/hello", "X-Padding: " + "p" * 200) * 3_000)
            for _ in range(3_000):
                assert (await response(reader))[2] == b"hello"
            writer.close()

    run(loop, main)


def test_head_is_answered_without_a_body_and_the_next_request_is_found(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(request(method="HEAD") + request("/hello"))
            status, headers, _ = await response(reader, bodiless=True)
            assert (status, headers["content-length"]) == (200, "5")
            assert (await response(reader))[2] == b"hello"
            writer.close()

    run(loop, main)


def test_http_1_0_gets_its_answer_and_the_end(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            answer = await here.exchange(b"GET /stream HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            assert b"chunked" not in head
            assert body == b"one two three"

    run(loop, main)


def test_connection_close_is_kept(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            answer = await here.exchange(request("/hello", "Connection: close") + request("/hello"))
            assert answer.endswith(b"\r\n\r\nhello")
            assert answer.count(b"HTTP/1.1 200 ") == 1

    run(loop, main)


def test_a_peer_that_sends_no_more_still_gets_its_answer(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(request())
            writer.write_eof()
            assert (await reader.read()).endswith(b"hello")
            writer.close()

    run(loop, main)


def test_a_peer_that_ends_inside_its_body_is_told(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(request("/echo", "Content-Length: 9", method="POST") + b"half")
            writer.write_eof()
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
            writer.close()

    run(loop, main)


def test_100_continue_is_sent_when_the_app_reads(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(request("/echo", "Content-Length: 4", "Expect: 100-continue", method="POST"))
            assert (await response(reader))[0] == 100
            writer.write(b"body")
            assert (await response(reader))[2] == b"body"
            writer.close()

    run(loop, main)


def test_without_100_continue_the_connection_ends_with_the_answer(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            answer = await here.exchange(
                request("/hello", "Content-Length: 4", "Expect: 100-continue", method="POST")
            )
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert b"connection: close" in answer.lower()

    run(loop, main)


def test_a_body_that_nobody_read_does_not_hide_the_next_request(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(request("/hello", "Content-Length: 300000", method="POST"))
            assert (await response(reader))[2] == b"hello"
            writer.write(b"GET /hello HTTP/1.1\r\n" * (300_000 // 21) + b" " * (300_000 % 21))
            writer.write(request("/count"))
            assert (await response(reader))[2] == b"2"
            writer.close()

    run(loop, main)


def test_an_app_that_does_not_read_slows_its_peer_down(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(request("/wait", "Content-Length: 1000000", method="POST"))
            writer.write(CHUNK * 14)
            await until(lambda: bool(here.streams) and not here.streams[0]._reading)
            writer.close()
            del reader

    run(loop, main)


def test_a_slow_reader_slows_the_app_down(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(request("/large"))
            await until(lambda: bool(here.streams) and here.streams[0].paused)
            assert here.app.sent < 256
            _, _, body = await response(reader)
            assert len(body) == 256 * len(CHUNK)
            assert here.app.sent == 256
            writer.close()

    run(loop, main)


def test_who_asks_on_and_does_not_read_is_answered_no_more_until_he_does(loop: LoopFactory) -> None:
    answers = 0

    async def serve(asked: Direct) -> None:
        nonlocal answers
        answers += 1
        asked.respond(200, body=CHUNK * 8)

    async def main() -> None:
        async with site(direct={b"large": serve}) as here:
            reader, writer = await here.connect()
            writer.write(request("/large") * 300)
            await until(lambda: bool(here.streams) and here.streams[0].paused)
            await until(lambda: not here.streams[0]._reading)
            most = here.streams[0].backlog
            assert most <= 2 * 8 * len(CHUNK)  # the answer that did not fit, and one that had begun
            for _ in range(300):
                assert len((await response(reader))[2]) == 8 * len(CHUNK)
            assert answers == 300
            writer.close()

    run(loop, main)


@pytest.mark.parametrize("path", ["/raise", "/silent", "/too-much", "/no-such-method"])
def test_a_fault_of_the_app_is_a_500_without_detail(loop: LoopFactory, path: str) -> None:
    async def main() -> None:
        async with site() as here:
            head, _, body = (await here.exchange(request(path))).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
            assert json.loads(body) == {"code": "internal", "message": "internal error"}
            if path == "/raise":
                assert "RuntimeError: the secret of the house" in here.log.getvalue()
            assert (await here.exchange(request("/hello", "Connection: close"))).endswith(b"hello")

    run(loop, main)


def test_half_a_response_never_looks_whole(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(request("/raise-late"))
            with pytest.raises((ConnectionResetError, EOFError)):
                await response(reader)
            assert "the secret of the house" in here.log.getvalue()
            writer.close()

    run(loop, main)


def test_a_peer_that_goes_away_cancels_the_app(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(request("/wait"))
            await until(lambda: len(here.server.tasks) == 1)
            linger_off = struct.pack("ii", 1, 0)  # so that its close is a reset
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_off)
            writer.close()
            await until(lambda: here.app.cancelled and not here.server.tasks and not here.server.open)
            del reader

    run(loop, main)


def test_draining_ends_what_rests_and_lets_the_others_finish(loop: LoopFactory) -> None:
    async def main() -> None:
        async with site() as here:
            resting, resting_writer = await here.connect()
            busy, busy_writer = await here.connect()
            resting_writer.write(request())
            assert (await response(resting))[2] == b"hello"
            busy_writer.write(request("/echo", "Content-Length: 4", method="POST"))
            await until(lambda: len(here.server.tasks) == 1)
            here.server.drain()
            assert await resting.read() == b""
            busy_writer.write(b"last")
            assert (await response(busy))[2] == b"last"
            assert await busy.read() == b""
            resting_writer.close()
            busy_writer.close()

    run(loop, main)
