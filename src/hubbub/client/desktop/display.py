"""Whether there is a screen, asked before a toolkit is: Qt ends the whole process where it finds none."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hubbub.client.desktop.errors import NoDisplayError

_SECONDS: Final = 5.0
_X11: Final = re.compile(r"([^:/]*|unix):([0-9]{1,5})(\.[0-9]+)?")
_X11_PORT: Final = 6000


def see_display(environ: Mapping[str, str]) -> None:
    """See that a window can be shown. Raises NoDisplayError with a sentence for people."""
    if sys.platform in ("win32", "darwin"):
        return
    wayland, x11 = environ.get("WAYLAND_DISPLAY", ""), environ.get("DISPLAY", "")
    if not wayland and not x11:
        raise NoDisplayError("There is no display to open a window on. In a browser it works from anywhere.")
    if wayland and _answers(Path(environ.get("XDG_RUNTIME_DIR", "/")) / wayland):
        return
    if not x11 or not _x11_answers(x11):
        raise NoDisplayError(f"The display {(x11 or wayland)[:100]!r} does not answer.")


def _x11_answers(display: str) -> bool:
    match = _X11.fullmatch(display)
    if match is None:
        return True  # of a kind that we do not know: the toolkit may
    host, number = match[1], int(match[2])
    if host not in ("", "unix"):
        try:
            socket.create_connection((host, _X11_PORT + number), _SECONDS).close()
        except OSError:
            return False
        return True
    path = f"/tmp/.X11-unix/X{number}"  # noqa: S108 (where X has it)
    return _answers(Path(path)) or (sys.platform == "linux" and _answers(f"\0{path}"))


def _answers(path: Path | str) -> bool:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(_SECONDS)
        try:
            peer.connect(str(path))
        except (OSError, ValueError):
            return False
    return True
