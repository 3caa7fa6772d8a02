"""Admission: a session becomes somebody's, and nobody's again; a login begins, and ends.

What of it is to last is kept first, and takes effect then. Whoever decides marks what is about to change
(`changing`), so that nothing else is decided on it meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Generic, TypeVar, cast

from hubbub.core import logins as login_records
from hubbub.core.accounts import Account
from hubbub.core.answers import Answer, LoggedIn
from hubbub.core.entries import Change, Record
from hubbub.core.errors import Code, Refusal
from hubbub.core.ledger import Ledger, Request
from hubbub.core.logins import Login, Logins, Tokens
from hubbub.core.membership import Membership
from hubbub.core.model import Session, User
from hubbub.core.people import People
from hubbub.core.rooms import Rooms

SessionT = TypeVar("SessionT", bound=Session)

GONE: Final = Refusal(Code.UNAUTHENTICATED, "The connection is gone.")
"""What is answered to nobody."""
BUSY: Final = Refusal(Code.RATE_LIMITED, "This account is being changed. Try again.", retry_after=1.0)
_POLICY: Final = "policy"


class Admission(Generic[SessionT]):
    """Who is here by which login."""

    def __init__(
        self,
        ledger: Ledger[SessionT],
        people: People,
        rooms: Rooms,
        membership: Membership[SessionT],
        logins: Logins,
        server_name: str,
    ) -> None:
        self._ledger = ledger
        self._outlet = ledger.outlet
        self._people = people
        self._rooms = rooms
        self._membership = membership
        self._logins = logins
        self._server_name = server_name
        self.welcomed: Callable[[SessionT], None] = lambda _: None
        """Is told of every session that becomes somebody's …"""
        self.leaving: Callable[[SessionT], None] = lambda _: None
        """… and that is about to be nobody's."""

    # -- sessions

    def admit(self, session: SessionT, account: Account, login: Login, tokens: Tokens) -> Answer:
        """The session is this account's from now on: the first one, a further one, or a guest's till now."""
        if session.gone:
            return GONE
        if session.user is not None and session.user.id != account.id:
            return logged_in(session.user)
        user = session.user or self._people.by_id(account.id)
        if user is None:
            user = User(account.id, account.name, session, account.role)
            if not self._people.enter(user):  # look-alikes since another version of Unicode
                return taken(account.name)
        elif session not in user.sessions:
            user.sessions.append(session)
        became = not user.account
        user.role = account.role
        session.login = login.id
        if became:  # a guest till now: the line that it is on, if it is another one, is the account's too
            for other in cast("list[SessionT]", user.sessions):
                if other is not session:
                    other.login = login.id
                    self._membership.arrive(other, user)
        return self.welcome(session, user, tokens)

    def take_over(self, session: SessionT, user: User, tokens: Tokens) -> LoggedIn:
        """The session goes on in the place of the quiet ones by which its user is here. Nobody sees it."""
        former = cast("list[SessionT]", list(user.sessions))
        self.join(session, user)
        for room in dict.fromkeys(room for one in former for room in one.rooms):
            if not (session.exclusive and session.rooms):
                self._membership.enter(session, user, room)
        answer = self.welcome(session, user, tokens)
        for one in former:
            self._outlet.dismiss(one, "replaced")
        return answer

    def join(self, session: SessionT, user: User) -> None:
        """The session is one more of a user who is here; in which rooms, `welcome` says."""
        user.sessions.append(session)
        session.user = user

    def welcome(self, session: SessionT, user: User, tokens: Tokens) -> LoggedIn:
        """The session is this user's from now on; what it is told."""
        session.user, session.wished = user, None
        self._membership.arrive(session, user)
        self.welcomed(session)
        return LoggedIn(
            username=user.name,
            user_id=user.id,
            token=tokens.access,
            server=self._server_name,
            refresh_token=tokens.refresh,
            expires_in=tokens.expires_in if user.account else None,
            role=user.role if user.account else None,
            rooms=self._membership.places(session),
        )

    def leave(self, session: SessionT) -> None:
        """The session is nobody's from now on. Others are told once."""
        user = session.user
        if user is not None:
            self.leaving(session)
            self._people.leave(user, session)
            self._membership.leave_all(session, user)
            session.user = session.login = None

    def dismiss(
        self, user: User | None, logins: Iterable[Login] | None = None, reason: str = _POLICY
    ) -> None:
        """Close the connections of somebody: all of them, or those by these logins."""
        ids = None if logins is None else {login.id for login in logins}
        for session in list(user.sessions) if user is not None else ():
            if ids is None or session.login in ids:
                self._outlet.dismiss(cast("SessionT", session), reason)

    # -- logins

    def begin(
        self,
        session: SessionT,
        account: Account,
        request: object,
        also: Sequence[Change] = (),
        kept: Callable[[], None] = lambda: None,
        failed: Callable[[], None] = lambda: None,
        *,
        lasting: bool = False,
    ) -> Refusal | None:
        """Log the account in. The answer comes with the commit; `also` is kept with it."""
        user = self._people.by_id(account.id)
        here = [one.login for one in user.sessions] if user is not None else []
        ended = self._logins.surplus(account.id, here)
        login, tokens = self._logins.begin(account.id, lasting=lasting)
        self._logins.set(login)  # so that what ends all logins of the account ends this one too

        def done() -> Answer:
            kept()
            self.ended(account.id, ended)
            if session.gone:  # nobody has these tokens
                self._ledger.note([login_records.drop(login)])
                self._logins.remove(login)
            return self.admit(session, account, login, tokens)

        def undone() -> None:
            self._logins.remove(login)
            failed()

        changes = [*also, login_records.put(login)]
        return self.end(session, request, ended, changes, done, undone)

    def end(
        self,
        session: SessionT,
        request: object,
        logins: Sequence[Login],
        also: Sequence[Change],
        kept: Callable[[], Answer],
        failed: Callable[[], None] = lambda: None,
    ) -> Refusal | None:
        """Have the end of these logins kept, and `also`; then `kept` answers."""
        ids = [login.id for login in logins]
        self._logins.changing.update(ids)

        def undone() -> None:
            self._logins.changing.difference_update(ids)
            failed()

        return self.keep(session, request, [*also, *map(login_records.drop, logins)], kept, undone)

    def ended(self, account: int, logins: Sequence[Login]) -> None:
        """The end of these logins is kept: their tokens are worth nothing, and who is here by them goes."""
        for login in logins:
            self._logins.remove(login)
        self.dismiss(self._people.by_id(account), logins)

    def keep(
        self,
        session: SessionT,
        request: object,
        changes: Sequence[Change],
        kept: Callable[[], Answer],
        failed: Callable[[], None],
    ) -> Refusal | None:
        """Have this kept; `kept` answers, or `failed` undoes what was marked: also where a Refusal comes."""

        def answer(_: Sequence[Record]) -> Answer:
            return kept()

        ticket = self._ledger.append((), changes, Request(self._outlet, session, request, answer, failed))
        if isinstance(ticket, Refusal):
            failed()
            return ticket
        return None


def logged_in(user: User) -> Refusal:
    """The refusal of a login to somebody who has one."""
    return Refusal(Code.BAD_REQUEST, f"You are logged in as '{user.name}' already.")


def taken(name: str) -> Refusal:
    """The refusal of a name that somebody has."""
    return Refusal(Code.NAME_TAKEN, f"Username '{name}' is already taken.", field="username")
