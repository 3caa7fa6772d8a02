"""`hubbub send`: files and folders to a person or a room."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hubbub.cli.transfers import Shown, WronglyAskedError, client_of, run, told, warn
from hubbub.client.bundle import Bundle, source_of
from hubbub.client.code_words import new_code
from hubbub.client.errors import SourceError
from hubbub.client.sending import Recipient, send
from hubbub.client.source import PlainFile
from hubbub.client.state import state_directory
from hubbub.core.errors import Refusal
from hubbub.core.filenames import label

_PIPE = "-"
_COPY = 1_048_576


def send_files(arguments: Namespace) -> int:
    """Send what was named."""
    paths = arguments.paths

    async def work() -> int:
        if _PIPE in paths and len(paths) > 1:
            raise WronglyAskedError("'-' stands alone")
        name = _named(arguments.filename)
        if name is not None and len(paths) > 1:
            raise WronglyAskedError("--filename is for one file")
        loop = asyncio.get_running_loop()
        with _spooled() as spool:
            if paths == [_PIPE]:
                paths[:] = [await loop.run_in_executor(None, _spool, spool)]
                name = name or "stdin"
            source = await loop.run_in_executor(None, _open, paths, name)
            return await _send(arguments, source)

    again = (
        " With a code it begins anew." if arguments.code else " The same command goes on where it stopped."
    )
    if paths == [_PIPE]:
        again = ""
    return run(work, again.strip())


async def _send(arguments: Namespace, source: PlainFile | Bundle) -> int:
    if isinstance(source, Bundle):
        for path, reason in source.left_out:
            warn(f"{path} is left out. {reason}")
    code = new_code(os.urandom) if arguments.code else None
    shown = Shown(source.name)
    try:
        async with client_of(arguments) as client:
            if code is not None:
                print(f"The code is {code}. The other side: hubbub receive --code {code}", file=sys.stderr)
                print(code, flush=True)
            result = await send(
                client,
                source,
                Recipient.of(arguments.to),
                observer=shown,
                code=code,
                direct=not arguments.no_direct,
                give_up_after=arguments.timeout,
                state=state_directory(os.environ),
            )
    finally:
        shown.close()
        if isinstance(source, PlainFile):
            source.close()
    return told(result)


def _named(name: str | None) -> str | None:
    checked = label(name) if name is not None else None
    if isinstance(checked, Refusal):
        raise WronglyAskedError(f"--filename: {checked.message}")
    return checked


def _open(paths: list[str], name: str | None) -> PlainFile | Bundle:
    if name is not None:
        if Path(paths[0]).is_dir():
            raise SourceError("--filename is for one file, and this is a folder.")
        return PlainFile(paths[0], name=name)
    return source_of(paths)


@contextmanager
def _spooled() -> Iterator[Path]:
    """A folder for what comes by a pipe: how long it is has to be known before it is offered."""
    with tempfile.TemporaryDirectory(prefix="hubbub-") as folder:
        yield Path(folder)


def _spool(folder: Path) -> str:
    path = folder / "stdin"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file, _COPY)
    return str(path)
