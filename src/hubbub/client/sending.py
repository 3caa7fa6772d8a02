"""Send a file: offer it, wait until somebody takes it, and see that all of it arrives.

    Offered ─▶ FileAccepted ─▶ knock at the receiver's door ─▶ FileDone
         │              └──── nobody there: FileStart ─┐
         └─ kept by the server, or taken by a program  └▶ StartUpload ─▶ bare bytes ─▶ FileDone
            that knows no doors ──────────────────────▶

Whatever breaks on the way: back to the server, and the same offer again. It outlives the line, the server,
and this process, which notes its id (see `state`).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from hubbub.client.arriving import whole_by_code
from hubbub.client.bundle import Bundle
from hubbub.client.connection import Client, Refused
from hubbub.client.direct import Peer, knock
from hubbub.client.errors import (
    BusyError,
    ClientError,
    LineLostError,
    SealingError,
    SourceError,
    WrongCodeError,
)
from hubbub.client.greeting import VERSION, AcceptHello, OfferHello, heard, say
from hubbub.client.handshake import Inviting, Secret
from hubbub.client.outcome import Nobody, Observer, Outcome, Result
from hubbub.client.recipient import Recipient
from hubbub.client.sealing import SEALED_NAME, Sealer, sealed_size
from hubbub.client.source import Source, digest_of
from hubbub.client.state import OFFERS, Note
from hubbub.client.tree import MEDIA_TYPE
from hubbub.core.answers import Offered, UserList
from hubbub.core.commands import ListUsers
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event, FileAccepted, FileDeclined, FileDone, FileFailed, UploadStarted
from hubbub.core.file_commands import CancelFile, OfferFile, StartFile
from hubbub.net.errors import NetError

_TOLD_SECONDS: Final = 15.0
"""How long to wait for the server's word when the receiver's own has come."""
_LOOK_SECONDS: Final = 2.0
"""How often to look whether somebody is here."""


class _Noted(msgspec.Struct):
    offer: str


async def send(
    client: Client,
    source: Source,
    recipient: Recipient,
    *,
    observer: Observer | None = None,
    code: str | None = None,
    direct: bool = True,
    give_up_after: float | None = None,
    state: Path | None = None,
) -> Result:
    """Send a file or a bundle by a client that is connected; returns when it is over, whatever came of it.

    `code`, in its normal form, seals it from end to end. `give_up_after` so many seconds in which nothing
    moves. `state`: where offers are noted, to go on with them in a later process. Raises SourceError,
    RefusedError, NetError, LineLostError, when the server cannot be reached for good.
    """
    sending = _Sending(client, source, recipient, observer or Nobody(), code, direct=direct)
    return await sending.run(give_up_after, state)


class _Sending:
    """One file, until it is over."""

    def __init__(
        self,
        client: Client,
        source: Source,
        recipient: Recipient,
        observer: Observer,
        code: str | None,
        *,
        direct: bool,
    ) -> None:
        self._client = client
        self._source = source
        self._recipient = recipient
        self._observer = observer
        self._direct = direct
        self._code = code
        self._inviting = Inviting(code) if code is not None else None
        self._answer: bytes | None = None  # of the receiver, to the invitation
        self._secret: Secret | None = None  # of the code
        self._sealer: Sealer | None = None
        self._digest: str | None = None
        self._expected: str | None = None  # the digest that is to be confirmed
        self._offer: str | None = None
        self._keep = False
        self._room = False  # whether the name is that of a room
        self._all_sent = False
        self._scope: asyncio.Timeout | None = None
        self._timeout: float | None = None

    async def run(self, give_up_after: float | None, state: Path | None) -> Result:
        note: Note | None = None
        if self._code is None:
            self._digest = self._expected = await digest_of(self._source, self._observer.hashing)
            note = self._note(state)
            noted = note.read(_Noted) if note is not None else None
            self._offer = noted.offer if noted is not None else None
        try:
            self._timeout = give_up_after
            async with asyncio.timeout(give_up_after) as self._scope:
                result = await self._until_over(note)
        except TimeoutError:
            return self._result(
                Outcome.TIMED_OUT, f"Nothing moved for {give_up_after:g} s. The offer stands."
            )
        except (SourceError, SealingError, asyncio.CancelledError) as error:
            if self._code is not None or not isinstance(error, asyncio.CancelledError):
                await self._take_back()
            raise
        finally:
            if note is not None:
                note.close()
        if note is not None and result.outcome is not Outcome.FAILED:  # after that it may stand, or not
            note.remove()
        return result

    def _note(self, state: Path | None) -> Note | None:
        if state is None:
            return None
        source, client = self._source, self._client
        about = (client.address.url, client.name, self._recipient.name, source.name, str(source.size))
        try:
            return Note(state, OFFERS, (*about, self._digest or ""))
        except BusyError:
            return None

    async def _until_over(self, note: Note | None) -> Result:
        standing = False
        while True:
            try:
                if not standing:
                    refused = await self._make_offer()
                    if refused is not None:
                        return refused
                    standing = True
                    if note is not None and self._offer is not None:
                        note.write(_Noted(self._offer))
                result = await self._on(await self._client.next_event())
            except LineLostError as error:
                result = self._last_words()
                if result is None:
                    self._observer.notice(f"{error} Trying again.")
                    await self._client.again()
                    self._observer.notice("Back at the server.")
                    self._something_moved()
                    standing = False
            if result is not None:
                return result

    # -- offering

    async def _make_offer(self) -> Result | None:
        """Put it on offer, or take the offer up again. A result: it was refused, or is over."""
        known = self._offer
        if known is None and self._code is not None:
            if self._recipient.kind == "room":
                return self._result(Outcome.FAILED, "A code is for one person, not for a room.")
            await self._until_here()
        answer = await self._ask_for(known)
        if known is not None and isinstance(answer, Refusal) and answer.code is Code.NOT_FOUND:
            if self._all_sent:
                message = "All of it was sent, but the line dropped before it was confirmed: ask them."
                return self._result(Outcome.FAILED, message)
            if self._secret is not None:
                return self._result(Outcome.FAILED, "The offer is gone, and the code with it.")
            self._offer = None
            answer = await self._ask_for(None)
        if isinstance(answer, Refusal):
            return self._result(Outcome.FAILED, answer.message)
        assert isinstance(answer, Offered)  # noqa: S101 (what an OfferFile is answered by)
        self._offer, self._keep = answer.offer, answer.keep
        if self._offer != known:
            self._tell_of_the_offer()
        if self._code is not None and self._keep:
            await self._take_back()
            return self._result(Outcome.FAILED, f"{self._recipient.name} went away. A code needs both sides.")
        return None

    def _tell_of_the_offer(self) -> None:
        name = self._recipient.name
        if not self._keep:
            self._observer.notice(f"Waiting for {name} to take it.")
        elif not self._room and self._code is None:
            self._observer.notice(f"{name} is not here: the server keeps it.")

    async def _ask_for(self, offer: str | None) -> object:
        """Offer it to whom is meant: a person first, where that is not said."""
        name, kind = self._recipient
        if kind != "room":
            answer = await self._client.ask(self._command(offer, to=name))
            unknown = isinstance(answer, Refusal) and answer.code is Code.NOT_FOUND
            if kind == "person" or not unknown or offer is not None:
                return answer
        answer = await self._client.ask(self._command(offer, room=name))
        self._room = True
        if kind is None and isinstance(answer, Refusal) and answer.code is Code.NOT_FOUND:
            return Refusal(Code.NOT_FOUND, f"There is no person and no room '{name[:64]}'.", field="to")
        return answer

    def _command(self, offer: str | None, *, to: str | None = None, room: str | None = None) -> OfferFile:
        source = self._source
        if self._inviting is not None:
            hello = OfferHello(VERSION, exchange=self._inviting.hello)
            size = sealed_size(source.size)
            return OfferFile(SEALED_NAME, size, to, room, offer=offer, hello=say(hello))
        bundle = isinstance(source, Bundle)
        hello = OfferHello(VERSION, count=source.count if isinstance(source, Bundle) else None)
        filetype = MEDIA_TYPE if bundle else None
        return OfferFile(
            source.name, source.size, to, room, self._digest, filetype, offer=offer, hello=say(hello)
        )

    async def _until_here(self) -> None:
        """A code takes both at the same time, and who is to type it may have to come first."""
        name = self._recipient.name.casefold()
        told = False
        while True:
            answer = await self._client.ask(ListUsers())
            users = answer.users if isinstance(answer, UserList) else []
            if any(one.username.casefold() == name for one in users):
                return
            if not told:
                self._observer.notice(f"Waiting for {self._recipient.name} to come.")
                told = True
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._client.next_event()  # somebody joined, it may be

    async def _take_back(self) -> None:
        """Nobody shall wait for it any more. As well as it goes: the line may be full of half a file."""
        if self._offer is None:
            return
        try:
            async with asyncio.timeout(5.0):
                try:
                    await self._client.ask(CancelFile(self._offer))
                except (LineLostError, ValueError):
                    await self._client.connect()
                    await self._client.ask(CancelFile(self._offer))
        except (ClientError, NetError, TimeoutError):
            pass

    # -- what happens to it

    async def _on(self, event: Event | Refused) -> Result | None:
        if isinstance(event, FileAccepted) and event.offer == self._offer:
            self._something_moved()
            return await self._accepted(event)
        if isinstance(event, UploadStarted) and event.offer == self._offer:
            self._something_moved()
            return await self._upload(event)
        return self._over(event)

    def _over(self, event: Event | Refused) -> Result | None:
        """Whether it is over by that."""
        to = self._recipient.name
        match event:
            case FileDone(_, offer, sha256) if offer == self._offer:
                if self._expected is not None and sha256 != self._expected:
                    return self._result(Outcome.DIGEST, "What arrived is not what was sent.")
                where = f"with {to}"
                if self._keep:
                    where = f"kept in '{to}'" if self._room else f"kept for {to}"
                return self._result(Outcome.DONE, f"'{self._source.name}' is {where}.")
            case FileDeclined(_, _, _, offer) if offer == self._offer:
                return self._result(Outcome.DECLINED, f"{to} does not want '{self._source.name}'.")
            case FileFailed(_, _, offer, reason, message, again) if offer == self._offer:
                if again and reason != "storage":
                    self._observer.notice(message)
                    return None
                outcome = {"cancelled": Outcome.CANCELLED, "digest": Outcome.DIGEST}.get(reason)
                return self._result(outcome or Outcome.FAILED, message)
            case Refused(StartFile(_), refusal):
                self._observer.notice(refusal.message)
        return None

    def _last_words(self) -> Result | None:
        """What the server said before the line dropped."""
        for event in self._client.waiting_events():
            if (result := self._over(event)) is not None:
                return result
        return None

    # -- the bytes

    async def _accepted(self, event: FileAccepted) -> Result | None:
        hello = heard(event.hello, AcceptHello)
        if self._inviting is not None:
            try:
                self._agree(hello)
            except SealingError as error:
                await self._take_back()
                return self._result(Outcome.WRONG_CODE, str(error))
        if self._direct and hello is not None and hello.port:
            peer, sealer = await self._knock(hello)
            if peer is not None and sealer is not None:
                return await self._send_direct(peer, sealer)
        assert self._offer is not None  # noqa: S101 (it was accepted)
        self._client.post(StartFile(self._offer))
        return None

    def _agree(self, hello: AcceptHello | None) -> None:
        """See that the receiver has the code. Raises SealingError."""
        answer = hello.exchange if hello is not None else None
        if self._inviting is None or answer is None:
            raise WrongCodeError("Somebody took it without the code. A new one is needed.")
        if answer != self._answer:  # else the same receiver goes on
            self._answer = answer
            self._secret = self._inviting.confirmed(answer)
            self._sealer = Sealer(self._secret, self._offer or "", self._source, bundle=self._bundle)

    async def _knock(self, hello: AcceptHello) -> tuple[Peer | None, Sealer | None]:
        offer = self._offer or ""
        secret, sealer = self._secret, self._sealer
        if secret is None:
            if hello.key is None or len(hello.key) < 32:
                return None, None
            secret = Secret(hello.key)
            sealer = Sealer(secret, offer, self._source, bundle=self._bundle)
        return await knock(
            offer, secret, hello.addresses, hello.port, self._client.line.local_address
        ), sealer

    async def _send_direct(self, peer: Peer, sealer: Sealer) -> Result | None:
        self._observer.notice("Directly, without a detour through the server.")
        done = peer.offset
        scale = self._source.size / sealer.size

        def moved(size: int) -> None:
            nonlocal done
            done += size
            self._moved(int(done * scale))

        try:
            await peer.send(sealer.read_from(peer.offset), moved)
            await peer.confirmed()
        except (OSError, EOFError, TimeoutError, WrongCodeError, ValueError) as error:
            if isinstance(error, TimeoutError) and self._scope is not None and self._scope.expired():
                raise
            self._observer.notice("The direct line dropped.")
            return None  # the receiver accepts it once more
        finally:
            await peer.close()
        return await self._told()

    async def _told(self) -> Result:
        """The receiver has it. The server says so too, as soon as it heard it; or not any more."""
        try:
            async with asyncio.timeout(_TOLD_SECONDS):
                while True:
                    result = self._over(await self._client.next_event())
                    if result is not None:
                        return result
        except (TimeoutError, LineLostError):
            message = f"'{self._source.name}' is with {self._recipient.name}."
            return self._result(Outcome.DONE, message)

    async def _upload(self, started: UploadStarted) -> Result | None:
        source: Source = self._source
        if self._code is not None:
            if self._sealer is None:  # somebody without the code took it
                self._client.line.abort("It was taken without the code.")
                await self._take_back()
                return self._result(Outcome.WRONG_CODE, "Somebody took it without the code.")
            source = self._sealer
        scale = self._source.size / source.size if source.size else 1.0
        await self._client.line.upload(source, started, lambda done: self._moved(int(done * scale)))
        self._all_sent = True
        if self._secret is not None and started.offset:  # it is not the server who sees that it is whole
            self._expected = whole_by_code(self._secret, started.offer)
        return None

    def _moved(self, done: int) -> None:
        self._something_moved()
        self._observer.moved(done, self._source.size)

    def _something_moved(self) -> None:
        if self._scope is not None and self._timeout is not None:
            self._scope.reschedule(asyncio.get_running_loop().time() + self._timeout)

    @property
    def _bundle(self) -> bool:
        return isinstance(self._source, Bundle)

    def _result(self, outcome: Outcome, message: str) -> Result:
        return Result(outcome, message, self._source.name, self._source.size)
