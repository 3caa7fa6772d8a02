"""Receive a file that somebody offers: take it, go on where it stopped, and see that it is what was sent.

    FileOffered ─▶ FileAccept ─▶ somebody knocks at our door ─▶ FileFinish ─▶ FileDone
                          └────▶ StartDownload, bare bytes ─▶ FileFinish ─▶ FileDone

A line that drops, on either side, ends in the same offer once more, and it is taken from where it stopped.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from hubbub.client.arriving import Arriving, Plain, Sealed, Target
from hubbub.client.connection import Client, Refused
from hubbub.client.direct import Door, Peer, own_addresses
from hubbub.client.errors import ClientError, DigestError, LineLostError, SealingError, WrongCodeError
from hubbub.client.greeting import VERSION, AcceptHello, OfferHello, heard, say
from hubbub.client.handshake import Secret
from hubbub.client.outcome import Nobody, Observer, Outcome, Result
from hubbub.core.commands import Ping
from hubbub.core.events import (
    DownloadStarted,
    Event,
    FileAccepted,
    FileDeclined,
    FileDone,
    FileFailed,
    FileOffered,
)
from hubbub.core.file_commands import AcceptFile, CancelFile, DeclineFile, FinishFile
from hubbub.net.errors import NetError

T = TypeVar("T")

_TOLD_SECONDS: Final = 15.0
"""How long to wait for the server's word on a file that is here and whole."""
_KEY: Final = 32


class Wish(NamedTuple):
    """What is to be received."""

    decide: Callable[[FileOffered], Awaitable[bool]]
    """Whether to take this one. Not asked where a code says it."""
    sender: str | None = None
    """Of this person alone."""
    code: str | None = None
    """In its normal form: the one that is sealed by it."""
    direct: bool = True


async def receive(client: Client, target: Target, wish: Wish, *, observer: Observer | None = None) -> Result:
    """Receive one file by a client that is connected; returns when that is over, or was declined.

    Raises PlaceError (the part stays, and the offer stands), BundleError, RefusedError, NetError,
    LineLostError when the server cannot be reached for good.
    """
    receiving = _Receiving(client, target, wish, observer or Nobody())
    try:
        return await receiving.run()
    finally:
        receiving.close()


class _Receiving:
    """Until one file is here."""

    def __init__(self, client: Client, target: Target, wish: Wish, observer: Observer) -> None:
        self._client = client
        self._target = target
        self._wish = wish
        self._observer = observer
        self._passed_over: set[str] = set()
        self._others: list[FileOffered] = []  # what came meanwhile: for whoever receives next
        self._offered: FileOffered | None = None
        self._arriving: Arriving | None = None
        self._door: Door | None = None
        self._doors = wish.direct
        self._begun = False  # whether a byte came
        self._here: Result | None = None  # it is whole and in its place; the others may not know yet

    async def run(self) -> Result:
        while True:
            try:
                result = await self._next()
            except LineLostError as error:
                result = await self._come_back(error)
            if result is not None:
                return result

    async def _come_back(self, error: LineLostError) -> Result | None:
        self._shut()
        if self._here is not None:
            with suppress(ClientError, NetError, TimeoutError):
                async with asyncio.timeout(_TOLD_SECONDS):
                    await self._client.again()
                return None
            return self._here
        for event in self._client.waiting_events():  # said before the line dropped
            if isinstance(event, FileDone | FileFailed) and (result := await self._on(event)) is not None:
                return result
        self._observer.notice(f"{error} Trying again.")
        await self._client.again()
        self._observer.notice("Back at the server.")
        return None

    def close(self) -> None:
        """Let go of what is open. What is here stays."""
        self._client.put_back(self._others)
        self._shut()
        if self._arriving is not None:
            self._arriving.close()

    def _shut(self) -> None:
        if self._door is not None:
            self._door.close()
            self._door = None

    async def _next(self) -> Result | None:
        """Wait for whatever comes first: an event, or somebody at the door."""
        client, door = self._client, self._door
        if door is None:
            try:
                async with asyncio.timeout(None if self._here is None else _TOLD_SECONDS):
                    event = await client.next_event()
            except TimeoutError:
                return self._here
            return await self._on(event)
        coming = asyncio.ensure_future(client.next_event())
        try:
            waited: set[asyncio.Future[Any]] = {coming, door.peer}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not coming.done():
                coming.cancel()
        if coming.done() and not coming.cancelled():
            return await self._on(coming.result())
        peer = door.take()
        self._shut()
        return await self._from_peer(peer)

    async def _on(self, event: Event | Refused) -> Result | None:
        mine = self._offered.offer if self._offered is not None else None
        match event:
            case FileOffered():
                if event.offer == mine:
                    await self._accept()
                elif mine is None:
                    return await self._is_offered(event)
                else:
                    self._others.append(event)
            case DownloadStarted(_, _, _, offer) if offer == mine:
                self._shut()
                return await self._download(event)
            case FileDone(_, offer, sha256) if offer == mine:
                return self._here or await self._finish(sha256)
            case FileFailed() if event.offer == mine:
                return await self._failed(event)
            case FileAccepted() | FileDeclined() if self._offered is not None and event.offer == mine:
                return self._here or _over(self._offered, event)
            case FileAccepted() | FileDeclined():
                self._others = [one for one in self._others if one.offer != event.offer]
            case Refused():
                return self._refused(event)
        return None

    # -- what is offered

    async def _is_offered(self, offered: FileOffered) -> Result | None:
        wish = self._wish
        hello = heard(offered.hello, OfferHello)
        exchange = hello.exchange if hello is not None else None
        if wish.sender is not None and offered.sender.casefold() != wish.sender.casefold():
            return None
        if offered.size < 0:
            self._observer.notice(f"{offered.sender} offers a size that cannot be.")
            return None
        if (exchange is None) != (wish.code is None):
            if exchange is not None and offered.offer not in self._passed_over:
                self._passed_over.add(offered.offer)
                self._observer.notice(f"{offered.sender} offers something that takes a code: --code PHRASE.")
            return None
        wanted = wish.code is not None or await self._decide(offered)
        if isinstance(wanted, Result):
            return wanted
        if not wanted:
            self._client.post(DeclineFile(offered.offer))
            await self._client.ask(Ping())  # it is carried out by then
            message = f"'{offered.filename}' was declined."
            return Result(Outcome.DECLINED, message, offered.filename, offered.size)
        self._offered = offered
        try:
            self._arriving = await _in_thread(partial(self._prepare, offered, exchange))
        except SealingError as error:
            return await self._broken(error)
        if self._arriving.offset:
            self._observer.notice(f"Going on behind {self._arriving.offset:,} bytes.")
        await self._accept()
        return None

    async def _decide(self, offered: FileOffered) -> bool | Result:
        """Have it decided whether to take it. A result: it is over before anybody has."""
        deciding = asyncio.ensure_future(self._wish.decide(offered))
        meanwhile: list[Event | Refused] = []
        try:
            while not deciding.done():
                coming = asyncio.ensure_future(self._client.next_event())
                try:
                    await asyncio.wait({coming, deciding}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    coming.cancel()
                if coming.done():
                    event = coming.result()
                    if (over := _over(offered, event)) is not None:
                        return over
                    meanwhile.append(event)
            return await deciding
        except LineLostError:  # whoever is asked is not to be asked once more
            return await deciding
        finally:
            self._client.put_back(meanwhile)
            if not deciding.done():
                deciding.cancel()
                await asyncio.wait({deciding})

    def _prepare(self, offered: FileOffered, exchange: bytes | None) -> Arriving:
        if self._wish.code is not None and exchange is not None:
            return Sealed(self._target, offered, self._wish.code, exchange)
        return Plain(self._target, offered)

    async def _accept(self) -> None:
        """Take it from where it stopped."""
        offered, arriving = self._mine
        self._shut()
        hello: str | None = None
        speaks = heard(offered.hello, OfferHello) is not None
        if speaks:  # any other program would not ask for the bytes of a `direct` one to begin
            hello = say(await self._invitation(offered, arriving))
        self._client.post(AcceptFile(offered.offer, offset=arriving.offset, direct=speaks, hello=hello))

    async def _invitation(self, offered: FileOffered, arriving: Arriving) -> AcceptHello:
        exchange = arriving.exchange
        if not self._doors or arriving.whole:
            return AcceptHello(VERSION, exchange)
        key = None if isinstance(arriving, Sealed) else os.urandom(_KEY)
        secret = arriving.secret if isinstance(arriving, Sealed) else Secret(key or b"")
        addresses = own_addresses(self._client.line.local_address)
        door = Door(offered.offer, secret, arriving.expect_peer(secret))
        try:
            port = await door.open(addresses)
        except OSError:
            door.close()
            return AcceptHello(VERSION, exchange)
        self._door = door
        return AcceptHello(VERSION, exchange, key, port, addresses)

    @property
    def _mine(self) -> tuple[FileOffered, Arriving]:
        assert self._offered is not None  # noqa: S101
        assert self._arriving is not None  # noqa: S101 (whoever asks has accepted it)
        return self._offered, self._arriving

    def _refused(self, refused: Refused) -> Result | None:
        command, refusal = refused
        if isinstance(command, FinishFile) and self._here is not None:
            return self._here
        if isinstance(command, AcceptFile) and refusal.field not in ("offer", "from"):
            return self._result(Outcome.FAILED, refusal.message)
        self._observer.notice(refusal.message)
        if self._arriving is not None and not self._begun and self._wish.code is None:
            self._arriving.close()  # it was taken back, or is on its way elsewhere: wait for another
            self._offered = self._arriving = None
            self._shut()
        return None

    # -- the bytes

    async def _from_peer(self, peer: Peer) -> Result | None:
        """They come directly."""
        _, arriving = self._mine
        self._observer.notice("Directly, without a detour through the server.")
        try:
            async for piece in peer.pieces():
                self._begun = True
                await _in_thread(partial(arriving.write_sealed, piece))
                self._observer.moved(arriving.done, arriving.size)
                if arriving.whole:
                    break
            if arriving.whole:
                result = await self._whole(tell=True)
                if self._here is not None:
                    peer.confirm()
                return result
        except (OSError, TimeoutError):
            pass
        except SealingError as error:
            if isinstance(arriving, Sealed):
                return await self._broken(error)
        finally:
            await peer.close()
        self._observer.notice("The direct line dropped. The rest comes through the server.")
        self._doors = False
        arriving.rewind()
        await self._accept()
        return None

    async def _download(self, started: DownloadStarted) -> Result | None:
        """They come by the server."""
        offered, arriving = self._mine
        line = self._client.line
        if started.size != offered.size:
            line.abort("The server speaks of another size than before.")
            arriving.discard()
            return self._result(Outcome.FAILED, "The server speaks of another size than was offered.")
        arriving.rewind()
        skip = arriving.offset - started.offset
        if skip < 0:
            raise line.abort("The server begins behind what is here.")
        try:
            if started.offset < started.size:
                async for piece in line.pieces():
                    self._begun = True
                    if skip < len(piece):
                        await _in_thread(partial(arriving.write, piece[skip:]))
                        self._observer.moved(arriving.done, arriving.size)
                    skip = max(0, skip - len(piece))
        except SealingError as error:
            line.abort("What came was not sealed by the sender.")
            return await self._broken(error)
        except BaseException as error:
            if not isinstance(error, LineLostError):
                line.abort("What came cannot be kept.")
            raise
        return await self._whole(tell=True)

    async def _whole(self, *, tell: bool) -> Result | None:
        """All of it is here: see that it is right, put it into its place, and, with `tell`, say so."""
        offered, arriving = self._mine
        if self._here is None and (offered.sha256 is not None or isinstance(arriving, Sealed)):
            digest = arriving.digest
            if isinstance(arriving, Plain) and digest != offered.sha256 and tell:
                self._client.post(FinishFile(offered.offer, digest))  # the sender is told by that
            result = await self._finish(offered.sha256)
            if result.outcome is not Outcome.DONE:
                return result
            self._here = result
        if tell:
            self._client.post(FinishFile(offered.offer, arriving.digest))
        return None

    async def _finish(self, sha256: str | None) -> Result:
        offered, arriving = self._mine
        if not arriving.whole:
            arriving.discard()
            return self._result(Outcome.FAILED, "The server calls it done, but not all of it came.")
        try:
            paths = await _in_thread(partial(arriving.finish, sha256))
        except DigestError as error:
            return self._result(Outcome.DIGEST, str(error))
        shown = ", ".join(str(path) for path in paths) or "written"
        return self._result(Outcome.DONE, f"From {offered.sender}: {shown}", tuple(paths))

    # -- when it does not work

    async def _failed(self, failed: FileFailed) -> Result | None:
        _, arriving = self._mine
        self._shut()
        if failed.again:
            self._observer.notice(failed.message)
            if arriving.whole:
                await self._accept()  # only our word was missing
            return None
        if self._here is not None and failed.reason != "digest":
            return self._here
        arriving.discard()
        if failed.reason == "cancelled" and self._wish.code is not None and not self._begun:
            return self._result(Outcome.WRONG_CODE, "The sender has another code, or took the offer back.")
        outcome = {"cancelled": Outcome.CANCELLED, "digest": Outcome.DIGEST}.get(failed.reason)
        return self._result(outcome or Outcome.FAILED, failed.message)

    async def _broken(self, error: SealingError) -> Result:
        """Not sealed by who has the code: over, and the sender is to know it."""
        if self._arriving is not None:
            self._arriving.discard()
        if self._offered is not None:
            with suppress(ClientError, NetError, TimeoutError):
                async with asyncio.timeout(_TOLD_SECONDS):
                    try:
                        await self._client.ask(CancelFile(self._offered.offer))
                    except LineLostError:
                        await self._client.connect()
                        await self._client.ask(CancelFile(self._offered.offer))
        wrong = isinstance(error, WrongCodeError)
        return self._result(Outcome.WRONG_CODE if wrong else Outcome.DIGEST, str(error))

    def _result(self, outcome: Outcome, message: str, paths: tuple[Path, ...] = ()) -> Result:
        offered, arriving = self._offered, self._arriving
        name = offered.filename if offered is not None else ""
        return Result(outcome, message, name, arriving.size if arriving is not None else 0, paths)


def _over(offered: FileOffered, event: Event | Refused) -> Result | None:
    """What becomes of an offer by an event, if it is not to be taken here any more."""
    if not isinstance(event, FileAccepted | FileDeclined | FileFailed) or event.offer != offered.offer:
        return None
    name, size = offered.filename, offered.size
    match event:
        case FileAccepted():
            return Result(Outcome.CANCELLED, f"'{name}' is taken on another device.", name, size)
        case FileDeclined():
            return Result(Outcome.DECLINED, f"'{name}' was declined on another device.", name, size)
        case FileFailed():
            return None if event.again else Result(Outcome.CANCELLED, event.message, name, size)


async def _in_thread(work: Callable[[], T]) -> T:
    """Do it there; also when cancelled, it is over before anybody closes what it uses."""
    running = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
