"""Dial: open a connection before a deadline, and again when it is lost."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from itertools import chain, zip_longest
from ssl import SSLContext, SSLError
from typing import Any, Final, TypeVar

from hubbub.net.errors import DialFailed, DialTimedOut, NetError, TlsFailed

P = TypeVar("P", bound=asyncio.BaseProtocol)
C = TypeVar("C")

_STAGGER: Final = 0.25  # seconds between the starts of two attempts (RFC 8305 §5)
_Address = tuple[int, Any]  # family, and what `connect` takes in that family


async def dial(
    host: str,
    port: int,
    protocol_factory: Callable[[], P],
    *,
    deadline: float,
    ssl: SSLContext | None = None,
    stagger: float = _STAGGER,
) -> tuple[asyncio.Transport, P]:
    """Connect to whichever address of `host` answers first, IPv6 and IPv4 by turns (RFC 8305).

    `deadline` seconds are for all of it: resolving, connecting and, with `ssl`, the TLS handshake, which
    checks the certificate against `host`. The next address is tried `stagger` seconds after the one
    before, or as soon as that has failed. Raises DialFailed, DialTimedOut, TlsFailed.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(deadline):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = dict.fromkeys((family, address) for family, *_, address in found)
            sock = await _first_to_connect(_by_turns(addresses), stagger)
            try:
                return await loop.create_connection(
                    protocol_factory, sock=sock, ssl=ssl, server_hostname=host if ssl is not None else None
                )
            except BaseException:
                sock.close()
                raise
    except TimeoutError as error:
        raise DialTimedOut(f"{host} port {port} did not answer in time") from error
    except SSLError as error:
        raise TlsFailed(f"{host} port {port}: {error}") from error
    except (OSError, UnicodeError) as error:  # the latter for what cannot be a name, such as "a..b"
        raise DialFailed(f"{host} port {port}: {error}") from error


def _by_turns(addresses: Iterable[_Address]) -> list[_Address]:
    """The resolver's order, but the families alternate, beginning with the one it prefers (RFC 8305 §4)."""
    families: dict[int, list[_Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    turns = chain.from_iterable(zip_longest(*families.values()))
    return [address for address in turns if address is not None]


async def _first_to_connect(addresses: list[_Address], stagger: float) -> socket.socket:
    """Race the addresses; every socket but the winner's is closed, also when cancelled."""
    opened: list[socket.socket] = []
    winner: socket.socket | None = None

    async def attempt(family: int, address: Any) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM)
        opened.append(sock)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address)
        return sock

    errors: list[BaseException] = []
    running: set[asyncio.Task[socket.socket]] = set()
    left = iter(addresses)
    following = next(left, None)
    try:
        while winner is None and (following is not None or running):
            if following is not None:
                running.add(asyncio.create_task(attempt(*following)))
                following = next(left, None)
            timeout = None if following is None else stagger
            done, running = await asyncio.wait(running, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if (error := task.exception()) is None:
                    winner = task.result()
                else:
                    errors.append(error)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for sock in opened:
            if sock is not winner:
                sock.close()
    if winner is None:
        raise errors[0] if errors else OSError("the name has no address")
    return winner


class Backoff:
    """How long to wait before the next attempt: exponential, with full jitter.

    The nth wait is anywhere between 0 and min(`cap`, `base` · 2ⁿ⁻¹) seconds, so that clients that lost
    the same server do not come back in step. `random` gives numbers in [0, 1).
    """

    __slots__ = ("_base", "_cap", "_ceiling", "_random")

    def __init__(self, base: float = 0.5, cap: float = 30.0, *, random: Callable[[], float]) -> None:
        self._base = base
        self._cap = cap
        self._random = random
        self._ceiling = min(base, cap)

    def next(self) -> float:
        """Seconds to wait now; the next time it may be twice as long."""
        ceiling = self._ceiling
        self._ceiling = min(2 * ceiling, self._cap)
        return self._random() * ceiling

    def reset(self) -> None:
        """Begin anew: to be called when the peer has really served us, not when it merely accepted."""
        self._ceiling = min(self._base, self._cap)


async def keep_dialing(
    connect: Callable[[], Awaitable[C]],
    use: Callable[[C], Awaitable[float | None]],
    backoff: Backoff,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    waiting: Callable[[float, NetError | None], None] | None = None,
) -> None:
    """Connect, use the connection until it is over, wait, connect again.

    `use` returns when its connection is lost: the seconds for which the peer asked to be left alone (0:
    none), which are added to the backoff's, or None to end. It calls `backoff.reset()` itself.
    `waiting` is told how long the wait will be, and why where an attempt failed. A NetError whose `retry`
    is False is raised; so is whatever else `connect` and `use` raise.
    """
    while True:
        why: NetError | None = None
        asked: float | None = 0.0
        try:
            asked = await use(await connect())
        except NetError as error:
            if not error.retry:
                raise
            why = error
        if asked is None:
            return
        wait = asked + backoff.next()
        if waiting is not None:
            waiting(wait, why)
        await sleep(wait)
