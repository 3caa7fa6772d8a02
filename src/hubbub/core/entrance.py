"""The entrance: who comes in, as a guest or with an account, and who goes out.

What takes its time (a password's hash, a commit) is answered later, by `Outlet.answer`. What owners may do
with their accounts besides stands in `own_account`, what whoever runs the server may, in `administration`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar, cast

from hubbub.core import accounts as account_records
from hubbub.core import logins as login_records
from hubbub.core import names
from hubbub.core.accounts import Account
from hubbub.core.administration import Administration
from hubbub.core.admission import BUSY, GONE, Admission, logged_in, taken
from hubbub.core.answers import Answer
from hubbub.core.commands import Login, Register
from hubbub.core.credentials import WRONG, Credentials
from hubbub.core.entries import Change
from hubbub.core.errors import Code, Refusal
from hubbub.core.files import Bearer
from hubbub.core.guests import GUEST
from hubbub.core.ledger import Ledger
from hubbub.core.logins import ACCESS, Logins, Tokens
from hubbub.core.logins import Login as LoginRecord
from hubbub.core.membership import Membership
from hubbub.core.model import Session, User
from hubbub.core.own_account import OwnAccount
from hubbub.core.people import People
from hubbub.core.ports import Passwords
from hubbub.core.rooms import Rooms
from hubbub.core.settings import CoreSettings

SessionT = TypeVar("SessionT", bound=Session)

_SEEN_AGAIN = 60.0  # seconds: a login that was used is written down so seldom


class Entrance(Generic[SessionT]):
    """Logging in, and registering."""

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
        self._settings = settings
        self._ledger = ledger
        self._outlet = ledger.outlet
        self._people = people
        self._accounts = people.accounts
        self._clock = clock
        self._reserved = frozenset({*names.keys("Server"), *rooms.default.keys})
        """The server's own name in text, and the default room's, which `Send` could mean."""
        self._logins = Logins(settings.accounts, clock, entropy)
        self._credentials = Credentials(settings.accounts, passwords, clock)
        self.admission = Admission(ledger, people, rooms, membership, self._logins, server_name)
        self.own_account = OwnAccount(ledger, people, self._logins, self._credentials, self.admission)
        self.administration = Administration(
            settings.accounts,
            ledger,
            people,
            self._logins,
            self._credentials,
            self.admission,
            clock,
            self._reserved,
        )

    def load(self) -> None:
        """Take in what is kept: called once, before anybody is served."""
        look = self._ledger.journal.look
        look(self._people.load)
        changes: list[Change] = [
            *look(self._people.guests.load),
            *(login_records.drop(login) for login in look(self._logins.load)),
        ]
        if changes:
            self._ledger.note(changes)

    # -- logging in

    def login(self, session: SessionT, command: Login, request: object) -> Answer | None:
        """Come in. None: the answer comes when the password is tried, and the login kept."""
        if session.user is not None:
            return logged_in(session.user)
        if command.token is not None and not command.token.startswith(GUEST + "."):
            return self._by_token(session, command, command.token)
        if command.token is None and (command.password is not None or command.password_sha256 is not None):
            name = command.username or session.wished
            if name is None:
                return Refusal(Code.BAD_REQUEST, "A user name is needed.", field="username")
            if not command.or_guest or self._accounts.find(name) is not None:
                return self._by_password(session, command, name, request)
        return self._as_guest(session, command)

    def _by_password(self, session: SessionT, command: Login, name: str, request: object) -> Refusal | None:
        digest = self._credentials.given(session, command.password, command.password_sha256, "password")
        if isinstance(digest, Refusal):
            return digest
        account = self._accounts.find(name)

        def proved(refusal: Refusal | None) -> None:
            answer = refusal or self._proved(session, account, request, lasting=command.lasting)
            if answer is not None:
                self._outlet.answer(session, request, answer)
                self._tried(session, answer)

        return self._credentials.prove(session, name, account, digest, proved)

    def _proved(
        self, session: SessionT, proved: Account | None, request: object, *, lasting: bool
    ) -> Refusal | None:
        account = self._accounts.by_id(proved.id) if proved is not None else None
        if session.gone:
            return GONE
        if account is None or proved is None or account.password != proved.password:  # changed meanwhile
            return WRONG
        if account.disabled:
            return Refusal(Code.FORBIDDEN, "This account is disabled.")
        if account.id in self._accounts.changing:
            return BUSY
        return self.admission.begin(session, account, request, lasting=lasting)

    def _tried(self, session: SessionT, answer: Refusal) -> None:
        """In plain text nobody reads codes and waits; after a few tries the line is closed."""
        if session.exclusive and answer.code is Code.BAD_CREDENTIALS and not session.gone:
            session.tries += 1
            if session.tries >= self._settings.accounts.tries:
                self._outlet.flush()
                self._outlet.dismiss(session, "policy")

    def _by_token(self, session: SessionT, command: Login, token: str) -> Answer:
        login = self._logins.find(ACCESS, token)
        account = self._accounts.by_id(login.account) if login is not None else None
        if login is None or account is None or account.disabled:
            return _bad_token()
        if command.username is not None and self._accounts.find(command.username) is not account:
            return _bad_token()
        login = self._used(login, account)
        told = "" if command.lasting else token
        tokens = Tokens(told, None, int(login.access_until - self._clock()))
        return self.admission.admit(session, account, login, tokens)

    def _used(self, login: LoginRecord, account: Account) -> LoginRecord:
        """Now and then it is written down that a login is used."""
        untouched = login.id not in self._logins.changing and account.id not in self._accounts.changing
        if not untouched or self._clock() - login.seen < _SEEN_AGAIN:
            return login
        seen = self._logins.seen(login)
        self._logins.set(seen)
        self._ledger.note([login_records.put(seen)])
        return seen

    def bearer(self, token: str) -> Bearer | None:
        """Whose token that is, for a request that comes without a session; None: nobody's, or no longer."""
        if token.startswith(GUEST + "."):
            guest = self._people.returning(token)
            return None if guest is None else Bearer(guest.id, guest.name, False)
        login = self._logins.find(ACCESS, token)
        account = self._accounts.by_id(login.account) if login is not None else None
        if login is None or account is None or account.disabled:
            return None
        self._used(login, account)
        return Bearer(account.id, account.name, True)

    # -- guests

    def _as_guest(self, session: SessionT, command: Login) -> Answer:
        guests = self._settings.guests.allow
        if not (session.local if guests is None else guests):
            return Refusal(
                Code.FORBIDDEN,
                "Guests are not let in here. Whoever runs the server can allow them: guests.allow.",
                limit="guests.allow",
            )
        asked = self._accounts.find(session.wished) if session.wished is not None else None
        if asked is not None:  # what comes in the place of a password may be one, and must become no name
            return self._registered(session, asked)
        id, wished = self._people.new_id(), command.username
        if command.token is not None:
            back = self._people.returning(command.token)
            if back is None:
                return _bad_token()
            if self._people.reserved(back.id):  # becoming an account just now, on the old line
                return BUSY
            id, wished = back.id, wished or back.name
        if wished is None:
            return Refusal(Code.BAD_REQUEST, "A user name is needed.", field="username")
        name = names.normal(wished, names.USER_LIMIT)
        if not isinstance(name, str):
            return _invalid(wished, name)
        user = User(id, name, session)
        holder = self._accounts.holder(user.keys)
        if holder is not None:
            return self._registered(session, holder)
        if not self._reserved.isdisjoint(user.keys):
            return taken(name)
        former = self._people.by_id(id)
        quiet = former is not None and all(one.quiet for one in former.sessions)
        if former is not None and session.quiet and not quiet:
            return _elsewhere(former)
        if not self._people.claim(user):
            return taken(name)
        token = "" if command.lasting and command.token is not None else self._people.token(user)
        tokens = Tokens(token, None, 0)
        if former is not None and quiet and former.name == name:
            return self.admission.take_over(session, former, tokens)
        for one in list(former.sessions) if former is not None else ():  # half-open: this one takes its place
            self._outlet.dismiss(cast("SessionT", one), "replaced")
        if not self._people.enter(user):
            return taken(name)
        return self.admission.welcome(session, user, tokens)

    def beside(self, session: SessionT, token: str) -> Refusal | None:
        """Let a guest ask for something beside the line that it is on: to be an account, or to be gone.

        The session is the guest's from now on. A Refusal: by that token nobody is here.
        """
        guest = self._people.returning(token)
        user = self._people.by_id(guest.id) if guest is not None else None
        if user is None:
            return _bad_token()
        self.admission.join(session, user)
        return None

    def _registered(self, session: SessionT, account: Account) -> Refusal:
        how = "Log in with its password."
        if session.exclusive and self._credentials.exposed(session):
            how = "Its password cannot be given here, where others could read it. Choose another name."
        elif session.exclusive:
            session.wished = account.name
            how = "Type /login PASSWORD"
        return Refusal(Code.NAME_REGISTERED, f"'{account.name}' is registered. {how}", field="username")

    # -- registering

    def register(self, session: SessionT, command: Register, request: object) -> Answer | None:
        """Make an account. The name is held from here on, and given back where it fails."""
        rule = self._settings.accounts.register
        if not (session.local if rule is None else rule):
            return Refusal(
                Code.FORBIDDEN,
                "Whoever runs the server makes the accounts here.",
                limit="accounts.register",
            )
        user = session.user
        if user is not None and user.account:
            return logged_in(user)
        wished = command.username or (user.name if user is not None else session.wished)
        if wished is None:
            return Refusal(Code.BAD_REQUEST, "A user name is needed.", field="username")
        name = names.normal(wished, names.USER_LIMIT)
        if not isinstance(name, str):
            return _invalid(wished, name)
        if user is not None and names.key(name) != user.keys[0]:
            message = f"You are '{user.name}' here. Register that name, or log out first."
            return Refusal(Code.BAD_REQUEST, message, field="username")
        digest = self._credentials.chosen(session, command.password, command.password_sha256, "password")
        if isinstance(digest, Refusal):
            return digest
        id, name = (self._people.new_id(), name) if user is None else (user.id, user.name)
        held = self.administration.reserve(id, name)
        if held is not None:
            return held
        limited = self._credentials.registering(session)
        if limited is None:
            limited = self._credentials.hash(
                session,
                digest,
                lambda stored: self._hashed(session, id, name, stored, request, lasting=command.lasting),
            )
        if limited is not None:
            self._people.give_back(id, names.keys(name))
        return limited

    def _hashed(
        self,
        session: SessionT,
        id: int,
        name: str,
        stored: str | Refusal,
        request: object,
        *,
        lasting: bool,
    ) -> None:
        def give_back() -> None:
            self._people.give_back(id, names.keys(name))

        answer: Refusal | None
        if isinstance(stored, Refusal) or session.gone:
            give_back()
            answer = stored if isinstance(stored, Refusal) else GONE
        else:
            account = Account(id, name, stored, self._clock())
            put = [account_records.put(account)]
            kept = self.administration.made
            answer = self.admission.begin(
                session, account, request, put, lambda: kept(account), give_back, lasting=lasting
            )
        if answer is not None:
            self._outlet.answer(session, request, answer)


def _bad_token() -> Refusal:
    return Refusal(Code.BAD_CREDENTIALS, "This token is not valid, or no longer.", field="token")


def _elsewhere(user: User) -> Refusal:
    message = f"'{user.name}' is here by another connection: a guest has one at a time."
    return Refusal(Code.NAME_TAKEN, message, field="token")


def _invalid(wished: str, name: names.Invalid) -> Refusal:
    message = f"Username '{wished[: 2 * names.USER_LIMIT]}' is not valid: {name.reason}"
    return Refusal(Code.NAME_INVALID, message, field="username")
