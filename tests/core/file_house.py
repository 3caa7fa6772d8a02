"""A House in which files are offered: who is asked to carry what is written down, and ended by the test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.house import House
from hubbub.core.answers import Answer, Done, FileList, Offered
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import FileDone, FileFailed, FileFailure, FileOffered
from hubbub.core.file_commands import AcceptFile, ListFiles, OfferFile, SendChunk
from hubbub.core.file_records import Offer, Upload
from hubbub.core.model import Session
from hubbub.core.settings import CoreSettings, FileSettings

DIGEST, OTHER_DIGEST = "ab" * 32, "cd" * 32


@dataclass
class Relay:
    """What was asked of the carrier."""

    offer: Offer
    sender: Session
    receiver: Session
    offset: int


class Carrier:
    """Implements `core.ports.Carrier`: it moves nothing, and knows what it was asked for."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.relays: list[Relay] = []
        self.served: list[tuple[Offer, Session, object]] = []
        self.kept: list[tuple[Upload, Session]] = []
        self.chunks: list[SendChunk] = []
        self.running: set[str] = set()

    def relay(self, offer: Offer, sender: Session, receiver: Session, offset: int) -> None:
        self.relays.append(Relay(offer, sender, receiver, offset))
        self.running.add(offer.id)

    def serve(self, offer: Offer, sender: Session, sink: object) -> None:
        self.served.append((offer, sender, sink))
        self.running.add(offer.id)

    def keep(self, upload: Upload, sender: Session) -> None:
        self.kept.append((upload, sender))
        self.running.add(upload.id)

    def chunk(self, session: Session, chunk: SendChunk) -> Refusal | None:
        if chunk.offer not in self.running:
            return Refusal(Code.NOT_FOUND, "Nobody asked for it.", field="offer")
        self.chunks.append(chunk)
        return None

    def stop(self, id: str, reason: FileFailure, message: str) -> bool:
        if id not in self.running:
            return False
        self.end(id, failure=(reason, message))
        return True

    def end(
        self,
        id: str,
        digest: str | None = None,
        failure: tuple[FileFailure, str] | None = None,
    ) -> None:
        """A relay is over: with that digest, or (neither) of a part only."""
        self.running.remove(id)
        self._house.service.transfers.ended(id, digest, failure, again=True)


class FileHouse(House):
    """See above."""

    def __init__(self, files: FileSettings | None = None, before: FileHouse | None = None) -> None:
        if before is None:
            super().__init__(CoreSettings(files=files or FileSettings()))
        else:
            journal, seed = before.journal, before.seed + 1_000_003
            super().__init__(
                before.settings, lambda *_: journal, seed=seed, turns=before.turns, now=before.now
            )
        self.carrier = Carrier(self)
        self.service.carry_by(self.carrier)

    def again(self) -> FileHouse:
        """The same server after a restart. Nobody is here."""
        self.turns.run_all()
        return FileHouse(before=self)

    def offer(
        self, sender: Session, to: str = "Bob", filename: str = "cat.png", size: int = 10, **more: Any
    ) -> str:
        """The id of a file that is on offer now."""
        answer = self.done(sender, OfferFile(filename, size, to, **more))
        assert isinstance(answer, Offered), answer
        return answer.offer

    def accept(self, receiver: Session, offer: str, offset: int = 0) -> Relay:
        """What the carrier was asked for by that."""
        before = len(self.carrier.relays)
        assert self.done(receiver, AcceptFile(offer, offset=offset)) == Done()
        (relay,) = self.carrier.relays[before:]
        return relay

    def leave(self, session: Session) -> None:
        """Its line drops."""
        self.service.disconnected(session)
        self.turns.run_all()


def refused(answer: Answer | None, code: Code, field: str | None = None) -> Refusal:
    assert isinstance(answer, Refusal), answer
    assert answer.code is code, answer
    if field is not None:
        assert answer.field == field, answer
    return answer


def shown(house: FileHouse, session: Session) -> list[tuple[str, str]]:
    """Which offers somebody is shown, and in which state."""
    answer = house.done(session, ListFiles())
    assert isinstance(answer, FileList)
    return [(one.offer, one.state) for one in answer.offers]


def failures(house: FileHouse, session: Session) -> list[tuple[str, str, bool]]:
    return [(one.offer, one.reason, one.again) for one in house.outlet.of(session, FileFailed)]


def done(house: FileHouse, session: Session) -> list[tuple[str, str]]:
    return [(one.offer, one.sha256) for one in house.outlet.of(session, FileDone)]


def told(house: FileHouse, session: Session) -> list[str]:
    return [one.offer for one in house.outlet.of(session, FileOffered)]
