"""What a client notes between runs so that it can go on: offers of its own, and the tokens of guests.

One small file each in `$XDG_STATE_HOME/hubbub/`, for its owner's eyes alone. One that is damaged counts as
none: what is lost by that is a place to go on at, and no more.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from hubbub.client.errors import BusyError

if sys.platform != "win32":
    import fcntl

T = TypeVar("T")

OFFERS: Final = "offers"
GUESTS: Final = "guests"


def state_directory(environ: Mapping[str, str]) -> Path:
    """`$XDG_STATE_HOME/hubbub`, by default `~/.local/state/hubbub` (XDG Base Directory Specification 0.8)."""
    given = Path(environ.get("XDG_STATE_HOME", ""))
    if not given.is_absolute():
        home = environ.get("HOME")
        given = (Path(home) if home else Path.home()) / ".local" / "state"
    return given / "hubbub"


class Note:
    """One of them, found again by what it is about. Used by one process at a time, by flock(2)."""

    def __init__(self, directory: Path, kind: str, about: tuple[str, ...]) -> None:
        """Raises BusyError where another process has it, OSError."""
        folder = directory / kind
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = hashlib.sha256("\0".join(about).encode()).hexdigest()[:32]
        self.path = folder / f"{name}.json"
        self._lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        if sys.platform != "win32":
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._lock)
                self._lock = -1
                raise BusyError("Another process is at the same just now.") from None

    def read(self, kind: type[T]) -> T | None:
        """What stands there."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=kind)
        except (OSError, msgspec.MsgspecError):
            return None

    def write(self, told: object) -> None:
        """Put this in its place, as a whole. Raises OSError."""
        temporary = self.path.with_suffix(".tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(told))
            file.flush()
            os.fsync(descriptor)
        temporary.replace(self.path)

    def remove(self) -> None:
        """It is of no use any more."""
        self.path.unlink(missing_ok=True)
        self.path.with_suffix(".lock").unlink(missing_ok=True)

    def close(self) -> None:
        """Let others have it. Twice does no harm."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
