"""Asking the server by its URL, as a browser would: bounded in bytes and time, and believing nothing.

Certificates are looked at by `certificates.py`. Elsewhere they are not checked, so that one fault does not
hide the next: nothing secret is sent, and what comes back is only looked at.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from typing import Final, NamedTuple

import msgspec

from hubbub.server.doctor.address import Address

SECONDS: Final = 2.5
"""How long a request may take in all, from the connection to the end of its answer."""
_MOST: Final = 65_536
"""Bytes of an answer."""
_IN_FRONT: Final = ("via", "cf-ray", "x-cache", "x-served-by", "server")
"""Headers by which whatever stands in front of us names itself: we send none of them."""
_PUBLIC_HOSTS: Final = "web.public_hosts"
"""What our refusal of a Host names (`origin.py`)."""


class UnreachableError(Exception):
    """Nothing came from there that could be looked at. The message goes on after "URL: "."""


class Answer(NamedTuple):
    """A response, no more of it than is looked at."""

    status: int
    headers: dict[str, str]
    """By lower-case names."""
    body: bytes
    arrivals: tuple[float, ...]
    """When each line of the body came, in seconds after the request was sent."""


class Visit(NamedTuple):
    """What is at a URL."""

    answer: Answer
    version: str | None
    """Of the Hubbub there. None: it does not say that it is one."""
    client: bool
    """Whether it has the web client."""
    refused_host: bool
    """It is one, and does not serve this host."""
    front: str | None
    """What stands in front of it, by its own name."""
    local: str
    """The address that we asked from."""
    peer: str
    """The address that we asked."""
    began: float
    ended: float
    """Unix time before and after it was asked."""


class _Version(msgspec.Struct):
    name: str
    version: str
    client: str | None = None


class _Error(msgspec.Struct):
    message: str


def unchecked() -> ssl.SSLContext:
    """TLS with whoever is there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Deadline:
    """When a request has to be over, by the monotonic clock. Each part of it may take what is left."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """In seconds, as a socket's timeout. Raises TimeoutError."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"{self._seconds:g} s are over")
        return left


class _Arriving(io.RawIOBase):
    """What comes over a connection until the deadline: of an answer that drips, each byte is in time."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline
        self.began = False

    def readable(self) -> bool:
        """It is all that it is."""
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override] # what BufferedReader gives
        """See io.RawIOBase. Raises TimeoutError."""
        self._sock.settimeout(self._deadline.left())
        size = self._sock.recv_into(buffer)
        self.began = True
        return size


def connect(
    address: Address, context: ssl.SSLContext | None = None, deadline: Deadline | None = None
) -> socket.socket:
    """Return a connection, with TLS where the URL has it. Raises UnreachableError, ssl.SSLError.

    Its timeout is what was left when it stood.
    """
    deadline = deadline or Deadline(SECONDS)
    try:
        plain = _reach(address, deadline)
    except (socket.gaierror, UnicodeError):
        raise UnreachableError(f"no address is known for the name {address.host}") from None
    except TimeoutError:
        raise _unanswered(address) from None
    except ConnectionRefusedError:
        raise UnreachableError(f"nobody listens on port {address.port}") from None
    except OSError as error:
        raise UnreachableError(f"it cannot be reached: {error.strerror or error}") from None
    if not address.tls:
        return plain
    try:
        return (context or unchecked()).wrap_socket(plain, server_hostname=address.host)
    except ssl.SSLError:
        plain.close()
        raise
    except TimeoutError:
        plain.close()
        raise UnreachableError("it accepts, and then says nothing to a TLS handshake") from None
    except OSError:
        plain.close()
        raise UnreachableError("it closes the connection at the TLS handshake (is it http://?)") from None


def _reach(address: Address, deadline: Deadline) -> socket.socket:
    """A connection to the first of its addresses that answers. Raises OSError, UnicodeError.

    None but the last may take more than half of what is left: the next one may be better.
    """
    rows = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    failed: OSError = OSError("it has no address")
    for others, (family, kind, protocol, _, at) in zip(range(len(rows))[::-1], rows, strict=True):
        left = deadline.left()
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # no IPv6 here, for one
            failed = error
            continue
        try:
            sock.settimeout(left / 2 if others else left)
            sock.connect(at)
            sock.settimeout(deadline.left())
        except OSError as error:
            sock.close()
            failed = error
        else:
            return sock
    raise failed


def _unanswered(address: Address) -> UnreachableError:
    return UnreachableError(f"port {address.port} does not answer (a firewall drops it?)")


def ask(address: Address, path: str) -> tuple[Answer, str, str]:
    """Send a GET; return the answer, our address and theirs. Raises UnreachableError."""
    deadline = Deadline(SECONDS)
    try:
        sock = connect(address, deadline=deadline)
    except ssl.SSLError:
        raise UnreachableError("what is there speaks no TLS (is it http://?)") from None
    try:
        local, peer = sock.getsockname()[0], sock.getpeername()[0]
        return _get(sock, address, path, deadline), local, peer
    except OSError:
        raise UnreachableError("it closes the connection without an answer") from None
    finally:
        sock.close()


def _get(sock: socket.socket, address: Address, path: str, deadline: Deadline) -> Answer:
    """Send a GET on a connection that stands. Raises UnreachableError, OSError."""
    try:
        sock.settimeout(deadline.left())
    except TimeoutError:  # nothing was asked yet
        raise _unanswered(address) from None
    arriving = _Arriving(sock, deadline)
    response = http.client.HTTPResponse(sock, method="GET")
    response.fp.close()
    response.fp = io.BufferedReader(arriving)
    connection = http.client.HTTPConnection(address.host, address.port)
    connection.sock = sock
    headers = {"Host": address.authority, "Accept": "application/json", "Connection": "close"}
    try:
        began = time.monotonic()
        connection.request("GET", path, headers=headers)
        response.begin()
        lines, arrivals, size = [], list[float](), 0
        while size < _MOST and (line := response.readline(_MOST)):
            lines.append(line)
            arrivals.append(time.monotonic() - began)
            size += len(line)
    except TimeoutError:
        if arriving.began:
            raise UnreachableError(f"its answer is not whole after {SECONDS:g} s") from None
        raise UnreachableError("it accepts, and then says nothing to an HTTP request") from None
    except http.client.RemoteDisconnected:
        raise UnreachableError("it closes the connection without an answer") from None
    except (http.client.HTTPException, ValueError):
        raise UnreachableError("what is there does not speak HTTP") from None
    found = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, found, b"".join(lines), tuple(arrivals))


def visit(address: Address) -> Visit:
    """Ask who is there. Raises UnreachableError."""
    began = time.time()
    answer, local, peer = ask(address, "/version")
    ended = time.time()
    told = _told(answer)
    return Visit(
        answer,
        told.version if told is not None else None,
        told is not None and told.client is not None,
        answer.status == 421 and _PUBLIC_HOSTS in refusal_of(answer.body),
        next((answer.headers[name] for name in _IN_FRONT if name in answer.headers), None),
        local,
        peer,
        began,
        ended,
    )


def _told(answer: Answer) -> _Version | None:
    """What a Hubbub says of itself; None: it is none."""
    try:
        told = msgspec.json.decode(answer.body, type=_Version)
    except msgspec.MsgspecError:
        return None
    return told if answer.status == 200 and told.name == "hubbub" else None


def refusal_of(body: bytes) -> str:
    """The sentence in one of our error answers; empty where it is none."""
    try:
        return msgspec.json.decode(body, type=_Error).message
    except msgspec.MsgspecError:
        return ""
