"""Governance: who may come into a room, what they may do there, and the room's settings."""

from __future__ import annotations

from typing import Generic, TypeVar

from hubbub.core.answers import Answer
from hubbub.core.commands import GetRoom, Invite, SetRole, SetRoom
from hubbub.core.errors import Code, Refusal
from hubbub.core.ledger import Ledger
from hubbub.core.membership import Membership
from hubbub.core.model import Session
from hubbub.core.people import People
from hubbub.core.rooms import Rooms
from hubbub.core.settings import CoreSettings

SessionT = TypeVar("SessionT", bound=Session)


class Governance(Generic[SessionT]):
    """Invite, roles, settings."""

    def __init__(
        self,
        settings: CoreSettings,
        ledger: Ledger[SessionT],
        people: People,
        rooms: Rooms,
        membership: Membership[SessionT],
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._outlet = ledger.outlet
        self._people = people
        self._rooms = rooms
        self._membership = membership

    def invite(self, session: SessionT, command: Invite, request: object) -> Answer | None:
        """Let a person into a room."""
        return Refusal(Code.UNSUPPORTED, "Roles are not in this build.")

    def set_role(self, session: SessionT, command: SetRole, request: object) -> Answer | None:
        """Say what a person may do."""
        return Refusal(Code.UNSUPPORTED, "Roles are not in this build.")

    def get_room(self, session: SessionT, command: GetRoom) -> Answer | None:
        """The room's settings."""
        return Refusal(Code.UNSUPPORTED, "Roles are not in this build.")

    def set_room(self, session: SessionT, command: SetRoom, request: object) -> Answer | None:
        """Change the room's settings."""
        return Refusal(Code.UNSUPPORTED, "Roles are not in this build.")
