"""Accounts: who holds a name for good, and by which password.

An account is kept as one record. It holds its name like a person who is always there (see `people`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import nsmallest
from typing import Final, Literal

import msgspec

from hubbub.core import names
from hubbub.core.entries import Put
from hubbub.core.ports import Reader

Role = Literal["admin", "member"]

_PREFIX: Final = "account/"


class Account(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One account, as it is kept: a new field needs a default. `created` is Unix time in seconds.

    `password` is the Argon2id hash of the SHA-256, in hex, of the password in UTF-8: some clients send
    no more of it than that, and so they and those who send it whole mean the same.
    """

    id: int
    name: str
    password: str
    created: float
    role: Role = "member"
    disabled: bool = False


_decoder = msgspec.msgpack.Decoder(Account)


def put(account: Account) -> Put:
    """The change that keeps it."""
    return Put(f"{_PREFIX}{account.id:014x}", msgspec.msgpack.encode(account))


class Accounts:
    """All accounts, by id and by name."""

    def __init__(self) -> None:
        self._by_id: dict[int, Account] = {}
        self._by_name: dict[str, Account] = {}
        self._by_key: dict[str, Account] = {}
        self.changing: set[int] = set()
        """Ids of those that are about to be another: a change is decided on, but not kept yet."""

    def __len__(self) -> int:
        """How many there are."""
        return len(self._by_id)

    def __iter__(self) -> Iterator[Account]:
        """Each of them, sorted by name."""
        return iter(sorted(self._by_id.values(), key=lambda account: account.name))

    def all(self) -> Iterable[Account]:
        """Each of them, in no order."""
        return self._by_id.values()

    def page(self, after: str, most: int, query: str) -> list[Account]:
        """The first `most` by name behind `after`, of those with `query` in their name; case is forgiven."""
        wanted = query.casefold()
        found = (one for one in self.all() if one.name > after and wanted in one.name.casefold())
        return nsmallest(most, found, key=lambda account: account.name)

    def load(self, reader: Reader) -> None:
        """Take in what is kept."""
        for _, value in reader.scan(_PREFIX):
            self.set(_decoder.decode(value))

    def set(self, account: Account) -> None:
        """It is this from now on. Its name never changes."""
        self._by_id[account.id] = account
        self._by_name[account.name] = account
        for key in names.keys(account.name):
            self._by_key[key] = account

    def by_id(self, id: int) -> Account | None:
        """The account of that id."""
        return self._by_id.get(id)

    def find(self, name: str) -> Account | None:
        """The account of that name; case and the width of letters are forgiven."""
        account = self._by_name.get(name)
        if account is None:
            wanted = names.normal(name, names.USER_LIMIT)
            account = self._by_key.get(names.key(wanted)) if isinstance(wanted, str) else None
        return account

    def holder(self, keys: tuple[str, ...]) -> Account | None:
        """Whose name one of these keys of a name belongs to."""
        return next((account for key in keys if (account := self._by_key.get(key)) is not None), None)
