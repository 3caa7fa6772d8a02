"""Who one is at a server, and how it is shown: an account by its kept tokens, or a guest by name."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hubbub.client.connection import Asking
from hubbub.client.errors import BusyError, RefusedError, StaleTokenError
from hubbub.client.state import GUESTS, Note
from hubbub.client.tokens import Login as Kept
from hubbub.client.tokens import TokenStore
from hubbub.core.answers import Answer, LoggedIn
from hubbub.core.commands import Login, Refresh, Register
from hubbub.core.errors import Code, Refusal

if sys.platform != "win32":
    import fcntl

_EARLY: Final = 60.0
"""Seconds before its end at which a token is exchanged, since clocks differ."""

_LOG_IN: Final = "The kept login is not valid any more. Log in again: hubbub login."


class Password:
    """By name and password, once: `me` then has the tokens. With `register`, as a new account."""

    def __init__(self, name: str, password: str, *, register: bool = False) -> None:
        self._command = Register(name, password) if register else Login(name, password)

    async def log_in(self, client: Asking) -> LoggedIn | Refusal:
        """See `connection.Identity`."""
        return _logged_in(await client.ask(self._command))


class KeptLogin:
    """An account whose tokens are in the store. A pair that runs out is exchanged, by one process at a time:
    a server ends a login whose old token comes again.
    """

    def __init__(
        self, store: TokenStore, server: str, username: str | None, *, clock: Callable[[], float] = time.time
    ) -> None:
        """`clock` gives Unix time in seconds."""
        self._store = store
        self._server = server
        self._username = username
        self._clock = clock
        self._stale: str | None = None  # a token that the server did not take

    async def log_in(self, client: Asking) -> LoggedIn | Refusal:
        """See `connection.Identity`."""
        loop = asyncio.get_running_loop()
        kept = await loop.run_in_executor(None, self._store.get, self._server, self._username)
        if kept is None:
            return Refusal(Code.UNAUTHENTICATED, "Nobody is logged in there. Log in first: hubbub login.")
        lasts = kept.expires_at is None or kept.expires_at - _EARLY > self._clock()
        if lasts and kept.token != self._stale:
            answer = _logged_in(await client.ask(Login(token=kept.token)))
            if isinstance(answer, LoggedIn) or answer.code is not Code.BAD_CREDENTIALS:
                return answer
            self._stale = kept.token
            raise StaleTokenError("The kept login is not valid any more.")
        return await self._refreshed(client, kept)

    async def _refreshed(self, client: Asking, tried: Kept) -> LoggedIn | Refusal:
        loop = asyncio.get_running_loop()
        with _one_at_a_time(self._store.path.with_name("refresh.lock")) as locked:
            await loop.run_in_executor(None, locked)
            kept = await loop.run_in_executor(None, self._store.get, tried.server, tried.username)
            if kept is not None and kept.token != tried.token:  # another process was faster
                return _logged_in(await client.ask(Login(token=kept.token)))
            if kept is None or kept.refresh_token is None:
                return Refusal(Code.UNAUTHENTICATED, _LOG_IN)
            answer = _logged_in(await client.ask(Refresh(kept.refresh_token)))
            if isinstance(answer, LoggedIn):
                fresh = kept_login(tried.server, answer, self._clock())
                await loop.run_in_executor(None, lambda: self._store.put(fresh, default=False))
            elif answer.code in (Code.BAD_CREDENTIALS, Code.UNAUTHENTICATED):
                return Refusal(Code.UNAUTHENTICATED, _LOG_IN)
            return answer


class Guest:
    """A guest. Its token takes name and offers back after a dropped line, and after a crash of ours."""

    def __init__(self, name: str, server: str, directory: Path) -> None:
        """`directory` is where the token is noted: see `state`."""
        self._name = name
        self._token: str | None = None
        self._note: Note | None = None
        try:
            self._note = Note(directory, GUESTS, (server, name))
            self._token = self._note.read(str)
        except BusyError:
            pass  # its token would take the name from the other process; so the server says that it is taken

    async def log_in(self, client: Asking) -> LoggedIn | Refusal:
        """See `connection.Identity`."""
        if self._token is not None:
            answer = _logged_in(await client.ask(Login(self._name, token=self._token)))
            if isinstance(answer, LoggedIn) or answer.code is not Code.BAD_CREDENTIALS:
                return self._known(answer)
            self._token = None
            raise StaleTokenError("The server knows this guest no more.")
        return self._known(_logged_in(await client.ask(Login(self._name))))

    def _known(self, answer: LoggedIn | Refusal) -> LoggedIn | Refusal:
        if isinstance(answer, LoggedIn) and answer.token != self._token:
            self._token = answer.token
            if self._note is not None:
                self._note.write(answer.token)
        return answer


def kept_login(server: str, me: LoggedIn, now: float) -> Kept:
    """A login as the store has it; `now` is Unix time."""
    expires = None if me.expires_in is None else now + me.expires_in
    return Kept(server, me.username, me.token, me.refresh_token, expires)


def _logged_in(answer: Answer) -> LoggedIn | Refusal:
    if isinstance(answer, LoggedIn | Refusal):
        return answer
    raise RefusedError(Refusal(Code.INTERNAL, "The server answered the login with something else."))


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[Callable[[], None]]:
    """Yields what waits for the others; they are let in at the end."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield lambda: fcntl.flock(lock, fcntl.LOCK_EX) if sys.platform != "win32" else None
    finally:
        os.close(lock)
