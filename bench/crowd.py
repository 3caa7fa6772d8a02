"""Many transfers at once, some of them to somebody who hardly reads."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass

from bench.ends import Ends, NotMeasuredError
from bench.machine import Cores, memory
from bench.servers import Running
from bench.talker import Talker, agree

SLOW_RATE = 10 * 1024
"""Bytes a second that a slow receiver reads."""
EVERY = 0.02
"""Seconds from one look at the server's memory to the next."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many transfers of `size` bytes each, `slow` of them to a slow receiver besides."""

    quick: int
    slow: int
    size: int


@dataclass(frozen=True, slots=True)
class Crowded:
    """What came of it: of the quick ones only."""

    per_second: float
    """Bytes a second of all together."""
    slowest: float
    """The slowest one's rate, as a share of the quickest one's."""
    rss: int
    """Bytes that the server held more at its most than before anybody came."""


class _Most:
    """The most that a process holds, looked at again and again."""

    def __init__(self, pid: int) -> None:
        self.rss = 0
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            self.rss = max(self.rss, memory(self._pid).rss)

    def __enter__(self) -> _Most:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.rss = max(self.rss, memory(self._pid).rss)


def crowded(server: Running, crowd: Crowd, cores: Cores) -> Crowded:
    """Have them all agree, begin at once, and end when the quick ones are through."""
    port, core = server.target.port, cores.driver
    before = memory(server.pid).rss
    with ExitStack() as stack:
        pairs: list[tuple[Talker, Talker]] = []
        for number in range(crowd.quick + crowd.slow):
            sender = stack.enter_context(Talker(port, f"Sender{number}"))
            receiver = stack.enter_context(Talker(port, f"Receiver{number}"))
            agree(sender, receiver, crowd.size)
            pairs.append((sender, receiver))
        quick, slow = pairs[: crowd.quick], pairs[crowd.quick :]
        ends: list[Ends] = []
        for some, rate in ((slow, SLOW_RATE), (quick, 0)):
            if not some:
                continue
            sinks, sources = [one.socket for _, one in some], [one.socket for one, _ in some]
            ends.append(stack.enter_context(Ends("receive", crowd.size, sinks, core, rate)))
            ends.append(stack.enter_context(Ends("send", crowd.size, sources, core)))
        with _Most(server.pid) as most:
            for end in ends:
                end.begin()
            got = ends[-2].report().streams
        sent = ends[-1].report().streams
    if missing := sum(one.bytes != crowd.size for one in got):
        raise NotMeasuredError(f"{missing} of {crowd.quick} transfers did not arrive")
    began, ended = min(one.begin for one in sent), max(one.end for one in got)
    rates = [crowd.size / (one.end - began) for one in got]
    return Crowded(
        per_second=crowd.quick * crowd.size / (ended - began),
        slowest=min(rates) / max(rates),
        rss=most.rss - before,
    )
