"""A way that takes its time: packets of two TUN interfaces, each held back before it goes on. A program:

    python stage_relay.py END END SECONDS

It reads its standard input: `s` has all that comes stay where it is, until `g` lets it go on. It ends with
that, so with whoever started it.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections import deque

PACKET = 65_536


def relay(ends: tuple[int, int], delay: float) -> None:
    """Until standard input ends."""
    for end in ends:
        os.set_blocking(end, False)
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    waiting: deque[tuple[float, int, bytes]] = deque()  # all wait the same time: in the order they leave in
    stalled = False
    while True:
        left = max(0.0, waiting[0][0] - time.monotonic()) if waiting and not stalled else None
        ready, _, _ = select.select([sys.stdin, *ends], [], [], left)
        if sys.stdin in ready:
            word = os.read(sys.stdin.fileno(), 1)
            if not word:
                return
            stalled = word == b"s"
        for end in ends:
            if end in ready:
                waiting.append((time.monotonic() + delay, other[end], os.read(end, PACKET)))
        while waiting and not stalled and waiting[0][0] <= time.monotonic():
            _, end, packet = waiting.popleft()
            try:
                os.write(end, packet)
            except OSError:  # an interface that is not up yet, or full: lost, as packets may be
                continue


if __name__ == "__main__":
    relay((int(sys.argv[1]), int(sys.argv[2])), float(sys.argv[3]))
