"""Logins: where an account is logged in, each with tokens that follow one another.

A login is a family of tokens (RFC 6819 §5.2.2.3): a refresh token is exchanged once, for a new pair. If an
old one comes again, one of two has stolen it, and nobody can say which: the login ends. Of tokens only
their SHA-256 is kept; they are random, so it needs neither salt nor slowness.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final, Literal, NamedTuple

import msgspec

from hubbub.core.entries import Drop, Put
from hubbub.core.ports import Reader
from hubbub.core.settings import AccountSettings

ACCESS: Final = "a"
REFRESH: Final = "r"

_PREFIX: Final = "login/"
_HASH: Final = 32  # bytes of a SHA-256
_USED: Final = 50  # refresh tokens of a login that are recognised when they come again
_LONGEST: Final = 128  # characters of a token
_LATER: Final = 86_400.0  # seconds: the end of a lasting login is moved forward so seldom

Kind = Literal["a", "r"]


class Login(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A login as it is kept: a new field needs a default. Times are Unix time in seconds.

    `access` and `refresh` are hashes of its tokens, `used` those of former refresh tokens, joined. A lasting
    login, of a browser's cookie, has no refresh token: `refresh` is empty, and both end at the same time.
    """

    id: str
    account: int
    created: float
    seen: float
    access: bytes
    access_until: float
    refresh: bytes
    refresh_until: float
    used: bytes = b""

    @property
    def lasting(self) -> bool:
        """Whether its one token is good for as long as it is used."""
        return not self.refresh


class Tokens(NamedTuple):
    """What a client gets; `expires_in` seconds are those of `access`."""

    access: str
    refresh: str | None
    expires_in: int


_decoder = msgspec.msgpack.Decoder(Login)


def put(login: Login) -> Put:
    """The change that keeps it."""
    return Put(_PREFIX + login.id, msgspec.msgpack.encode(login))


def drop(login: Login) -> Drop:
    """The change that ends it."""
    return Drop(_PREFIX + login.id)


class Logins:
    """All logins, by id and by account."""

    def __init__(
        self, settings: AccountSettings, clock: Callable[[], float], entropy: Callable[[int], bytes]
    ) -> None:
        """`entropy(n)` gives n unpredictable bytes."""
        self._settings = settings
        self._clock = clock
        self._entropy = entropy
        self._by_id: dict[str, Login] = {}
        self._by_account: dict[int, dict[str, None]] = {}
        self.changing: set[str] = set()
        """Ids of those whose end or next pair of tokens is decided on, but not kept yet."""

    def __len__(self) -> int:
        """How many there are."""
        return len(self._by_id)

    def load(self, reader: Reader) -> list[Login]:
        """Take in what is kept. Those that have expired come back, and are not taken in."""
        expired: list[Login] = []
        for _, value in reader.scan(_PREFIX):
            login = _decoder.decode(value)
            if self.expired(login):
                expired.append(login)
            else:
                self.set(login)
        return expired

    def set(self, login: Login) -> None:
        """It is this from now on."""
        self._by_id[login.id] = login
        self._by_account.setdefault(login.account, {})[login.id] = None

    def remove(self, login: Login) -> None:
        """It has ended."""
        self.changing.discard(login.id)
        if self._by_id.pop(login.id, None) is not None:
            ids = self._by_account[login.account]
            del ids[login.id]
            if not ids:
                del self._by_account[login.account]

    def by_id(self, id: str) -> Login | None:
        """The login of that id."""
        return self._by_id.get(id)

    def of(self, account: int) -> list[Login]:
        """All logins of an account, the newest first."""
        found = [self._by_id[id] for id in self._by_account.get(account, ())]
        return sorted(found, key=lambda login: login.created, reverse=True)

    def expired(self, login: Login) -> bool:
        """Whether no token of it is any good."""
        return login.refresh_until <= self._clock()

    def surplus(self, account: int, used: Iterable[str | None]) -> list[Login]:
        """Which must end before another begins: the expired ones, and the ones that rested longest.

        `used` are the ids of those that somebody is here by, so they rest least.
        """
        logins, here, most = self.of(account), set(used), self._settings.max_logins - 1
        expired = [login for login in logins if login.id not in here and self.expired(login)]
        good = [login for login in logins if login not in expired]
        good.sort(key=lambda login: (login.id in here, login.seen))
        ending = [*expired, *good[: max(0, len(good) - most)]]
        return [login for login in ending if login.id not in self.changing]

    # -- tokens

    def begin(self, account: int, *, lasting: bool = False) -> tuple[Login, Tokens]:
        """A new login, not taken in yet, and its first tokens: of a lasting one the only one."""
        now = self._clock()
        id = self._entropy(8).hex()
        while id in self._by_id:
            id = self._entropy(8).hex()
        if not lasting:
            return self._issue(Login(id, account, now, now, b"", now, b"", now))
        access, seconds = self._token(ACCESS, id), self._settings.refresh_seconds
        hashed, until = sha256(access.encode()).digest(), now + seconds
        return Login(id, account, now, now, hashed, until, b"", until), Tokens(access, None, int(seconds))

    def follow(self, login: Login) -> tuple[Login, Tokens]:
        """What the login becomes when its refresh token is used up, and the next tokens."""
        used = (login.used + login.refresh)[-_USED * _HASH :]
        return self._issue(msgspec.structs.replace(login, used=used))

    def seen(self, login: Login) -> Login:
        """The same login, used just now: a lasting one ends later by that."""
        now = self._clock()
        until = now + self._settings.refresh_seconds
        if login.lasting and until - login.access_until >= _LATER:
            return msgspec.structs.replace(login, seen=now, access_until=until, refresh_until=until)
        return msgspec.structs.replace(login, seen=now)

    def find(self, kind: Kind, token: str) -> Login | None:
        """Whose token that is, of those that are good now."""
        login, hashed = self._look_up(kind, token)
        if login is None:
            return None
        kept, until = (
            (login.access, login.access_until) if kind == ACCESS else (login.refresh, login.refresh_until)
        )
        return login if hmac.compare_digest(hashed, kept) and until > self._clock() else None

    def reused(self, token: str) -> Login | None:
        """The login whose refresh token that was, before it was exchanged."""
        login, hashed = self._look_up(REFRESH, token)
        if login is None:
            return None
        used = {login.used[at : at + _HASH] for at in range(0, len(login.used), _HASH)}
        return login if hashed in used else None

    def _look_up(self, kind: Kind, token: str) -> tuple[Login | None, bytes]:
        if len(token) > _LONGEST or not token.isascii():
            return None, b""
        given, _, rest = token.partition(".")
        login = self._by_id.get(rest.partition(".")[0]) if given == kind else None
        return login, sha256(token.encode()).digest()

    def _issue(self, login: Login) -> tuple[Login, Tokens]:
        now, settings = self._clock(), self._settings
        access, refresh = self._token(ACCESS, login.id), self._token(REFRESH, login.id)
        issued = msgspec.structs.replace(
            login,
            seen=now,
            access=sha256(access.encode()).digest(),
            access_until=now + settings.access_seconds,
            refresh=sha256(refresh.encode()).digest(),
            refresh_until=now + settings.refresh_seconds,
        )
        return issued, Tokens(access, refresh, int(settings.access_seconds))

    def _token(self, kind: Kind, id: str) -> str:
        secret = urlsafe_b64encode(self._entropy(32)).rstrip(b"=").decode()
        return f"{kind}.{id}.{secret}"
