"""Administration: what whoever runs the server does with accounts (`hubbub user`), and admins by HTTP.

Nothing here asks who wants it: that is the caller's to know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from hubbub.core import accounts as account_records
from hubbub.core import logins as login_records
from hubbub.core import names
from hubbub.core.accounts import Account, Role
from hubbub.core.admission import BUSY, Admission, taken
from hubbub.core.credentials import Credentials
from hubbub.core.entries import Change
from hubbub.core.errors import Code, Refusal
from hubbub.core.ledger import Ledger, Told
from hubbub.core.logins import Login, Logins
from hubbub.core.model import Session
from hubbub.core.people import People
from hubbub.core.settings import AccountSettings
from hubbub.core.stamps import stamp

SessionT = TypeVar("SessionT", bound=Session)


class AccountView(msgspec.Struct, frozen=True, gc=False):
    """An account as a list shows it. `created` is RFC 3339; `logins` counts where it is logged in."""

    username: str
    user_id: int
    role: Role
    disabled: bool
    created: str
    online: bool
    logins: int


Then = Callable[[AccountView | Refusal], None]
"""Who is told, once: the account as it is now, or why not. Also before the call returns."""


class Administration(Generic[SessionT]):
    """Accounts made and changed from outside."""

    def __init__(
        self,
        settings: AccountSettings,
        ledger: Ledger[SessionT],
        people: People,
        logins: Logins,
        credentials: Credentials,
        admission: Admission[SessionT],
        clock: Callable[[], float],
        reserved: frozenset[str],
    ) -> None:
        """`reserved`: keys of names that nobody may have."""
        self._settings = settings
        self._ledger = ledger
        self._people = people
        self._accounts = people.accounts
        self._logins = logins
        self._credentials = credentials
        self._admission = admission
        self._clock = clock
        self._reserved = reserved

    def all(self) -> list[AccountView]:
        """All accounts, sorted by name."""
        return [self._view(account) for account in self._accounts]

    def page(self, after: str, most: int, query: str) -> tuple[list[AccountView], bool]:
        """Up to `most` accounts with `query` in their name, by name from behind `after`; are there more?"""
        found = self._accounts.page(after, most + 1, query)
        return [self._view(account) for account in found[:most]], len(found) > most

    def role(self, id: int) -> Role | None:
        """What the account of that id is now; None: it is none, or disabled."""
        account = self._accounts.by_id(id)
        return None if account is None or account.disabled else account.role

    def add(self, name: str, digest: str, role: Role, then: Then) -> None:
        """Make an account. `digest`: see `credentials.digest`. A guest of that name has to go."""
        normal = names.normal(name, names.USER_LIMIT)
        if not isinstance(normal, str):
            message = f"Username '{name[:64]}' is not valid: {normal.reason}"
            then(Refusal(Code.NAME_INVALID, message, field="username"))
            return

        def hashed(stored: str | Refusal) -> None:
            if isinstance(stored, Refusal):
                then(stored)
            else:
                self._add(Account(self._people.new_id(), normal, stored, self._clock(), role), then)

        full = self._credentials.hash(None, digest, hashed)
        if full is not None:
            then(full)

    def _add(self, account: Account, then: Then) -> None:
        keys = names.keys(account.name)
        if self._unavailable(account.name) is None:
            for user in [user for user in self._people.all() if not set(user.keys).isdisjoint(keys)]:
                if not self._people.reserved(user.id):  # else he is becoming an account himself
                    self._admission.dismiss(user)
        refusal = self.reserve(account.id, account.name)
        if refusal is not None:
            then(refusal)
            return

        def kept() -> None:
            self.made(account)
            then(self._view(account))

        def failed(refusal: Refusal) -> None:
            self._people.give_back(account.id, keys)
            then(refusal)

        self._keep([account_records.put(account)], kept, failed)

    def set_password(self, name: str, digest: str, then: Then) -> None:
        """Another password; all logins of the account end."""

        def hashed(stored: str | Refusal) -> None:
            if isinstance(stored, Refusal):
                then(stored)
            else:
                self._change(name, then, ends=True, password=stored)

        if self._accounts.find(name) is None:
            then(_unknown(name))
            return
        full = self._credentials.hash(None, digest, hashed)
        if full is not None:
            then(full)

    def set_role(self, name: str, role: Role, then: Then) -> None:
        """Make somebody an admin, or no longer."""
        self._change(name, then, ends=False, role=role)

    def disable(self, name: str, then: Then) -> None:
        """Nobody comes in by it any more, and who is here by it goes at once."""
        self._change(name, then, ends=True, disabled=True)

    def enable(self, name: str, then: Then) -> None:
        """Its password is good again."""
        self._change(name, then, ends=False, disabled=False)

    def change(
        self,
        name: str,
        then: Then,
        *,
        role: Role | None = None,
        disabled: bool | None = None,
        digest: str | None = None,
    ) -> None:
        """All of this at once; None leaves it as it is. The last admin stays one, who can come in."""
        fields: dict[str, str | bool] = {}
        if role is not None:
            fields["role"] = role
        if disabled is not None:
            fields["disabled"] = disabled
        ends = disabled is True or digest is not None
        if digest is None:
            self._change(name, then, ends=ends, governed=True, **fields)
            return

        def hashed(stored: str | Refusal) -> None:
            if isinstance(stored, Refusal):
                then(stored)
            else:
                self._change(name, then, ends=ends, governed=True, password=stored, **fields)

        if self._accounts.find(name) is None:
            then(_unknown(name))
            return
        full = self._credentials.hash(None, digest, hashed)
        if full is not None:
            then(full)

    def log_out(self, name: str, then: Then) -> None:
        """All logins of the account end, and who is here by it goes."""
        self._change(name, then, ends=True)

    # -- names, for all who make accounts

    def reserve(self, id: int, name: str) -> Refusal | None:
        """Hold a normal name for an account that is about to be. A Refusal: it cannot be."""
        refusal = self._unavailable(name)
        if refusal is None and not self._people.reserve(id, names.keys(name)):
            refusal = taken(name)
        return refusal

    def made(self, account: Account) -> None:
        """It is kept; its name was held for it."""
        self._accounts.set(account)

    def _unavailable(self, name: str) -> Refusal | None:
        keys = names.keys(name)
        if not self._reserved.isdisjoint(keys) or self._accounts.holder(keys) is not None:
            return taken(name)
        most = self._settings.max_accounts
        if len(self._accounts) >= most:
            message = f"There are {most} accounts, which is the limit."
            return Refusal(Code.FORBIDDEN, message, limit="accounts.max_accounts")
        return None

    # -- changes

    def _change(
        self, name: str, then: Then, *, ends: bool, governed: bool = False, **fields: str | bool
    ) -> None:
        """`governed`: not where nobody could govern the server after it."""
        account = self._accounts.find(name)
        if account is None or account.id in self._accounts.changing:
            then(_unknown(name) if account is None else BUSY)
            return
        changed = msgspec.structs.replace(account, **fields)
        if governed and _governs(account) and not _governs(changed) and self._is_last_admin(account):
            message = f"'{account.name}' is the only admin. Make somebody else one first."
            then(Refusal(Code.FORBIDDEN, message, field="disabled" if changed.disabled else "role"))
            return
        logins: Sequence[Login] = self._logins.of(account.id) if ends else ()
        self._accounts.changing.add(account.id)

        def kept() -> None:
            self._accounts.changing.discard(account.id)
            self._accounts.set(changed)
            user = self._people.by_id(account.id)
            if user is not None:
                user.role = changed.role
            if ends:  # also whoever is here by none of these logins
                reason = "disabled" if changed.disabled else "policy"
                self._admission.dismiss(user, reason=reason)
            self._admission.ended(account.id, logins)
            then(self._view(changed))

        def failed(refusal: Refusal) -> None:
            self._accounts.changing.discard(account.id)
            then(refusal)

        self._keep([account_records.put(changed), *map(login_records.drop, logins)], kept, failed)

    def _is_last_admin(self, account: Account) -> bool:
        """Whoever is about to be changed does not count: two cannot take it from each other."""
        others = (one for one in self._accounts.all() if one.id not in self._accounts.changing)
        return not any(_governs(one) for one in others if one is not account)

    def _keep(
        self, changes: Sequence[Change], kept: Callable[[], None], failed: Callable[[Refusal], None]
    ) -> None:
        refusal = self._ledger.append((), changes, Told(kept, failed))
        if isinstance(refusal, Refusal):
            failed(refusal)

    def _view(self, account: Account) -> AccountView:
        return AccountView(
            account.name,
            account.id,
            account.role,
            account.disabled,
            stamp(account.created),
            self._people.by_id(account.id) is not None,
            len(self._logins.of(account.id)),
        )


def _governs(account: Account) -> bool:
    return account.role == "admin" and not account.disabled


def _unknown(name: str) -> Refusal:
    return Refusal(Code.NOT_FOUND, f"User '{name[:64]}' not found.", field="username")
