"""What may be in a bundle: names and bounds that both ends hold to, the sender before it sends."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Final

from hubbub.core.errors import Refusal
from hubbub.core.filenames import label

MEDIA_TYPE: Final = "application/vnd.hubbub.bundle+tar"
"""The media type of a bundle, by which a receiver knows to unpack it. Any tar program reads it too."""

MAX_DEPTH: Final = 100
"""Folders in folders."""
MAX_PATH: Final = 3_000
"""Bytes of a name with its folders; with the folder that it comes into, a path has to stay under 4,096."""
MAX_MEMBERS: Final = 1_000_000
"""Files and folders in one bundle: each costs an inode, even where it holds nothing."""

_NAME_MAX: Final = 255


@lru_cache(maxsize=4096)  # folders come again for each file in them
def component(name: str) -> str | Refusal:
    """One name of a path: as `core.filenames` has it, in NFC, or why it may not be used."""
    return label(name)


def too_far(parts: tuple[str, ...]) -> str | None:
    """Why a file may not be there, with these folders in front; None: it may. A whole sentence."""
    if len(parts) > MAX_DEPTH:
        return f"It is more than {MAX_DEPTH} folders deep."
    if len("/".join(parts).encode()) > MAX_PATH:
        return f"Its name is longer than {MAX_PATH} bytes, with its folders."
    return None


def numbered(name: str, number: int) -> str:
    """`cat.png` and 2 → `cat (2).png`; of `a.tar.gz` both endings stay together. 1 is the name itself."""
    if number == 1:
        return name
    stem, ending = os.path.splitext(name)  # noqa: PTH122 - a name, no path
    if stem.endswith(".tar"):
        stem, ending = stem[:-4], ".tar" + ending
    if len(ending.encode()) > _NAME_MAX // 2:  # no ending, but a long name with a dot in it
        stem, ending = name, ""
    extra = f" ({number}){ending}"
    return shortened(stem, _NAME_MAX - len(extra.encode())) + extra


def shortened(name: str, limit: int) -> str:
    """The name, cut to so many bytes of UTF-8 at the edge of a character."""
    return name.encode()[:limit].decode(errors="ignore")
