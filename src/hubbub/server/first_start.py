"""The first start: somebody has to be able to govern the server, and a demo needs its people."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from hubbub.core.accounts import Role
from hubbub.core.administration import Administration
from hubbub.core.model import Session
from hubbub.server.control import ControlError, Progress
from hubbub.server.operations import Operations

SessionT = TypeVar("SessionT", bound=Session)

ADMIN: Final = "admin"
PASSWORD_FILE: Final = "admin-password"  # noqa: S105 (its name)
DEMO: Final[dict[str, Role]] = {"alice": "admin", "bob": "member"}
"""The accounts of a demo, with their names as passwords: it is for this machine alone, and keeps nothing."""


class FirstAdmin(NamedTuple):
    """The account that was made, and where its password is: with a person, or in a file."""

    name: str
    password: str | None
    file: Path | None


async def first_admin(
    administration: Administration[SessionT], data: Path, *, terminal: bool
) -> FirstAdmin | None:
    """Make one where there is no account yet. Its password is for a terminal, else a file of its owner's.

    Raises OSError, and ControlError where it cannot be kept.
    """
    if administration.all():
        return None
    password = secrets.token_urlsafe(12)
    file = None if terminal else data / PASSWORD_FILE
    if file is not None:  # before the account: nobody is to be locked out by a crash in between
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            file.chmod(0o600)  # one that was there before may have been open to others
            opened.write(password + "\n")
    await _add(administration, ADMIN, password, "admin")
    return FirstAdmin(ADMIN, password if terminal else None, file)


async def demo_accounts(administration: Administration[SessionT]) -> None:
    """See that the people of the demo are there."""
    known = {account.username for account in administration.all()}
    for name, role in DEMO.items():
        if name not in known:
            await _add(administration, name, name, role)


async def _add(administration: Administration[SessionT], name: str, password: str, role: Role) -> None:
    nothing: Progress = lambda _: None  # noqa: E731
    add = Operations(administration).actions()["user add"]
    try:
        await add({"user": name, "password": password, "role": role}, nothing)
    except ControlError as error:
        raise ControlError(f"The account {name} could not be made: {error}") from None
