"""The object graph: what there is, and who is handed what. Nothing else builds any of it.

Config ─▶ storage ─▶ journal, claims ─▶ Service ◀─▶ Fanout ─▶ Connection ◀─ Doorman ◀─ listeners
                                              HttpConnection ◀─┘
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hubbub import __version__
from hubbub.adapters.claims_memory import MemoryClaims
from hubbub.adapters.commit_times import NOBODY, CommitTimes
from hubbub.adapters.journal_log import LogJournal
from hubbub.adapters.journal_memory import MemoryJournal
from hubbub.adapters.passwords_argon2 import Argon2Passwords
from hubbub.adapters.search_fts5 import Fts5Search
from hubbub.core.service import Service
from hubbub.core.settings import CoreSettings, RoomSettings
from hubbub.net.doorman import RELAY, Doorman
from hubbub.net.handler import Handler
from hubbub.net.settings import NetSettings
from hubbub.net.stream import Stream
from hubbub.net.timers import Wheel
from hubbub.observe.server_log import ServerLog
from hubbub.server.banner import web_addresses
from hubbub.server.config import Config, Listen, ProbeSettings
from hubbub.server.control import Control, Progress
from hubbub.server.dialects import BY_KIND, WEBSOCKET, WEBSOCKET_DEFLATE
from hubbub.server.fanout import Fanout
from hubbub.server.file_operations import FileOperations
from hubbub.server.files.carrier import FileCarrier
from hubbub.server.files.filing import Filing
from hubbub.server.kernel_seen import KernelSeen
from hubbub.server.maintenance import Maintenance
from hubbub.server.operations import Operations, Upkeep
from hubbub.server.paths import Paths
from hubbub.server.probing import Probing
from hubbub.server.readings import Readings
from hubbub.server.relay import Relay
from hubbub.server.responses import one_too_many
from hubbub.server.sampling import Sampler
from hubbub.server.session import Connection
from hubbub.server.surroundings import Surroundings
from hubbub.server.tls import Certificate
from hubbub.server.upkeep import StorageUpkeep
from hubbub.server.why import Why

if TYPE_CHECKING:
    from hubbub.server.http_server import HttpServer
    from hubbub.server.web.api import Api
    from hubbub.server.web.cookies import Visitor
    from hubbub.server.web.watching import Watching

_NO_LIMIT: Final = sys.maxsize


class Server:
    """One server: its parts, and the way a new connection takes through them."""

    def __init__(
        self,
        config: Config,
        journal: MemoryJournal | LogJournal,
        search: Fts5Search,
        log: ServerLog,
        loop: asyncio.AbstractEventLoop,
        probing: Probing | None = None,
    ) -> None:
        """`probing` None: nothing looks into the kernel."""
        self.config = config
        self.log = log
        self.probing = probing or Probing(ProbeSettings(mode="off"), log)
        self.seen = KernelSeen(lambda: self.probing.newest)
        self.probing.on_report = self.seen.take
        # Behind a proxy, or known to the public by a name, a loopback peer is not a person on this machine.
        self.loopback_is_local = not (config.web.trusted_proxies or config.web.public_hosts)
        self.wheel = Wheel(loop)
        self.certificate = Certificate(config.tls.cert, config.tls.key, log)
        self.journal = journal
        self.search = search
        self.paths = Paths(loop)
        self.fanout = Fanout(loop.call_soon, log, self.paths)
        settings = CoreSettings(
            rooms=_within_backlog(config),
            messages=config.messages,
            guests=config.guests,
            accounts=config.accounts,
            gateway=config.gateway,
            files=config.files,
        )
        if not config.limits.enforce:
            settings = _without_rates(settings)
        self.passwords = Argon2Passwords(loop.call_soon_threadsafe, config.accounts.max_hashing)
        self.service: Service[Connection] = Service(
            settings,
            self.journal,
            MemoryClaims(),
            self.fanout,
            self.passwords,
            time.time,
            os.urandom,
            config.server.name,
            search,
        )
        self.shared: Surroundings[Connection] = Surroundings(
            self.service,
            self.fanout,
            config.limits,
            config.timers,
            self.wheel,
            log,
            self.paths,
            loop.time,
            config.web.base_url,
        )
        self.carrier = FileCarrier(config.files, self.service, self.fanout, self.wheel, loop)
        self.shared.carrier = self.carrier
        self.service.carry_by(self.carrier)
        self.filing = Filing(config, self.service, loop, log)
        self.carrier.uploads = self.filing.uploads
        self.relay = Relay(config.limits.max_line, log, loop.time)
        self.doorman = Doorman(
            loop,
            net_settings(config, limit_loopback=not self.loopback_is_local),
            self.wheel,
            self.welcome,
            log.connection_refused,
            self.certificate.context,
            one_too_many,
        )
        self.http: HttpServer | None = None
        self.maintenance: Maintenance | None = None
        self.control: Control | None = None
        file_operations = FileOperations(self.service, self.filing)
        if isinstance(journal, LogJournal):
            service = self.service
            self.maintenance = Maintenance(
                config.storage, journal, service.rooms.retention, service.ledger.note, time.time, log
            )
        self.upkeep = StorageUpkeep(
            config,
            self.service,
            journal if isinstance(journal, LogJournal) else None,
            self.maintenance,
            search,
            file_operations,
            log,
            time.time,
        )
        self.readings = Readings(
            self.shared,
            self.doorman,
            self.relay,
            journal,
            self.maintenance,
            self.carrier,
            self.filing.traffic,
            log.tail,
            self.seen,
            lambda: 0 if self.http is None else len(self.http.open),
        )
        self.sampler = Sampler(self.readings, loop)
        self.why = Why(self.shared, self.readings, self.sampler, self.probing)
        if self.maintenance is not None:
            accounts = Operations(self.service.entrance.administration).actions()
            upkeep = Upkeep(self.maintenance, search).actions()
            files = file_operations.actions()
            actions = {**accounts, **upkeep, **files, **self.why.actions(), "where": self._where}
            self.control = Control(Path(config.server.data), actions, log.failed)
        self.started = time.time()
        self.addresses: list[Listen] = []
        self.watching: Watching | None = None
        self.api: Api | None = None
        self.ready = False

    def welcome(self, kind: str, stream: Stream) -> Handler:
        """Who speaks with a connection, by what the doorman saw."""
        if kind in BY_KIND:
            return Connection(stream, BY_KIND[kind], self.shared, local=self._is_local(stream))
        if kind == RELAY:
            return self.relay.opened(stream)
        from hubbub.server.http import HttpConnection

        return HttpConnection(stream, self._http_server())

    def _http_server(self) -> HttpServer:
        # Imported by need: a server that only ever hears lines never pays for HTTP.
        from hubbub.server.http_server import HttpServer
        from hubbub.server.web.admin import Admin
        from hubbub.server.web.api import Api
        from hubbub.server.web.app import build_app
        from hubbub.server.web.assets import client
        from hubbub.server.web.endpoints import ENDPOINTS
        from hubbub.server.web.entrance import entrance_route
        from hubbub.server.web.watching import WATCHING, Watching

        if self.http is None:
            self.watching = Watching(
                self.config,
                self.shared,
                self.readings,
                self.sampler,
                self.why,
                self.probing,
                started=self.started,
                open_on_loopback=self.loopback_is_local,
            )
            self.api = Api.of(self.config, self.shared, loopback_is_local=self.loopback_is_local)
            admin = Admin(self.config, self.service, self.upkeep, self.log, self._is_private)
            entrance = entrance_route(self.config, loopback_is_local=self.loopback_is_local)
            app = build_app(
                version=__version__,
                ready=self.not_ready,
                api=[entrance, *self.api.routes()],
                watching=self.watching.routes(),
                admin=admin.routes(),
                endpoints=(*ENDPOINTS, *WATCHING),
            )
            apps = {**client().apps(), **self.filing.apps()}
            self.http = HttpServer.of(
                self.config, app, self.upgraded, self.log, self.wheel, apps, self.api.sessions.came
            )
        return self.http

    def upgraded(self, stream: Stream, deflate: bool, leftover: bytes, visitor: Visitor) -> None:
        """An HTTP connection became a WebSocket of `visitor`; `leftover` came behind its request."""
        dialect = WEBSOCKET_DEFLATE if deflate else WEBSOCKET
        connection = Connection(
            stream,
            dialect,
            self.shared,
            local=self._is_local(stream),
            connection_id=str(uuid.uuid4()),
            address=visitor.address,
            cookie=visitor.cookie,
        )
        stream.handler = connection
        if leftover:
            connection.on_data(leftover)

    async def _where(self, _arguments: dict[str, Any], _progress: Progress) -> object:
        """For `Control`: where a window on this machine finds the page."""
        return web_addresses(self.addresses, tls=self.certificate.context() is not None)

    def not_ready(self) -> str | None:
        """Why the server is not ready; None: it is."""
        if not self.ready:
            return "stopping"
        reason = self.journal.why_read_only() if isinstance(self.journal, LogJournal) else None
        return None if reason is None else f"read-only: {reason}"

    def _is_private(self, visitor: Visitor) -> bool:
        """Whether a visitor may send a password: nobody on the way reads along, or it is allowed."""
        local = visitor.loopback and self.loopback_is_local
        return visitor.encrypted or local or self.config.accounts.allow_plaintext_login

    def _is_local(self, stream: Stream) -> bool:
        return stream.loopback_listener and self.loopback_is_local


def new_memory_journal(loop: asyncio.AbstractEventLoop, times: CommitTimes = NOBODY) -> MemoryJournal:
    """For a server that keeps nothing."""
    return MemoryJournal(loop.call_soon, lambda: os.urandom(4).hex(), times=times)


def net_settings(config: Config, *, limit_loopback: bool) -> NetSettings:
    """What of the settings is for the network library. `limit_loopback`: who comes by loopback, too."""
    limits, timers = config.limits, config.timers
    return NetSettings(
        max_connections=limits.max_connections if limits.enforce else _NO_LIMIT,
        max_per_address=limits.max_per_address if limits.enforce else 0,
        limit_loopback=limit_loopback,
        first_bytes=timers.first_bytes,
        handshake=timers.frame,
        max_backlog=limits.max_backlog,
        linger=min(5.0, config.server.drain_seconds),
    )


def _within_backlog(config: Config) -> RoomSettings:
    """Who resumes must not be closed for what it was told."""
    from msgspec.structs import replace

    rooms = config.rooms
    return replace(rooms, resume_bytes=min(rooms.resume_bytes, config.limits.max_backlog // 2))


def _without_rates(settings: CoreSettings) -> CoreSettings:
    """`--limits off`."""
    from msgspec.structs import replace

    return replace(
        settings,
        gateway=replace(settings.gateway, rate=0.0),
        accounts=replace(settings.accounts, attempts=0, registrations=0),
    )
