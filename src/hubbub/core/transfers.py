"""Transfers: a file that one person offers to another, from the offer to its end.

The domain decides who sends to whom, and when; the bytes pass it by (`Carrier` in `ports`). An offer is kept,
so it outlives dropped lines and restarts: whoever is back goes on where it stopped. What is offered to a
room, or to somebody who is away, is an upload (see `uploading`), and the server its receiver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

from hubbub.core import file_records as records
from hubbub.core.answers import Answer, Done, FileLink, Offered, OfferView
from hubbub.core.entries import Change
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import (
    Event,
    FileAccepted,
    FileDeclined,
    FileDone,
    FileFailed,
    FileFailure,
    FileOffered,
)
from hubbub.core.file_commands import (
    AcceptFile,
    CancelFile,
    DeclineFile,
    FinishFile,
    OfferFile,
    SendChunk,
    StartFile,
)
from hubbub.core.file_records import Offer, Upload
from hubbub.core.filenames import label
from hubbub.core.files import Files
from hubbub.core.ledger import Ledger, Request
from hubbub.core.links import Links
from hubbub.core.model import Session, User
from hubbub.core.offers import Live, Offers
from hubbub.core.people import People
from hubbub.core.ports import Carrier
from hubbub.core.settings import FileSettings
from hubbub.core.uploading import Uploading

SessionT = TypeVar("SessionT", bound=Session)

_NOT_FOUND: Final = Refusal(Code.NOT_FOUND, "There is no such offer.", field="offer")
"""The same for what never was, what is over, and what is between others."""


class Transfers(Generic[SessionT]):
    """All open offers, by id."""

    def __init__(
        self,
        settings: FileSettings,
        ledger: Ledger[SessionT],
        people: People,
        files: Files[SessionT],
        links: Links,
        uploading: Uploading[SessionT],
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
    ) -> None:
        """`clock` gives Unix time in seconds, `entropy(n)` n unpredictable bytes."""
        self._settings = settings
        self._ledger = ledger
        self._outlet = ledger.outlet
        self._people = people
        self._files = files
        self._links = links
        self._uploading = uploading
        self._clock = clock
        self._entropy = entropy
        self._offers = Offers[SessionT](settings, clock)
        self.carrier: Carrier[SessionT] | None = None
        """Who moves the bytes; None: nobody, as where no server runs."""

    def load(self) -> None:
        """Take in what is kept: called once, before anybody is served."""
        self._ledger.journal.look(self._offers.load)

    # -- offering

    def offer(self, session: SessionT, command: OfferFile, request: object) -> Answer | None:
        """Offer a file, or take one's offer up again. None: the answer comes with the commit."""
        bad = self._offers.bad_hello(command.hello)
        if bad is not None:
            return bad
        if command.offer is not None:
            return self._take_up(session, command, command.offer)
        if command.room is None and command.to is None:
            return Refusal(Code.BAD_REQUEST, "To whom, or to which room?", field="to")
        other = None
        if command.to is not None and command.room is None:
            other = self._people.addressed(command.to, command.to_id)
        if isinstance(other, User) and any(not one.quiet for one in other.sessions if one is not session):
            return self._offer_live(session, command, other, request)
        return self._uploading.offer(session, _user(session), command, request)

    def _offer_live(
        self, session: SessionT, command: OfferFile, other: User, request: object
    ) -> Answer | None:
        user, name = _user(session), label(command.filename)
        if isinstance(name, Refusal):
            return name
        bad = self._offers.refusal(user, command.size)
        if bad is not None:
            return bad
        digest = command.sha256.lower() if command.sha256 else None
        offer = Offer(
            self._entropy(16).hex(),
            user.name,
            user.id,
            other.name,
            other.id,
            name,
            command.size,
            self._clock(),
            command.filetype,
            digest,
            command.hello,
        )
        live = Live(offer, session)
        self._offers.add(live)

        def kept(_: object) -> Answer:
            if live.sender is not None:  # else it left meanwhile, and tells us when it is back
                self._announce(live)
            return Offered(offer.id)

        def failed() -> None:
            self._offers.remove(live)

        waiting = Request(self._outlet, session, request, kept, failed)
        ticket = self._ledger.append((), [records.put_offer(offer)], waiting)
        if isinstance(ticket, Refusal):
            failed()
            return ticket
        return None

    def _take_up(self, session: SessionT, command: OfferFile, id: str) -> Answer:
        """The sender is back, by this connection."""
        user = _user(session)
        upload, live, done = self._files.upload(id), self._offers.get(id), self._offers.done(id)
        offer: Upload | Offer | None = None
        if upload is not None and upload.owner == user.id:
            offer = upload
        elif live is not None and live.offer.sender_id == user.id:
            offer = live.offer
        elif done is not None and done.sender_id == user.id:
            offer = done
        if offer is None:
            return _NOT_FOUND
        if (offer.filename, offer.size) != (command.filename, command.size):
            message = "The offer of that id is of another file: name or size differ."
            return Refusal(Code.BAD_REQUEST, message, field="offer")
        if isinstance(offer, Upload):
            return self._uploading.take_up(session, offer)
        if live is None:  # it arrived, and the line dropped before this was told
            self._tell([session], FileDone(offer.filename, id, offer.done or ""))
            return Offered(id)
        if live.state in ("running", "confirming") and live.sender is not session:
            self._stop(live, "lost", "The sender offers it anew.")
        live.sender = session
        if live.open:
            self._announce(live)
        return Offered(live.offer.id)

    def _announce(self, live: Live[SessionT], besides: SessionT | None = None) -> None:
        asked = [one for one in self._devices(live, besides) if one not in live.elsewhere]
        self._tell(asked, _offered(live.offer))

    def arrived(self, session: SessionT) -> None:
        """Somebody logged in: tell what is offered to them, by those who are there."""
        user = _user(session)
        for live in self._offers.of(user.id):
            if live.offer.to_id == user.id and live.open and live.sender is not None:
                self._tell([session], _offered(live.offer))

    # -- accepting

    def accept(self, session: SessionT, command: AcceptFile) -> Answer:
        """Take a file. Its bytes begin to come later than this returns."""
        user = _user(session)
        bad = self._offers.bad_hello(command.hello)
        if bad is not None:
            return bad
        live = self._offers.meant(user, command.offer, command.sender, command.filename)
        done = self._arrived(command.offer or "", user.id)
        if done is not None and done.done is not None:
            self._tell([session], FileDone(done.filename, done.id, done.done))
            return Done()
        if live is None:
            return _NOT_FOUND
        offer = live.offer
        if not live.open:
            return Refusal(Code.BAD_REQUEST, f"'{offer.filename}' is on its way already.", field="offer")
        if not 0 <= command.offset <= offer.size:
            return Refusal(Code.BAD_REQUEST, "The file has no such offset.", field="offset")
        if command.offset and offer.sha256 is None and offer.hello is None:  # programs may know better
            message = "Nobody knows the digest of the whole file. Begin anew, with offset 0."
            return Refusal(Code.BAD_REQUEST, message, field="offset")
        sender = live.sender
        if sender is None or sender is session:
            message = f"{offer.sender} is not here. The offer stands: accept it when they are back."
            return Refusal(Code.NOT_FOUND, message, field="offer")
        if session.exclusive:
            url = session.base + self._links.make(offer.id, offer.filename, user.id)
            return FileLink(url, offer.filename, offer.size, int(self._settings.link_seconds))
        live.receiver, live.offset = session, command.offset
        live.confirms = command.direct or bool(command.hello)
        self._taken(live)
        if command.direct:
            self._offers.enter(live, "direct")
            told = FileAccepted(user.name, offer.filename, offer.id, command.offset, command.hello)
            self._tell([sender], told)
        else:
            self._start(live, sender, session)
        return Done()

    def start(self, session: SessionT, command: StartFile) -> Answer:
        """The sender of a direct transfer cannot reach the receiver: the server carries it."""
        live = self._offers.get(command.offer)
        if live is None or live.sender is not session or live.state != "direct" or live.receiver is None:
            return _NOT_FOUND
        self._start(live, session, live.receiver)
        return Done()

    def fetch(self, id: str, user: int, sink: object) -> Refusal | None:
        """Somebody fetches an offered file by a link: `sink` takes its bytes."""
        live = self._offers.get(id)
        if live is None or live.offer.to_id != user or not live.open or self.carrier is None:
            return _NOT_FOUND
        if live.sender is None:
            return Refusal(Code.NOT_FOUND, f"{live.offer.sender} is not here.", field="offer")
        self._offers.enter(live, "running")
        live.offset = 0
        self._taken(live)
        self.carrier.serve(live.offer, live.sender, sink)
        return None

    def _taken(self, live: Live[SessionT]) -> None:
        """It is on its way to one of the receiver's devices: the others need not ask about it any more."""
        offer, others = live.offer, self._devices(live, live.receiver)
        live.elsewhere = others if live.receiver is not None else []  # else it is fetched, by one of them
        self._tell(others, FileAccepted(offer.to, offer.filename, offer.id, live.offset))

    def _start(self, live: Live[SessionT], sender: SessionT, receiver: SessionT) -> None:
        self._offers.enter(live, "running")
        if self.carrier is not None:
            self.carrier.relay(live.offer, sender, receiver, live.offset)

    def chunk(self, session: SessionT, command: SendChunk) -> Answer:
        """Bytes of a file that this connection was asked for."""
        refusal = self.carrier.chunk(session, command) if self.carrier is not None else _NOT_FOUND
        return refusal or Done()

    # -- the ends that somebody asks for

    def decline(self, session: SessionT, command: DeclineFile) -> Answer:
        """Do not take it."""
        user = _user(session)
        live = self._offers.meant(user, command.offer, command.sender, command.filename)
        if live is None or not live.open:
            return _NOT_FOUND
        offer = live.offer
        self._forget(live)
        told = [*self._senders(live), *self._devices(live, session)]
        self._tell(told, FileDeclined(offer.sender, offer.to, offer.filename, offer.id))
        return Done()

    def cancel(self, session: SessionT, command: CancelFile) -> Answer:
        """Break it off, from either side."""
        user, id = _user(session), command.offer
        upload = self._files.upload(id)
        if upload is not None and upload.owner == user.id and upload.file is None:
            return self._uploading.cancel(upload)
        live = self._offers.get(id)
        if live is None or user.id not in (live.offer.sender_id, live.offer.to_id):
            return _NOT_FOUND
        if not self._stop(live, "cancelled", f"{user.name} cancelled it."):
            self._fail(live, "cancelled", f"{user.name} cancelled it.", again=False)
        return Done()

    def finish(self, session: SessionT, command: FinishFile) -> Answer:
        """The receiver has all of it, by the direct way or the rest of it by this one."""
        live, done = self._offers.get(command.offer), self._arrived(command.offer, _user(session).id)
        if done is not None and done.done == command.sha256.lower():
            self._tell([session], FileDone(done.filename, done.id, done.done))
            return Done()
        if live is None or live.receiver is not session or live.state not in ("direct", "confirming"):
            return _NOT_FOUND
        self._whole(live, command.sha256.lower())
        return Done()

    def _stop(self, live: Live[SessionT], reason: FileFailure, message: str) -> bool:
        """Stop a running transfer; `ended` follows. False: it is not running."""
        if live.state != "running" or self.carrier is None:
            return False
        return self.carrier.stop(live.offer.id, reason, message)

    # -- what the carrier tells

    def ended(
        self, id: str, digest: str | None, failure: tuple[FileFailure, str] | None, *, again: bool = False
    ) -> None:
        """A relay is over. Without `failure`: all bytes went through; `digest` None: of a part only, and
        the receiver is to say what the whole is. What went through may still be lost on its last way, so a
        receiver who can say what arrived is waited for.
        """
        live = self._offers.get(id)
        if live is None:
            return
        if failure is not None:
            self._fail(live, *failure, again=again and failure[0] not in ("cancelled", "digest", "size"))
        elif digest is None or live.confirms:
            self._offers.enter(live, "confirming")
        else:
            self._whole(live, digest)

    def _whole(self, live: Live[SessionT], digest: str) -> None:
        offer = live.offer
        if offer.sha256 is not None and digest != offer.sha256:
            message = "What arrived is not what was sent: the digests differ."
            self._fail(live, "digest", message, again=False)
            return
        self._ledger.note(self._offers.finish(live, digest))
        self._tell(self._both(live), FileDone(offer.filename, offer.id, digest))

    def _fail(self, live: Live[SessionT], reason: FileFailure, message: str, *, again: bool) -> None:
        both, taker = self._both(live), live.receiver
        if again:
            self._offers.enter(live, "interrupted")
            live.receiver = None
        else:
            self._forget(live)
        offer = live.offer
        self._tell(both, FileFailed(offer.sender, offer.filename, offer.id, reason, message, again))
        if again and live.sender is not None:
            self._announce(live, taker)

    # -- coming and going, and time

    def gone(self, session: SessionT) -> None:
        """A connection is gone, or nobody's: offers stand, and what is on its way by it breaks off."""
        for live in self._offers.of(_user(session).id):
            sends, receives = live.sender is session, live.receiver is session
            if sends:
                live.sender = None
            if receives:
                live.receiver = None
            if sends or receives:
                if live.state == "running":
                    if not session.gone:  # else who carries it knows whether something is missing
                        side = "sender" if sends else "receiver"
                        self._stop(live, "lost", f"The {side} went away.")
                elif receives:
                    self._offers.enter(live, "interrupted")
                    if live.sender is not None:
                        self._announce(live, session)

    def sweep(self) -> None:
        """Let go of offers that nobody took, and of what nobody confirms."""
        now, settings = self._clock(), self._settings
        for live in self._offers:
            rests = now - live.since
            if live.state == "confirming" and rests > settings.stall_seconds:
                self._fail(live, "stalled", "The receiver did not say whether it is whole.", again=True)
            elif live.state != "running" and rests > settings.offer_seconds:
                self._fail(live, "expired", "Nobody took it in time.", again=False)
            elif live.state == "interrupted" and live.elsewhere and rests > settings.stall_seconds:
                self._offer_elsewhere(live)
        changes = self._offers.expired()
        if changes:
            self._ledger.note(changes)

    def _offer_elsewhere(self, live: Live[SessionT]) -> None:
        """Whoever took it does not go on: the other devices may have it."""
        if live.sender is not None:
            others, live.elsewhere = live.elsewhere, []
            self._tell([one for one in self._devices(live) if one in others], _offered(live.offer))

    # -- finding

    def shown(self, user: User) -> list[OfferView]:
        """The offers to somebody and by somebody, the oldest first."""
        return self._offers.shown(user)

    def _arrived(self, id: str, user: int) -> Offer | None:
        """An offer to somebody that arrived not long ago."""
        offer = self._offers.done(id)
        return offer if offer is not None and offer.to_id == user else None

    def _senders(self, live: Live[SessionT]) -> list[SessionT]:
        return [live.sender] if live.sender is not None else []

    def _both(self, live: Live[SessionT]) -> list[SessionT]:
        """Who is told of its end: the two connections, or a person who fetched it elsewhere."""
        theirs = [live.receiver] if live.receiver is not None else self._devices(live)
        return [*self._senders(live), *theirs]

    def _devices(self, live: Live[SessionT], besides: SessionT | None = None) -> list[SessionT]:
        """The connections of whom it is offered to, without that one, and without one that offers it."""
        user = self._people.by_id(live.offer.to_id)
        sessions = user.sessions if user is not None else ()
        return [one for one in sessions if one not in (live.sender, besides)]  # type: ignore[misc] # our outlet's

    def _forget(self, live: Live[SessionT]) -> None:
        if self._offers.remove(live):
            changes: list[Change] = [records.drop_offer(live.offer.id)]
            self._ledger.note(changes)

    def _tell(self, sessions: Iterable[Session], event: Event) -> None:
        for session in sessions:
            if session.user is not None and not session.gone:
                self._outlet.send("", [session], event, None)  # type: ignore[list-item] # likewise


def _offered(offer: Offer) -> FileOffered:
    return FileOffered(
        offer.sender,
        offer.sender_id,
        offer.to,
        offer.filename,
        offer.size,
        offer.id,
        offer.sha256,
        offer.filetype,
        offer.hello,
    )


def _user(session: Session) -> User:
    assert session.user is not None  # noqa: S101 (who asks is somebody)
    return session.user
