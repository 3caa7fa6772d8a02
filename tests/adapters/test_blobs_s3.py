"""Blobs in a bucket: a store that goes away, hangs, refuses or is full, and what of it may be told."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from contracts.buckets import Buckets, blobs_in, buckets
from hubbub.adapters.blobs_s3 import PART, S3Blobs
from hubbub.core.ports import BlobsUnavailableError

NOBODYS = hashlib.sha256(b"was never put").hexdigest()


@pytest.fixture(scope="module", name="running")
def _running() -> Iterator[Buckets]:
    with buckets() as running:
        yield running


@asynccontextmanager
async def cut_after(port: int, most: int) -> AsyncIterator[str]:
    """A way to that port which takes so many bytes, then cuts every line and takes no more."""
    left = most
    lines = set[asyncio.StreamWriter]()
    meetings = set[asyncio.Task[None] | None]()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counts: bool) -> None:
        nonlocal left
        while data := await reader.read(65_536):
            left -= len(data) if counts else 0
            if left < 0:
                way.close()
                for line in lines:
                    line.transport.abort()
                return
            writer.write(data)
            await writer.drain()
        writer.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        meetings.add(asyncio.current_task())
        there, back = await asyncio.open_connection("127.0.0.1", port)
        lines.update((writer, back))
        with contextlib.suppress(OSError):
            await asyncio.gather(carry(reader, back, counts=True), carry(there, writer, counts=False))

    way = await asyncio.start_server(meet, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{way.sockets[0].getsockname()[1]}"
    finally:
        way.close()
        for line in lines:
            line.transport.abort()
        await asyncio.gather(*filter(None, meetings), return_exceptions=True)


def big(place: Path, parts: int) -> tuple[str, str, bytes]:
    """A file of so many parts: digest, path, bytes."""
    content = random.Random(parts).randbytes(parts * PART)
    path = place / "big"
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest(), str(path), content


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(main())


@pytest.mark.parametrize("most", [0, PART // 2, 2 * PART, 5 * PART + PART // 2])
def test_a_store_that_goes_away_in_the_middle_has_nothing_that_looks_whole(
    tmp_path: Path, running: Buckets, most: int
) -> None:
    digest, source, content = big(tmp_path, 6)
    bucket = running.new()

    async def main() -> None:
        async with cut_after(running.port, most) as endpoint:
            blobs = blobs_in(bucket, endpoint)
            with pytest.raises(BlobsUnavailableError) as raised:
                await blobs.put(digest, source)
            assert raised.value.reason.startswith(f"{endpoint}, bucket '{bucket}': ")
            assert not raised.value.full
            await blobs.close()
        blobs = blobs_in(bucket, running.endpoint)
        assert await blobs.size(digest) is None
        assert [one async for one in blobs.all()] == []
        assert running.hidden_parts(bucket) == (most >= PART // 2), "which a lifecycle rule removes"
        await blobs.put(digest, source)
        assert await blobs.size(digest) == len(content)
        assert await blobs.read(digest, 6 * PART - 10, 20) == content[-10:]
        await blobs.close()

    run(main)


async def _each_fails(blobs: S3Blobs, source: str) -> list[str]:
    """Everything that asks the store; the reasons that are told."""
    reasons = []
    for asked in (
        blobs.put(NOBODYS, source),
        blobs.size(NOBODYS),
        blobs.read(NOBODYS, 0, 1),
        blobs.delete(NOBODYS),
        anext(blobs.all()),
    ):
        with pytest.raises(BlobsUnavailableError) as raised:
            await asked
        reasons.append(raised.value.reason)
    await blobs.close()
    return reasons


def test_a_store_that_is_gone_is_told(tmp_path: Path) -> None:
    _, source, _ = big(tmp_path, 2)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert len(set(asyncio.run(_each_fails(blobs_in("bucket", f"http://127.0.0.1:{port}"), source)))) == 1


def test_a_store_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    _, source, _ = big(tmp_path, 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # which accepts, by the system, and never answers
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        reasons = asyncio.run(_each_fails(blobs_in("bucket", endpoint, patience=0.2), source))
    assert all(reason.startswith(endpoint) for reason in reasons)


def test_to_close_waits_for_no_answer(tmp_path: Path) -> None:
    _, source, _ = big(tmp_path, 2)

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            blobs = blobs_in("bucket", f"http://127.0.0.1:{silent.getsockname()[1]}", patience=3_600.0)
            async with asyncio.timeout(10):
                putting = asyncio.create_task(blobs.put(NOBODYS, source))
                line, _ = await asyncio.to_thread(silent.accept)
                await blobs.close()
                with line, pytest.raises(BlobsUnavailableError, match="closed"):
                    await putting

    run(main)


REFUSAL = (
    "<Error><Code>{code}</Code><AWSAccessKeyId>THE-KEY-ID</AWSAccessKeyId>"
    "<StringToSign>the-secret-key, say</StringToSign></Error>"
)


@contextlib.contextmanager
def refusing(status: int, code: str) -> Iterator[str]:
    """A store that has nothing and refuses to do more, as AWS words it: with what was signed, and the key."""

    class Refusing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = REFUSAL.format(code=code).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_POST  # noqa: N815 (the base class has it so)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "code", "full"),
    [
        (403, "SignatureDoesNotMatch", False),
        (403, "InvalidAccessKeyId", False),
        (403, "QuotaExceeded", True),
        (507, "InsufficientStorage", True),
    ],
)
def test_a_refusal_is_told_with_its_code_and_without_a_key(
    tmp_path: Path, status: int, code: str, full: bool
) -> None:
    _, source, _ = big(tmp_path, 2)

    async def main(endpoint: str) -> None:
        blobs = blobs_in("bucket", endpoint, patience=2.0)
        with pytest.raises(BlobsUnavailableError) as raised:
            await blobs.put(NOBODYS, source)
        assert raised.value.full is full
        assert f"({code})" in raised.value.reason
        assert raised.value.__suppress_context__
        for reason in (raised.value.reason, repr(raised.value), repr(blobs), repr(vars(blobs))):
            assert "THE-KEY-ID" not in reason
            assert "the-secret-key" not in reason
        await blobs.close()

    with refusing(status, code) as endpoint:
        asyncio.run(main(endpoint))


def test_a_bucket_that_is_not_there_is_told(tmp_path: Path, running: Buckets) -> None:
    digest, source, _ = big(tmp_path, 2)

    async def main() -> None:
        blobs = blobs_in("no-such-bucket", running.endpoint)
        with pytest.raises(BlobsUnavailableError, match="NoSuchBucket"):
            await blobs.put(digest, source)
        with pytest.raises(BlobsUnavailableError, match="NoSuchBucket"):
            await anext(blobs.all())
        with pytest.raises(BlobsUnavailableError, match="NoSuchBucket"):
            await blobs.delete(digest)
        await blobs.close()

    run(main)


@pytest.mark.parametrize("prefix", ["", "files", "/a/b/"])
def test_names_are_as_in_a_directory(tmp_path: Path, running: Buckets, prefix: str) -> None:
    digest, source, content = big(tmp_path, 1)
    bucket = running.new()

    async def main() -> None:
        blobs = blobs_in(bucket, running.endpoint, prefix=prefix)
        await blobs.put(digest, source)
        assert [one async for one in blobs.all()] == [(digest, len(content))]
        root = blobs_in(bucket, running.endpoint, prefix="")
        found = [one["path"] async for page in root._store.list(None) for one in page]
        assert found == [f"{prefix.strip('/')}/{digest[:2]}/{digest[2:]}".lstrip("/")]
        await blobs.close()

    run(main)


def test_keys_come_from_the_environment_too(
    tmp_path: Path, running: Buckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, source, _ = big(tmp_path, 1)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "FROM-ENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    bucket = running.new()

    async def main() -> None:
        blobs = S3Blobs(bucket, endpoint=running.endpoint, allow_http=True)
        await blobs.put(digest, source)
        assert await blobs.size(digest) == PART
        await blobs.close()

    run(main)


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(BlobsUnavailableError, match=r"pip install 'hubbub\[s3\]'"):
        S3Blobs("bucket")
