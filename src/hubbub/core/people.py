"""People: who is online, under which name, and who may come back after a dropped line.

A name is a label; the id is the identity, and an id is never given to somebody else. A guest holds a name
while online, an account always. Who is about to become an account holds it as if he were one already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hubbub.core import names
from hubbub.core.accounts import Account, Accounts
from hubbub.core.errors import Code, Refusal
from hubbub.core.guests import Guest, Guests
from hubbub.core.model import Session, User
from hubbub.core.ports import Claims, Reader, claim_all
from hubbub.core.settings import GuestSettings

LARGEST_ID: Final = 2**53 - 1
"""Of a person: JavaScript's numbers are exact up to it."""


class People:
    """Everybody who is online, and everybody who has an account."""

    def __init__(
        self,
        claims: Claims,
        settings: GuestSettings,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
    ) -> None:
        """`entropy(n)` gives n unpredictable bytes."""
        self._claims = claims
        self._entropy = entropy
        self.accounts = Accounts()
        self.guests = Guests(settings, clock, entropy)
        self._by_name: dict[str, User] = {}
        self._by_key: dict[str, User] = {}
        self._by_id: dict[int, User] = {}
        self._reserved: set[int] = set()
        self._sorted: list[User] | None = None

    def __len__(self) -> int:
        """How many are online."""
        return len(self._by_id)

    def all(self) -> list[User]:
        """Everybody online, sorted by name."""
        if self._sorted is None:
            self._sorted = sorted(self._by_id.values(), key=lambda user: user.name)
        return self._sorted

    def find(self, name: str) -> User | None:
        """Who is online under that name; case and the width of letters are forgiven."""
        user = self._by_name.get(name)
        if user is None:
            wanted = names.normal(name, names.USER_LIMIT)
            user = self._by_key.get(names.key(wanted)) if isinstance(wanted, str) else None
        return user

    def known(self, name: str) -> User | Account | None:
        """Who has that name: somebody online, or an account whose owner is away."""
        return self.find(name) or self.accounts.find(name)

    def addressed(self, name: str, id: int | None) -> User | Account | Refusal:
        """Who has that name: where an `id` says who is meant, that person and nobody else."""
        other = self.known(name)
        if other is None:
            return Refusal(Code.NOT_FOUND, f"User '{name[:64]}' not found.", field="to")
        if id is not None and id != other.id:
            return Refusal(Code.NOT_FOUND, f"'{other.name}' is somebody else by now.", field="to_id")
        return other

    def name_of(self, id: int) -> str | None:
        """The name that belongs to that id: of an account, or of somebody online."""
        holder = self._by_id.get(id) or self.accounts.by_id(id)
        return holder.name if holder is not None else None

    def by_id(self, id: int) -> User | None:
        """Who is online with that id."""
        return self._by_id.get(id)

    # -- coming and going

    def new_id(self) -> int:
        """An id that nobody has: random, so that a restart does not repeat one."""
        while True:
            id = int.from_bytes(self._entropy(7)) & LARGEST_ID
            if id > 1 and id not in self._by_id and id not in self.guests and id not in self._reserved:
                return id

    def claim(self, user: User) -> bool:
        """Hold a user's name. False: it, or one that looks the same, is held by somebody else."""
        return claim_all(self._claims, "user:", user.keys, user.id)

    def enter(self, user: User) -> bool:
        """Come online. False: the name is held by somebody else."""
        if not self.claim(user):
            return False
        self.guests.arrived(user.id)
        self._by_id[user.id] = user
        self._by_name[user.name] = user
        for key in user.keys:
            self._by_key[key] = user
        self._sorted = None
        return True

    def leave(self, user: User, session: Session) -> None:
        """One of a user's devices is gone. With the last one goes the user.

        A guest's name is free at once; the id can be taken back by its token for a while.
        """
        user.sessions.remove(session)
        if user.sessions:
            return
        del self._by_id[user.id]
        del self._by_name[user.name]
        for key in user.keys:
            del self._by_key[key]
        self._sorted = None
        if not user.account:
            self.guests.dropped(user.id, user.name)
        if user.id not in self._reserved:
            self._release(user.id, user.keys)

    # -- names that are held by those who are away

    def load(self, reader: Reader) -> None:
        """Take in the accounts."""
        self.accounts.load(reader)
        for account in self.accounts:
            self.reserve(account.id, names.keys(account.name))

    def reserve(self, id: int, keys: tuple[str, ...]) -> bool:
        """Hold a name for that id, whether online or not. False: somebody else holds it."""
        if not claim_all(self._claims, "user:", keys, id):
            return False
        self._reserved.add(id)
        return True

    def give_back(self, id: int, keys: tuple[str, ...]) -> None:
        """Hold it no longer, but as somebody who is online with it."""
        self._reserved.discard(id)
        if id not in self._by_id:
            self._release(id, keys)

    def reserved(self, id: int) -> bool:
        """Whether that is an account's id, or that of somebody who is about to have one."""
        return id in self._reserved

    def _release(self, id: int, keys: tuple[str, ...]) -> None:
        for key in keys:
            self._claims.release("user:" + key, id)

    # -- guests

    def token(self, user: User) -> str:
        """What takes a guest's session back."""
        return self.guests.token(user.id, user.name)

    def returning(self, token: str) -> Guest | None:
        """Which guest that token belongs to, online or dropped; None: nobody, or too late."""
        read = self.guests.read(token)
        if read is None:
            return None
        guest, this_run = read
        if self.accounts.by_id(guest.id) is not None:
            return None
        user = self._by_id.get(guest.id)
        return Guest(user.id, user.name) if user is not None else self.guests.returning(guest, this_run)
