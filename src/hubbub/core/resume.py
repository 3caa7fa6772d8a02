"""Resume: what somebody missed, exactly and in order, or an explicit gap."""

from __future__ import annotations

from typing import Generic, TypeVar

from hubbub.core.answers import Answer
from hubbub.core.commands import Resume
from hubbub.core.errors import Code, Refusal
from hubbub.core.ledger import Ledger
from hubbub.core.model import Session
from hubbub.core.people import People
from hubbub.core.rooms import Rooms
from hubbub.core.settings import CoreSettings

SessionT = TypeVar("SessionT", bound=Session)


class Resuming(Generic[SessionT]):
    """Continues streams from the positions that a client names."""

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

    def resume(self, session: SessionT, command: Resume, request: object) -> Answer | None:
        """Tell what was missed."""
        return Refusal(Code.UNSUPPORTED, "Resume is not in this build.")
