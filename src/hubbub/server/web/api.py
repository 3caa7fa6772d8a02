"""The HTTP API: actions of the WebSocket as single requests, and signing in by a cookie.

Payloads, answers and refusals are those of the WebSocket's dialect. Where a page of another site asks, `http`
has refused it before it comes here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

import msgspec
from msgspec.structs import replace
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from hubbub.core.answers import Answer, LoggedIn, LoggedOut
from hubbub.core.commands import Login, Register
from hubbub.core.errors import Code, Refusal
from hubbub.server.web.admins import FRESH, refused, token_of_request
from hubbub.server.web.api_sessions import NOBODY, STALE, ApiSessions
from hubbub.server.web.cookies import Visitor, clear_cookie, set_cookie
from hubbub.wire import codec
from hubbub.wire.json_actions import ACTIONS
from hubbub.wire.json_shapes import check_utf8
from hubbub.wire.openapi import ENTRIES, KEY, ONLY_BY_POST, PREFIX, READS, REQUESTS, Me
from hubbub.wire.refusals import UNREADABLE, of_json
from hubbub.wire.websocket_json import answer_data

if TYPE_CHECKING:
    from hubbub.core.model import Session
    from hubbub.core.service import Service
    from hubbub.server.config import Config
    from hubbub.server.session import Connection
    from hubbub.server.surroundings import Surroundings

_JSON: Final = "application/json"
_LONGEST_KEY: Final = 64
"""Characters of an id, as in the other dialects."""
_PIECE: Final = 65_536
"""Bytes of an answer that are handed over at once: a larger one waits for whoever reads it."""
_NO_TOKEN: Final = Refusal(
    Code.BAD_REQUEST, "A cookie is for whoever comes by a name, not by a token.", field="token"
)


class _Wish(msgspec.Struct, gc=False):
    """What a login says besides: whether the token goes into a cookie."""

    cookie: bool = False


_wish: Final = msgspec.json.Decoder(_Wish).decode
_encode: Final = msgspec.json.Encoder().encode


class Api:
    """The endpoints."""

    def __init__(
        self, sessions: ApiSessions, server_name: str, *, max_unread: int, stall_seconds: float
    ) -> None:
        """`max_unread` bytes of long answers may wait, and a piece of one so many seconds for its reader."""
        self.sessions = sessions
        self._server_name = server_name
        self._max_unread = max_unread
        self._unread = 0
        self.stall_seconds = stall_seconds

    @classmethod
    def of(cls, config: Config, shared: Surroundings[Connection], *, loopback_is_local: bool) -> Api:
        """Make it from the settings."""
        sessions = ApiSessions(
            cast("Service[Session]", shared.service),  # it hands a session to the fan-out, and to nobody else
            config.http,
            config.limits,
            shared.wheel,
            shared.log,
            shared.clock,
            loopback_is_local=loopback_is_local,
        )
        limits, timers = config.limits, config.timers
        return cls(sessions, config.server.name, max_unread=limits.max_output, stall_seconds=timers.idle)

    def close(self) -> None:
        """The server stops: nobody is here by requests any more."""
        self.sessions.close()

    def routes(self) -> list[Route]:
        """What is served, for the app."""
        return [
            Route(f"{PREFIX}/me", self.me),
            *(Route(f"{PREFIX}/{action}", self.enter, methods=["POST"]) for action in sorted(ENTRIES)),
            Route(f"{PREFIX}/logout", self.leave, methods=["POST"]),
            Route(f"{PREFIX}/{{action}}", self.act, methods=["GET", "POST"]),
        ]

    # -- endpoints

    async def me(self, request: Request) -> Response:
        """Who asks. The cookie is good for longer by it."""
        visitor = _visitor(request)
        token = token_of_request(request)
        person = self.sessions.person(token)
        if token is None or person is None:
            return self._refused(request, NOBODY if token is None else STALE)
        me = Me(person.name, person.id, person.role, self._server_name)
        again = {"Set-Cookie": set_cookie(visitor, token)} if _by_cookie(request) else {}
        return self._told(_encode(me), again)

    async def enter(self, request: Request) -> Response:
        """Log in, register, or exchange a refresh token."""
        visitor, action = _visitor(request), str(request.scope["path"]).rpartition("/")[2]
        try:
            body = await _body(request)
            command = ACTIONS[action].command(body, None)
            cookie = _wish(body).cookie and isinstance(command, Login | Register)
        except UNREADABLE as error:
            return self._refused(request, of_json(error))
        if cookie and isinstance(command, Login | Register):
            if isinstance(command, Login) and command.token is not None:
                return self._refused(request, _NO_TOKEN)
            command = replace(command, lasting=True)
        former = token_of_request(request)
        answer = await self.sessions.enter(visitor, codec.Request(command, None, action), former)
        if not isinstance(answer, LoggedIn):
            return self._answered(request, answer)
        if not cookie:
            return self._told(answer_data(answer))
        me = Me(answer.username, answer.user_id, answer.role or "guest", self._server_name)
        return self._told(_encode(me), {"Set-Cookie": set_cookie(visitor, answer.token)})

    async def leave(self, request: Request) -> Response:
        """Log out: the token is worth nothing from then on, and the cookie is gone."""
        visitor = _visitor(request)
        token = token_of_request(request)
        if self.sessions.bearer(token) is None:
            return self._refused(request, NOBODY if token is None else STALE)
        try:
            command = ACTIONS["logout"].command(await _body(request), None)
        except UNREADABLE as error:
            return self._refused(request, of_json(error, "payload"))
        answer = await self.sessions.leave(visitor, token, codec.Request(command, None, "logout"))
        if isinstance(answer, LoggedOut) and _by_cookie(request):
            return self._told(answer_data(answer), {"Set-Cookie": clear_cookie(visitor)})
        return self._answered(request, answer)

    async def act(self, request: Request) -> Response:
        """Any other action."""
        action = request.path_params["action"]
        if action not in REQUESTS:
            return self._refused(request, Refusal(Code.UNKNOWN_ACTION, "There is no such action here."))
        by_query = request.method != "POST"
        if by_query and action not in READS:
            raise HTTPException(405, "This action changes something, so it takes POST", {"Allow": "POST"})
        token = token_of_request(request)
        if self.sessions.bearer(token) is None:  # before anything of what is asked is looked at
            return self._refused(request, NOBODY if token is None else STALE)
        try:
            id = _id(request)
            payload = _from_query(request, action) if by_query else await _body(request)
            command = ACTIONS[action].command(payload, id)
        except UNREADABLE as error:
            return self._refused(request, of_json(error, "payload"))
        asked = codec.Request(command, id, action)
        return self._answered(request, await self.sessions.ask(_visitor(request), token, asked))

    # -- responses

    def _answered(self, request: Request, answer: Answer) -> Response:
        return (
            self._refused(request, answer) if isinstance(answer, Refusal) else self._told(answer_data(answer))
        )

    def _told(self, data: bytes, headers: dict[str, str] | None = None) -> Response:
        headers = {**FRESH, **(headers or {})}
        if len(data) <= _PIECE:
            return Response(data, 200, headers, _JSON)
        if self._unread + len(data) > self._max_unread:
            message = f"The server holds {self._max_unread} bytes of answers that are not read: the limit."
            refusal = Refusal(Code.RATE_LIMITED, message, limit="limits.max_output", retry_after=5.0)
            return refused(refusal)
        return _Long(data, headers, self)

    def _refused(self, request: Request, refusal: Refusal) -> Response:
        """A refusal; a cookie that is worth nothing any more is taken back by it."""
        stale = refusal is STALE and _by_cookie(request)
        return refused(refusal, {"Set-Cookie": clear_cookie(_visitor(request))} if stale else {})

    def owe(self, size: int) -> None:
        """So many bytes of a long answer are not read yet; less than nothing: they are."""
        self._unread += size


class _Long(Response):
    """A long answer: its pieces wait until they are read, and it is given up where they are not."""

    def __init__(self, data: bytes, headers: dict[str, str], api: Api) -> None:
        super().__init__(None, 200, headers, _JSON)
        self.headers["Content-Length"] = str(len(data))
        self._data = data
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        del scope, receive
        data, size = memoryview(self._data), len(self._data)
        self._api.owe(size)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            for at in range(0, size, _PIECE):
                async with asyncio.timeout(self._api.stall_seconds):
                    piece, more = bytes(data[at : at + _PIECE]), at + _PIECE < size
                    await send({"type": "http.response.body", "body": piece, "more_body": more})
        except TimeoutError:
            return  # not whole: the connection is cut
        finally:
            self._api.owe(-size)


def _visitor(request: Request) -> Visitor:
    visitor: Visitor = request.state.visitor
    return visitor


def _by_cookie(request: Request) -> bool:
    """Whether the token is the cookie's."""
    return _visitor(request).cookie is not None and "authorization" not in request.headers


async def _body(request: Request) -> msgspec.Raw:
    """The payload. It must say that it is JSON where a form of another site could have sent it."""
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON and (body or _visitor(request).cookie is not None):
        raise HTTPException(415, f"The body must be {_JSON}")
    check_utf8(body)
    return msgspec.Raw(body or b"{}")


def _id(request: Request) -> str | None:
    """The id that a retry has, too: bare, or in quotes as a Structured Field (RFC 9651 §3.3.3)."""
    keys = request.headers.getlist(KEY)
    if not keys:
        return None
    key = keys[0]
    if len(key) > 1 and key.startswith('"') and key.endswith('"'):
        key = key[1:-1]
    if len(keys) > 1 or not 1 <= len(key) <= _LONGEST_KEY:
        raise HTTPException(400, f"{KEY} is one, of 1 to {_LONGEST_KEY} characters")
    return key


def _from_query(request: Request, action: str) -> msgspec.Raw:
    """The payload in a query: numbers and truth values are read as what they should be."""
    pairs = request.query_params.multi_items()
    names = [name for name, _ in pairs]
    fault = set(names) & ONLY_BY_POST.get(action, frozenset()) or len(names) != len(set(names))
    if fault:
        raise HTTPException(400, "Each parameter stands once, and none changes anything")
    return msgspec.Raw(_encode(msgspec.convert(dict(pairs), ACTIONS[action].payload, strict=False)))
