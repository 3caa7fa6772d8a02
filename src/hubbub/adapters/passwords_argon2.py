"""Passwords by Argon2id (RFC 9106), in threads of their own: a hash takes tens of milliseconds, in C.

Hashes carry their own parameters, so that those of older versions stay valid. At most `most_waiting` wait:
somebody who guesses at speed is refused, and the loop never waits.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

ResultT = TypeVar("ResultT")

THREADS: Final = 2
MOST_WAITING: Final = 64
"""Hashes that may wait: with the default parameters about two seconds' worth."""


class Argon2Passwords:
    """Implements `core.ports.Passwords`."""

    def __init__(
        self,
        call_soon_threadsafe: Callable[[Callable[[], None]], object],
        most_waiting: int = MOST_WAITING,
        hasher: PasswordHasher | None = None,
    ) -> None:
        """`call_soon_threadsafe` runs a function on the loop; `hasher` has RFC 9106's second choice by default."""
        self._tell = call_soon_threadsafe
        self._most_waiting = most_waiting
        self._hasher = hasher or PasswordHasher()  # 64 MiB, 3 passes, 4 lanes
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        self._nobody = self._pool.submit(lambda: self._hasher.hash(""))
        """What a password is compared with where there is no account: it must take as long."""

    def hash(self, digest: str, then: Callable[[str], None]) -> bool:
        """See the port."""
        return self._start(lambda: self._hasher.hash(digest), then)

    def verify(self, digest: str, stored: str | None, then: Callable[[bool], None]) -> bool:
        """See the port."""
        return self._start(lambda: self._verify(digest, stored), then)

    def close(self) -> None:
        """Nothing more is told."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, digest: str, stored: str | None) -> bool:
        try:
            self._hasher.verify(stored or self._nobody.result(), digest)
        except (Argon2Error, InvalidHashError):
            return False
        return stored is not None

    def _start(self, work: Callable[[], ResultT], then: Callable[[ResultT], None]) -> bool:
        if self._waiting >= self._most_waiting:
            return False
        self._waiting += 1

        def run() -> None:
            result = work()
            self._tell(lambda: done(result))

        def done(result: ResultT) -> None:
            self._waiting -= 1
            then(result)

        self._pool.submit(run)
        return True
