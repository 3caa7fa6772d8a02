"""Uploading: a file for a room, or for somebody who is away, sent by a dialect's own transfer.

The server is its receiver (see `files`). By HTTP the same uploads come without a session.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from hubbub.core.answers import Answer, Done, Offered
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event, FileDone, FileFailed, FileFailure
from hubbub.core.file_commands import OfferFile
from hubbub.core.file_records import Upload
from hubbub.core.files import Bearer, Files
from hubbub.core.ledger import Ledger
from hubbub.core.model import Session, User
from hubbub.core.ports import Carrier

SessionT = TypeVar("SessionT", bound=Session)


class Uploading(Generic[SessionT]):
    """Asks sessions for files that are to be kept, and tells them what became of these."""

    def __init__(self, ledger: Ledger[SessionT], files: Files[SessionT]) -> None:
        self._outlet = ledger.outlet
        self._files = files
        self.carrier: Carrier[SessionT] | None = None
        """Who moves the bytes; None: nobody, as where no server runs."""

    def offer(self, session: SessionT, user: User, command: OfferFile, request: object) -> Refusal | None:
        """Have an upload known, and ask for its bytes. None: the answer comes with the commit."""
        if self.carrier is None:
            return Refusal(Code.UNSUPPORTED, "Nothing is kept here.")
        upload = self._files.plan(Bearer(user.id, user.name, user.account), command)
        if isinstance(upload, Refusal):
            return upload

        def begun(refusal: Refusal | None) -> None:
            self._outlet.answer(session, request, refusal or Offered(upload.id, keep=True))
            if refusal is None and session.user is user and self.carrier is not None:
                self.carrier.keep(upload, session)

        self._files.begin(upload, begun)
        return None

    def take_up(self, session: SessionT, upload: Upload) -> Offered:
        """Its sender is back: it goes on where it stopped, or has arrived already."""
        if upload.file is not None:
            file = self._files.kept.get(upload.file)
            self._tell(session, FileDone(upload.filename, upload.id, file.sha256 if file is not None else ""))
        elif self.carrier is not None:
            self.carrier.keep(upload, session)
        return Offered(upload.id, keep=True)

    def cancel(self, upload: Upload) -> Answer:
        """Its sender does not want it any more."""
        if self.carrier is None or not self.carrier.stop(upload.id, "cancelled", "It was cancelled."):
            self._files.abandon(upload)
        return Done()

    # -- what the carrier tells

    def stored(self, upload: Upload, session: SessionT, result: str | Refusal) -> None:
        """It is kept, and posted: its digest. Or why not."""
        if isinstance(result, str):
            self._tell(session, FileDone(upload.filename, upload.id, result))
        else:
            failure: FileFailure = "digest" if result.field == "sha256" else "storage"
            self.interrupted(upload, session, failure, result.message)

    def interrupted(self, upload: Upload, session: SessionT, reason: FileFailure, message: str) -> None:
        """It stopped before it was whole."""
        again = reason not in ("digest", "size", "cancelled") and self._files.upload(upload.id) is not None
        told = FileFailed(upload.owner_name, upload.filename, upload.id, reason, message, again)
        self._tell(session, told)

    def _tell(self, session: SessionT, event: Event) -> None:
        if session.user is not None and not session.gone:
            self._outlet.send("", [session], event, None)
