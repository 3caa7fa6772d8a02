"""Who asks for what is for admins: by Bearer token, or by the cookie that signed a browser in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from types import MappingProxyType
from typing import Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hubbub.core.accounts import Role
from hubbub.core.errors import Code, Refusal
from hubbub.core.files import Bearer
from hubbub.server.files.bearer import token_of
from hubbub.server.responses import refusal_body
from hubbub.server.web.cookies import Visitor
from hubbub.wire.refusals import UNREADABLE, of_json

QueryT = TypeVar("QueryT", bound=msgspec.Struct)

FRESH: Final = {"Cache-Control": "no-store"}
_NOBODY: Final = Refusal(Code.UNAUTHENTICATED, "Say who you are: by a token, or sign in.")
_NO_ADMIN: Final = Refusal(Code.FORBIDDEN, "That is for admins.")


class Admins:
    """Asked anew with each request, and behind whatever it waits for: a login ends, and a role is taken."""

    def __init__(self, bearer: Callable[[str], Bearer | None], role: Callable[[int], Role | None]) -> None:
        """`bearer` says whose token one is, `role` what an account is now."""
        self._bearer = bearer
        self._role = role

    def who(self, request: Request) -> Bearer | Refusal:
        """The admin who asks, or what anybody else is told."""
        token = token_of_request(request)
        asker = None if token is None else self._bearer(token)
        if asker is None:
            return _NOBODY
        return asker if asker.account and self._role(asker.id) == "admin" else _NO_ADMIN


def token_of_request(request: Request) -> str | None:
    """The token behind `Bearer`, or else in our cookie."""
    visitor: Visitor = request.state.visitor
    given = [value.encode("latin-1") for value in request.headers.getlist("authorization")]
    return token_of(given, visitor)


def queried(request: Request, kind: type[QueryT]) -> QueryT | Refusal:
    """The query as a struct; numbers in it are written as text."""
    given = request.query_params.multi_items()
    if len(dict(given)) != len(given):
        return Refusal(Code.BAD_REQUEST, "A part of the query comes twice.")
    try:
        return msgspec.convert(dict(given), kind, strict=False)
    except UNREADABLE as error:
        return of_json(error)


def refused(refusal: Refusal, also: Mapping[str, str] = MappingProxyType({})) -> Response:
    """It as a response, with headers that go along."""
    headers = {**FRESH, **also}
    if refusal.code.status == 401:  # RFC 9110 §15.5.2
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(max(1, ceil(refusal.retry_after)))
    return Response(refusal_body(refusal), refusal.code.status, headers, "application/json")


def answered(content: msgspec.Struct, status: int = 200) -> Response:
    """A struct as a response, of now."""
    return Response(msgspec.json.encode(content), status, FRESH, "application/json")
