"""`hubbub receive`: what others offer, into a folder or on to a pipe."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from pathlib import Path

from hubbub.cli.transfers import DONE, NOT_WANTED, Shown, WronglyAskedError, client_of, run, told, warn
from hubbub.client.arriving import Target
from hubbub.client.code_words import mistyped, normal
from hubbub.client.connection import Client
from hubbub.client.outcome import Outcome
from hubbub.client.receiving import Wish, receive
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
        target = Target(Path("." if piped else arguments.dir), sys.stdout.buffer if piped else None)
        async with client_of(arguments) as client:
            await _greet(client, arguments)
            ended = DONE
            while True:
                wish = Wish(_yes if arguments.yes else _ask, arguments.sender, code, not arguments.no_direct)
                shown = Shown("receiving")
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


async def _greet(client: Client, arguments: Namespace) -> None:
    whose = f" from {arguments.sender}" if arguments.sender is not None else ""
    warn(f"{client.name} at {client.address.url} waits for a file{whose}. Ctrl-C ends it.")


async def _yes(_: FileOffered) -> bool:
    return True


async def _ask(offered: FileOffered) -> bool:
    """Ask, without a thread that would hold up the end of the program."""
    question = f"{offered.sender} offers '{offered.filename}' ({offered.size:,} bytes). Take it? [y/n] "
    print(question, end="", file=sys.stderr, flush=True)
    loop = asyncio.get_running_loop()
    typed = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), typed.set)
    try:
        await typed.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return sys.stdin.readline().strip().casefold() in ("y", "yes")
