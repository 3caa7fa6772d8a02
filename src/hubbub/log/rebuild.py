"""Make the indexes anew from their segments: for an index that is damaged where opening does not look."""

from __future__ import annotations

import os
from collections.abc import Callable

from hubbub.log.errors import LockedError
from hubbub.log.files import Directory, Files
from hubbub.log.layout import CHECKPOINT_NAME, SEGMENT_NAME
from hubbub.log.manifest import Manifest, check_marker
from hubbub.log.recovery import open_segment_file, rebuild_index

Progress = Callable[[int, int], None]
"""Called with the segments done and the segments in all."""


def rebuild_indexes(
    path: str | os.PathLike[str], progress: Progress | None = None, *, files: Files | None = None
) -> int:
    """Rebuild every index; the number of segments. The log must not be open: LockedError.

    Raises CorruptError where a segment itself is damaged; nothing of it is changed then.
    """
    files = files or Directory(path, make=False)
    check_marker(files)
    if not files.lock():
        raise LockedError("another process has this log open")
    try:
        manifest = Manifest.read(files)
        *sealed, last = manifest.live
        for done, number in enumerate(sealed, 1):
            file = open_segment_file(files, SEGMENT_NAME % number, write=False)
            try:
                rebuild_index(files, file, number, manifest.identity, write=True).close()
            finally:
                file.close()
            if progress is not None:
                progress(done, len(sealed))
        if CHECKPOINT_NAME % last in files.names():
            files.unlink(CHECKPOINT_NAME % last)
    finally:
        files.unlock()
    return len(sealed)
