"""`/api/v1/admin/kernel` and `/api/v1/admin/why`: what the kernel knows, and why somebody's chat is slow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hubbub.core.errors import Refusal
from hubbub.core.files import Bearer
from hubbub.server.web.admins import answered, queried, refused
from hubbub.server.why import KernelView, Why, WhyView
from hubbub.wire.openapi import Endpoint

KERNEL_PATH: Final = "/api/v1/admin/kernel"
WHY_PATH: Final = "/api/v1/admin/why"
_LONGEST_NAME: Final = 256
"""Characters, before it is normalised."""

Who = Callable[[Request], Bearer | Refusal]


class WhyQuery(msgspec.Struct, frozen=True):
    """`name`: who it is about, as people write it."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST_NAME)]


KERNEL_ENDPOINTS: Final = (
    Endpoint(
        "get",
        KERNEL_PATH,
        "What the kernel saw of the server in the last second, each line with who is behind it.",
        KernelView,
        refusals=(401, 403),
        security="admin",
        tag="admin",
    ),
    Endpoint(
        "get",
        WHY_PATH,
        "Why somebody's chat is slow: a verdict with its evidence.",
        WhyView,
        query=WhyQuery,
        refusals=(400, 401, 403, 404),
        security="admin",
        tag="admin",
    ),
)


class KernelPages:
    """The two endpoints."""

    def __init__(self, why: Why, who: Who) -> None:
        self._why = why
        self._who = who

    async def kernel(self, request: Request) -> Response:
        """The last second."""
        asker = self._who(request)
        if isinstance(asker, Refusal):
            return refused(asker)
        return answered(self._why.kernel())

    async def why(self, request: Request) -> Response:
        """About one person."""
        asker = self._who(request)
        if isinstance(asker, Refusal):
            return refused(asker)
        query = queried(request, WhyQuery)
        if isinstance(query, Refusal):
            return refused(query)
        view = await self._why.ask(query.name)
        still = self._who(request)  # an answer takes a second or more, and a role may be taken meanwhile
        if isinstance(still, Refusal):
            return refused(still)
        return refused(view) if isinstance(view, Refusal) else answered(view)
