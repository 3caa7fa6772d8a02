"""The entrance: who comes in, as a guest or with an account, and who goes out.

Guests are known by a token for as long as the server remembers them, accounts by password or token. What
takes its time (a password's hash, a commit) is answered later, by `Outlet.answer`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar, cast

from hubbub.core import names
from hubbub.core.answers import Answer, LoggedIn, RoomPlace
from hubbub.core.commands import (
    ChangePassword,
    EndSession,
    ListSessions,
    Login,
    Logout,
    Refresh,
    Register,
)
from hubbub.core.errors import Code, Refusal
from hubbub.core.ledger import Ledger
from hubbub.core.membership import Membership
from hubbub.core.model import Session
from hubbub.core.people import People
from hubbub.core.ports import Passwords
from hubbub.core.rooms import Rooms
from hubbub.core.settings import CoreSettings

SessionT = TypeVar("SessionT", bound=Session)


class Entrance(Generic[SessionT]):
    """Logging in and out, and everything about accounts that their owners may do."""

    def __init__(
        self,
        settings: CoreSettings,
        ledger: Ledger[SessionT],
        people: People,
        rooms: Rooms,
        membership: Membership[SessionT],
        passwords: Passwords,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        server_name: str,
    ) -> None:
        self.settings = settings
        self._ledger = ledger
        self._outlet = ledger.outlet
        self.people = people
        self.rooms = rooms
        self.membership = membership
        self._passwords = passwords
        self._clock = clock
        self._entropy = entropy
        self._server_name = server_name
        self._reserved = {*names.keys("Server"), *rooms.default.keys}
        """The server's own name in text, and the default room's, which `Send` could mean."""

    def load(self) -> None:
        """Take in what is kept: called once, before anybody is served."""

    def register(self, session: SessionT, command: Register, request: object) -> Answer | None:
        """Make an account."""
        return Refusal(Code.UNSUPPORTED, "Accounts are not in this build.")

    def refresh(self, session: SessionT, command: Refresh, request: object) -> Answer | None:
        """A new pair of tokens for a refresh token."""
        return Refusal(Code.UNSUPPORTED, "Accounts are not in this build.")

    def logout(self, session: SessionT, command: Logout, request: object) -> Answer | None:
        """End a login."""
        return Refusal(Code.UNSUPPORTED, "Accounts are not in this build.")

    def change_password(self, session: SessionT, command: ChangePassword, request: object) -> Answer | None:
        """Another password."""
        return Refusal(Code.UNSUPPORTED, "Accounts are not in this build.")

    def sessions(
        self, session: SessionT, command: ListSessions | EndSession, request: object
    ) -> Answer | None:
        """List logins, or end one."""
        return Refusal(Code.UNSUPPORTED, "Accounts are not in this build.")

    def login(self, session: SessionT, command: Login, request: object) -> Answer | None:
        """Come in."""
        if session.user is not None:
            return Refusal(Code.BAD_REQUEST, f"You are logged in as '{session.user.name}' already.")
        guests = self.settings.guests.allow
        if not (session.local if guests is None else guests):
            return Refusal(
                Code.FORBIDDEN,
                "Guests are not let in here. Whoever runs the server can allow them: guests.allow.",
                limit="guests.allow",
            )
        id, wished = self.people.new_id(), command.username
        if command.token is not None:
            back = self.people.returning(command.token)
            if back is None:
                return Refusal(Code.BAD_CREDENTIALS, "This token is not valid, or no longer.", field="token")
            id, former_name = back
            wished = wished or former_name
        if wished is None:
            return Refusal(Code.BAD_REQUEST, "A user name is needed.", field="username")
        name = names.normal(wished, names.USER_LIMIT)
        if not isinstance(name, str):
            message = f"Username '{wished[:64]}' is not valid: {name.reason}"
            return Refusal(Code.NAME_INVALID, message, field="username")
        keys, former = names.keys(name), self.people.by_id(id)
        taken = not self._reserved.isdisjoint(keys) or self.people.held_by_another(keys, id)
        if former is not None and not taken:  # its old line is half-open: the new one takes its place
            self._outlet.dismiss(cast("SessionT", former.sessions[0]), "replaced")
        user = None if taken else self.people.enter(id, name, session)
        if user is None:
            return Refusal(Code.NAME_TAKEN, f"Username '{name}' is already taken.", field="username")
        session.user = user
        self.membership.enter(session, user, self.rooms.default)
        return LoggedIn(
            username=user.name,
            user_id=user.id,
            token=self.people.token(user),
            server=self._server_name,
            rooms=self._places(session),
        )

    def _places(self, session: SessionT) -> list[RoomPlace]:
        """Where live events begin for it, room by room."""
        head = self._ledger.journal.head
        return [
            RoomPlace(room.name, room.stream, *(lambda at: (at.epoch, at.offset))(head(room.stream)))
            for room in session.rooms
        ]
