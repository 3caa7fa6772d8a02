"""What admins may do over HTTP: accounts, rooms, limits, storage. The rows are `wire.admin_payloads`.

First it is looked who asks (401), whether it is an admin (403), and whether the request can be read; then it
is carried out. What changes something goes into the log, with who did it. Where a page of another site asks,
`http` has refused it before it comes here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar, cast

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hubbub.core.administration import AccountView
from hubbub.core.credentials import digest
from hubbub.core.errors import Code, Refusal
from hubbub.core.files import Bearer
from hubbub.core.model import Session
from hubbub.core.room_administration import RoomOverview
from hubbub.core.service import Service
from hubbub.observe.server_log import ServerLog
from hubbub.server.config import Config
from hubbub.server.dialects import Dialect
from hubbub.server.limits import show_limits
from hubbub.server.upkeep import StorageUpkeep
from hubbub.server.web.admins import Admins, answered, queried, refused
from hubbub.server.web.cookies import Visitor
from hubbub.wire.admin_payloads import (
    ADMIN_PATH,
    ADMIN_ROUTES,
    MAX_BODY,
    AdminRoute,
    NewUser,
    PageQuery,
    RoomChange,
    RoomPage,
    UserChange,
    UserPage,
    UserShown,
)
from hubbub.wire.refusals import UNREADABLE, of_json

SessionT = TypeVar("SessionT", bound=Session)
ViewT = TypeVar("ViewT")

_JSON: Final = "application/json"
_NOTHING: Final = Refusal(Code.BAD_REQUEST, "The body names nothing that is to be another.")
_EXPOSED: Final = Refusal(
    Code.FORBIDDEN,
    "Passwords are not taken here, where others could read them. Use TLS.",
    field="password",
    limit="accounts.allow_plaintext_login",
)
_SUBJECT: Final = 64  # characters of a name in the log
_TOO_LONG: Final = Refusal(Code.TOO_LARGE, f"A body may have {MAX_BODY} bytes here.", field="body")


class Asked(NamedTuple):
    """One request: by whom, the name in its path (""), and what stands in its query and its body."""

    by: Bearer
    name: str
    query: msgspec.Struct
    body: msgspec.Struct | None
    private: bool
    """Nobody on the way reads along."""


Done = msgspec.Struct | Refusal


class Admin(Generic[SessionT]):
    """The requests, by their operations."""

    def __init__(
        self,
        config: Config,
        service: Service[SessionT],
        upkeep: StorageUpkeep[SessionT],
        log: ServerLog,
        private: Callable[[Visitor], bool],
    ) -> None:
        """`private` tells whether a visitor may send a password."""
        self._config = config
        self._accounts = service.entrance.administration
        self._rooms = service.room_administration
        self._people = service.people
        self._upkeep = upkeep
        self._log = log
        self._admins = Admins(service.entrance.bearer, self._accounts.role)
        self._private = private
        self._operations: dict[str, Callable[[Asked], Awaitable[Done]]] = {
            "list_users": self._list_users,
            "add_user": self._add_user,
            "change_user": self._change_user,
            "log_out_user": self._log_out_user,
            "list_rooms": self._list_rooms,
            "change_room": self._change_room,
            "end_room": self._end_room,
            "show_limits": self._show_limits,
            "show_storage": self._show_storage,
            "compact": self._compact,
            "collect": self._collect,
        }

    def routes(self) -> Sequence[Route]:
        """One for each path: what else it is asked for by, is answered 405 with what may be."""
        by_path: dict[str, dict[str, AdminRoute]] = {}
        for row in ADMIN_ROUTES:
            by_path.setdefault(row.path, {})[row.method] = row
        return [
            Route(ADMIN_PATH + path, self._endpoint(rows), methods=list(rows))
            for path, rows in by_path.items()
        ]

    def _endpoint(self, rows: dict[str, AdminRoute]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            row = rows["GET" if request.method == "HEAD" else request.method]
            by = self._admins.who(request)
            if isinstance(by, Refusal):
                return refused(by)
            done = await self._carry_out(row, by, request)
            if row.method != "GET":
                self._note(row, by, request, done)
            if isinstance(done, Refusal):
                return refused(done)
            return answered(done, row.status)

        return endpoint

    async def _carry_out(self, row: AdminRoute, by: Bearer, request: Request) -> Done:
        query = queried(request, row.query)
        if isinstance(query, Refusal):
            return query
        body = await _body(request, row.body)
        if isinstance(body, Refusal):
            return body
        still = self._admins.who(request)  # a body takes as long as its sender likes
        if isinstance(still, Refusal):
            return still
        private = self._private(request.state.visitor)
        asked = Asked(by, request.path_params.get("name", ""), query, body, private)
        return await self._operations[row.operation](asked)

    def _note(self, row: AdminRoute, by: Bearer, request: Request, done: Done) -> None:
        subject = request.path_params.get("name", "")
        if isinstance(done, Refusal):
            result = done.code.value
        else:
            result = "ok"
            subject = subject or getattr(done, "username", "")
        self._log.administered(by.name, by.id, row.operation, subject[:_SUBJECT], result)

    # -- accounts

    async def _list_users(self, asked: Asked) -> Done:
        query = cast("PageQuery", asked.query)
        views, more = self._accounts.page(query.after, query.limit, query.q)
        return UserPage([self._shown(view) for view in views], more)

    async def _add_user(self, asked: Asked) -> Done:
        wanted = cast("NewUser", asked.body)
        hashed = _digest(asked, wanted)
        if hashed is None:
            return Refusal(Code.BAD_REQUEST, "A password is needed.", field="password")
        if isinstance(hashed, Refusal):
            return hashed
        return self._told(
            await _told(lambda then: self._accounts.add(wanted.username, hashed, wanted.role, then))
        )

    async def _change_user(self, asked: Asked) -> Done:
        wanted = cast("UserChange", asked.body)
        if wanted == UserChange():
            return _NOTHING
        hashed = _digest(asked, wanted)
        if isinstance(hashed, Refusal):
            return hashed
        return self._told(
            await _told(
                lambda then: self._accounts.change(
                    asked.name, then, role=wanted.role, disabled=wanted.disabled, digest=hashed
                )
            )
        )

    async def _log_out_user(self, asked: Asked) -> Done:
        return self._told(await _told(lambda then: self._accounts.log_out(asked.name, then)))

    def _told(self, told: AccountView | Refusal) -> Done:
        return told if isinstance(told, Refusal) else self._shown(told)

    def _shown(self, view: AccountView) -> UserShown:
        user = self._people.by_id(view.user_id)
        spoken = [getattr(one, "dialect", None) for one in user.sessions] if user is not None else []
        return UserShown(
            view.username,
            view.user_id,
            view.role,
            view.disabled,
            view.created,
            view.online,
            view.logins,
            [dialect.name for dialect in spoken if isinstance(dialect, Dialect)],
        )

    # -- rooms

    async def _list_rooms(self, asked: Asked) -> Done:
        query = cast("PageQuery", asked.query)
        return RoomPage(*self._rooms.page(query.after, query.limit, query.q))

    async def _change_room(self, asked: Asked) -> Done:
        wanted = cast("RoomChange", asked.body)
        if wanted == RoomChange():
            return _NOTHING

        def change(then: Callable[[RoomOverview | Refusal], None]) -> None:
            topic, private, days = wanted.topic, wanted.private, wanted.retain_days
            self._rooms.change(asked.by, asked.name, then, topic=topic, private=private, retain_days=days)

        return await _told(change)

    async def _end_room(self, asked: Asked) -> Done:
        return await _told(lambda then: self._rooms.end(asked.name, then))

    # -- the server

    async def _show_limits(self, asked: Asked) -> Done:
        del asked
        return show_limits(self._config)

    async def _show_storage(self, asked: Asked) -> Done:
        del asked
        return await self._upkeep.show()

    async def _compact(self, asked: Asked) -> Done:
        del asked
        return self._upkeep.compact()

    async def _collect(self, asked: Asked) -> Done:
        del asked
        return await self._upkeep.collect()


def _digest(asked: Asked, wanted: NewUser | UserChange) -> str | Refusal | None:
    """What stands for the password that is named; None: none is."""
    if wanted.password is None and wanted.password_sha256 is None:
        return None
    if not asked.private:
        return _EXPOSED
    if wanted.password_sha256 is not None:
        return wanted.password_sha256.lower()
    return digest(wanted.password or "")


async def _told(work: Callable[[Callable[[ViewT | Refusal], None]], None]) -> ViewT | Refusal:
    """Wait for what is told by a callback."""
    told: asyncio.Future[ViewT | Refusal] = asyncio.get_running_loop().create_future()

    def then(result: ViewT | Refusal) -> None:
        if not told.done():  # else whoever asked is gone
            told.set_result(result)

    work(then)
    return await told


# -- reading requests


async def _body(request: Request, wanted: type[msgspec.Struct] | None) -> msgspec.Struct | Refusal | None:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY:
            return _TOO_LONG
    if wanted is None:
        if data:
            return Refusal(Code.BAD_REQUEST, "There is no body to this request.", field="body")
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON:
        raise HTTPException(415, f"The body is JSON: its Content-Type is {_JSON}")
    try:
        return msgspec.json.decode(data, type=wanted)
    except UNREADABLE as error:
        return of_json(error)
