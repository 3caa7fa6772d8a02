"""Make one small picture, as a process of its own: `python -m hubbub.adapters.thumbnail_process`.

What decodes the pictures of strangers is C, and some day it has a hole. So this process has little time and
memory, and once it has the two files open, it can open nothing more: no file, no socket.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import warnings
from importlib import import_module
from io import BytesIO
from typing import IO, TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from PIL import Image

REFUSED: Final = 3
"""The exit status where there is no picture to be made of it, and nothing else is wrong."""
FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "AVIF")
"""What is looked for in the content, as Pillow names it; whatever the file or its type is called."""

_ORIENTATION: Final = 0x0112  # EXIF 2.32 §4.6.5.1.6, and what of PIL.Image.Transpose undoes each
_TURNS: Final = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}


class Limits(msgspec.Struct, frozen=True):
    """What one picture may take. Whoever sends more of it has no small picture, and no harm is done."""

    edge: int = 320
    """Pixels of the small picture's longer side: sharp in a list of messages, also on a dense screen."""
    pixels: int = 50_000_000
    """Of the picture: what cameras make, and at most 200 MB decoded."""
    memory: int = 1024**3
    """Bytes of address space: twice what a picture of that size takes while it is made smaller."""
    cpu_seconds: int = 10
    """Of computing: many times what such a picture takes at the lowest priority."""
    wall_seconds: int = 15
    """In all, after which the process is killed."""
    written: int = 1024**2
    """Bytes of the small picture: far more than one has."""


def confine(limits: Limits) -> None:
    """Take no more of the machine from here on, and leave it to everybody else first."""
    import resource

    os.nice(19)
    signal.alarm(limits.wall_seconds)  # the server sees to it too, if it is still there
    _bound(resource.RLIMIT_CPU, limits.cpu_seconds)
    _bound(resource.RLIMIT_FSIZE, limits.written)
    _bound(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":  # elsewhere it is refused, or not kept to
        _bound(resource.RLIMIT_AS, limits.memory)


def seal() -> None:
    """Open nothing from here on (every new descriptor is over the limit), and start no process."""
    import resource

    _bound(resource.RLIMIT_NOFILE, 0)
    _bound(resource.RLIMIT_NPROC, 0)


def _bound(which: int, most: int) -> None:
    import resource

    _, hard = resource.getrlimit(which)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (most, most))


def draw(source: IO[bytes], limits: Limits) -> tuple[int, int, bytes]:
    """Return width, height and WebP of the small picture. Raises whatever Pillow raises.

    It is upright as EXIF has it, the first of several frames, and no metadata comes along.
    """
    from PIL import Image

    picture: Image.Image = Image.open(source, formats=FORMATS)
    width, height = picture.size
    if width * height > limits.pixels:
        raise ValueError("too many pixels")
    box = (limits.edge, limits.edge)
    picture.draft("RGB", (2 * limits.edge, 2 * limits.edge))  # of a JPEG, only so much is decoded
    picture.load()
    turn = _TURNS.get(_orientation(picture))
    if picture.mode.startswith("I;16"):
        picture = picture.point(lambda value: value / 256).convert("L")  # to convert alone would cut it off
    transparent = "A" in picture.mode or "transparency" in picture.info
    picture = picture.convert("RGBA" if transparent else "RGB")
    picture.thumbnail(box, Image.Resampling.LANCZOS, reducing_gap=2.0)
    if turn is not None:
        picture = picture.transpose(Image.Transpose(turn))
    written = BytesIO()
    picture.save(written, "WEBP", quality=75, method=4)
    return *picture.size, written.getvalue()


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 (whatever is in there, the picture may still be one)
        return 1


def _prepare() -> None:
    """Import now what Pillow would import when it is needed: later, nothing can be opened."""
    for name in ("copy", "PIL.ImageColor", "PIL.ImagePalette"):
        import_module(name)
    for kind in ("Gif", "Jpeg", "Mpo", "Png", "Tiff", "WebP"):  # MPO is two JPEGs, and EXIF is TIFF
        import_module(f"PIL.{kind}ImagePlugin")
    from PIL import AvifImagePlugin, Image

    Image.preinit()
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # each thread's stack counts as memory
    warnings.simplefilter("ignore")


def main() -> int:
    """Arguments: the picture, the file to write, the limits as JSON. Prints width and height."""
    source, target, told = sys.argv[1:4]
    limits = msgspec.json.decode(told, type=Limits)
    confine(limits)
    _prepare()
    with open(source, "rb") as picture, open(target, "wb") as small:  # noqa: PTH123 (by these very names)
        seal()
        try:
            width, height, data = draw(picture, limits)
        except Exception as error:  # of a stranger's bytes, Pillow may raise anything
            if isinstance(error, OSError) and error.errno == errno.EMFILE:
                raise  # not the picture's fault: `_prepare` has forgotten something
            return REFUSED
        small.write(data)
    print(width, height, flush=True)  # noqa: T201 (the server reads it)
    return 0


if __name__ == "__main__":
    sys.exit(main())
