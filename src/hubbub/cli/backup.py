"""`hubbub backup`: a consistent copy of the data directory, also of a running server's."""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import Final

from hubbub.adapters.blobs_directory import DirectoryBlobs
from hubbub.cli.data import FAILED, Data, with_data
from hubbub.cli.output import whole_or_not
from hubbub.cli.progress import progress
from hubbub.log import back_up, verify
from hubbub.server.storage import BLOBS, FILES

_PIECE: Final = 4 << 20


def backup(arguments: Namespace) -> int:
    """Copy it into a directory that is empty or not there yet. `serve --data` on the copy restores it.

    The copy is read once more: damage is said at once, and not when the copy is needed. Files are copied
    before the log and after it: what the copied log names was there at one of the two times.
    """

    def copy(data: Data) -> int:
        target = Data(arguments.directory, data.config)
        if target.directory.resolve().is_relative_to(data.directory.resolve()):
            raise OSError(f"{target.directory} is within what is to be copied")
        if target.directory.exists() and any(target.directory.iterdir()):
            raise OSError(f"{target.directory} is not empty")
        target.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        files = asyncio.run(_copy_files(data.directory, target.directory))
        with progress("copying") as told:
            done = back_up(data.log, target.log, told)
        files += asyncio.run(_copy_files(data.directory, target.directory))
        with progress("verifying") as told:
            damaged = list(verify(target.log, told))
        with whole_or_not():
            for finding in damaged:
                print(f"{finding.file}, offset {finding.offset}: {finding.problem}")
        if damaged:
            print(f"hubbub: {data.log} is damaged, so that is also in the copy", file=sys.stderr)
            return FAILED
        print(f"{done.bytes + files:,} bytes copied to {target.directory}.")
        if data.config.blobs.store != "directory":
            print(f"The files are in the bucket {data.config.blobs.s3_bucket}, and stay there alone.")
        return 0

    return with_data(arguments, copy)


async def _copy_files(source: Path, target: Path) -> int:
    """Copy the kept files that are not there yet; their bytes. Those that go meanwhile are left out."""
    if not (source / FILES / BLOBS).is_dir():
        return 0
    loop = asyncio.get_running_loop()
    here = DirectoryBlobs(source / FILES / BLOBS, loop, tidy=False)
    there = DirectoryBlobs(target / FILES / BLOBS, loop)
    copying = target / FILES / "copying"
    copied = 0
    try:
        with progress("copying files") as told:
            missing = [
                (digest, size) async for digest, size in here.all() if await there.size(digest) is None
            ]
            total = sum(size for _, size in missing)
            for digest, _ in missing:
                descriptor = here.descriptor(digest)
                if descriptor is not None:
                    copied += _copy(descriptor, copying)  # bytes of its own: a link would share a bad block
                    await there.put(digest, str(copying))
                    copying.unlink()  # which `put` may have linked
                told(copied, total)
    finally:
        copying.unlink(missing_ok=True)
        await here.close()
        await there.close()
    return copied


def _copy(descriptor: int, target: Path) -> int:
    new = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "rb") as source, os.fdopen(new, "wb") as copy:
        size = 0
        while piece := source.read(_PIECE):
            size += copy.write(piece)
    return size
