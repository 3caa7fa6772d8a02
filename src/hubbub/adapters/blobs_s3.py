"""Blobs in a bucket that speaks S3's protocol: `PREFIX/ab/cdef…`, named as in a directory.

The work is obstore's (Rust, on threads of its own that run no Python): signing, retries, uploads in parts. An
object is there when its upload was completed, and not before; of one that was not, parts may stay hidden in
the bucket, until a lifecycle rule of the bucket removes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from hubbub.core.ports import BlobsUnavailableError

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

ResultT = TypeVar("ResultT")

PART: Final = 5 * 1024 * 1024
"""Bytes of a part, the least that S3 allows. What is smaller goes in one piece."""
MOST_PARTS: Final = 10_000
"""And the most of them, by which a part of a very large file is larger."""
PARTS_AT_ONCE: Final = 2
PUTS_AT_ONCE: Final = 2
"""Each holds its parts in memory, and what is being read and sent of them: about 45 MiB in all."""
PATIENCE: Final = 15.0
"""Seconds for one request that carries little."""
CONNECT: Final = 5.0
"""And for a connection to it."""
PART_PATIENCE: Final = 120.0
"""Seconds for one part: four at a time, over a line of 1.5 Mbit/s."""
RETRIES: Final = 2
LISTED: Final = 1_000
"""Names in one answer of the store."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_NAME: Final = re.compile(r"([0-9a-f]{2})/([0-9a-f]{62})")
_STATUS: Final = re.compile(r"status code: (\d{3})")
_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
_FULL: Final = frozenset({"QuotaExceeded", "XMinioStorageFull"})
_INSUFFICIENT_STORAGE: Final = "507"
_NOT_SATISFIABLE: Final = "416"
_NO_BUCKET: Final = "NoSuchBucket"


class S3Blobs:
    """Implements `core.ports.Blobs`. What it has put survives what the bucket survives."""

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        endpoint: str | None = None,
        region: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
        allow_http: bool = False,
        patience: float = PATIENCE,
    ) -> None:
        """Without `endpoint`: AWS. What else is None comes from the environment (`AWS_REGION`,
        `AWS_ACCESS_KEY_ID`, …), and without a key there, from the machine that it runs on, as at AWS.

        Reaches nobody yet. Raises BlobsUnavailableError, where obstore is not installed, say.
        """
        try:
            from obstore.exceptions import BaseError
            from obstore.store import S3Store  # by need: an extra, and dear to load
        except ImportError:
            raise BlobsUnavailableError(
                "to keep files in S3 needs a package that is not installed: pip install 'hubbub[s3]'"
            ) from None
        config: S3Config = {"disable_bulk_delete": True}  # others of this kind do not all have it
        if endpoint is not None:
            config["endpoint"] = endpoint.rstrip("/")
        if region is not None:
            config["region"] = region
        if access_key is not None:
            config["access_key_id"] = access_key
        if secret_key is not None:
            config["secret_access_key"] = secret_key

        def store(seconds: float) -> S3Store:
            return S3Store(
                bucket,
                config=config,
                client_options={
                    "allow_http": allow_http,
                    "connect_timeout": timedelta(seconds=min(CONNECT, seconds)),
                    "timeout": timedelta(seconds=seconds),
                },
                retry_config={
                    "max_retries": RETRIES,
                    "retry_timeout": timedelta(seconds=seconds),
                    "backoff": {
                        "init_backoff": timedelta(seconds=0.1),
                        "max_backoff": timedelta(seconds=2),
                        "base": 2,
                    },
                },
            )

        self._failures = (BaseError, OSError)
        self._patience = 2 * patience
        self._prefix = f"{prefix.strip('/')}/".removeprefix("/")
        self._place = f"{endpoint or 'S3'}, bucket {bucket!r}"
        self._turns = asyncio.Semaphore(PUTS_AT_ONCE)
        self._closed = False
        self._waiting: set[asyncio.Timeout] = set()
        """For an answer of the bucket."""
        try:
            self._store = store(patience)
            self._uploads = store(max(patience, PART_PATIENCE))
        except BaseError as error:
            raise self._unavailable(error) from None

    async def put(self, digest: str, source: str) -> None:
        """See the port."""
        key = self._key(digest)
        async with self._turns:
            if await self.size(digest) is not None:
                return
            path = Path(source)
            size = (await self._ask(asyncio.to_thread(path.stat), None)).st_size
            part = max(PART, -(-size // MOST_PARTS))
            put = self._uploads.put_async(key, path, chunk_size=part, max_concurrency=PARTS_AT_ONCE)
            await self._ask(put, None)

    async def size(self, digest: str) -> int | None:
        """See the port. Of a bucket that is not there, too, nothing is there: only a `put` is told more."""
        key = self._key(digest)
        try:
            return (await self._ask(self._store.head_async(key), self._patience))["size"]
        except _NotThereError:
            return None

    def descriptor(self, digest: str) -> None:
        """See the port: there is no local file."""
        self._key(digest)

    async def read(self, digest: str, offset: int, count: int) -> bytes:
        """See the port."""
        key = self._key(digest)
        if offset < 0 or count < 0:
            raise ValueError(f"there is no range of {count} bytes from {offset} on")
        try:
            # HTTP has no range of no bytes (RFC 9110 §14.1.1): one is asked for, to know whether it is there.
            asked = self._store.get_range_async(key, start=offset, length=max(1, count))
            return (await self._ask(asked, self._patience)).to_bytes()[:count]
        except _OutOfRangeError:
            return b""

    async def delete(self, digest: str) -> None:
        """See the port."""
        key = self._key(digest)
        with contextlib.suppress(_NotThereError):
            await self._ask(self._store.delete_async(key), self._patience)

    async def all(self) -> AsyncIterator[tuple[str, int]]:
        """See the port. What has not the name of a blob is not ours, and is left alone."""
        self._refuse_closed()
        pages = self._store.list(self._prefix or None, chunk_size=LISTED)
        while (page := await self._ask(anext(pages, None), self._patience)) is not None:
            for one in page:
                match = _NAME.fullmatch(one["path"].removeprefix(self._prefix))
                if match is not None:
                    yield match[1] + match[2], one["size"]

    async def close(self) -> None:
        """See the port. Whoever waits for an answer waits no more: a stop has no time for a slow bucket."""
        self._closed = True
        for waiting in self._waiting:
            if not waiting.expired():
                waiting.reschedule(asyncio.get_running_loop().time())

    def _refuse_closed(self) -> None:
        if self._closed:
            raise BlobsUnavailableError("the store of files is closed")

    def _key(self, digest: str) -> str:
        """What it is called there. Nothing but a digest ever becomes a name. Raises ValueError."""
        if _DIGEST.fullmatch(digest) is None:
            raise ValueError(f"{digest!r} is not a SHA-256 in 64 lower-case hexadecimal digits")
        self._refuse_closed()
        return f"{self._prefix}{digest[:2]}/{digest[2:]}"

    async def _ask(self, asked: Awaitable[ResultT], patience: float | None) -> ResultT:
        """Wait for it, for at most so many seconds; None: its own bounds are enough."""
        try:
            async with asyncio.timeout(patience) as waiting:
                self._waiting.add(waiting)
                try:
                    return await asked
                finally:
                    self._waiting.discard(waiting)
        except self._failures as error:
            self._refuse_closed()
            raise self._unavailable(error) from None

    def _unavailable(self, error: Exception) -> BlobsUnavailableError:
        """What went wrong, in words for the operator.

        Of an answer only its status and the store's own code for it are told: the text may repeat the access
        key, and the request that was signed.
        """
        if isinstance(error, OSError) and error.errno is not None:
            return BlobsUnavailableError(f"{error.filename}: {error.strerror}")
        text = str(error)
        code = match[1] if (match := _CODE.search(text)) else ""
        status = match[1] if (match := _STATUS.search(text)) else ""
        said = text.partition("\n")[0].partition("<")[0].rpartition(" - ")[2].strip(" :")
        reason = f"{self._place}: {f'{said} ({code})' if code else said or 'no answer in time'}"
        if isinstance(error, FileNotFoundError) and code != _NO_BUCKET:
            return _NotThereError(reason)
        if status == _NOT_SATISFIABLE:
            return _OutOfRangeError(reason)
        return BlobsUnavailableError(reason, full=status == _INSUFFICIENT_STORAGE or code in _FULL)


class _NotThereError(BlobsUnavailableError):
    """There is no such object."""


class _OutOfRangeError(BlobsUnavailableError):
    """The object has no byte at that place."""
