"""GET /api/v1/entrance: which ways in are open to whoever asks, for the page that shows them.

It tells no secret: each of these a stranger learns by trying. The rules themselves are `core.entrance`'s and
`core.credentials`'; here it is only said what they will say.
"""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hubbub.core import names
from hubbub.server.config import Config
from hubbub.server.first_start import DEMO
from hubbub.server.web.cookies import Visitor

PATH: Final = "/api/v1/entrance"


class DemoAccount(msgspec.Struct, frozen=True):
    """An account that everybody may use, with its password."""

    username: str
    password: str


class Entrance(msgspec.Struct, frozen=True):
    """What the sign-in form needs to know."""

    name: str
    """What the server calls itself."""
    guests: bool
    """Whether people may enter without an account."""
    register: bool
    """Whether people may make themselves accounts."""
    passwords: bool
    """Whether passwords are taken on this line."""
    min_password: int
    """Characters of a password that somebody chooses."""
    max_username: int
    """Characters of a name."""
    demo: DemoAccount | None
    """In a demo: what the form is filled with."""


def entrance(config: Config, visitor: Visitor, *, loopback_is_local: bool) -> Entrance:
    """Say which ways in are open to a visitor. `loopback_is_local`: no proxy stands on this machine."""
    local = visitor.loopback and loopback_is_local
    guests, register = config.guests.allow, config.accounts.register
    demo = next(iter(DEMO)) if config.server.demo and local else None
    return Entrance(
        name=config.server.name,
        guests=local if guests is None else guests,
        register=local if register is None else register,
        passwords=local or visitor.encrypted or config.accounts.allow_plaintext_login,
        min_password=config.accounts.min_password,
        max_username=names.USER_LIMIT,
        demo=None if demo is None else DemoAccount(demo, demo),
    )


def entrance_route(config: Config, *, loopback_is_local: bool) -> Route:
    """Return the route for an app."""

    async def get_entrance(request: Request) -> Response:
        visitor: Visitor = request.state.visitor
        told = entrance(config, visitor, loopback_is_local=loopback_is_local)
        return Response(msgspec.json.encode(told), 200, {"Cache-Control": "no-store"}, "application/json")

    return Route(PATH, get_entrance, methods=["GET"])
