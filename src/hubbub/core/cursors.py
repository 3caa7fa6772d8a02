"""Cursors: up to where an account has read each stream, on all of its devices."""

from __future__ import annotations

from typing import Generic, TypeVar

from hubbub.core.answers import Answer
from hubbub.core.commands import GetUnread, MarkRead
from hubbub.core.errors import Code, Refusal
from hubbub.core.ledger import Ledger
from hubbub.core.model import Session
from hubbub.core.people import People
from hubbub.core.rooms import Rooms
from hubbub.core.settings import CoreSettings

SessionT = TypeVar("SessionT", bound=Session)


class Cursors(Generic[SessionT]):
    """Read up to; unread."""

    def __init__(
        self,
        settings: CoreSettings,
        ledger: Ledger[SessionT],
        people: People,
        rooms: Rooms,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._outlet = ledger.outlet
        self._people = people
        self._rooms = rooms

    def load(self) -> None:
        """Take in what is kept: called once, before anybody is served."""

    def read(self, session: SessionT, command: MarkRead, request: object) -> Answer | None:
        """Move a cursor."""
        return Refusal(Code.UNSUPPORTED, "Cursors are not in this build.")

    def unread(self, session: SessionT, command: GetUnread, request: object) -> Answer | None:
        """Where there is something new."""
        return Refusal(Code.UNSUPPORTED, "Cursors are not in this build.")
