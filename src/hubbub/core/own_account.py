"""One's own account: the next tokens, another password, where one is logged in, and the way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

import msgspec

from hubbub.core import accounts as account_records
from hubbub.core import logins as login_records
from hubbub.core.accounts import Account
from hubbub.core.admission import BUSY, GONE, Admission, logged_in
from hubbub.core.answers import Answer, LoggedOut, PasswordSet, SessionEnded, SessionList, SessionView
from hubbub.core.commands import ChangePassword, EndSession, ListSessions, Refresh
from hubbub.core.credentials import WRONG, Credentials
from hubbub.core.entries import Change
from hubbub.core.errors import Code, Refusal
from hubbub.core.ledger import Ledger, Told
from hubbub.core.logins import ACCESS, REFRESH, Login, Logins
from hubbub.core.model import Session, User
from hubbub.core.people import People
from hubbub.core.stamps import stamp

SessionT = TypeVar("SessionT", bound=Session)

_NOT_VALID: Final = Refusal(
    Code.BAD_CREDENTIALS, "This refresh token is not valid, or no longer.", field="refresh_token"
)


class OwnAccount(Generic[SessionT]):
    """What somebody who is logged in may do with the account, and with the login."""

    def __init__(
        self,
        ledger: Ledger[SessionT],
        people: People,
        logins: Logins,
        credentials: Credentials,
        admission: Admission[SessionT],
    ) -> None:
        self._ledger = ledger
        self._outlet = ledger.outlet
        self._people = people
        self._accounts = people.accounts
        self._logins = logins
        self._credentials = credentials
        self._admission = admission

    # -- tokens

    def refresh(self, session: SessionT, command: Refresh, request: object) -> Answer | None:
        """Exchange a refresh token. Whoever has not logged in comes in by it."""
        token = command.refresh_token
        login = self._logins.find(REFRESH, token)
        account = self._accounts.by_id(login.account) if login is not None else None
        if login is None or account is None or account.disabled:
            self._end_if_reused(token)
            return _NOT_VALID
        if session.user is not None and session.user.id != account.id:
            return logged_in(session.user)
        if login.id in self._logins.changing or account.id in self._accounts.changing:
            return BUSY
        following, tokens = self._logins.follow(login)
        self._logins.changing.add(login.id)

        def kept() -> Answer:
            if self._logins.by_id(login.id) is not login:  # an older token came meanwhile, and ended it
                return _NOT_VALID
            self._logins.changing.discard(login.id)
            self._logins.set(following)
            current = self._accounts.by_id(account.id) or account
            return self._admission.admit(session, current, following, tokens)

        def failed() -> None:
            self._logins.changing.discard(login.id)

        return self._admission.keep(session, request, [login_records.put(following)], kept, failed)

    def _end_if_reused(self, token: str) -> None:
        """A token that was exchanged already: two have it, and both lose the login, at once."""
        login = self._logins.reused(token)
        if login is not None:
            self._ledger.note([login_records.drop(login)])
            self._admission.ended(login.account, [login])

    def logout(self, session: SessionT, request: object) -> Answer | None:
        """End this login, or a guest's session, on all its connections."""
        user = session.user
        assert user is not None  # noqa: S101 (handle saw to it)
        login = self._logins.by_id(session.login) if session.login is not None else None
        if login is not None:
            return self._end(session, request, login)
        guests, change = self._people.guests, list[Change]()
        if not user.account:
            if self._people.reserved(user.id):
                return BUSY
            change = guests.leaving(user.id)

        def kept() -> Answer:
            if change:
                guests.left(user.id)
            self._admission.leave(session)
            if not user.account:  # it may have asked beside the line that it is on
                self._admission.dismiss(user)
            return LoggedOut()

        return self._admission.keep(session, request, change, kept, lambda: None)

    def superseded(self, token: str, then: Callable[[], None]) -> None:
        """Whoever had this token has another one in its place: it ends, as by a logout. `then` is told when.

        Also where that cannot be kept: then the token is good, as it was.
        """
        login, guests = self._logins.find(ACCESS, token), self._people.guests
        guest = self._people.returning(token) if login is None else None
        changes: list[Change] = []
        if login is not None:
            changes = [login_records.drop(login)]
        elif guest is not None and not self._people.reserved(guest.id):
            changes = guests.leaving(guest.id)

        def kept() -> None:
            if login is not None:
                self._admission.ended(login.account, [login])
            elif guest is not None:
                guests.left(guest.id)
                self._admission.dismiss(self._people.by_id(guest.id))
            then()

        if not changes or isinstance(self._ledger.append((), changes, Told(kept, lambda _: then())), Refusal):
            then()

    # -- the password

    def change_password(self, session: SessionT, command: ChangePassword, request: object) -> Answer | None:
        """Another password, if the old one is known. Every other login ends."""
        account = self._of(session)
        if isinstance(account, Refusal):
            return account
        old = self._credentials.given(session, command.old, command.old_sha256, "old")
        if isinstance(old, Refusal):
            return old
        new = self._credentials.chosen(session, command.new, command.new_sha256, "new")
        if isinstance(new, Refusal):
            return new
        if account.id in self._accounts.changing:
            return BUSY
        wrong = msgspec.structs.replace(WRONG, message="The old password is wrong.", field="old")

        def answer(refusal: Refusal | None) -> None:
            if refusal is not None:
                self._outlet.answer(session, request, refusal)

        def hashed(stored: str | Refusal) -> None:
            answer(
                stored if isinstance(stored, Refusal) else self._replace(session, account, stored, request)
            )

        def proved(refusal: Refusal | None) -> None:
            if refusal is None:
                refusal = self._credentials.hash(session, new, hashed)
            answer(wrong if refusal is WRONG else refusal)

        return self._credentials.prove(session, account.name, account, old, proved)

    def _replace(self, session: SessionT, proved: Account, stored: str, request: object) -> Refusal | None:
        account = self._accounts.by_id(proved.id)
        if session.gone or account is None:
            return GONE
        if account.id in self._accounts.changing or account.password != proved.password:
            return BUSY
        changed = msgspec.structs.replace(account, password=stored)
        others = [login for login in self._logins.of(account.id) if login.id != session.login]
        self._accounts.changing.add(account.id)

        def kept() -> Answer:
            self._accounts.changing.discard(account.id)
            self._accounts.set(changed)
            self._admission.ended(account.id, others)
            return PasswordSet()

        def failed() -> None:
            self._accounts.changing.discard(account.id)

        put = [account_records.put(changed)]
        return self._admission.end(session, request, others, put, kept, failed)

    # -- logins

    def sessions(
        self, session: SessionT, command: ListSessions | EndSession, request: object
    ) -> Answer | None:
        """List the account's logins, or end one."""
        account = self._of(session)
        if isinstance(account, Refusal):
            return account
        logins = self._logins.of(account.id)
        if isinstance(command, EndSession):
            login = next((one for one in logins if one.id == command.session), None)
            if login is None:
                message = f"There is no session '{command.session[:64]}'."
                return Refusal(Code.NOT_FOUND, message, field="session")
            return self._end(session, request, login)
        here = {one.login for one in session.user.sessions} if session.user is not None else set()
        return SessionList(
            [
                SessionView(login.id, stamp(login.created), stamp(login.seen), login.id == session.login)
                for login in logins
                if login.id in here or not self._logins.expired(login)
            ]
        )

    def _end(self, session: SessionT, request: object, login: Login) -> Refusal | None:
        """End one's own login, or another of the account's."""
        if login.id in self._logins.changing or login.account in self._accounts.changing:
            return BUSY

        def kept() -> Answer:
            own = login.id == session.login
            if own:
                self._admission.leave(session)
            self._admission.ended(login.account, [login])
            return LoggedOut() if own else SessionEnded(login.id)

        return self._admission.end(session, request, [login], (), kept)

    def _of(self, session: SessionT) -> Account | Refusal:
        user = session.user
        assert isinstance(user, User)  # noqa: S101 (handle saw to it)
        account = self._accounts.by_id(user.id)
        return account or Refusal(Code.FORBIDDEN, f"'{user.name}' has no account. Register first.")
