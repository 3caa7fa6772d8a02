"""Small pictures of pictures, each made by a process of its own with limits (`thumbnail_process.py`).

Whatever is in a stranger's picture, it costs that process alone: one at a time, at the lowest priority.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Final

import msgspec

from hubbub.adapters.python_child import python_child
from hubbub.adapters.thumbnail_process import REFUSED, Limits

MEDIA_TYPE: Final = "image/webp"
"""What is written."""
MOST_WAITING: Final = 32
"""Pictures that wait for their turn; one more has no small picture, rather than a late one."""

_SIZE = re.compile(rb"([0-9]{1,4}) ([0-9]{1,4})\n")
_KEPT = 2_048  # bytes of what the process says: the end of a traceback


class Thumbnails:
    """Makes them, one after the other. Nothing is left behind by a call that is cancelled."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._told = msgspec.json.encode(self._limits).decode("ascii")
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def make(self, source: Path, target: Path) -> tuple[int, int] | None:
        """Write the small picture of `source` to `target`; return its width and height in pixels.

        None: there is none, because it is no picture of a kind that is known, takes more than the limits, or
        too many wait. Raises OSError for faults of ours. Without a result, there is no `target` either.
        """
        if sys.platform == "win32" or self._waiting > MOST_WAITING:  # it has no such limits
            return None
        self._waiting += 1
        try:
            async with self._turn:
                return await self._make(source, target)
        finally:
            self._waiting -= 1

    async def _make(self, source: Path, target: Path) -> tuple[int, int] | None:
        size = None
        try:
            async with asyncio.timeout(self._limits.wall_seconds):
                status, said = await self._run(source, target)
            found = _SIZE.fullmatch(said)
            if status == 0 and found is not None:
                size = int(found[1]), int(found[2])
            elif status >= 0 and status != REFUSED:  # below 0 a limit has ended it
                last = said.decode("utf-8", "replace").strip().rpartition("\n")[2]  # the error of a traceback
                raise OSError(f"exit status {status}: {last[-500:]}")
        except TimeoutError:
            pass
        finally:
            if size is None:
                target.unlink(missing_ok=True)  # noqa: ASYNC240 (at once: it is small, or not there)
        return size

    async def _run(self, source: Path, target: Path) -> tuple[int, bytes]:
        arguments = ("-m", "hubbub.adapters.thumbnail_process", str(source), str(target), self._told)
        async with python_child(*arguments, stderr=asyncio.subprocess.STDOUT) as child:
            assert child.stdout is not None  # noqa: S101 (piped)
            said = b""
            while part := await child.stdout.read(_KEPT):
                said = (said + part)[-_KEPT:]
            return await child.wait(), said
