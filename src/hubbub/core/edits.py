"""Edits: what happens to a message after it was said. Other words, none at all, and signs put to it."""

from __future__ import annotations

from typing import Generic, TypeVar

from hubbub.core.answers import Answer
from hubbub.core.commands import Delete, Edit, React
from hubbub.core.errors import Code, Refusal
from hubbub.core.ledger import Ledger
from hubbub.core.model import Session
from hubbub.core.people import People
from hubbub.core.rooms import Rooms
from hubbub.core.sending import Sending
from hubbub.core.settings import CoreSettings

SessionT = TypeVar("SessionT", bound=Session)


class Edits(Generic[SessionT]):
    """Edit, delete, react."""

    def __init__(
        self,
        settings: CoreSettings,
        ledger: Ledger[SessionT],
        sending: Sending[SessionT],
        people: People,
        rooms: Rooms,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._sending = sending
        self._people = people
        self._rooms = rooms

    def edit(self, session: SessionT, command: Edit, request: object) -> Answer | None:
        """Other words for a message."""
        return Refusal(Code.UNSUPPORTED, "Edits are not in this build.")

    def delete(self, session: SessionT, command: Delete, request: object) -> Answer | None:
        """Take a message back."""
        return Refusal(Code.UNSUPPORTED, "Edits are not in this build.")

    def react(self, session: SessionT, command: React, request: object) -> Answer | None:
        """A sign put to a message."""
        return Refusal(Code.UNSUPPORTED, "Edits are not in this build.")
