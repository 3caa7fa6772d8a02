"""Bytes from peer to peer: the receiver opens a door, the sender knocks, each shows that it has the secret.

    receiver                                   sender
    nonce (16)                     ──▶
                                   ◀──         nonce (16), the sender's proof (32)
    offset (8), receiver's proof   ──▶         who has not the secret learns a random number, and no more
                                   ◀──         what is sealed, from that offset on (see `sealing`)
    the receiver's last proof (32) ──▶         all of it is here

Where nobody can be reached, or not within `KNOCK_SECONDS`, the server carries the bytes.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from typing import Final

from hubbub.client.errors import SealingError
from hubbub.client.greeting import MAX_ADDRESSES
from hubbub.client.handshake import PROOF_SIZE, Secret, Side
from hubbub.client.source import some
from hubbub.net.dial import dial
from hubbub.net.errors import NetError

KNOCK_SECONDS: Final = 2.0
"""How long a sender tries to reach a receiver."""
SILENCE: Final = 60.0
"""Seconds without a byte after which a peer counts as lost."""

_STRANGER_SECONDS: Final = 5.0
_MOST_STRANGERS: Final = 16
_NONCE: Final = 16
_BUFFER: Final = 1_048_576


class Peer:
    """A connection between two ends that know each other by now."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        secret: Secret,
        about: bytes,
        offset: int,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._secret = secret
        self._about = about
        self.offset = offset
        """Where in what is sealed the receiver goes on."""

    async def pieces(self) -> AsyncIterator[bytes]:
        """What comes, in pieces, to the end of the line."""
        while True:
            async with asyncio.timeout(SILENCE):
                piece = await self._reader.read(_BUFFER)
            if not piece:
                return
            yield piece

    async def send(self, pieces: Iterator[bytes], moved: Callable[[int], None]) -> None:
        """Send pieces; `moved` is told of each batch. Raises OSError, TimeoutError, what `pieces` raises."""
        loop = asyncio.get_running_loop()
        following = loop.run_in_executor(None, some, pieces, _BUFFER)
        try:
            while batch := await following:
                following = loop.run_in_executor(None, some, pieces, _BUFFER)  # sealed while this is sent
                self._writer.writelines(batch)
                async with asyncio.timeout(SILENCE):
                    await self._writer.drain()
                moved(sum(map(len, batch)))
        finally:
            await asyncio.wait([following])

    def confirm(self) -> None:
        """Receiver: all of it is here, and right."""
        self._writer.write(self._secret.proof(Side.RECEIVER, b"whole\0" + self._about))

    async def confirmed(self) -> None:
        """Sender: wait for that. Raises OSError, TimeoutError, EOFError, SealingError."""
        async with asyncio.timeout(SILENCE):
            proof = await self._reader.readexactly(PROOF_SIZE)
        self._secret.check(Side.RECEIVER, b"whole\0" + self._about, proof)

    async def close(self) -> None:
        """Hang up, when what was said is out."""
        try:
            async with asyncio.timeout(_STRANGER_SECONDS):
                self._writer.close()
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self.abort()
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        """Hang up, at once."""
        self._writer.transport.abort()


class Door:
    """The receiver's: listening sockets, until somebody comes in who has the secret."""

    def __init__(self, offer: str, secret: Secret, offset: int) -> None:
        self._offer = offer
        self._secret = secret
        self._offset = offset
        self._servers: list[asyncio.Server] = []
        self._strangers: set[asyncio.Task[None]] = set()
        self.peer: asyncio.Future[Peer] = asyncio.get_running_loop().create_future()
        """Who came in: see `take`."""
        self._taken = False

    async def open(self, addresses: Iterable[str]) -> int:
        """Listen on one port of these addresses of ours; returns it. Raises OSError where none will do."""
        port = 0
        for address in addresses:
            with suppress(OSError):
                server = await asyncio.start_server(self._knocked, address, port, limit=_BUFFER, backlog=16)
                self._servers.append(server)
                port = server.sockets[0].getsockname()[1]
        if not self._servers:
            raise OSError("there is no address to listen on")
        return port

    def _knocked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._strangers) >= _MOST_STRANGERS or self.peer.done():
            writer.transport.abort()
            return
        task = asyncio.create_task(self._let_in(reader, writer))
        self._strangers.add(task)
        task.add_done_callback(self._strangers.discard)

    async def _let_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = os.urandom(_NONCE)
        try:
            async with asyncio.timeout(_STRANGER_SECONDS):
                writer.write(mine)
                theirs = await reader.readexactly(_NONCE)
                about = _about(self._offer, mine, theirs)
                self._secret.check(Side.SENDER, about, await reader.readexactly(PROOF_SIZE))
                offset = self._offset.to_bytes(8, "big")
                writer.write(offset + self._secret.proof(Side.RECEIVER, about + offset))
                await writer.drain()
        except (OSError, EOFError, SealingError, TimeoutError):  # a stranger
            writer.transport.abort()
            return
        except BaseException:
            writer.transport.abort()
            raise
        if self.peer.done():
            writer.transport.abort()
        else:
            self.peer.set_result(Peer(reader, writer, self._secret, about, self._offset))

    def take(self) -> Peer:
        """Who came in; from now on it is the caller's to close."""
        self._taken = True
        return self.peer.result()

    def close(self) -> None:
        """Nobody is let in any more."""
        for server in self._servers:
            server.close()
        for task in self._strangers:
            task.cancel()
        if not self.peer.cancel() and not self.peer.cancelled() and not self._taken:
            self.peer.result().abort()  # it came in the moment in which something else happened


async def knock(
    offer: str, secret: Secret, addresses: Iterable[str], port: int, on_the_line: str
) -> Peer | None:
    """The sender's: the first of these addresses at which the one who has the secret answers.

    This machine itself is asked only where the server is on it: see `own_addresses`.
    """
    here = _loopback(on_the_line)
    wanted = [one for one in list(addresses)[:MAX_ADDRESSES] if _reachable(one) and _loopback(one) <= here]
    tries = {asyncio.create_task(_knock(offer, secret, address, port)) for address in wanted}
    found: Peer | None = None
    running = set(tries)
    try:
        async with asyncio.timeout(KNOCK_SECONDS):
            while running and found is None:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    found = found or task.result()
    except TimeoutError:
        pass
    for task in running:
        task.cancel()
    for peer in await asyncio.gather(*tries, return_exceptions=True):
        if isinstance(peer, Peer) and peer is not found:
            await peer.close()
    return found


async def _knock(offer: str, secret: Secret, address: str, port: int) -> Peer | None:
    reader = asyncio.StreamReader(limit=_BUFFER)
    try:
        transport, protocol = await dial(
            address, port, lambda: asyncio.StreamReaderProtocol(reader), deadline=KNOCK_SECONDS
        )
    except NetError:
        return None
    writer = asyncio.StreamWriter(transport, protocol, reader, asyncio.get_running_loop())
    transport.set_write_buffer_limits(_BUFFER)
    mine = os.urandom(_NONCE)
    try:
        theirs = await reader.readexactly(_NONCE)
        about = _about(offer, theirs, mine)
        writer.write(mine + secret.proof(Side.SENDER, about))
        offset = await reader.readexactly(8)
        secret.check(Side.RECEIVER, about + offset, await reader.readexactly(PROOF_SIZE))
    except (OSError, EOFError, SealingError):  # somebody else listens there
        transport.abort()
        return None
    except BaseException:
        transport.abort()
        raise
    return Peer(reader, writer, secret, about, int.from_bytes(offset, "big"))


def own_addresses(on_the_line: str) -> list[str]:
    """Addresses of this machine by which a peer may reach it, beginning with that of the line to the server.

    Where the server is on this machine, so is the peer, as far as anybody can know: nothing else is opened.
    """
    if _loopback(on_the_line):
        return [on_the_line]
    found = [on_the_line, *_by_default()]
    return [one for one in dict.fromkeys(found) if one and not _loopback(one)][:MAX_ADDRESSES]


def _by_default() -> Iterator[str]:
    """By which of our addresses we would reach anybody. Nothing is sent for that, and nobody asked."""
    anybody = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))  # RFC 5737, RFC 3849
    for family, address in anybody:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as one:
            one.connect((address, 9))
            yield str(one.getsockname()[0])


def _reachable(address: str) -> bool:
    """Whether it is an address, and of one machine: nobody is sent on a journey by what a peer says."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return not (found.is_multicast or found.is_unspecified)


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _about(offer: str, receivers: bytes, senders: bytes) -> bytes:
    return b"hubbub direct 1\0" + hashlib.sha256(offer.encode()).digest() + receivers + senders
