"""The control socket: how the `hubbub` command speaks to the server that runs on a data directory.

`DATA/control.sock` is a Unix socket that only its owner may open; whoever can write to the directory could
change the log itself, so no password is asked for. A request is one JSON object a line, `{"do": NAME, …}`;
the answer is any number of `{"progress": 0 … 1}` lines, then `{"done": …}` or `{"error": SENTENCE}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

NAME: Final = "control.sock"
MAX_LINE: Final = 65_536
"""Bytes of one line, either way but for the last answer."""
_PATH_LIMIT: Final = 100  # sun_path has 108 bytes on Linux, 104 on macOS

Progress = Callable[[float], None]
"""Is told how much is done, 0 … 1."""
Action = Callable[[dict[str, Any], Progress], Awaitable[object]]
"""Carries out a request. What it returns goes to JSON; `ControlError` is told to whoever asked."""


class ControlError(Exception):
    """A request that was not carried out, and a sentence for the person who asked."""


class NoServerError(Exception):
    """Nobody listens there: no server runs on this directory."""


class Control:
    """The server's side."""

    def __init__(
        self, directory: Path, actions: Mapping[str, Action], failed: Callable[[str, Exception], None]
    ) -> None:
        """`failed(what, error)` is told of our own faults."""
        self._directory = directory
        self._actions = actions
        self._failed = failed
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen. The directory is ours alone by then, so a socket that is there is a dead server's."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _reachable(self._directory) as path:
                with contextlib.suppress(FileNotFoundError):
                    (self._directory / NAME).unlink()
                before = os.umask(0o177)  # never open to others, not for a moment
                try:
                    listener.bind(path)
                finally:
                    os.umask(before)
            self._server = await asyncio.start_unix_server(self._talk, sock=listener, limit=MAX_LINE)
        except BaseException:
            listener.close()
            raise

    async def close(self) -> None:
        """Listen no more, and end what is going on."""
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(FileNotFoundError):
                (self._directory / NAME).unlink()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (a coroutine that runs is in one)
        self._talks.add(task)
        try:
            while line := await reader.readline():
                writer.write(msgspec.json.encode(await self._answer(line, writer)) + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError, asyncio.CancelledError):  # gone, no line, or our own stop
            pass
        finally:
            self._talks.discard(task)
            writer.close()

    async def _answer(self, line: bytes, writer: asyncio.StreamWriter) -> object:
        try:
            request = msgspec.json.decode(line, type=dict[str, Any])
            name = str(request.pop("do", ""))
            if name not in self._actions:
                return {"error": f"The server knows no '{name[:64]}'. Is it of another version?"}
            done = await self._actions[name](
                request, lambda part: writer.write(msgspec.json.encode({"progress": part}) + b"\n")
            )
        except ControlError as error:
            return {"error": str(error)}
        except (msgspec.DecodeError, RecursionError):
            return {"error": "The request is not a JSON object."}
        except Exception as error:  # noqa: BLE001 (our fault: the server goes on)
            self._failed("control", error)
            return {"error": "The server made a mistake. It is in its log."}
        return {"done": done}


@contextlib.contextmanager
def _connected(directory: Path, within: float | None = None) -> Iterator[socket.socket]:
    """A line to the server, with so many seconds for each step. Raises NoServerError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(within)
        try:
            with _reachable(directory) as path:
                peer.connect(path)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            raise NoServerError(str(directory)) from None
        yield peer


def ask(
    directory: Path,
    do: str,
    progress: Progress | None = None,
    *,
    within: float | None = None,
    **arguments: object,
) -> Any:
    """Have the server that runs on this directory do something; return what it says.

    Raises NoServerError, ControlError with the server's sentence, and TimeoutError where it says nothing for
    `within` seconds: a process that hangs is still listened for by the kernel.
    """
    with _connected(directory, within) as peer:
        peer.sendall(msgspec.json.encode({"do": do, **arguments}) + b"\n")
        with peer.makefile("rb") as lines:
            for line in lines:
                told = msgspec.json.decode(line, type=dict[str, Any])
                if "progress" in told:
                    if progress is not None:
                        progress(float(told["progress"]))
                elif "error" in told:
                    raise ControlError(str(told["error"]))
                else:
                    return told.get("done")
    raise ControlError("The server went away before it was done.")


def process_on(directory: Path) -> int | None:
    """The process id of the server that runs on this directory, as the system has it (unix(7), SO_PEERCRED).

    None: nobody listens there, or the system does not tell. Raises OSError where one may not look.
    """
    try:
        with _connected(directory, within=1.0) as peer:
            if sys.platform != "linux":
                return None
            pid, _, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    except NoServerError:
        return None
    return int(pid) or None


@contextlib.contextmanager
def _reachable(directory: Path) -> Iterator[str]:
    """A path of the socket that is short enough for the system."""
    path = str(directory / NAME)
    if len(os.fsencode(path)) <= _PATH_LIMIT:
        yield path
        return
    if sys.platform != "linux":
        raise OSError(f"{path}: this path is too long for a socket ({_PATH_LIMIT} bytes)")
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{NAME}"
    finally:
        os.close(descriptor)
