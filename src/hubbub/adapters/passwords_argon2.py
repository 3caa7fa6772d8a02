"""Passwords by Argon2id (RFC 9106), in threads of their own: a hash takes tens of milliseconds, in C.

Hashes carry their own parameters, so those of older versions stay good. At most `most_waiting` wait:
somebody who guesses at speed is refused, and the loop never waits.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import HashingError, InvalidHashError, VerificationError, VerifyMismatchError

ResultT = TypeVar("ResultT")

THREADS: Final = 2


class Argon2Passwords:
    """Implements `core.ports.Passwords`."""

    def __init__(
        self,
        call_soon_threadsafe: Callable[[Callable[[], None]], object],
        most_waiting: int,
        hasher: PasswordHasher | None = None,
    ) -> None:
        """`call_soon_threadsafe` runs a function on the loop. RFC 9106 §4, second choice, is the default."""
        self._tell = call_soon_threadsafe
        self._most_waiting = most_waiting
        self._hasher = hasher or PasswordHasher()  # 64 MiB, 3 passes, 4 lanes
        self._nobodys = _hash_of_nothing(self._hasher)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        self._closed = False

    def hash(self, digest: str, then: Callable[[str | None], None]) -> bool:
        """See the port."""
        return self._start(lambda: self._hash(digest), then)

    def verify(self, digest: str, stored: str | None, then: Callable[[bool | None], None]) -> bool:
        """See the port."""
        return self._start(lambda: self._verify(digest, stored or self._nobodys), then)

    def close(self) -> None:
        """Nothing more is told."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _hash(self, digest: str) -> str | None:
        try:
            return self._hasher.hash(digest)
        except HashingError:
            return None

    def _verify(self, digest: str, stored: str) -> bool | None:
        try:
            return self._hasher.verify(stored, digest)
        except (VerifyMismatchError, InvalidHashError):
            return False
        except VerificationError:
            return None

    def _start(self, work: Callable[[], ResultT], then: Callable[[ResultT], None]) -> bool:
        if self._waiting >= self._most_waiting or self._closed:
            return False
        self._waiting += 1

        def run() -> None:
            result = work()
            if not self._closed:
                self._tell(lambda: done(result))

        def done(result: ResultT) -> None:
            self._waiting -= 1
            if not self._closed:
                then(result)

        self._pool.submit(run)
        return True


def _hash_of_nothing(hasher: PasswordHasher) -> str:
    """What is compared with where there is no account: the same work, and no password has this hash."""
    salt, tag = (b64encode(bytes(size)).rstrip(b"=").decode() for size in (hasher.salt_len, hasher.hash_len))
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${tag}"
