"""`hubbub receive`: what others offer, into a folder or on to a pipe."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from os import W_OK, X_OK, access
from pathlib import Path

from hubbub.cli.transfers import (
    DONE,
    FAILED,
    NOT_WANTED,
    Shown,
    WronglyAskedError,
    client_of,
    harmless,
    run,
    told,
    warn,
)
from hubbub.client.arriving import Target
from hubbub.client.code_words import mistyped, normal
from hubbub.client.connection import Client
from hubbub.client.fetching import fetch, kept_files
from hubbub.client.greeting import OfferHello, heard
from hubbub.client.outcome import Outcome
from hubbub.client.receiving import Wish, receive
from hubbub.client.recipient import Recipient
from hubbub.client.tree import MEDIA_TYPE
from hubbub.core.errors import Refusal
from hubbub.core.events import FileOffered


def receive_files(arguments: Namespace) -> int:
    """Receive one file, or with `--all` one after the other."""

    async def work() -> int:
        code = None
        if arguments.code is not None:
            code = normal(arguments.code)
            if (why := mistyped(code)) is not None:
                raise WronglyAskedError(why)
        piped = arguments.dir == "-"
        asks = sys.stdin.isatty() and sys.stderr.isatty()
        if code is None and not arguments.yes and not asks:
            raise WronglyAskedError("there is no terminal to ask on: --yes takes what is offered")
        if not piped:
            _see_to(Path(arguments.dir))
        target = Target(Path("." if piped else arguments.dir), sys.stdout.buffer if piped else None)
        async with client_of(arguments) as client:
            if arguments.kept is not None:
                return await _fetch(client, target, arguments)
            await _greet(client, arguments)
            ended = DONE
            while True:
                shown = Shown("receiving")
                decide = _Deciding(shown, ask=not arguments.yes)
                wish = Wish(decide, arguments.sender, code, not arguments.no_direct)
                try:
                    result = await receive(client, target, wish, observer=shown)
                finally:
                    shown.close()
                ended = told(result)
                if not arguments.all or (code is not None and result.outcome is not Outcome.DONE):
                    return ended
                if ended not in (DONE, NOT_WANTED):
                    return ended

    return run(work, "What is here of it stays: the same command goes on where it stopped.")


async def _fetch(client: Client, target: Target, arguments: Namespace) -> int:
    """What is kept, the newest first: one, or with `--all` each that is wanted."""
    found = await kept_files(client, Recipient.of(arguments.kept))
    if isinstance(found, Refusal):
        warn(found.message)
        return FAILED
    ended = NOT_WANTED
    for file in found:
        question = f"'{file.name}' ({file.size:,} bytes) is kept. Fetch it?"
        if not arguments.yes and not await _asked(question):
            continue
        shown = Shown(file.name)
        try:
            ended = told(await fetch(client, target, file, observer=shown))
        finally:
            shown.close()
        if not arguments.all or ended != DONE:
            return ended
    if not found:
        warn(f"nothing is kept of '{arguments.kept}'")
    return ended


async def _greet(client: Client, arguments: Namespace) -> None:
    whose = f" from {arguments.sender}" if arguments.sender is not None else ""
    warn(f"{client.name} at {client.address.url} waits for a file{whose}. Ctrl-C ends it.")


def _see_to(directory: Path) -> None:
    """Find out now, and not when somebody has sent something, that it cannot be put there."""
    if directory.exists() and not (directory.is_dir() and access(directory, W_OK | X_OK)):
        raise WronglyAskedError(f"--dir: {directory} is no folder that can be written to")


class _Deciding:
    """Whether to take what is offered: asks once for each, however often it comes."""

    def __init__(self, shown: Shown, *, ask: bool) -> None:
        self._shown = shown
        self._ask = ask
        self._agreed: set[str] = set()

    async def __call__(self, offered: FileOffered) -> bool:
        if self._ask and offered.offer not in self._agreed and not await _asked(_question(offered)):
            return False
        self._agreed.add(offered.offer)
        self._shown.called(offered.filename)
        return True


async def _asked(question: str) -> bool:
    """Ask, without a thread that would hold up the end of the program."""
    print(f"{harmless(question)} [y/n] ", end="", file=sys.stderr, flush=True)
    loop = asyncio.get_running_loop()
    typed = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), typed.set)
    try:
        await typed.wait()
    except asyncio.CancelledError:
        print(file=sys.stderr, flush=True)
        raise
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def _question(offered: FileOffered) -> str:
    size = f"{offered.size:,} bytes"
    if offered.filetype != MEDIA_TYPE:
        return f"{offered.sender} offers '{offered.filename}' ({size}). Take it?"
    hello = heard(offered.hello, OfferHello)
    files = "" if hello is None or hello.count is None else f"{hello.count:,} files, "
    name = offered.filename.removesuffix(".tar")
    return f"{offered.sender} offers the folder '{name}' ({files}{size}). Take it?"
