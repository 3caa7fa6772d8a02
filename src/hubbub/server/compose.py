"""The object graph: what there is, and who is handed what. Nothing else builds any of it.

Config ─▶ storage ─▶ journal, claims ─▶ Service ◀─▶ Fanout ─▶ Connection ◀─ Doorman ◀─ listeners
                                              HttpConnection ◀─┘
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
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
from hubbub.log import LogError
from hubbub.net.doorman import RELAY, Doorman
from hubbub.net.settings import NetSettings
from hubbub.net.stream import Handler, Stream
from hubbub.net.timers import Wheel
from hubbub.observe.logs import open_log, route_standard_logging
from hubbub.observe.server_log import ServerLog
from hubbub.observe.tail import Tail
from hubbub.server.banner import banner, relay_banner, web_addresses
from hubbub.server.config import MEMORY, Config, Listen, parse_listen
from hubbub.server.control import Control, ControlError, Progress
from hubbub.server.descriptors import raise_descriptor_limit
from hubbub.server.dialects import BY_KIND, WEBSOCKET, WEBSOCKET_DEFLATE
from hubbub.server.drain import drain
from hubbub.server.fanout import Fanout
from hubbub.server.file_operations import FileOperations
from hubbub.server.files.carrier import FileCarrier
from hubbub.server.files.filing import Filing
from hubbub.server.first_start import FirstAdmin, demo_accounts, first_admin
from hubbub.server.maintenance import Maintenance
from hubbub.server.operations import Operations, Upkeep
from hubbub.server.readings import Readings
from hubbub.server.relay import Relay
from hubbub.server.sampling import Sampler
from hubbub.server.session import Connection
from hubbub.server.storage import StorageError, open_journal, open_search
from hubbub.server.surroundings import Surroundings
from hubbub.server.tls import Certificate
from hubbub.server.upkeep import StorageUpkeep

if TYPE_CHECKING:
    from hubbub.server.http import HttpServer
    from hubbub.server.web.api import Api
    from hubbub.server.web.cookies import Visitor
    from hubbub.server.web.watching import Watching

_NO_LIMIT: Final = sys.maxsize
_LAST_THREADS: Final = 0.5
"""Seconds that a thread has to end by itself; one that hangs on a disk does not."""


class Server:
    """One server: its parts, and the way a new connection takes through them."""

    def __init__(
        self,
        config: Config,
        journal: MemoryJournal | LogJournal,
        search: Fts5Search,
        log: ServerLog,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.config = config
        self.log = log
        # Behind a proxy, or known to the public by a name, a loopback peer is not a person on this machine.
        self.loopback_is_local = not (config.web.trusted_proxies or config.web.public_hosts)
        self.wheel = Wheel(loop)
        self.certificate = Certificate(config.tls.cert, config.tls.key, log)
        self.journal = journal
        self.search = search
        self.fanout = Fanout(loop.call_soon, log)
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
            _net_settings(config, limit_loopback=not self.loopback_is_local),
            self.wheel,
            self.welcome,
            log.connection_refused,
            self.certificate.context,
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
            accounts = Operations(service.entrance.administration).actions()
            upkeep = Upkeep(self.maintenance, search).actions()
            files = file_operations.actions()
            actions = {**accounts, **upkeep, **files, "where": self._where}
            self.control = Control(Path(config.server.data), actions, log.failed)
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
            lambda: 0 if self.http is None else len(self.http.open),
        )
        self.sampler = Sampler(self.readings, loop)
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
        from hubbub.server.http import HttpServer
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
            self.http = HttpServer.of(self.config, app, self.upgraded, self.log, self.wheel, apps)
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


def calm_collector() -> None:
    """Keep Python's garbage collector from stopping the loop.

    A full pass takes 100 ms and more with 10,000 connections, whenever the heap has grown by a quarter; and
    there is nothing for it to find, since what ends here is let go by its last reference (a test sees to
    that). Young objects are still looked at.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 1_000_000)


async def serve(config: Config) -> int:
    """Run the server until SIGTERM or SIGINT; return the exit code.

    Raises StorageError where it cannot use its data, OSError where it cannot listen.
    """
    loop = asyncio.get_running_loop()
    log = _open_log(config)
    calm_collector()  # before all is loaded: a million new objects are a hundred passes otherwise
    raise_descriptor_limit(config.limits.max_connections, log)
    in_memory = config.server.data == MEMORY
    journal = new_memory_journal(loop, log.counts) if in_memory else open_journal(config, loop, log)
    try:
        search = open_search(config, journal, loop, log)
        try:
            try:
                server = Server(config, journal, search, log, loop)
            except LogError as error:
                raise StorageError(f"{config.server.data} cannot be read: {error}") from None
            await _serve(server)
        finally:
            await search.close()
    finally:
        await journal.close()
    await _heed_no_more()
    return 0


async def _serve(server: Server) -> None:
    config, log, loop = server.config, server.log, asyncio.get_running_loop()
    calm_collector()  # with all that was loaded
    admin = await _first_people(server)
    addresses = await _listen(server.doorman, [parse_listen(text) for text in config.server.listen])
    server.addresses = addresses
    server.ready = True
    if hasattr(signal, "SIGHUP"):
        _heed(loop, signal.SIGHUP, server.certificate.reload)
    stop = _stop_signals(loop)  # before anybody is told that it runs, and may signal to it
    if server.control is not None:
        await server.control.open()
    server.search.follow(server.journal)
    _tell(banner(config, addresses, tls=server.certificate.context() is not None, admin=admin))
    log.listening([address.address for address in addresses])
    if server.maintenance is not None:
        server.maintenance.start()
    server.filing.start()
    server.sampler.start()
    await stop.wait()
    server.ready = False
    if server.control is not None:
        await server.control.close()
    await server.upkeep.close()
    if server.maintenance is not None:
        await server.maintenance.stop()
    server.sampler.stop()
    if server.watching is not None:
        server.watching.close()
    if server.http is not None:
        server.http.drain()
    server.relay.close()
    await server.carrier.close()
    await drain(server.doorman, server.shared, server.journal, config.server.drain_seconds, random.random)
    if server.api is not None:
        server.api.close()
    await server.filing.close()
    server.passwords.close()
    server.wheel.stop()
    log.stopped()


async def _first_people(server: Server) -> FirstAdmin | None:
    """See that there is somebody who may govern it, and in a demo those whom it names."""
    config, administration = server.config, server.service.entrance.administration
    try:
        if config.server.demo:
            await demo_accounts(administration)
        elif server.control is not None:
            return await first_admin(administration, Path(config.server.data), terminal=sys.stdout.isatty())
    except (OSError, ControlError) as error:  # a disk that is full, say: those who are known may come in
        server.log.warned("the first account was not made", reason=str(error))
    return None


async def serve_relay(listen: Sequence[str], config: Config) -> int:
    """Run the relay alone (v0.1) until SIGTERM or SIGINT; return the exit code."""
    loop = asyncio.get_running_loop()
    log = _open_log(config)
    raise_descriptor_limit(config.limits.max_connections, log)
    wheel = Wheel(loop)
    relay = Relay(config.limits.max_line, log, loop.time)

    def welcome(kind: str, stream: Stream) -> Handler:
        del kind
        return relay.opened(stream)

    settings = _net_settings(config, limit_loopback=False)
    doorman = Doorman(loop, settings, wheel, welcome, log.connection_refused)
    addresses = await _listen(doorman, [parse_listen(text)._replace(dialect="relay") for text in listen])
    stop = _stop_signals(loop)
    _tell(relay_banner(addresses))
    log.listening([address.address for address in addresses])
    await stop.wait()
    doorman.stop()
    doorman.abort_all()
    wheel.stop()
    log.stopped()
    await _heed_no_more()
    return 0


async def _listen(doorman: Doorman, wanted: Sequence[Listen]) -> list[Listen]:
    addresses: list[Listen] = []
    for listen in wanted:
        try:
            bound = await doorman.listen(listen.host, listen.port, listen.dialect)
        except OSError as error:  # which of them it was, the system's words do not say
            raise OSError(error.errno, f"{listen.address}: {error.strerror}") from error
        addresses += [Listen(host, port, listen.dialect) for host, port in bound]
    return addresses


def _stop_signals(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        _heed(loop, number, stop.set)
    return stop


def _heed(loop: asyncio.AbstractEventLoop, number: signal.Signals, callback: Callable[[], None]) -> None:
    """Have `callback` called on the loop at this signal.

    Not by `loop.add_signal_handler`: taking that back puts the default in its place for a moment, and a
    signal that comes then kills the process after all is done.
    """
    signal.signal(number, lambda *_: loop.call_soon_threadsafe(callback))


async def _heed_no_more() -> None:
    """All is done: a second Ctrl-C, or an impatient service manager, no longer changes the exit code.

    A signal that comes while its handler is changed troubles Python, so it is blocked meanwhile. It would go
    to another thread then: those that have nothing left to do are waited for.
    """
    await asyncio.get_running_loop().shutdown_default_executor()
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(_LAST_THREADS)
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)]
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def _open_log(config: Config) -> ServerLog:
    tail = Tail()
    logger = open_log(config.log.level, config.log.format, sys.stderr, tail)
    route_standard_logging(logger, config.log.level)
    return ServerLog(logger, debug=config.log.level == "debug", tail=tail)


def _tell(text: str) -> None:
    """For the person who started it; a log is for later."""
    print(text, end="", flush=True)  # noqa: T201


def _net_settings(config: Config, *, limit_loopback: bool) -> NetSettings:
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
