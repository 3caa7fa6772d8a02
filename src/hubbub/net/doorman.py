"""The doorman: one port for every dialect. He looks at the first bytes without taking them.

MSG_PEEK leaves the bytes in the kernel, so whoever is right for them, TLS included, gets the socket
untouched. While more are needed, SO_RCVLOWAT keeps the loop asleep: a single pending byte would
otherwise wake it again and again.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
import ssl
import sys
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from hubbub.net.classify import classify
from hubbub.net.handler import Handler
from hubbub.net.headcount import Headcount, is_loopback
from hubbub.net.settings import NetSettings
from hubbub.net.stream import Stream
from hubbub.net.timers import UNSET, Wheel

TLS: Final = "tls"
RELAY: Final = "relay"
_LOCALHOST: Final = ("127.0.0.1", "::1")  # RFC 6761 §6.3; a system's table often lacks one of them
_ACCEPTS_A_TURN: Final = 256  # so that a flood of connections does not starve those who are in
_TLS_OR_LENGTH: Final = (b"\x16", b"\0")  # first bytes (see `classify`)
_READ_AT_PARTING: Final = 65_536  # bytes; a request is smaller
_FULL: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Welcome(Protocol):
    """Names the handler for a connection that speaks `kind` (see `classify`)."""

    def __call__(self, kind: str, stream: Stream) -> Handler:
        """Called once, when the connection stands."""
        ...


class Refused(Protocol):
    """Told of a connection that was closed unserved, and why."""

    def __call__(self, peer: str, reason: str) -> None:
        """`reason` is a short sentence for a log."""
        ...


class Doorman:
    """Accepts, classifies, counts, and hands over."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: NetSettings,
        wheel: Wheel,
        welcome: Welcome,
        refused: Refused,
        tls: Callable[[], ssl.SSLContext | None] = lambda: None,
        parting: Callable[[str], bytes] = lambda _: b"",
    ) -> None:
        """`tls` gives the context for the next handshake, or None where there is no certificate.

        `parting` makes what is said to a connection that is one too many, of the limit's name.
        """
        self.loop = loop
        self.settings = settings
        self.wheel = wheel
        self.welcome = welcome
        self.refused = refused
        self.tls = tls
        self.parting = parting
        self._headcount = Headcount(settings)
        self._listeners: list[_Listener] = []
        self._waiting: set[_Waiting] = set()
        self._streams: set[Stream] = set()
        self._handing_over: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        """Open connections, those that have not said anything yet included."""
        return self._headcount.all

    async def listen(self, host: str, port: int, pinned: str | None = None) -> list[tuple[str, int]]:
        """Listen on every address of `host` (port 0: any free one, the same on each); return them.

        `pinned` names the dialect of this listener, instead of the first bytes. Raises OSError.
        """
        flags = socket.AI_PASSIVE
        found = []
        for name in _LOCALHOST if host == "localhost" else (host or None,):
            found += await self.loop.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=flags)
        added: list[_Listener] = []
        try:
            for family, _, _, _, address in dict.fromkeys(found):
                where = (address[0], port, *address[2:])
                try:
                    added.append(_Listener(self, family, where, pinned))
                except OSError as error:
                    # Not every machine has IPv6, whatever its names resolve to.
                    if error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL) and len(found) > 1:
                        continue
                    raise
                port = added[-1].address[1]
        except OSError:
            for listener in added:
                listener.close()
            raise
        if not added:
            raise OSError(errno.EADDRNOTAVAIL, f"no address of {host!r} can be listened on")
        self._listeners += added
        return [listener.address for listener in added]

    def stop(self) -> None:
        """Accept no more, and close those who have not said anything yet. Streams go on."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        for waiting in list(self._waiting):
            waiting.close()
        for stream in list(self._streams):
            if isinstance(stream.handler, _Unwrapped):
                stream.close()

    async def empty(self) -> None:
        """Wait until no connection is left. Call it after `stop`."""
        await self._headcount.none_left()

    def abort_all(self) -> None:
        """Cut every stream that is still open."""
        for stream in list(self._streams):
            stream.abort()

    # -- handing over

    def _hand_over(self, sock: socket.socket, peer: str, listener: _Listener, kind: str) -> None:
        context = None
        if kind == TLS:
            context = self.tls()
            if context is None:
                self.refused(peer, "TLS was asked for, and no certificate is set")
                sock.close()
                self._headcount.dismiss(peer)
                return
        task = self.loop.create_task(self._connect(sock, peer, listener, kind, context))
        self._handing_over.add(task)
        task.add_done_callback(self._handing_over.discard)

    async def _connect(
        self, sock: socket.socket, peer: str, listener: _Listener, kind: str, context: ssl.SSLContext | None
    ) -> None:
        # The listener's address where it has one, else the one this connection came to.
        local = listener.address[0]
        if ipaddress.ip_address(local.partition("%")[0]).is_unspecified:
            local = sys.intern(sock.getsockname()[0])

        def opened(stream: Stream) -> Handler:
            self._streams.add(stream)
            if context is None:
                return self.welcome(kind, stream)
            return _Unwrapped(self, stream, listener.pinned)

        stream = Stream(
            self.settings,
            self.wheel,
            opened,
            self._gone,
            peer=peer,
            local=local,
            secure=context is not None,
            loopback_listener=listener.loopback,
        )
        try:
            if context is None:
                await self.loop.connect_accepted_socket(lambda: stream, sock)
            else:
                handshake = self.settings.handshake
                await self.loop.connect_accepted_socket(
                    lambda: stream, sock, ssl=context, ssl_handshake_timeout=handshake
                )
        except (OSError, ssl.SSLError) as error:
            sock.close()
            if context is not None:
                self.refused(peer, f"TLS handshake failed: {error}")
            if stream.fresh:
                self._headcount.dismiss(peer)

    def _gone(self, stream: Stream) -> None:
        self._streams.discard(stream)
        self._headcount.dismiss(stream.peer)


class _Listener:
    """One listening socket."""

    def __init__(self, door: Doorman, family: int, address: Sequence[object], pinned: str | None) -> None:
        self.door = door
        self.pinned = pinned
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self.sock.bind(tuple(address))
            self.sock.listen(door.settings.backlog)
        except OSError:
            self.sock.close()
            raise
        self.sock.setblocking(False)
        name = self.sock.getsockname()
        self.address: tuple[str, int] = (name[0], name[1])
        self.loopback = is_loopback(name[0])
        self._pause: asyncio.TimerHandle | None = None
        door.loop.add_reader(self.sock.fileno(), self._accept)

    def close(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        self.door.loop.remove_reader(self.sock.fileno())
        self.sock.close()

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_A_TURN):
            try:
                sock, address = self.sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _FULL:
                    # Out of descriptors: the connection stays in the kernel's queue; look again later.
                    self.door.refused("", f"cannot accept: {error.strerror}")
                    self.door.loop.remove_reader(self.sock.fileno())
                    self._pause = self.door.loop.call_later(1.0, self._again)
                    return
                continue  # that one connection was gone before we came to it
            peer = sys.intern(address[0])
            limit = self.door._headcount.admit(peer)
            sock.setblocking(False)
            if limit is not None:
                self.door.refused(peer, f"over {limit} ({getattr(self.door.settings, limit)})")
                _part(sock, self.door.parting(limit), secure=self.door.tls() is not None)
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if self.pinned is not None and (self.pinned == RELAY or self.door.tls() is None):
                self.door._hand_over(sock, peer, self, self.pinned)
            else:
                _Waiting(self.door, sock, peer, self).look()

    def _again(self) -> None:
        self._pause = None
        self.door.loop.add_reader(self.sock.fileno(), self._accept)


def _part(sock: socket.socket, words: bytes, *, secure: bool) -> None:
    """Say it and close: it is heard if its reader is there, and nothing waits for that.

    What has come is read first, or the close would be a reset, which overtakes the words. Who may speak TLS,
    or begins with a length, would not understand them.
    """
    with sock, contextlib.suppress(OSError):
        try:
            begun = sock.recv(_READ_AT_PARTING)[:1]
        except BlockingIOError:
            begun = _TLS_OR_LENGTH[0] if secure else b""
        if begun not in _TLS_OR_LENGTH:
            sock.send(words)


class _Waiting:
    """A connection whose first bytes have not come, or do not tell yet."""

    __slots__ = ("door", "due", "listener", "need", "peer", "sock", "watched")

    def __init__(self, door: Doorman, sock: socket.socket, peer: str, listener: _Listener) -> None:
        self.door = door
        self.sock = sock
        self.peer = peer
        self.listener = listener
        self.need = 1
        self.watched = False
        self.due = UNSET

    def look(self) -> None:
        """See what is there, and wait, hand over or close."""
        try:
            prefix = self.sock.recv(8, socket.MSG_PEEK)
        except BlockingIOError:
            self._wait(1, self.door.settings.first_bytes)
            return
        except OSError:
            self.close()
            return
        if not prefix:
            self.close()
            return
        kind = classify(prefix)
        if isinstance(kind, int):
            if not self.watched or len(prefix) >= self.need:
                self._wait(kind, self.door.settings.handshake)
                return
            kind = "text"  # woken with fewer bytes than asked for: the peer sends no more
        if self.listener.pinned is not None and kind != TLS:
            kind = self.listener.pinned
        self._forget()
        if self.need > 1:
            _set_low_water(self.sock, 1)
        self.door._hand_over(self.sock, self.peer, self.listener, kind)

    def _wait(self, need: int, seconds: float) -> None:
        if need != self.need:
            self.need = need
            _set_low_water(self.sock, need)
        if not self.watched:
            self.watched = True
            self.door._waiting.add(self)
            self.door.loop.add_reader(self.sock.fileno(), self.look)
        if seconds:
            self.door.wheel.set(self, seconds)

    def _forget(self) -> None:
        self.door.wheel.unset(self)
        if self.watched:
            self.door.loop.remove_reader(self.sock.fileno())
            self.door._waiting.discard(self)

    def on_timer(self) -> None:
        """Nothing, or too little, came in time."""
        self.door.refused(self.peer, "its first bytes did not come in time")
        self.close()

    def close(self) -> None:
        self._forget()
        self.sock.close()
        self.door._headcount.dismiss(self.peer)


class _Unwrapped:
    """The same question again, asked of the first decrypted bytes, which are then replayed."""

    __slots__ = ("door", "due", "pinned", "seen", "stream")

    def __init__(self, door: Doorman, stream: Stream, pinned: str | None) -> None:
        self.door = door
        self.stream = stream
        self.pinned = pinned
        self.seen = b""
        self.due = UNSET
        if door.settings.first_bytes:
            door.wheel.set(self, door.settings.first_bytes)

    def on_data(self, data: bytes) -> None:
        self.seen += data
        kind = self.pinned or classify(self.seen)
        if isinstance(kind, str):
            self.door.wheel.unset(self)
            self._become("text" if kind == TLS else kind)

    def _become(self, kind: str) -> None:
        self.stream.handler = self.door.welcome(kind, self.stream)
        if self.stream.paused:
            self.stream.handler.on_pause()
        self.stream.handler.on_data(self.seen)

    def on_eof(self) -> None:
        if self.seen:
            self._become("text")
            self.stream.handler.on_eof()
        else:
            self.stream.close()

    def on_timer(self) -> None:
        self.door.refused(self.stream.peer, "its first bytes did not come in time")
        self.stream.abort()

    def on_close(self, error: Exception | None) -> None:
        del error
        self.door.wheel.unset(self)

    def on_pause(self) -> None: ...

    def on_resume(self) -> None: ...

    def on_overflow(self) -> None: ...

    def on_broken(self) -> bool:
        return False


def _set_low_water(sock: socket.socket, count: int) -> None:
    if sys.platform != "win32":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)
