"""`GET /arrival`: how a request arrived here, for whoever sent it: a look at the proxies in between.

Lines of JSON, one every quarter of a second: a proxy that gathers answers shows by their coming all at once.
It tells only what the asker's own request said, and its address.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hubbub.server.web.cookies import Visitor
from hubbub.wire.openapi import Endpoint

PATH: Final = "/arrival"
PIECES: Final = 4
"""Lines of the answer, each as long as the others: fewer than ten."""
PAUSE: Final = 0.25
"""Seconds between two of them."""
_KIND: Final = "application/x-ndjson"

ARRIVAL_ENDPOINT: Final = Endpoint(
    "get",
    PATH,
    "How this request arrived: address, scheme and host as the server sees them; a line every quarter of a"
    " second, so that a proxy that gathers answers is seen.",
    _KIND,
)


class Arrival(msgspec.Struct, frozen=True):
    """One line. All lines are the same but for their number."""

    piece: int
    """From 1 on."""
    of: int
    address: str
    """Who asks, as far as a trusted proxy says so; else who connected."""
    scheme: str
    """`https`: the asker speaks TLS, to us or to a trusted proxy."""
    host: str
    """The Host that came."""
    secure: bool
    """Whether the last part of the way was TLS, to ourselves."""


async def get_arrival(request: Request) -> Response:
    """The endpoint."""
    visitor: Visitor = request.state.visitor
    host = request.headers.get("host", "")

    def line(piece: int) -> bytes:
        scheme = "https" if visitor.https else "http"
        arrival = Arrival(piece, PIECES, visitor.address, scheme, host, visitor.encrypted)
        return msgspec.json.encode(arrival) + b"\n"

    async def lines() -> AsyncIterator[bytes]:
        yield line(1)
        for piece in range(2, PIECES + 1):
            await asyncio.sleep(PAUSE)
            yield line(piece)

    # A known length, as downloads have it: without, some proxies pass pieces on that they would gather.
    headers = {"Cache-Control": "no-store", "Content-Length": str(PIECES * len(line(1)))}
    if request.method == "HEAD":
        return Response(None, 200, headers, _KIND)
    return StreamingResponse(lines(), 200, headers, _KIND)
