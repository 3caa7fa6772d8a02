"""Compression (RFC 7692) in the manner of Autobahn's chapters 12 and 13, with `websockets` as the client."""

from __future__ import annotations

import socket
import zlib
from collections.abc import AsyncIterator

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory as Offer

from conformance.autobahn_client import (
    BINARY,
    FIN,
    MAX_MESSAGE,
    RSV1,
    TEXT,
    Raw,
    client,
    frame,
    refused,
    run,
    text,
)

OFFERS = {
    "any window": Offer(client_max_window_bits=True),
    "a small window": Offer(client_max_window_bits=9),
    "no context": Offer(server_no_context_takeover=True, client_no_context_takeover=True),
    "full windows": Offer(server_max_window_bits=15, client_max_window_bits=15),
}
MESSAGES: list[str | bytes] = [
    "",
    b"",
    "x",
    "Grüße €  \U0001f41d",
    '{"id":"1","type":"request","action":"echo","payload":{}}',
    b"\x00\xff" * 300,
    "All work and no play. " * 400,
    bytes(n * n * 31 % 251 for n in range(100_000)),
]


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS.keys())
def test_12_messages_compressed_in_both_directions(port: int, offer: Offer) -> None:
    async def scenario() -> None:
        async with client(port, offer) as ws:
            assert [type(one).__name__ for one in ws.protocol.extensions] == ["PerMessageDeflate"]
            for message in MESSAGES * 3:
                await ws.send(message)
            for message in MESSAGES * 3:
                assert await ws.recv() == message

    run(scenario())


def test_12_a_smaller_server_window_is_declined_and_all_goes_uncompressed(port: int) -> None:
    async def scenario() -> None:
        async with client(port, Offer(server_max_window_bits=10)) as ws:
            assert ws.protocol.extensions == []
            await ws.send("All work and no play. " * 400)
            assert await ws.recv() == "All work and no play. " * 400

    run(scenario())


def test_12_a_compressed_message_in_fragments_with_pings_between(port: int) -> None:
    async def scenario() -> None:
        async with client(port, Offer()) as ws:

            async def pieces() -> AsyncIterator[str]:
                for n in range(20):
                    await (await ws.ping(b"%d" % n))  # its pong comes before the message is whole
                    yield "piece €" * n

            await ws.send(pieces())
            assert await ws.recv() == "".join("piece €" * n for n in range(20))
            await ws.close(4001, "done")
            assert ws.close_code == 4001

    run(scenario())


def test_12_a_bomb_from_a_library_closes_its_connection(port: int) -> None:
    async def scenario() -> None:
        async with client(port, Offer()) as ws:
            await ws.send(bytes(MAX_MESSAGE + 1))
            with pytest.raises(ConnectionClosedError) as closed:
                await ws.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1009

    run(scenario())


def test_13_replies_are_compressed_where_it_was_agreed_on(port: int) -> None:
    message = b"All work and no play. " * 40
    deflater = zlib.compressobj(wbits=-15)
    body = (deflater.compress(message) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]
    with Raw(port, deflate=True) as raw:
        raw.send(frame(FIN | RSV1 | TEXT, body) + text(message))
        for _ in range(2):
            first, size = raw.socket.recv(2, socket.MSG_WAITALL)
            assert first == FIN | RSV1 | TEXT
            assert size < 126
            reply = raw.socket.recv(size, socket.MSG_WAITALL)
            assert zlib.decompressobj(-15).decompress(reply + b"\x00\x00\xff\xff") == message


@pytest.mark.parametrize("body", [b"\xff\xff\xff\xff", b"not deflate", b"\xf2\x48"])
def test_13_what_is_not_deflate_data(port: int, body: bytes) -> None:
    refused(port, frame(FIN | RSV1 | TEXT, body), 1007, deflate=True)


def test_13_inflated_text_is_checked_too(port: int) -> None:
    deflater = zlib.compressobj(wbits=-15)
    body = (deflater.compress(b"good\xff") + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]
    refused(port, frame(FIN | RSV1 | TEXT, body), 1007, deflate=True)


def test_13_a_bomb_is_not_inflated(port: int) -> None:
    deflater = zlib.compressobj(9, wbits=-15)
    bomb = deflater.compress(bytes(MAX_MESSAGE + 1)) + deflater.flush(zlib.Z_SYNC_FLUSH)
    refused(port, frame(FIN | RSV1 | BINARY, bomb[:-4]), 1009, deflate=True)
