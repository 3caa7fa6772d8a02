"""Where kept files are opened, and what is said where they cannot be."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from hubbub.adapters.blobs_directory import DirectoryBlobs
from hubbub.adapters.blobs_s3 import S3Blobs
from hubbub.server.config import BlobSettings, Config
from hubbub.server.storage import StorageError, open_blobs

BUCKET = BlobSettings(
    store="s3",
    s3_bucket="chat",
    s3_endpoint="https://s3.example.org",
    s3_access_key="id",
    s3_secret_key="key",
)


def test_files_are_kept_in_the_data_directory_or_in_a_bucket(tmp_path: Path) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        directory = tmp_path / "files" / "blobs"
        blobs = open_blobs(Config(), tmp_path, loop)
        assert isinstance(blobs, DirectoryBlobs)
        await blobs.close()
        half = directory / f"put-{'0' * 32}.tmp"
        half.touch()
        await open_blobs(Config(), tmp_path, loop, tidy=False).close()
        assert half.exists()
        await open_blobs(Config(), tmp_path, loop).close()
        assert not half.exists()
        bucket = open_blobs(Config(blobs=BUCKET), tmp_path, loop)
        assert isinstance(bucket, S3Blobs)
        await bucket.close()

    asyncio.run(main())


def test_what_cannot_be_opened_is_said_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        (tmp_path / "files").touch()
        with pytest.raises(StorageError, match=r"files/blobs: "):
            open_blobs(Config(), tmp_path, loop)
        monkeypatch.setitem(sys.modules, "obstore.store", None)
        with pytest.raises(StorageError, match=r"pip install 'hubbub\[s3\]'"):
            open_blobs(Config(blobs=BUCKET), tmp_path, loop)

    asyncio.run(main())
