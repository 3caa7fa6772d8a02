"""Stopping well: accept no more, finish what is in flight, tell everybody, then close.

In this order, within `drain_seconds`: listeners close; the journal commits what it has, and that is
acknowledged; every connection is told `going_away` with a `retry_after` of its own, so that not all come
back at once; streams empty their queues; whatever is then still open is cut.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from hubbub.core.ports import Journal
from hubbub.net.doorman import Doorman
from hubbub.server.session import Connection
from hubbub.server.surroundings import Surroundings

_COME_BACK: Final = (1.0, 4.0)
"""Seconds after which clients are asked to come back: spread, so that a restart is not a stampede."""


async def drain(
    doorman: Doorman,
    shared: Surroundings[Connection],
    journal: Journal,
    seconds: float,
    random: Callable[[], float],
) -> None:
    """Close everything; returns when all is closed, or after `seconds`. `random` gives 0 … 1."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    doorman.stop()
    shared.log.draining(len(shared.open), seconds)
    try:
        # It commits what was appended; the answers and events of that leave before the goodbye.
        async with asyncio.timeout_at(deadline):
            await journal.close()
    except TimeoutError:
        shared.log.journal_left(seconds)
    low, high = _COME_BACK
    for connection in list(shared.open.values()):
        connection.dismiss("drain", round(low + (high - low) * random(), 1))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(deadline):
            await doorman.empty()
    doorman.abort_all()
