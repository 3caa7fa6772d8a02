"""The wheel: one tick for all, each object at most once."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

from hubbub.net.timers import UNSET, Wheel


class Clock:
    """A loop's clock and timers, moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self.faults: list[str] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        self._count += 1
        heapq.heappush(self._timers, (self.now + delay, self._count, callback))
        return _Handle(self, self._count)  # type: ignore[return-value] # all that the wheel uses of it

    def cancel(self, number: int) -> None:
        self._timers = [timer for timer in self._timers if timer[1] != number]

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.faults.append(context["message"])

    def forward(self, seconds: float) -> None:
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            self.now, _, callback = heapq.heappop(self._timers)
            callback()
        self.now = end

    @property
    def armed(self) -> int:
        return len(self._timers)


class _Handle:
    def __init__(self, clock: Clock, number: int) -> None:
        self._clock = clock
        self._number = number

    def cancel(self) -> None:
        self._clock.cancel(self._number)


class Alarm:
    def __init__(self, clock: Clock, fault: bool = False) -> None:
        self.due = UNSET
        self.rung: list[float] = []
        self._clock = clock
        self._fault = fault

    def on_timer(self) -> None:
        self.rung.append(self._clock.now)
        if self._fault:
            raise RuntimeError("planned")


def _wheel(clock: Clock) -> Wheel:
    return Wheel(clock, tick=0.5)  # type: ignore[arg-type] # all that the wheel uses of a loop


def test_it_rings_once_and_at_most_two_ticks_late() -> None:
    clock = Clock()
    wheel = _wheel(clock)
    for seconds in (0.0, 0.1, 0.5, 0.75, 3.0, 90.0):
        alarm = Alarm(clock)
        start = clock.now
        wheel.set(alarm, seconds)
        clock.forward(seconds + 1.0)
        assert len(alarm.rung) == 1
        assert seconds <= alarm.rung[0] - start <= seconds + 1.0
        assert alarm.due == UNSET
        clock.forward(0.3)


def test_setting_again_moves_it_either_way() -> None:
    clock = Clock()
    wheel, alarm = _wheel(clock), Alarm(Clock())
    alarm = Alarm(clock)
    wheel.set(alarm, 10)
    wheel.set(alarm, 2)
    clock.forward(3)
    assert len(alarm.rung) == 1
    wheel.set(alarm, 1)
    wheel.set(alarm, 20)
    clock.forward(10)
    assert len(alarm.rung) == 1
    clock.forward(11)
    assert len(alarm.rung) == 2


def test_what_is_unset_does_not_ring_and_an_empty_wheel_rests() -> None:
    clock = Clock()
    wheel, alarm = _wheel(clock), Alarm(clock)
    wheel.set(alarm, 1)
    wheel.unset(alarm)
    wheel.unset(alarm)
    clock.forward(5)
    assert alarm.rung == []
    assert clock.armed == 0


def test_one_that_fails_does_not_stop_the_others() -> None:
    clock = Clock()
    wheel = _wheel(clock)
    alarms = [Alarm(clock, fault=number == 1) for number in range(3)]
    for alarm in alarms:
        wheel.set(alarm, 1)
    clock.forward(3)
    assert [len(alarm.rung) for alarm in alarms] == [1, 1, 1]
    assert clock.faults == ["timer failed"]


def test_stop_forgets_all() -> None:
    clock = Clock()
    wheel, alarm = _wheel(clock), Alarm(clock)
    wheel.set(alarm, 1)
    wheel.stop()
    assert clock.armed == 0
