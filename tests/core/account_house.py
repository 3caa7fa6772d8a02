"""A House whose people have accounts: short ways in, journals that fail when told to, and restarts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from contracts.journals import Turns, UnrulyJournal, memory
from core.house import House
from hubbub.core.accounts import Role
from hubbub.core.administration import AccountView, Administration
from hubbub.core.answers import LoggedIn
from hubbub.core.commands import Login, Register
from hubbub.core.credentials import digest
from hubbub.core.entries import Change, Entry
from hubbub.core.errors import Refusal
from hubbub.core.model import Session
from hubbub.core.ports import JournalUnavailableError
from hubbub.core.settings import AccountSettings, CoreSettings, GuestSettings

PASSWORD = "correct horse"


class FlakyJournal(UnrulyJournal):
    """Commits late, in odd portions; fails everything while `failing`, takes nothing while `refusing`."""

    refusing = False

    def __init__(self, turns: Turns, seed: int) -> None:
        super().__init__(turns, seed, fail=0.0)

    def append(self, entries: Sequence[Entry], changes: Sequence[Change] = ()) -> int:
        if self.refusing:
            raise JournalUnavailableError("the disk is full")
        return super().append(entries, changes)

    @property
    def failing(self) -> bool:
        return self._fail > 0

    @failing.setter
    def failing(self, failing: bool) -> None:
        self._fail = 1.0 if failing else 0.0


class AccountHouse(House):
    """See above."""

    def __init__(
        self,
        accounts: AccountSettings | None = None,
        guests: GuestSettings | None = None,
        *,
        flaky: bool = False,
        before: AccountHouse | None = None,
        now: float = 1_000_000.0,
    ) -> None:
        settings = CoreSettings(accounts=accounts or AccountSettings(), guests=guests or GuestSettings())
        if before is None:
            super().__init__(settings, FlakyJournal if flaky else memory, now=now)
        else:
            seed = int(now) + id(before)  # chance is never the same again
            super().__init__(settings, lambda *_: before.journal, seed, turns=before.turns, now=now)
        self.accounts, self.guests = settings.accounts, settings.guests
        self.turns.run_all()

    @property
    def flaky(self) -> FlakyJournal:
        assert isinstance(self.journal, FlakyJournal)
        return self.journal

    @property
    def admin(self) -> Administration[Session]:
        return self.service.entrance.administration

    def records(self, prefix: str) -> dict[str, bytes]:
        return dict(self.journal.look(lambda reader: list(reader.scan(prefix))))

    def again(self, later: float = 0.0) -> AccountHouse:
        """The same server after a restart, so many seconds later. Nobody is here."""
        self.turns.run_all()
        return AccountHouse(self.accounts, self.guests, before=self, now=self.now + later)

    def guest(self, name: str) -> tuple[Session, LoggedIn]:
        session = self.session()
        answer = self.done(session, Login(username=name))
        assert isinstance(answer, LoggedIn), answer
        return session, answer

    def registered(self, name: str, password: str = PASSWORD) -> tuple[Session, LoggedIn]:
        session = self.session()
        answer = self.done(session, Register(name, password))
        assert isinstance(answer, LoggedIn), answer
        return session, answer

    def logged_in(
        self, name: str, password: str = PASSWORD, *, exclusive: bool = False
    ) -> tuple[Session, LoggedIn]:
        session = self.session(exclusive=exclusive)
        answer = self.done(session, Login(name, password))
        assert isinstance(answer, LoggedIn), answer
        return session, answer

    def far(self, address: str = "192.0.2.1", *, private: bool = True) -> Session:
        """Somebody from elsewhere."""
        session = Session(exclusive=False, local=False, private=private, address=address)
        self.service.connected(session)
        return session

    def added(self, name: str, role: Role = "member", password: str = PASSWORD) -> AccountView | Refusal:
        return self.told(self.admin.add, name, digest(password), role)

    def told(self, ask: Callable[..., None], *given: str) -> AccountView | Refusal:
        """What an administrator is told, once."""
        told: list[AccountView | Refusal] = []
        ask(*given, told.append)
        self.turns.run_all()
        (answer,) = told
        return answer
