"""`/api/v1/admin/paths`: the paths of the last messages that were followed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hubbub.core.errors import Refusal
from hubbub.core.files import Bearer
from hubbub.server.paths import Path, Paths
from hubbub.server.web.admins import answered, refused
from hubbub.wire.openapi import Endpoint

PATH: Final = "/api/v1/admin/paths"

Who = Callable[[Request], Bearer | Refusal]


class PathList(msgspec.Struct, frozen=True):
    """The newest first, at most a hundred."""

    paths: list[Path]


PATH_ENDPOINTS: Final = (
    Endpoint(
        "get",
        PATH,
        "The ways of messages through the server, one a second, each with the times of its stages.",
        PathList,
        refusals=(401, 403),
        security="admin",
        tag="admin",
    ),
)


class PathsPage:
    """The endpoint."""

    def __init__(self, paths: Paths, who: Who) -> None:
        self._paths = paths
        self._who = who

    async def get(self, request: Request) -> Response:
        """The list."""
        asker = self._who(request)
        if isinstance(asker, Refusal):
            return refused(asker)
        return answered(PathList([*reversed(self._paths.kept)]))
