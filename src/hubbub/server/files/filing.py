"""What keeps files, put together: the store, the spool, and both by HTTP."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from hubbub.adapters.thumbnails import Thumbnails
from hubbub.core.files import Bearer
from hubbub.core.model import Session
from hubbub.core.service import Service
from hubbub.observe.server_log import ServerLog
from hubbub.server.config import MEMORY, Config
from hubbub.server.files.store import Store
from hubbub.server.files.traffic import Traffic
from hubbub.server.files.uploads import Uploads
from hubbub.server.storage import FILES, StorageError, open_blobs

if TYPE_CHECKING:
    from hubbub.server.direct import DirectApp

SessionT = TypeVar("SessionT", bound=Session)

_THREADS: Final = 4
"""Threads that wait for the disk, for uploads and downloads."""


class Filing(Generic[SessionT]):
    """The parts, and their life."""

    def __init__(
        self, config: Config, service: Service[SessionT], loop: asyncio.AbstractEventLoop, log: ServerLog
    ) -> None:
        """Open what is in the data directory. Blocks. Raises StorageError."""
        self._config = config
        self._service = service
        self.traffic = Traffic()
        self._loop = loop
        self._log = log
        # In memory there is no place for files: they lie in a directory that goes with the server.
        self._temporary = (
            tempfile.TemporaryDirectory(prefix="hubbub-") if config.server.data == MEMORY else None
        )
        data = Path(config.server.data if self._temporary is None else self._temporary.name)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="files")
        blobs = open_blobs(config, data, loop)
        thumbnails = Thumbnails() if config.files.thumbnails else None
        try:
            (data / FILES).mkdir(mode=0o700, exist_ok=True)
            for left in (data / FILES).glob("*.thumbnail"):
                left.unlink()
            self.store = Store(
                blobs, service.files, thumbnails, data / FILES, self._threads, loop, log, os.urandom
            )
            self.uploads = Uploads(
                data / FILES,
                service.files,
                self.store,
                self._threads,
                loop,
                log,
                time.time,
                config.files.offer_seconds,
            )
        except OSError as error:
            raise StorageError(f"{error.filename or data}: {error.strerror or error}") from None

    def apps(self) -> Mapping[bytes, DirectApp]:
        """What HTTP serves of it, by the first part of the path."""
        # Imported by need: a server that only ever hears lines never pays for HTTP.
        from hubbub.server.files.downloads import Downloads
        from hubbub.server.files.sendfile import Sendfile
        from hubbub.server.files.tus import Tus

        service, bearer = self._service, self._service.entrance.bearer
        tus = Tus(self.uploads, service.files.upload, bearer, self._config.files.max_size, self.traffic)
        downloads = Downloads(
            service.files,
            service.links,
            self.store.blobs,
            bearer,
            self._person,
            Sendfile(self._loop, self._threads, self.traffic),
            self._log,
            self.traffic,
            lambda ticket, sink: service.transfers.fetch(ticket.id, ticket.user, sink),
        )
        return {b"files": tus.serve, b"blobs": downloads.serve}

    def _person(self, id: int) -> Bearer | None:
        account = self._service.people.accounts.by_id(id)
        if account is not None and account.disabled:
            return None
        return Bearer(id, "" if account is None else account.name, account is not None)

    def start(self) -> None:
        """Go on with what the last stop left, and look after it all from now on."""
        self.uploads.start(self._config.storage.maintain_seconds, self._service.sweep)

    async def close(self) -> None:
        """Have everything on the disk, and use it no more."""
        await self.store.close()  # what is being put ends, so that nobody waits for it
        await self.uploads.close()
        self._threads.shutdown()
        if self._temporary is not None:
            self._temporary.cleanup()
