"""The ports: who listens there, whether we could, and who reaches them."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_network

from hubbub import __version__
from hubbub.net.doorman import RELAY
from hubbub.server.config import Listen
from hubbub.server.doctor.address import Address
from hubbub.server.doctor.deployment import Deployment, is_loopback, reach
from hubbub.server.doctor.fetching import UnreachableError, Visit, visit
from hubbub.server.doctor.holders import holder_of
from hubbub.server.doctor.report import Notes


def ports(deployment: Deployment, notes: Notes) -> None:
    """Ask at each listener of the settings, on this machine."""
    for listener in deployment.listeners:
        if not listener.port:
            notes.note(
                f"{listener.address}: the system gives any free port, so nobody knows which one to use."
            )
        elif (taken := _taken(listener)) is None:
            _free(deployment, listener, notes)
        else:
            _held(deployment, listener, taken, notes)
    _exposed(deployment, notes)


def _taken(listener: Listen) -> bool | None:
    """None: nobody listens. Else whether it is by something that answers at all."""
    try:
        socket.create_connection((reach(listener.host), listener.port), 0.5).close()
    except TimeoutError:
        return False
    except OSError:
        return None
    return True


def _free(deployment: Deployment, listener: Listen, notes: Notes) -> None:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except socket.gaierror:
        notes.fail(
            f"{listener.address}: no address is known for this name.", "Set server.listen to an address."
        )
        return
    except OSError as error:
        notes.fail(f"{listener.address}: {error.strerror}.", _why_not(error.errno))
        return
    if deployment.pid is not None:
        notes.warn(
            f"{listener.address}: nobody listens, though a server runs on this data (process "
            f"{deployment.pid}).",
            "It was started with other settings: give the doctor the same ones (--config, --listen).",
            listening=False,
        )
    else:
        notes.note(f"{listener.address}: nobody listens; the port is free.", listening=False)


def _why_not(number: int | None) -> str:
    if number == errno.EACCES:
        return "Ports under 1024 need CAP_NET_BIND_SERVICE; or take a higher one, and a proxy in front."
    if number in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return "This address is not this machine's: `ip address` shows which ones are."
    return "See who holds it: `ss -ltnp`."


def _held(deployment: Deployment, listener: Listen, answers: bool, notes: Notes) -> None:
    holder = holder_of(listener.port)
    if listener.dialect not in (None, "http"):
        # It speaks no HTTP, so it cannot be asked what it is.
        if deployment.pid is not None and holder is not None and holder.pid == deployment.pid:
            notes.ok(f"{listener.address}: our server listens, for {listener.dialect}.", listening=True)
        else:
            notes.note(
                f"{listener.address}: {holder or 'somebody'} listens; {listener.dialect} says no more."
            )
        return
    try:
        if not answers:
            raise UnreachableError("it does not answer")
        found = visit(Address("http", reach(listener.host), listener.port))
    except UnreachableError as error:
        _foreign(listener, f"{holder or 'somebody else'} listens, and {error}", notes)
        return
    if found.version is None and not found.refused_host:
        _foreign(listener, f"{holder or 'another program'} listens, and it is no Hubbub", notes)
        return
    _ours(deployment, listener, found, notes)


def _foreign(listener: Listen, what: str, notes: Notes) -> None:
    notes.fail(
        f"{listener.address}: {what}.",
        "Stop it, or set server.listen to another port (`ss -ltnp` shows who holds one).",
        listening=True,
        version=None,
    )


def _ours(deployment: Deployment, listener: Listen, found: Visit, notes: Notes) -> None:
    notes.ok(
        f"{listener.address}: Hubbub {found.version or ''} answers.".replace("  ", " "),
        listening=True,
        version=found.version,
    )
    if found.version is not None and found.version != __version__:
        notes.warn(
            f"{listener.address}: the server is of version {found.version}, this program of {__version__}.",
            "Restart the server after an upgrade, or use the program that belongs to it.",
        )
    if deployment.data is not None and deployment.pid is None and not deployment.pid_hidden:
        notes.warn(
            f"{listener.address}: it answers, and no server runs on {deployment.data}.",
            "It keeps its data elsewhere: give the doctor the same --data and --config.",
        )


def _exposed(deployment: Deployment, notes: Notes) -> None:
    """Who reaches it without TLS, and who is believed too much."""
    config = deployment.config
    clear = [
        listener.address
        for listener in deployment.listeners
        if not is_loopback(listener.host) and (not config.tls.cert or listener.dialect == RELAY)
    ]
    where = ", ".join(clear)
    if clear and config.web.trusted_proxies:
        notes.note(
            f"Other machines reach {where} without TLS. Behind a proxy that is meant to be so, where nobody "
            "gets past it.",
            "See that a firewall lets the proxy alone through.",
        )
    elif clear:
        notes.warn(
            f"Other machines reach {where} without TLS: what is said can be read on the way.",
            "Set tls.cert and tls.key, or bind to 127.0.0.1 and put a proxy in front that adds TLS.",
        )
    if deployment.listeners and deployment.local_only:
        notes.ok("Only this machine reaches the listeners.", local=True)
    for network in config.web.trusted_proxies:
        try:
            everybody = ip_network(network).prefixlen == 0
        except ValueError:
            continue  # one of the faults of the settings
        if everybody:
            notes.warn(
                f"web.trusted_proxies has {network}: whoever comes may say to be somebody else.",
                "Name the proxy's own address.",
            )
