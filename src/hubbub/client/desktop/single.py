"""One window for each person: a second start brings the first to the front, and may hand it an address.

They speak by a Unix socket in a folder of mode 0700, so whoever can open it is the same person (or root). A
request is one line of JSON, the answer `ok`. A socket that nobody listens on is of a window that was killed;
the lock of `remembered.Memory` says which of two is the first.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final

import msgspec

from hubbub.client.desktop.address import LONGEST_ADDRESS

LONGEST: Final = 8192
"""Bytes of a request."""
SECONDS: Final = 5.0
"""How long either side may take over it."""
_NAME: Final = "desktop.sock"
_PATH_LIMIT: Final = 100  # sun_path has 108 bytes on Linux, 104 on macOS


class Request(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Come to the front; with an address, show that server."""

    url: Annotated[str, msgspec.Meta(max_length=LONGEST_ADDRESS)] | None = None


class Doorbell:
    """The first window's side. `rung(request)` is called in a thread."""

    def __init__(self, directory: Path, rung: Callable[[Request], None]) -> None:
        """To be made by whoever holds the lock: what is there is a dead window's. Raises OSError."""
        self._directory = directory
        self._rung = rung
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _path(directory) as path:
                Path(path).unlink(missing_ok=True)
                before = os.umask(0o177)  # never open to others, not for a moment
                try:
                    self._listener.bind(path)
                finally:
                    os.umask(before)
            self._listener.listen(8)
        except BaseException:
            self._listener.close()
            raise
        threading.Thread(target=self._listen, name="doorbell", daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # which wakes the thread
        self._listener.close()
        with contextlib.suppress(OSError), _path(self._directory) as path:
            Path(path).unlink(missing_ok=True)

    def _listen(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:  # closed
                return
            with peer:
                peer.settimeout(SECONDS)
                with contextlib.suppress(OSError, msgspec.MsgspecError):
                    request = msgspec.json.decode(_line(peer), type=Request)
                    self._rung(request)
                    peer.sendall(b"ok\n")


def ring(directory: Path, url: str | None) -> bool:
    """Have the first window come to the front; False: it does not answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(SECONDS)
        try:
            with _path(directory) as path:
                peer.connect(path)
            peer.sendall(msgspec.json.encode(Request(url)) + b"\n")
            return _line(peer) == b"ok"
        except OSError:
            return False


def _line(peer: socket.socket) -> bytes:
    data = b""
    while b"\n" not in data and len(data) <= LONGEST:
        more = peer.recv(4096)
        if not more:
            break
        data += more
    line, end, _ = data.partition(b"\n")
    return line if end else b""


@contextlib.contextmanager
def _path(directory: Path) -> Iterator[str]:
    """A path of the socket that is short enough for the system, in a folder that only its owner can enter."""
    folder = directory / "desktop"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = str(folder / _NAME)
    if len(os.fsencode(path)) <= _PATH_LIMIT:
        yield path
        return
    if sys.platform != "linux":
        raise OSError(f"{path}: this path is too long for a socket ({_PATH_LIMIT} bytes)")
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{_NAME}"
    finally:
        os.close(descriptor)
