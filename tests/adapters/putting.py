"""A process that puts and deletes blobs as it is told, a line each, to be killed: `putting.py DIRECTORY`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from hubbub.adapters.blobs_directory import DirectoryBlobs
from hubbub.core.ports import BlobsUnavailableError


def answer(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def main(directory: str) -> None:
    blobs = DirectoryBlobs(Path(directory), asyncio.get_running_loop())
    answer("open")
    for line in sys.stdin:
        digest, _, source = line.strip().partition(" ")
        try:
            await (blobs.put(digest, source) if source else blobs.delete(digest))
        except BlobsUnavailableError as error:
            answer(f"{'full' if error.full else 'failed'}: {error.reason}")
        else:
            answer("done")
    await blobs.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
