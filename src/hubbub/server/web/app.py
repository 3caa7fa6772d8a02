"""What HTTP serves beside the WebSocket and the client: what operators and tools ask for.

Every endpoint is a coroutine: Starlette would run a plain function in a thread.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hubbub.server.responses import error_body
from hubbub.server.web import arrival
from hubbub.server.web.assets import NOT_FOUND, client, is_for_people
from hubbub.server.web.policy import SECURITY
from hubbub.wire.openapi import Endpoint

_JSON: Final = "application/json"


def build_app(
    *,
    version: str,
    ready: Callable[[], str | None],
    api: Sequence[Route] = (),
    watching: Sequence[Route] = (),
    admin: Sequence[Route] = (),
    endpoints: Sequence[Endpoint] = (),
) -> Starlette:
    """Return the app. `ready` says why the server cannot serve, or None: it can.

    `api`: requests in place of a WebSocket; `watching`: what operators watch it by; `admin`: what admins have
    done (see there). `endpoints`: what `/openapi.json` tells of those that are no actions, and of what is
    served without the app.
    """

    async def get_health(_request: Request) -> Response:
        return _fresh({"status": "ok"})

    async def get_ready(_request: Request) -> Response:
        reason = ready()
        if reason is None:
            return _fresh({"status": "ok"})
        return _fresh({"status": "unavailable", "reason": reason}, 503)

    async def get_version(_request: Request) -> Response:
        return _fresh({"name": "hubbub", "version": version, "client": client().build})

    async def get_asyncapi(request: Request) -> Response:
        return _cached(request, _asyncapi(version), _JSON)

    async def get_openapi(request: Request) -> Response:
        return _cached(request, _openapi(version, tuple(endpoints)), _JSON)

    app = Starlette(
        routes=[
            Route("/health", get_health),
            Route("/ready", get_ready),
            Route("/version", get_version),
            Route(arrival.PATH, arrival.get_arrival),
            Route("/asyncapi.json", get_asyncapi),
            Route("/openapi.json", get_openapi),
            *watching,
            *admin,
            *api,
        ],
        middleware=[Middleware(_SecurityHeaders)],
        exception_handlers={HTTPException: _refused, Exception: _failed},
    )
    app.router.redirect_slashes = False
    return app


@cache
def _asyncapi(version: str) -> bytes:
    from hubbub.wire.asyncapi import document  # by need: few ask, and it is dear to make

    return msgspec.json.format(msgspec.json.encode(document(version)))


@cache
def _openapi(version: str, endpoints: tuple[Endpoint, ...]) -> bytes:
    from hubbub.wire.openapi import document

    return msgspec.json.format(msgspec.json.encode(document(version, endpoints)))


def _fresh(content: dict[str, str | None], status: int = 200) -> Response:
    """What must never be kept by a cache."""
    return Response(json.dumps(content), status, {"Cache-Control": "no-store"}, _JSON)


def _cached(request: Request, content: bytes, kind: str) -> Response:
    """What changes with the version only: a client asks each time whether it still holds (RFC 9110 §13)."""
    etag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if etag in known or "*" in known:
        return Response(None, 304, headers)
    return Response(content, 200, headers, kind)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (what it is registered for)
    for_people = is_for_people(request.headers.get("accept", "")) and not request.url.path.startswith("/api/")
    if error.status_code == 404 and for_people:
        return Response(NOT_FOUND, 404, {"Cache-Control": "no-store"}, "text/html")
    body = error_body(error.status_code, f"{error.detail}.")
    return Response(body, error.status_code, error.headers, _JSON)


async def _failed(_request: Request, _error: Exception) -> Response:
    """Our own fault: its detail goes into the log (see `http.py`), none of it here."""
    return Response(error_body(500, "Internal error."), 500, SECURITY, _JSON)


class _SecurityHeaders:
    """Adds to every response what keeps a browser from misusing it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY)
            await send(message)

        await self._app(scope, receive, send_with_headers)
