"""Coarse timers for very many connections: one tick of the loop serves them all.

A loop timer per connection costs a heap entry and a handle each; idle limits need no precision.
So a Wheel keeps sets of objects by the tick in which they are due, and one `call_later` runs it.
"""

from __future__ import annotations

import asyncio
import math
from typing import Final, Protocol

UNSET: Final = -1


class Timed(Protocol):
    """Something with one timer. It keeps `due` (`UNSET` at first) for the wheel, and never touches it."""

    due: int

    def on_timer(self) -> None:
        """The time has come; at most one tick late. The timer is unset: set it anew if need be."""
        ...


class Wheel:
    """Timers in ticks of `tick` seconds. Each object has at most one; setting it again moves it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tick: float = 0.5) -> None:
        self._loop = loop
        self._tick = tick
        self._buckets: dict[int, set[Timed]] = {}
        self._next = 0
        self._handle: asyncio.TimerHandle | None = None

    def set(self, timed: Timed, seconds: float) -> None:
        """Call `timed.on_timer()` once, in `seconds` or up to two ticks later."""
        self.unset(timed)
        due = math.ceil((self._loop.time() + seconds) / self._tick)
        timed.due = due
        self._buckets.setdefault(due, set()).add(timed)
        if self._handle is None:
            self._next = math.floor(self._loop.time() / self._tick)
            self._arm()

    def unset(self, timed: Timed) -> None:
        """Forget the timer, if there is one."""
        if timed.due != UNSET:
            bucket = self._buckets.get(timed.due)
            if bucket is not None:
                bucket.discard(timed)
                if not bucket:
                    del self._buckets[timed.due]
            timed.due = UNSET

    def stop(self) -> None:
        """Forget all timers."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._buckets.clear()

    def _arm(self) -> None:
        self._handle = self._loop.call_later(self._tick, self._turn)

    def _turn(self) -> None:
        now = math.floor(self._loop.time() / self._tick)
        while self._next <= now:
            for timed in self._buckets.pop(self._next, ()):
                timed.due = UNSET
                try:
                    timed.on_timer()
                except Exception as error:  # noqa: BLE001 (one object's fault must not stop the others' timers)
                    self._loop.call_exception_handler({"message": "timer failed", "exception": error})
            self._next += 1
        if self._buckets:
            self._arm()
        else:
            self._handle = None
