"""The commit thread: it waits for the disk, so that the loop need not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue

from hubbub.adapters.log_reading import call_threadsafe

_Job = tuple[Callable[[], None], Callable[..., object], tuple[object, ...]]


class CommitThread:
    """One thread, from here to `end`; one thing after another."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        threading.Thread(target=self._work, name="commit", daemon=True).start()

    def do(self, what: Callable[[], None], then: Callable[..., object], *arguments: object) -> None:
        """Do it, and have the loop call `then` with these and with what went wrong, or None."""
        self._jobs.put((what, then, arguments))

    def end(self) -> None:
        """End it, behind all that it was given."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._attempt(*job)

    def _attempt(
        self, what: Callable[[], None], then: Callable[..., object], arguments: tuple[object, ...]
    ) -> None:
        failure = None
        try:
            what()
        except Exception as error:  # noqa: BLE001 (handed over)
            failure = error
        call_threadsafe(self._loop, then, *arguments, failure)
