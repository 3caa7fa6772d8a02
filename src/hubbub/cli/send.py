"""`hubbub send`: files and folders to a person or a room."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from argparse import Namespace
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hubbub.cli.transfers import Shown, WronglyAskedError, client_of, run, told, warn
from hubbub.client.bundle import Bundle, source_of
from hubbub.client.code_words import new_code
from hubbub.client.recipient import Recipient
from hubbub.client.sending import send
from hubbub.client.source import PlainFile
from hubbub.client.state import state_directory
from hubbub.core.errors import Refusal
from hubbub.core.filenames import label

_PIPE = "-"
_COPY = 1_048_576
_MOST_SHOWN = 10
"""Of what is left out, by name: in some folders there are hundreds of links."""


def send_files(arguments: Namespace) -> int:
    """Send what was named."""
    paths = arguments.paths

    def work() -> Coroutine[Any, Any, int]:
        if _PIPE in paths and len(paths) > 1:
            raise WronglyAskedError("'-' stands alone")
        name = _named(arguments.filename)
        if name is not None and (len(paths) > 1 or Path(paths[0]).is_dir()):
            raise WronglyAskedError("--filename is for one file")
        if paths == [_PIPE]:  # here, and in no thread: nobody could stop one that waits for a pipe
            return _opened(arguments, [_spool(spool)], name or "stdin")
        return _opened(arguments, paths, name)

    again = "With a code it begins anew." if arguments.code else "The same command goes on where it stopped."
    with _spooled() as spool:
        return run(work, "" if paths == [_PIPE] else again)


async def _opened(arguments: Namespace, paths: list[str], name: str | None) -> int:
    source = await asyncio.get_running_loop().run_in_executor(None, _open, paths, name)
    return await _send(arguments, source)


async def _send(arguments: Namespace, source: PlainFile | Bundle) -> int:
    if isinstance(source, Bundle):
        for path, reason in source.left_out[:_MOST_SHOWN]:
            warn(f"{path} is left out. {reason}")
        if (more := len(source.left_out) - _MOST_SHOWN) > 0:
            warn(f"{more:,} more are left out.")
    code = new_code(os.urandom) if arguments.code else None
    shown = Shown(source.name)
    try:
        async with client_of(arguments) as client:
            if code is not None:
                print(f"The code is {code}. The other side: hubbub receive --code {code}", file=sys.stderr)
                if not sys.stdout.isatty():
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
