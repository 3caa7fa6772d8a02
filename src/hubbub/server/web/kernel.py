"""`/api/v1/admin/kernel` and `/api/v1/admin/why`: what the kernel knows, and why somebody's chat is slow."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from hubbub.server.why import KernelView, WhyView
from hubbub.wire.openapi import Endpoint

KERNEL_PATH: Final = "/api/v1/admin/kernel"
WHY_PATH: Final = "/api/v1/admin/why"
_LONGEST_NAME: Final = 256
"""Characters, before it is normalised."""


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
