"""Attempts: how often something may go wrong in somebody's name, or from somewhere, before it is refused."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from itertools import islice


class Attempts:
    """So many at once for each key, then one more each interval (GCRA, ITU-T I.371)."""

    def __init__(self, burst: int, seconds: float, kept: int, clock: Callable[[], float]) -> None:
        """`burst` at once and again in `seconds`; 0: no limit. At most `kept` keys are remembered."""
        self._burst = burst
        self._interval = seconds / burst if burst else 0.0
        self._kept = kept
        self._clock = clock
        self._until: dict[str, float] = {}
        """By key, until when what was counted is used up. Those that are used again go to the end."""

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._until)

    def wait(self, *keys: str) -> float:
        """Seconds until one more would be allowed for all of these keys; 0: it is now."""
        if not self._burst:
            return 0.0
        now = self._clock()
        used = max((self._until.get(key, now) for key in keys), default=now) - now
        wait = used - (self._burst - 1) * self._interval
        return wait if wait > self._interval / 1000 else 0.0  # a float's last digits are no reason to wait

    def count(self, *keys: str) -> None:
        """It went wrong, or was done, once more."""
        if not self._burst:
            return
        until, now = self._until, self._clock()
        for key in keys:
            until[key] = max(until.pop(key, now), now) + self._interval
            # The oldest two go for each one that comes, so expiry needs no timer.
            for oldest in tuple(islice(until, 2)):
                if until[oldest] <= now or len(until) > self._kept:
                    del until[oldest]


def network(address: str) -> str:
    """What counts as one place: an IPv4 address, or the /64 that one subscriber has of IPv6 (RFC 6177)."""
    try:
        ip = ipaddress.ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        mapped = ip.ipv4_mapped
        return str(mapped) if mapped is not None else str(ipaddress.ip_network((int(ip) >> 64 << 64, 64)))
    return str(ip)
