"""Signals: how a server is told to stop, or to look at its certificate again."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from typing import Final

_LAST_THREADS: Final = 0.5
"""Seconds that a thread has to end by itself; one that hangs on a disk does not."""


def stop_signals(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    """Return what is set once somebody wants the server to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        heed(loop, number, stop.set)
    return stop


def heed(loop: asyncio.AbstractEventLoop, number: signal.Signals, callback: Callable[[], None]) -> None:
    """Have `callback` called on the loop at this signal.

    Not by `loop.add_signal_handler`: taking that back puts the default in its place for a moment, and a
    signal that comes then kills the process after all is done.
    """
    signal.signal(number, lambda *_: loop.call_soon_threadsafe(callback))


async def heed_no_more() -> None:
    """All is done: a second Ctrl-C, or an impatient service manager, no longer changes the exit code.

    A signal that comes while its handler is changed troubles Python, so it is blocked meanwhile. It would go
    to another thread then: those that have nothing left to do are waited for.
    """
    await asyncio.get_running_loop().shutdown_default_executor()
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(_LAST_THREADS)
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)]
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
