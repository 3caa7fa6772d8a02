"""A Python process of ours beside the server, which never outlasts whoever started it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def python_child(
    *arguments: str, stdin: int = DEVNULL, stdout: int = PIPE, stderr: int = PIPE
) -> AsyncIterator[Process]:
    """Run this Python with `arguments`. Whoever leaves early, also cancelled, has killed it and seen its end.

    Raises OSError if it can not be started. Neither a start nor that end is ever cancelled half-way: uvloop
    would kill the child without waiting for it, and stumble over its end where the loop is closed meanwhile.
    """
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdin=stdin, stdout=stdout, stderr=stderr,
            start_new_session=True,  # a Ctrl-C is for the server, which then ends it
        )
    )  # fmt: skip
    try:
        yield await asyncio.shield(starting)
    finally:
        await _to_its_end(asyncio.ensure_future(_ended(starting)))


async def _ended(starting: asyncio.Future[Process]) -> None:
    """Once it has started: kill it, and see its end."""
    try:
        child = await starting
    except OSError:
        return  # whoever waits for it is told, unless they are cancelled
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.communicate()  # to the end of its pipes


async def _to_its_end(task: asyncio.Future[None]) -> None:
    """Wait for it, however often we are cancelled meanwhile: that comes afterwards."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()
