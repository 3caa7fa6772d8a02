"""The control socket, by a real client in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import stat
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from hubbub.server.control import MAX_LINE, NAME, Control, ControlError, NoServerError, Progress, ask


async def _double(arguments: dict[str, Any], progress: Progress) -> object:
    progress(0.5)
    if arguments["number"] < 0:
        raise ControlError("Only numbers from 0 on.")
    return {"number": arguments["number"] * 2}


async def _fault(arguments: dict[str, Any], progress: Progress) -> object:
    raise RuntimeError("a secret detail")


async def _endless(arguments: dict[str, Any], progress: Progress) -> object:
    progress(0.0)
    await asyncio.Event().wait()
    return None


@contextlib.asynccontextmanager
async def _open(directory: Path, faults: list[str]) -> AsyncIterator[Control]:
    actions = {"double": _double, "fault": _fault, "endless": _endless}
    control = Control(directory, actions, lambda what, error: faults.append(f"{what} {error}"))
    await control.open()
    try:
        yield control
    finally:
        await control.close()


@pytest.mark.parametrize("depth", [0, 12], ids=["short", "longer than a socket's path may be"])
def test_a_request_is_carried_out_and_told_with_its_progress(tmp_path: Path, depth: int) -> None:
    directory = tmp_path.joinpath(*["a-folder-name"] * depth)
    directory.mkdir(parents=True, exist_ok=True)
    parts: list[float] = []

    async def main() -> None:
        faults: list[str] = []
        async with _open(directory, faults):
            assert stat.S_IMODE((directory / NAME).stat().st_mode) == 0o600
            done = await asyncio.to_thread(ask, directory, "double", parts.append, number=21)
            assert done == {"number": 42}
            with pytest.raises(ControlError, match=r"Only numbers from 0 on\."):
                await asyncio.to_thread(ask, directory, "double", number=-1)
            with pytest.raises(ControlError, match="knows no 'nonsense'"):
                await asyncio.to_thread(ask, directory, "nonsense")
            with pytest.raises(ControlError, match="made a mistake") as told:
                await asyncio.to_thread(ask, directory, "fault")
            assert "secret" not in str(told.value)
            assert faults == ["control a secret detail"]

    asyncio.run(main())
    assert parts == [0.5]
    assert not (directory / NAME).exists()


def test_without_a_server_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoServerError):
        ask(tmp_path, "double", number=1)
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / NAME))
    dead.close()
    with pytest.raises(NoServerError):
        ask(tmp_path, "double", number=1)

    async def main() -> None:
        async with _open(tmp_path, []):  # a dead server's socket is in nobody's way
            assert await asyncio.to_thread(ask, tmp_path, "double", number=1) == {"number": 2}

    asyncio.run(main())


def test_rubbish_and_endless_lines_harm_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        async with _open(tmp_path, []):
            for rubbish in (b"{\n", b"[]\n", b"[" * 60_000 + b"\n", b'{"do":1}\n', b"\xff\n"):
                reader, writer = await asyncio.open_unix_connection(str(tmp_path / NAME))
                writer.write(rubbish)
                assert b'"error"' in await reader.readline()
                writer.close()
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / NAME))
            writer.write(b"x" * (2 * MAX_LINE))
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
            assert await asyncio.to_thread(ask, tmp_path, "double", number=1) == {"number": 2}

    asyncio.run(main())


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_stop_ends_what_is_going_on(
    tmp_path: Path, run: Callable[[Coroutine[None, None, None]], None]
) -> None:
    faults: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        async with _open(tmp_path, []):
            begun = asyncio.Event()
            loop = asyncio.get_running_loop()

            def progress(part: float) -> None:
                loop.call_soon_threadsafe(begun.set)

            waiting = asyncio.create_task(asyncio.to_thread(ask, tmp_path, "endless", progress))
            await begun.wait()
        with pytest.raises(ControlError, match="went away"):
            await waiting

    run(main())
    assert faults == []
