"""Credentials: what is asked of a password before and after it is hashed, for whatever it is given."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Final, TypeVar

from hubbub.core import names
from hubbub.core.accounts import Account
from hubbub.core.attempts import Attempts, network
from hubbub.core.errors import Code, Refusal
from hubbub.core.model import Session
from hubbub.core.ports import Passwords
from hubbub.core.settings import AccountSettings

WRONG: Final = Refusal(Code.BAD_CREDENTIALS, "The user name or the password is wrong.")
_FAILED: Final = Refusal(Code.INTERNAL, "The password could not be worked on. Try again.", retry_after=1.0)

ResultT = TypeVar("ResultT")

_SHA256 = re.compile("[0-9a-f]{64}", re.IGNORECASE)


def digest(password: str) -> str:
    """What stands for a password from here on: the SHA-256 of its UTF-8, in hex."""
    return sha256(password.encode("utf-8", "surrogatepass")).hexdigest()


class Credentials:
    """Passwords with their limits around them."""

    def __init__(self, settings: AccountSettings, passwords: Passwords, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._passwords = passwords
        seconds, kept = settings.attempts_seconds, settings.attempts_kept
        self._failures = Attempts(settings.attempts, seconds, kept, clock)
        self._registrations = Attempts(settings.registrations, seconds, kept, clock)
        self._share = max(1, settings.max_hashing // 4)
        self._waiting: dict[str, int] = {}
        """How many passwords of one place are being worked on."""

    def exposed(self, session: Session) -> bool:
        """Whether a password could be read on its way here, and so is not taken."""
        return not session.private and not self._settings.allow_plaintext_login

    def given(self, session: Session, plain: str | None, sha: str | None, field: str) -> str | Refusal:
        """The digest of a password that came by this session, in either form."""
        if self.exposed(session):
            return Refusal(
                Code.FORBIDDEN,
                "Passwords are not taken here, where others could read them. Use TLS.",
                limit="accounts.allow_plaintext_login",
            )
        if sha is not None:
            if not _SHA256.fullmatch(sha):
                message = "A SHA-256 is 64 hexadecimal digits."
                return Refusal(Code.BAD_REQUEST, message, field=f"{field}_sha256")
            return sha.lower()
        if not plain:
            return Refusal(Code.BAD_REQUEST, "A password is needed.", field=field)
        return digest(plain)

    def chosen(self, session: Session, plain: str | None, sha: str | None, field: str) -> str | Refusal:
        """The same of a new password, which must not be too short."""
        least = self._settings.min_password
        if plain and sha is None and len(plain) < least:
            message = f"The password is shorter than {least} characters."
            return Refusal(Code.BAD_REQUEST, message, field=field, limit="accounts.min_password")
        return self.given(session, plain, sha, field)

    def prove(
        self,
        session: Session,
        name: str,
        account: Account | None,
        digest: str,
        then: Callable[[Refusal | None], None],
    ) -> Refusal | None:
        """Tell `then` later: None, if this is the password. A Refusal now: it is not tried.

        Somebody unknown gets the same answer as somebody with another password, after the same work.
        """
        keys = [f"name {_known_as(name, account)}", *_place(session)]
        limited = self._limited(keys)
        if limited is not None:
            return limited

        def told(right: bool | None) -> None:
            # Those that were tried at the same time may have used up the limit: then nothing is given away.
            answer = self._limited(keys)
            if answer is None and not right:
                answer = _FAILED if right is None else WRONG
                if right is not None:
                    self._failures.count(*keys)
            then(answer)

        stored = account.password if account is not None else None
        return self._start(session, partial(self._passwords.verify, digest, stored), told)

    def hash(
        self, session: Session | None, digest: str, then: Callable[[str | Refusal], None]
    ) -> Refusal | None:
        """Tell `then` later what to keep of it. A Refusal now: it is not tried.

        `session` None: whoever runs the server asks.
        """

        def told(stored: str | None) -> None:
            then(stored if stored is not None else _FAILED)

        return self._start(session, partial(self._passwords.hash, digest), told)

    def _start(
        self,
        session: Session | None,
        work: Callable[[Callable[[ResultT], None]], bool],
        then: Callable[[ResultT], None],
    ) -> Refusal | None:
        """No place gets more than its share of those that may wait, so that it keeps nobody else out."""
        places, waiting = _place(session) if session is not None else [], self._waiting
        if any(waiting.get(place, 0) >= self._share for place in places):
            return _crowded()

        def told(result: ResultT) -> None:
            for place in places:
                waiting[place] -= 1
                if not waiting[place]:
                    del waiting[place]
            then(result)

        if not work(told):
            return _crowded()
        for place in places:
            waiting[place] = waiting.get(place, 0) + 1
        return None

    def registering(self, session: Session) -> Refusal | None:
        """Whether one more account may be made from there; it counts."""
        wait = self._registrations.wait(*_place(session))
        if wait:
            message = "Too many accounts were made from here. Try again later."
            return _later(message, "accounts.registrations", wait)
        self._registrations.count(*_place(session))
        return None

    def _limited(self, keys: list[str]) -> Refusal | None:
        wait = self._failures.wait(*keys)
        return _later("Too many failed logins. Try again later.", "accounts.attempts", wait) if wait else None


def _known_as(name: str, account: Account | None) -> str:
    if account is not None:
        return names.key(account.name)
    wanted = names.normal(name, names.USER_LIMIT)
    return names.key(wanted) if isinstance(wanted, str) else name[: names.USER_LIMIT]


def _place(session: Session) -> list[str]:
    return [] if session.local or not session.address else [f"from {network(session.address)}"]


def _later(message: str, limit: str, wait: float) -> Refusal:
    return Refusal(Code.RATE_LIMITED, message, limit=limit, retry_after=round(wait + 0.05, 1))


def _crowded() -> Refusal:
    return _later("Too many passwords are being worked on. Try again.", "accounts.max_hashing", 2.0)
