"""History: messages as they stand now, and finding them by their words."""

from __future__ import annotations

from typing import Generic, TypeVar

from hubbub.core.answers import Answer
from hubbub.core.commands import GetHistory, Search
from hubbub.core.errors import Code, Refusal
from hubbub.core.ledger import Ledger
from hubbub.core.model import Session
from hubbub.core.people import People
from hubbub.core.ports import SearchIndex
from hubbub.core.rooms import Rooms
from hubbub.core.sending import Sending
from hubbub.core.settings import CoreSettings

SessionT = TypeVar("SessionT", bound=Session)


class Histories(Generic[SessionT]):
    """Answers questions about what was said, to those who may read it."""

    def __init__(
        self,
        settings: CoreSettings,
        ledger: Ledger[SessionT],
        sending: Sending[SessionT],
        people: People,
        rooms: Rooms,
        search: SearchIndex | None,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._sending = sending
        self._people = people
        self._rooms = rooms
        self._search = search

    def history(self, session: SessionT, command: GetHistory, request: object) -> Answer | None:
        """Messages of a room or a private talk."""
        return Refusal(Code.UNSUPPORTED, "History is not in this build.")

    def search(self, session: SessionT, command: Search, request: object) -> Answer | None:
        """Messages by their words."""
        return Refusal(Code.UNSUPPORTED, "Search is not in this build.")
