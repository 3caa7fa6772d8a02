"""Headcount: how many connections there are, in all and from each address; whether one more may come in."""

from __future__ import annotations

import asyncio
import socket

from hubbub.net.settings import NetSettings


class Headcount:
    """Counts in and out. An address of IPv6 is its /64, the smallest that a site is given."""

    def __init__(self, settings: NetSettings) -> None:
        self._settings = settings
        self.all = 0
        """Who is in."""
        self._by_address: dict[str, int] = {}
        self._left = asyncio.Event()

    def admit(self, address: str) -> str | None:
        """Count a connection in; or name the limit by which it may not come in."""
        settings = self._settings
        if self.all >= settings.max_connections:
            return "max_connections"
        key = _block(address)
        count = self._by_address.get(key, 0)
        counted = settings.limit_loopback or not is_loopback(address)
        if settings.max_per_address and counted and count >= settings.max_per_address:
            return "max_per_address"
        self._by_address[key] = count + 1
        self.all += 1
        return None

    def dismiss(self, address: str) -> None:
        """Count out one that was admitted."""
        self.all -= 1
        if not self.all:
            self._left.set()
        key = _block(address)
        count = self._by_address[key] - 1
        if count:
            self._by_address[key] = count
        else:
            del self._by_address[key]

    async def none_left(self) -> None:
        """Wait until nobody is in."""
        while self.all:
            self._left.clear()
            await self._left.wait()


def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine's own (127.0.0.0/8, ::1)."""
    return address.startswith("127.") or address == "::1"


def _block(address: str) -> str:
    """What counts as one address."""
    if ":" not in address:
        return address
    packed = socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
    return packed[:8].hex()
