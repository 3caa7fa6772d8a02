"""`hubbub login` and `hubbub logout`: the tokens of an account, kept for the other commands."""

from __future__ import annotations

import getpass
import random
import sys
import time
from argparse import Namespace

from hubbub.cli.transfers import (
    DONE,
    FAILED,
    WRONGLY_ASKED,
    WronglyAskedError,
    address_of,
    run,
    store,
    warn,
)
from hubbub.client.connection import Client
from hubbub.client.sign_in import KeptLogin, Password, kept_login
from hubbub.core.commands import Logout
from hubbub.core.errors import Refusal


def login(arguments: Namespace) -> int:
    """Ask for what is missing, log in, keep the tokens."""

    async def work() -> int:
        kept = store()
        address = address_of(arguments)
        name = arguments.name or _name()
        password = _password(again=arguments.register)
        if not name or password is None:
            warn("a name and a password are needed")
            return WRONGLY_ASKED
        identity = Password(name, password, register=arguments.register)
        async with Client(address, identity, random=random.random) as client:
            me = client.me
            assert me is not None  # noqa: S101 (it is connected)
            where = kept.put(kept_login(address.url, me, time.time()))
        place = "the system's keyring" if where == "keyring" else str(kept.path)
        print(f"You are {me.username} at {address.url}. The login is kept in {place}.")
        return DONE

    return run(work, "")


def logout(arguments: Namespace) -> int:
    """End the login at the server, and forget it here."""

    async def work() -> int:
        kept = store()
        address = address_of(arguments, kept)
        found = kept.get(address.url, arguments.name)
        if found is None:
            raise WronglyAskedError(f"nobody is logged in at {address.url}")
        async with Client(
            address, KeptLogin(kept, address.url, found.username), random=random.random
        ) as client:
            answer = await client.ask(Logout())
        kept.remove(found.server, found.username)
        if isinstance(answer, Refusal):
            warn(answer.message)
            return FAILED
        print(f"{found.username} is logged out of {address.url}.")
        return DONE

    return run(work, "")


def _name() -> str:
    if not sys.stdin.isatty():
        raise WronglyAskedError("--name NAME is needed")
    return input("Name: ").strip()


def _password(*, again: bool) -> str | None:
    """From a person, unseen, or from a pipe: never from the command line, where others see it."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n") or None
    password = getpass.getpass("Password: ")
    if again and getpass.getpass("Again: ") != password:
        raise WronglyAskedError("these are two different passwords")
    return password or None
