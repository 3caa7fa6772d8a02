"""A server from its start to its end: what begins when, what waits for what, and how all of it stops."""

from __future__ import annotations

import asyncio
import gc
import random
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from hubbub.log import LogError
from hubbub.net.doorman import Doorman
from hubbub.net.handler import Handler
from hubbub.net.stream import Stream
from hubbub.net.timers import Wheel
from hubbub.observe.logs import open_log, route_standard_logging
from hubbub.observe.server_log import ServerLog
from hubbub.observe.tail import Tail
from hubbub.server.banner import banner, relay_banner
from hubbub.server.compose import Server, net_settings, new_memory_journal
from hubbub.server.config import MEMORY, Config, Listen, parse_listen
from hubbub.server.control import ControlError
from hubbub.server.descriptors import raise_descriptor_limit
from hubbub.server.drain import drain
from hubbub.server.first_start import FirstAdmin, demo_accounts, first_admin
from hubbub.server.probing import Probing
from hubbub.server.relay import Relay
from hubbub.server.signals import heed, heed_no_more, stop_signals
from hubbub.server.storage import StorageError, open_journal, open_search


async def serve(config: Config) -> int:
    """Run the server until SIGTERM or SIGINT; return the exit code.

    Raises StorageError where it cannot use its data, OSError where it cannot listen, ProbesRefusedError where
    it must have kernel probes and cannot.
    """
    log = _open_log(config)
    probing = Probing(config.probes, log)
    try:
        probing.start()  # while there is one thread: what the process gives up, later ones have not
        return await _serve_observed(config, log, probing)
    finally:
        await probing.close()


async def _serve_observed(config: Config, log: ServerLog, probing: Probing) -> int:
    loop = asyncio.get_running_loop()
    _calm_collector()  # before all is loaded: a million new objects are a hundred passes otherwise
    raise_descriptor_limit(config.limits.max_connections, log)
    in_memory = config.server.data == MEMORY
    journal = new_memory_journal(loop, log.counts) if in_memory else open_journal(config, loop, log)
    try:
        search = open_search(config, journal, loop, log)
        try:
            try:
                server = Server(config, journal, search, log, loop, probing)
            except LogError as error:
                raise StorageError(f"{config.server.data} cannot be read: {error}") from None
            await _serve(server)
        finally:
            await search.close()
    finally:
        await journal.close()
    await heed_no_more()
    return 0


async def _serve(server: Server) -> None:
    config, log, loop = server.config, server.log, asyncio.get_running_loop()
    _calm_collector()  # with all that was loaded
    await server.probing.begun()
    admin = await _first_people(server)
    addresses = await _listen(server.doorman, [parse_listen(text) for text in config.server.listen])
    server.addresses = addresses
    server.ready = True
    if hasattr(signal, "SIGHUP"):
        heed(loop, signal.SIGHUP, server.certificate.reload)
    stop = stop_signals(loop)  # before anybody is told that it runs, and may signal to it
    if server.control is not None:
        await server.control.open()
    server.search.follow(server.journal)
    _tell(banner(config, addresses, tls=server.certificate.context() is not None, admin=admin))
    log.listening([address.address for address in addresses])
    if server.maintenance is not None:
        server.maintenance.start()
    server.filing.start()
    server.sampler.start()
    server.paths.start()
    await stop.wait()
    server.ready = False
    if server.control is not None:
        await server.control.close()
    await server.upkeep.close()
    if server.maintenance is not None:
        await server.maintenance.stop()
    server.sampler.stop()
    server.paths.stop()
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

    settings = net_settings(config, limit_loopback=False)
    doorman = Doorman(loop, settings, wheel, welcome, log.connection_refused)
    addresses = await _listen(doorman, [parse_listen(text)._replace(dialect="relay") for text in listen])
    stop = stop_signals(loop)
    _tell(relay_banner(addresses))
    log.listening([address.address for address in addresses])
    await stop.wait()
    doorman.stop()
    doorman.abort_all()
    wheel.stop()
    log.stopped()
    await heed_no_more()
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


def _calm_collector() -> None:
    """Keep Python's garbage collector from stopping the loop.

    A full pass takes 100 ms and more with 10,000 connections, whenever the heap has grown by a quarter; and
    there is nothing for it to find, since what ends here is let go by its last reference (a test sees to
    that). Young objects are still looked at.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 1_000_000)


def _open_log(config: Config) -> ServerLog:
    tail = Tail()
    logger = open_log(config.log.level, config.log.format, sys.stderr, tail)
    route_standard_logging(logger, config.log.level)
    return ServerLog(logger, debug=config.log.level == "debug", tail=tail)


def _tell(text: str) -> None:
    """For the person who started it; a log is for later."""
    print(text, end="", flush=True)  # noqa: T201
