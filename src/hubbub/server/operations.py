"""What whoever runs the server may have done, by the control socket or beside a server that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from hubbub.adapters.search_fts5 import Fts5Search
from hubbub.core.accounts import Role
from hubbub.core.administration import AccountView, Administration
from hubbub.core.credentials import digest
from hubbub.core.errors import Refusal
from hubbub.core.model import Session
from hubbub.server.control import Action, ControlError, Progress
from hubbub.server.maintenance import Maintenance

SessionT = TypeVar("SessionT", bound=Session)
ArgumentsT = TypeVar("ArgumentsT", bound=msgspec.Struct)


class _User(msgspec.Struct):
    user: str


class _NewUser(_User):
    password: str
    role: Role = "member"


class _Password(_User):
    password: str


class _Role(_User):
    role: Role


class Upkeep:
    """The requests about what is kept."""

    def __init__(self, maintenance: Maintenance, search: Fts5Search) -> None:
        self._maintenance = maintenance
        self._search = search

    def actions(self) -> Mapping[str, Action]:
        """For `Control`."""
        return {"compact": self._compact, "rebuild-index": self._rebuild_index}

    async def _compact(self, arguments: dict[str, Any], progress: Progress) -> object:  # noqa: ARG002
        result = await self._maintenance.compact_all()
        progress(1.0)
        return {"before": result.before, "after": result.after} if result else {"before": 0, "after": 0}

    async def _rebuild_index(self, arguments: dict[str, Any], progress: Progress) -> object:  # noqa: ARG002
        done = await self._search.rebuild(progress)
        if done < 0:
            raise ControlError("The index could not be built. The server's log says why.")
        return done


class Operations(Generic[SessionT]):
    """The requests about accounts, by their names."""

    def __init__(self, administration: Administration[SessionT]) -> None:
        self._administration = administration

    def actions(self) -> Mapping[str, Action]:
        """For `Control`."""
        return {
            "user add": self._add,
            "user passwd": self._passwd,
            "user role": self._role,
            "user list": self._list,
            "user disable": self._disable,
            "user enable": self._enable,
        }

    async def _add(self, arguments: dict[str, Any], _: Progress) -> object:
        wanted = _read(arguments, _NewUser)
        hashed = _digest(wanted.password)
        return await _told(lambda then: self._administration.add(wanted.user, hashed, wanted.role, then))

    async def _passwd(self, arguments: dict[str, Any], _: Progress) -> object:
        wanted = _read(arguments, _Password)
        hashed = _digest(wanted.password)
        return await _told(lambda then: self._administration.set_password(wanted.user, hashed, then))

    async def _role(self, arguments: dict[str, Any], _: Progress) -> object:
        wanted = _read(arguments, _Role)
        return await _told(lambda then: self._administration.set_role(wanted.user, wanted.role, then))

    async def _list(self, arguments: dict[str, Any], _: Progress) -> object:  # noqa: ARG002 (there are none)
        return self._administration.all()

    async def _disable(self, arguments: dict[str, Any], _: Progress) -> object:
        wanted = _read(arguments, _User)
        return await _told(lambda then: self._administration.disable(wanted.user, then))

    async def _enable(self, arguments: dict[str, Any], _: Progress) -> object:
        wanted = _read(arguments, _User)
        return await _told(lambda then: self._administration.enable(wanted.user, then))


def _read(arguments: dict[str, Any], kind: type[ArgumentsT]) -> ArgumentsT:
    try:
        return msgspec.convert(arguments, kind)
    except msgspec.ValidationError as error:
        raise ControlError(f"The request is not valid: {error}") from None


def _digest(password: str) -> str:
    if not password:
        raise ControlError("A password is needed.")
    return digest(password)


async def _told(work: Callable[[Callable[[AccountView | Refusal], None]], None]) -> AccountView:
    """Wait for what is told by a callback; a refusal becomes an error for whoever asked."""
    told: asyncio.Future[AccountView | Refusal] = asyncio.get_running_loop().create_future()

    def then(result: AccountView | Refusal) -> None:
        if not told.done():
            told.set_result(result)

    work(then)
    result = await told
    if isinstance(result, Refusal):
        raise ControlError(result.message)
    return result
