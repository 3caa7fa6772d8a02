"""The contract of `core.ports.Blobs`, held against a directory and against a bucket."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import random
import shutil
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.buckets import Buckets, blobs_in, buckets
from hubbub.adapters.blobs_directory import PIECE, STATS, DirectoryBlobs
from hubbub.adapters.blobs_s3 import PART
from hubbub.core.ports import Blobs, BlobsUnavailableError

NOBODYS = hashlib.sha256(b"was never put").hexdigest()


class House:
    """A store that can be opened, closed, and opened again."""

    def __init__(self, kind: str, directory: Path, bucket: str, endpoint: str) -> None:
        self.kind = kind
        self.spool = directory / "spool"
        self.spool.mkdir()
        self._directory = directory / "blobs"
        self._bucket = bucket
        self._endpoint = endpoint
        self._random = random.Random(5)
        self._copies = itertools.count()

    def open(self) -> Blobs:
        if self.kind == "s3":
            return blobs_in(self._bucket, self._endpoint)
        return DirectoryBlobs(self._directory, asyncio.get_running_loop())

    def foreign(self, buckets: Buckets) -> None:
        """Put things there that are no blobs, though some look a little like one."""
        for name in ("notes.txt", "ab/notes.txt", f"ab/{'0' * 61}", f"ab/{'F' * 62}", f"abc/{'0' * 62}"):
            if self.kind == "s3":
                buckets.put(f"{self._bucket}/chat/files/{name}", b"foreign")
            else:
                (self._directory / name).parent.mkdir(exist_ok=True)
                (self._directory / name).write_bytes(b"foreign")
        if self.kind == "s3":
            buckets.put(f"{self._bucket}/other/{NOBODYS[:2]}/{NOBODYS[2:]}", b"foreign")
        else:
            (self._directory / NOBODYS[:2]).mkdir()
            (self._directory / NOBODYS[:2] / NOBODYS[2:]).symlink_to(__file__)

    def is_foreign_there(self, buckets: Buckets) -> bool:
        if self.kind == "s3":
            return True
        names = {str(path.relative_to(self._directory)) for path in self._directory.rglob("*")}
        return {"notes.txt", "ab/notes.txt", f"ab/{'F' * 62}", f"abc/{'0' * 62}"} <= names

    def file(self, size: int, mode: int = 0o600) -> tuple[str, str, bytes]:
        """A whole file of that size: its digest, its path, its bytes. One that others may read is copied."""
        content = self._random.randbytes(size)
        digest = hashlib.sha256(content).hexdigest()
        path = self.spool / digest
        path.write_bytes(content)
        path.chmod(mode)
        return digest, str(path), content

    def copied(self, path: str, mode: int) -> str:
        """Another file like that."""
        copy = self.spool / f"copy-{next(self._copies)}"
        shutil.copy(path, copy)
        copy.chmod(mode)
        return str(copy)

    def removed(self, path: str) -> bytes:
        """Take a file away; return what was in it."""
        content = Path(path).read_bytes()
        Path(path).unlink()
        return content


@pytest.fixture(scope="module", name="running")
def _running() -> Iterator[Buckets]:
    with buckets() as running:
        yield running


@pytest.fixture(params=["directory", "s3"], name="house")
def _house(request: pytest.FixtureRequest, tmp_path: Path, running: Buckets) -> House:
    bucket = running.new() if request.param == "s3" else ""
    return House(request.param, tmp_path, bucket, running.endpoint)


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(main())


async def whole(blobs: Blobs, digest: str) -> bytes:
    """All bytes of a blob, by pieces."""
    size = await blobs.size(digest)
    assert size is not None
    return b"".join([await blobs.read(digest, at, 1 << 20) for at in range(0, size, 1 << 20)])


async def everything(blobs: Blobs) -> dict[str, int]:
    found = [one async for one in blobs.all()]
    assert len(found) == len(dict(found)), "each once"
    return dict(found)


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE + 1, PART, 2 * PART + 12_345])
def test_what_was_put_is_there_with_all_of_its_bytes(house: House, size: int) -> None:
    async def main() -> None:
        digest, source, content = house.file(size)
        blobs = house.open()
        assert await blobs.size(digest) is None
        await blobs.put(digest, source)
        assert await blobs.size(digest) == size
        assert await whole(blobs, digest) == content
        assert house.removed(source) == content, "the source stays as it is"
        await blobs.close()
        again = house.open()
        assert await everything(again) == {digest: size}
        assert await whole(again, digest) == content
        await again.close()

    run(main)


def test_a_range_is_short_at_the_end_alone(house: House) -> None:
    async def main() -> None:
        digest, source, content = house.file(100_000)
        blobs = house.open()
        await blobs.put(digest, source)
        ranges = [(0, 1), (0, 100_000), (0, 200_000), (99_999, 5), (50_000, 7), (5, 0)]
        for offset, count in [*ranges, (100_000, 1), (100_001, 10), (1 << 40, 10)]:
            assert await blobs.read(digest, offset, count) == content[offset : offset + count]
        for offset, count in [(-1, 1), (0, -1)]:
            with pytest.raises(ValueError, match="no range"):
                await blobs.read(digest, offset, count)
        empty, source, _ = house.file(0)
        await blobs.put(empty, source)
        assert await blobs.read(empty, 0, 10) == b""
        await blobs.close()

    run(main)


def test_a_descriptor_is_of_the_whole_file_and_the_callers(house: House) -> None:
    async def main() -> None:
        digest, source, content = house.file(10_000)
        blobs = house.open()
        assert blobs.descriptor(digest) is None
        await blobs.put(digest, source)
        descriptor = blobs.descriptor(digest)
        if house.kind == "s3":
            assert descriptor is None
        else:
            assert descriptor is not None
            await blobs.delete(digest)
            await blobs.close()
            assert os.pread(descriptor, 20_000, 0) == content, "it outlives both"
            os.close(descriptor)

    run(main)


def test_what_is_not_there(house: House) -> None:
    async def main() -> None:
        blobs = house.open()
        assert await blobs.size(NOBODYS) is None
        assert blobs.descriptor(NOBODYS) is None
        for count in (0, 1):
            with pytest.raises(BlobsUnavailableError):
                await blobs.read(NOBODYS, 0, count)
        await blobs.delete(NOBODYS)
        assert await everything(blobs) == {}
        await blobs.close()

    run(main)


def test_to_put_what_is_there_changes_nothing(house: House) -> None:
    async def main() -> None:
        digest, source, content = house.file(1_000)
        _, other, _ = house.file(2_000)
        blobs = house.open()
        await blobs.put(digest, source)
        await blobs.put(digest, source)
        await blobs.put(digest, other)  # which it is not: the digest is the caller's word
        assert await whole(blobs, digest) == content
        assert await everything(blobs) == {digest: 1_000}
        await blobs.close()

    run(main)


def test_what_is_deleted_is_gone_and_can_be_put_again(house: House) -> None:
    async def main() -> None:
        digest, source, content = house.file(1_000)
        other, beside, _ = house.file(1_000)
        blobs = house.open()
        await blobs.put(digest, source)
        await blobs.put(other, beside)
        await blobs.delete(digest)
        await blobs.delete(digest)
        assert await blobs.size(digest) is None
        assert await everything(blobs) == {other: 1_000}
        await blobs.put(digest, source)
        assert await whole(blobs, digest) == content
        await blobs.close()

    run(main)


def test_all_names_every_blob_and_nothing_else(house: House, running: Buckets) -> None:
    async def main() -> None:
        blobs = house.open()
        expected: dict[str, int] = {}
        first = ""
        while len(expected) < STATS + 8:  # and so many in one folder, that they are asked for in two parts
            digest, source, _ = house.file(len(expected))
            first = first or digest[:2]
            digest = first + digest[2:]
            await blobs.put(digest, source)
            expected[digest] = len(expected)
        digest, source, _ = house.file(777)
        await blobs.put(digest, source)
        expected[digest] = 777
        house.foreign(running)
        assert await everything(blobs) == expected
        assert await blobs.size(NOBODYS) is None
        await blobs.close()
        await house.open().close()
        assert house.is_foreign_there(running)

    run(main)


def test_many_put_the_same_at_once(house: House) -> None:
    async def main() -> None:
        digest, source, content = house.file(2 * PART + 1)
        sources = [source, *(house.copied(source, mode) for mode in (0o600, 0o600, 0o644))]
        blobs = house.open()
        puts = asyncio.gather(*(blobs.put(digest, one) for one in sources))
        seen = set()
        while not puts.done():
            seen.add(await blobs.size(digest))
        await puts
        assert seen <= {None, len(content)}, "whole, or not at all"
        assert await whole(blobs, digest) == content
        assert await everything(blobs) == {digest: len(content)}
        await blobs.close()

    run(main)


@pytest.mark.parametrize(
    "name",
    [
        *("", "ab", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "0" * 64 + "\n", "０" * 64),
        *("../" + "0" * 61, "/" + "0" * 63, "ab/" + "0" * 61, "0" * 62 + "..", "0" * 63 + "\0"),
    ],
)
def test_nothing_but_a_digest_is_a_name(house: House, name: str) -> None:
    async def main() -> None:
        _, source, _ = house.file(10)
        blobs = house.open()
        with pytest.raises(ValueError, match="is not a SHA-256"):
            await blobs.put(name, source)
        with pytest.raises(ValueError, match="is not a SHA-256"):
            await blobs.size(name)
        with pytest.raises(ValueError, match="is not a SHA-256"):
            blobs.descriptor(name)
        with pytest.raises(ValueError, match="is not a SHA-256"):
            await blobs.read(name, 0, 1)
        with pytest.raises(ValueError, match="is not a SHA-256"):
            await blobs.delete(name)
        assert await everything(blobs) == {}
        await blobs.close()

    run(main)


def test_a_source_that_cannot_be_read_leaves_nothing(house: House) -> None:
    async def main() -> None:
        blobs = house.open()
        for source in (house.spool / "missing", house.spool):
            with pytest.raises(BlobsUnavailableError) as raised:
                await blobs.put(NOBODYS, str(source))
            assert not raised.value.full
        assert await everything(blobs) == {}
        await blobs.close()

    run(main)


def test_whoever_gives_up_leaves_nothing_half_done(house: House) -> None:
    async def main() -> None:
        digest, source, content = house.file(8 * PIECE, 0o644)
        blobs = house.open()
        cut = 0
        for turns in range(0, 60, 3):
            put = asyncio.ensure_future(blobs.put(digest, source))
            for _ in range(turns):
                if not put.done():
                    await blobs.size(NOBODYS)
            cut += not put.done()
            put.cancel()
            await asyncio.gather(put, return_exceptions=True)
            assert await blobs.size(digest) in (None, len(content))
            await blobs.delete(digest)
        assert cut
        await blobs.put(digest, source)
        assert await whole(blobs, digest) == content
        await blobs.close()

    run(main)


def test_a_closed_store_refuses(house: House) -> None:
    async def main() -> None:
        digest, source, _ = house.file(8 * PIECE, 0o644)
        blobs = house.open()
        put = asyncio.ensure_future(blobs.put(digest, source))
        await blobs.size(NOBODYS)
        await blobs.close()
        (outcome,) = await asyncio.gather(put, return_exceptions=True)
        assert outcome is None or isinstance(outcome, BlobsUnavailableError), "done, or given up"
        for refused in (blobs.put(NOBODYS, source), blobs.size(digest), blobs.delete(digest)):
            with pytest.raises(BlobsUnavailableError, match="closed"):
                await refused
        with pytest.raises(BlobsUnavailableError, match="closed"):
            await everything(blobs)
        again = house.open()
        assert await again.size(digest) in (None, 8 * PIECE)
        await again.close()

    run(main)
