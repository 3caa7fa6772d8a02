"""The contract of `core.ports.Passwords`, held against the real thing, with parameters for a short test."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Iterator
from typing import Literal

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import HashingError, VerificationError

from hubbub.adapters.passwords_argon2 import Argon2Passwords

RIGHT = hashlib.sha256(b"correct horse").hexdigest()
WRONG = hashlib.sha256(b"battery staple").hexdigest()


class CountingHasher(PasswordHasher):
    """Argon2 itself, small; it counts what it does, and may be made to wait or to fail."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.work: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.worked = threading.Event()
        self.no_memory = False

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.gate.wait(30)
        self.work.append("hash")
        self.worked.set()
        if self.no_memory:
            raise HashingError("Memory allocation error")
        return super().hash(password, salt=salt)

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        self.gate.wait(30)
        parameters = extract_parameters(hash.decode() if isinstance(hash, bytes) else hash)
        self.work.append(f"verify m={parameters.memory_cost} t={parameters.time_cost} {parameters.hash_len}")
        if self.no_memory:
            raise VerificationError("Memory allocation error")
        return super().verify(hash, password)


@pytest.fixture(name="hasher")
def _hasher() -> Iterator[CountingHasher]:
    hasher = CountingHasher()
    yield hasher
    hasher.gate.set()


async def _hash(passwords: Argon2Passwords, digest: str) -> str | None:
    told: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
    assert passwords.hash(digest, told.set_result)
    assert not told.done(), "told later than the call returned"
    return await told


async def _verify(passwords: Argon2Passwords, digest: str, stored: str | None) -> bool | None:
    told: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
    assert passwords.verify(digest, stored, told.set_result)
    assert not told.done()
    return await told


def _passwords(hasher: CountingHasher | None, most_waiting: int = 8) -> Argon2Passwords:
    return Argon2Passwords(asyncio.get_running_loop().call_soon_threadsafe, most_waiting, hasher)


def _join_threads() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("argon2"):
            thread.join(30)


def test_a_password_is_known_by_its_hash_and_no_other(hasher: CountingHasher) -> None:
    async def run() -> None:
        passwords = _passwords(hasher)
        stored, again = await _hash(passwords, RIGHT), await _hash(passwords, RIGHT)
        assert stored is not None
        assert stored.startswith("$argon2id$v=19$")
        assert stored != again, "salted"
        assert RIGHT not in stored
        assert await _verify(passwords, RIGHT, stored) is True
        assert await _verify(passwords, WRONG, stored) is False
        assert await _verify(passwords, RIGHT, None) is False
        assert await _verify(passwords, RIGHT, "not a hash") is False
        passwords.close()

    asyncio.run(run())


def test_somebody_unknown_costs_exactly_the_same_work(hasher: CountingHasher) -> None:
    async def run() -> None:
        passwords = _passwords(hasher)
        stored = await _hash(passwords, RIGHT)
        hasher.work.clear()
        await _verify(passwords, WRONG, stored)
        await _verify(passwords, WRONG, None)
        known, unknown = hasher.work
        assert known == unknown
        passwords.close()

    asyncio.run(run())


def test_what_it_is_told_comes_on_the_loop(hasher: CountingHasher) -> None:
    async def run() -> None:
        passwords, threads = _passwords(hasher), list[str]()
        told = asyncio.Event()

        def then(_: object) -> None:
            threads.append(threading.current_thread().name)
            told.set()

        assert passwords.hash(RIGHT, then)
        await told.wait()
        assert threads == [threading.current_thread().name]
        passwords.close()

    asyncio.run(run())


def test_only_so_many_wait_and_room_comes_back(hasher: CountingHasher) -> None:
    async def run() -> None:
        passwords, told = _passwords(hasher, most_waiting=3), asyncio.Queue[object]()
        hasher.gate.clear()
        assert [passwords.verify(RIGHT, None, told.put_nowait) for _ in range(5)] == [True] * 3 + [False] * 2
        assert passwords.hash(RIGHT, told.put_nowait) is False
        hasher.gate.set()
        assert [await told.get() for _ in range(3)] == [False] * 3
        assert await _hash(passwords, RIGHT) is not None
        assert told.empty(), "those that were refused are told nothing"
        passwords.close()

    asyncio.run(run())


def test_no_memory_is_no_wrong_password(hasher: CountingHasher) -> None:
    async def run() -> None:
        passwords = _passwords(hasher, most_waiting=1)
        stored = await _hash(passwords, RIGHT)
        hasher.no_memory = True
        assert await _hash(passwords, RIGHT) is None
        assert await _verify(passwords, RIGHT, stored) is None
        hasher.no_memory = False
        assert await _verify(passwords, RIGHT, stored) is True
        passwords.close()

    asyncio.run(run())


def test_once_closed_it_takes_nothing_and_tells_nothing(hasher: CountingHasher) -> None:
    async def run() -> None:
        passwords, told = _passwords(hasher), list[object]()
        hasher.gate.clear()
        assert passwords.hash(RIGHT, told.append)
        passwords.close()
        hasher.gate.set()
        assert passwords.hash(RIGHT, told.append) is False
        assert await asyncio.to_thread(hasher.worked.wait, 30)
        await asyncio.to_thread(_join_threads)
        await asyncio.sleep(0)
        assert told == []

    asyncio.run(run())


def test_by_default_it_costs_what_rfc_9106_says() -> None:
    async def run() -> None:
        passwords = _passwords(None)
        stored = await _hash(passwords, RIGHT)
        assert stored is not None
        assert "$m=65536,t=3,p=4$" in stored, "the second choice of its §4"
        assert await _verify(passwords, RIGHT, stored) is True
        passwords.close()

    asyncio.run(run())
