"""People: who is online, under which name, and who may come back after a dropped line.

A name is a label; the id is the identity, and an id is never given to somebody else.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from itertools import islice

from hubbub.core import names
from hubbub.core.model import Session, User
from hubbub.core.ports import Claims, claim_all
from hubbub.core.settings import GuestSettings

_ID_BITS = 53  # JavaScript's numbers are exact up to 2^53 - 1


class _Dropped:
    __slots__ = ("name", "until")

    def __init__(self, name: str, until: float) -> None:
        self.name = name
        self.until = until


class People:
    """Everybody who is online, and for a while those whose line dropped."""

    def __init__(
        self,
        claims: Claims,
        settings: GuestSettings,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
    ) -> None:
        """`entropy(n)` gives n unpredictable bytes."""
        self._claims = claims
        self._settings = settings
        self._clock = clock
        self._entropy = entropy
        self._secret = entropy(32)
        self._by_name: dict[str, User] = {}
        self._by_key: dict[str, User] = {}
        self._by_id: dict[int, User] = {}
        self._dropped: dict[int, _Dropped] = {}
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

    def find_anybody(self, name: str) -> tuple[int, str] | None:
        """Who has that name, online or away, as (id, name): to whom one can write."""
        user = self.find(name)
        return None if user is None else (user.id, user.name)

    def find_account(self, name: str) -> tuple[int, str] | None:
        """The account of that name, online or away, as (id, name). A guest is none."""
        user = self.find(name)
        return None if user is None or not user.account else (user.id, user.name)

    def name_of(self, id: int) -> str | None:
        """What the person with that id is called, online or away; None: nobody knows."""
        user = self._by_id.get(id)
        return None if user is None else user.name

    def by_id(self, id: int) -> User | None:
        """Who is online with that id."""
        return self._by_id.get(id)

    def held_by_another(self, keys: Iterable[str], id: int) -> bool:
        """Whether one of these keys of a name is held by somebody online who has not that id."""
        return any((user := self._by_key.get(key)) is not None and user.id != id for key in keys)

    # -- coming and going

    def new_id(self) -> int:
        """An id that nobody has: random, so that a restart does not repeat one."""
        while True:
            id = int.from_bytes(self._entropy(7)) & ((1 << _ID_BITS) - 1)
            if id > 1 and id not in self._by_id and id not in self._dropped:
                return id

    def enter(self, id: int, name: str, session: Session) -> User | None:
        """Come online under a normal name; None where it, or one that looks the same, is held."""
        user = User(id, name, session)
        if not claim_all(self._claims, "user:", user.keys, id):
            return None
        self._dropped.pop(id, None)
        self._by_id[id] = user
        self._by_name[name] = user
        for key in user.keys:
            self._by_key[key] = user
        self._sorted = None
        return user

    def leave(self, user: User) -> None:
        """Go offline. The name is free at once; the id can be taken back by its token for a while."""
        del self._by_id[user.id]
        del self._by_name[user.name]
        for key in user.keys:
            self._claims.release("user:" + key, user.id)
            del self._by_key[key]
        self._sorted = None
        now = self._clock()
        self._dropped[user.id] = _Dropped(user.name, now + self._settings.keep_seconds)
        # The oldest two go for each one that comes, so expiry needs no timer.
        for id in tuple(islice(self._dropped, 2)):
            dropped = self._dropped[id]
            if dropped.until < now or len(self._dropped) > self._settings.max_kept:
                del self._dropped[id]

    # -- tokens

    def token(self, user: User) -> str:
        """What takes this session back. A MAC over the id: nothing is stored per connection."""
        return f"{user.id:x}.{self._mac(user.id)}"

    def returning(self, token: str) -> tuple[int, str] | None:
        """Whose token that is, as (id, name), online or dropped; None: nobody's, or too late."""
        head, _, mac = token.partition(".")
        try:
            id = int(head, 16) if len(head) <= 14 else 0
        except ValueError:
            return None
        if not mac.isascii() or not hmac.compare_digest(mac, self._mac(id)):
            return None
        user = self._by_id.get(id)
        if user is not None:
            return id, user.name
        dropped = self._dropped.get(id)
        if dropped is None or dropped.until < self._clock():
            return None
        return id, dropped.name

    def _mac(self, id: int) -> str:
        return hmac.digest(self._secret, b"guest:%d" % id, "sha256")[:18].hex()
