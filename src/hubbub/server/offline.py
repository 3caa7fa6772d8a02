"""The domain without a server: for commands that change what is kept while no server runs."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from hubbub.adapters.claims_memory import MemoryClaims
from hubbub.adapters.passwords_argon2 import Argon2Passwords
from hubbub.core.answers import Answer
from hubbub.core.events import Event
from hubbub.core.model import Session
from hubbub.core.service import Service
from hubbub.core.settings import CoreSettings
from hubbub.log import LogError
from hubbub.observe.logs import open_log
from hubbub.observe.server_log import ServerLog
from hubbub.server.config import Config
from hubbub.server.storage import StorageError, open_journal


class _Nobody:
    """Implements `core.ports.Outlet`: nobody is connected."""

    def subscribe(self, session: Session, stream: str) -> None: ...

    def unsubscribe(self, session: Session, stream: str) -> None: ...

    def publish(self, stream: str, event: Event, origin: Session | None) -> None: ...

    def send(
        self, stream: str, sessions: Sequence[Session], event: Event, origin: Session | None
    ) -> None: ...

    def answer(self, session: Session, request: object, answer: Answer) -> None: ...

    def dismiss(self, session: Session, reason: str) -> None: ...

    def flush(self) -> None: ...


@asynccontextmanager
async def offline_service(config: Config) -> AsyncIterator[Service[Session]]:
    """The service on the data directory, which is held meanwhile. Raises StorageError."""
    loop = asyncio.get_running_loop()
    journal = open_journal(config, loop, ServerLog(open_log("warning", "auto", sys.stderr)))
    passwords = Argon2Passwords(loop.call_soon_threadsafe, config.accounts.max_hashing)
    try:
        settings = CoreSettings(
            rooms=config.rooms, messages=config.messages, accounts=config.accounts, files=config.files
        )
        try:
            yield Service(
                settings, journal, MemoryClaims(), _Nobody(), passwords, time.time, os.urandom
            )  # fmt: skip
        except LogError as error:
            raise StorageError(f"{config.server.data} cannot be read: {error}") from None
    finally:
        passwords.close()
        await journal.close()
