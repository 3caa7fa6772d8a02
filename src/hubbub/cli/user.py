"""`hubbub user`: accounts, of the server that runs on the data directory, or while none does."""

from __future__ import annotations

import asyncio
import getpass
import sys
from argparse import Namespace
from typing import Any

import msgspec

from hubbub.cli.data import FAILED, Data, with_data
from hubbub.cli.settings import WRONGLY_ASKED
from hubbub.server.control import ControlError, NoServerError, ask
from hubbub.server.offline import offline_service
from hubbub.server.operations import Operations


def user(arguments: Namespace) -> int:
    """Do what was asked about an account, or list them."""
    fields = {name: getattr(arguments, name) for name in ("user", "role") if getattr(arguments, name, None)}
    if arguments.command in ("user add", "user passwd"):
        password = _password()
        if password is None:
            return WRONGLY_ASKED
        fields["password"] = password

    def work(data: Data) -> int:
        try:
            try:
                done = ask(data.directory, arguments.command, **fields)
            except NoServerError:
                done = asyncio.run(_alone(data, arguments.command, fields))
        except ControlError as error:
            print(f"hubbub: {error}", file=sys.stderr)
            return FAILED
        _show(arguments, done)
        return 0

    return with_data(arguments, work, new=arguments.command == "user add")


async def _alone(data: Data, command: str, fields: dict[str, Any]) -> object:
    async with offline_service(data.config) as service:
        actions = Operations(service.entrance.administration).actions()
        return msgspec.to_builtins(await actions[command](fields, lambda _: None))


def _password() -> str | None:
    """From a person, twice and unseen, or from a pipe: never from the command line, where others see it."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        print("hubbub: these are two different passwords", file=sys.stderr)
        return None
    return password


def _show(arguments: Namespace, done: Any) -> None:
    if arguments.command == "user list":
        if arguments.json:
            print(msgspec.json.format(msgspec.json.encode(done)).decode())
            return
        print(f"{'NAME':<32} {'ROLE':<8} {'STATE':<9} {'LOGINS':>6}  CREATED")
        for one in done:
            state = "disabled" if one["disabled"] else "online" if one["online"] else "away"
            print(
                f"{one['username']:<32} {one['role']:<8} {state:<9} {one['logins']:>6}  {one['created'][:10]}"
            )
        return
    what = {
        "user add": f"is an account now, as {done['role']}",
        "user passwd": "has another password, and is logged out everywhere",
        "user role": f"is {done['role']} now",
        "user disable": "is disabled, and logged out everywhere",
        "user enable": "may come in again",
    }
    print(f"{done['username']} {what[arguments.command]}.")
