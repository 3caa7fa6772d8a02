"""`/api/v1/admin/connections`: who is connected, and how to end one of them."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable
from itertools import chain, islice
from typing import Annotated, Final, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hubbub.core.errors import Code, Refusal
from hubbub.core.files import Bearer
from hubbub.server.dialects import base_of
from hubbub.server.session import Connection
from hubbub.server.surroundings import Surroundings
from hubbub.server.web.admins import FRESH, answered, queried, refused
from hubbub.wire.openapi import Endpoint

PATH: Final = "/api/v1/admin/connections"
MOST: Final = 1_000
"""Connections in one answer."""
_LEAST_SPAN: Final = 1.0
"""Seconds over which a rate is taken at least."""
_LONGEST_NUMBER: Final = 15

Who = Callable[[Request], Bearer | Refusal]


class ConnectionRow(msgspec.Struct, frozen=True, gc=False):
    """An open connection of a chat dialect. `name` is what the log calls it, `since` is Unix time in ms.

    `queued`: bytes that wait for it; `rate`: requests a second since the list was last asked for, or since
    it opened.
    """

    id: int
    name: str
    user: str | None
    user_id: int | None
    dialect: Literal["text", "json", "protobuf", "ndjson", "websocket"]
    address: str
    secure: bool
    since: int
    queued: int
    rate: float
    slow: bool


class ConnectionList(msgspec.Struct, frozen=True):
    """`total` counts all, also those past the limit."""

    total: int
    connections: list[ConnectionRow]


class ConnectionsQuery(msgspec.Struct, frozen=True):
    """`sort`: the longest queue, the highest rate or the oldest first; at most `limit` of them."""

    sort: Literal["queue", "rate", "since"] = "queue"
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = 100


CONNECTION_ENDPOINTS: Final = (
    Endpoint(
        "get",
        PATH,
        "Who is connected, by dialects of the chat.",
        ConnectionList,
        query=ConnectionsQuery,
        refusals=(400, 401, 403),
        security="admin",
        tag="admin",
    ),
    Endpoint(
        "delete",
        PATH + "/{id}",
        "Close a connection; its client is told the reason `policy`.",
        status=204,
        refusals=(401, 403, 404),
        security="admin",
        tag="admin",
    ),
)


class Connections:
    """The two endpoints."""

    def __init__(
        self,
        shared: Surroundings[Connection],
        who: Who,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`wall` gives Unix time in seconds."""
        self._shared = shared
        self._who = who
        self._wall = wall
        self._seen: dict[int, int] = {}
        """Of each connection's number, its requests when the list was last asked for …"""
        self._seen_at = 0.0
        self._rates: dict[int, float] = {}
        """… and its rate then: for who asks again right behind."""

    async def get(self, request: Request) -> Response:
        """The list."""
        asker = self._who(request)
        if isinstance(asker, Refusal):
            return refused(asker)
        query = queried(request, ConnectionsQuery)
        if isinstance(query, Refusal):
            return refused(query)
        rates = self._measure()
        rows = [self._row(one, rates) for one in self._first(query, rates)]
        return answered(ConnectionList(len(self._shared.open), rows))

    def _first(self, query: ConnectionsQuery, rates: dict[int, float]) -> Iterable[Connection]:
        """Those that are asked for: the oldest first, where they are alike."""
        connections, slow = self._shared.open.values(), self._shared.slow
        match query.sort:
            case "queue":  # for nobody else is anything queued
                longest = sorted(slow, key=lambda one: (-one.stream.backlog, one.number))
                others = (one for one in connections if one not in slow)
                return islice(chain(longest, others), query.limit)
            case "rate":
                return heapq.nlargest(query.limit, connections, key=lambda one: rates.get(one.number, 0.0))
            case "since":
                return islice(connections, query.limit)

    async def delete(self, request: Request) -> Response:
        """Close one."""
        asker = self._who(request)
        if isinstance(asker, Refusal):
            return refused(asker)
        id = request.path_params["id"]
        number = int(id) if id.isascii() and id.isdecimal() and len(id) <= _LONGEST_NUMBER else 0
        found = self._shared.open.get(number)
        if found is None:
            return refused(Refusal(Code.NOT_FOUND, "There is no such connection.", field="id"))
        self._shared.log.connection_dismissed(found.name, asker.name)
        found.dismiss("policy")
        return Response(None, 204, FRESH)

    def _row(self, one: Connection, rates: dict[int, float]) -> ConnectionRow:
        age = self._shared.clock() - one.opened
        user = one.user
        return ConnectionRow(
            one.number,
            one.name,
            None if user is None else user.name,
            None if user is None else user.id,
            base_of(one.dialect.name),  # type: ignore[arg-type] # it is one of them
            one.address,
            one.stream.secure,
            int((self._wall() - age) * 1000),
            one.stream.backlog,
            round(rates.get(one.number, 0.0), 2),
            one in self._shared.slow,
        )

    def _measure(self) -> dict[int, float]:
        """Requests a second, by number of the connection."""
        now = self._shared.clock()
        span = now - self._seen_at
        if self._rates and span < _LEAST_SPAN:
            return self._rates
        rates: dict[int, float] = {}
        seen: dict[int, int] = {}
        for one in self._shared.open.values():
            before = self._seen.get(one.number)
            passed = span if before is not None else max(now - one.opened, _LEAST_SPAN)
            rates[one.number] = (one.requests - (before or 0)) / passed
            seen[one.number] = one.requests
        self._seen, self._seen_at, self._rates = seen, now, rates
        return rates
